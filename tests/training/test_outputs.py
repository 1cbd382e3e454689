"""Probabilities where logits are expected are pointed out."""

import pytest
from torch import nn

from mnistlab import Recipe, train
from mnistlab.recipe import ModelInput
from mnistlab.training.events import RunStarted
from mnistlab.training.outputs import output_notes
from tests.reliability.kinds import tiny_dataset

INPUT = ModelInput(channels=1, height=6, width=6, fit="none", mean=(0.5,), std=(0.5,))


def network(*last):
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 4), *last)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_softmax_at_the_end_is_pointed_out(loss):
    (note,) = output_notes(network(nn.Softmax(1)), Recipe(loss=loss), INPUT)
    assert note.startswith(f"the model ends in softmax, but the loss {loss} takes logits")


@pytest.mark.parametrize(
    "model",
    [
        network(),
        network(nn.LogSoftmax(1)),
        network(nn.Sigmoid()),
        network(nn.Unflatten(1, (1, 4))),
        nn.Linear(5, 4),  # which fails
    ],
)
def test_nothing_else_is(model):
    assert output_notes(model, Recipe(), INPUT) == ()


@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy", "own.py:loss"])
def test_other_losses_may_want_probabilities(loss):
    assert output_notes(network(nn.Softmax(1)), Recipe(loss=loss), INPUT) == ()


def test_it_is_said_when_training_starts(tmp_path):
    net = tmp_path / "net.py"
    net.write_text(
        "from torch import nn\n\n\ndef build(shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(1024, classes), nn.Softmax(1))\n"
    )
    events = []
    train(Recipe(model=f"{net}:build", epochs=1), tiny_dataset(), on_event=events.append)
    (started,) = (event for event in events if isinstance(event, RunStarted))
    assert any("ends in softmax" in note for note in started.notes)
