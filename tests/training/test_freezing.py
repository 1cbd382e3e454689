"""Frozen parameters stay as they are, in the native kernels and in PyTorch alike."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import mnistlab
from mnistlab import Recipe
from mnistlab.errors import ModelError
from mnistlab.models import build_model, count_parameters
from mnistlab.training.freezing import freeze
from mnistlab.training.input import normalise, to_float
from mnistlab.training.trainer import Trainer, make_optimizer

CPU = torch.device("cpu")
CONVNET = Recipe(
    model="convnet",
    channels=[[6], [8]],
    batch_norm=True,
    batch_size=32,
    epochs=3,
    weight_decay=0.05,
    averaging=0.9,
    freeze=("*1*",),
)


def of(recipe):
    return dict(build_model(recipe, (1, 32, 32), 10).named_parameters())


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("kernels", ["auto", "torch"])
def test_ten_steps_equal_plain_pytorch(optimizer, last, kernels, small_mnist):
    names = list(of(CONVNET))
    frozen = names[-3:] if last else names[:3]
    recipe = CONVNET.replace(optimizer=optimizer, freeze=frozen, averaging=0)
    # Adam divides by gradients near zero, which enlarges differences of rounding.
    recipe = recipe.replace(learning_rate=0.001 if optimizer == "adamw" else 0.01)
    trainer = Trainer(recipe, small_mnist, 0, CPU, kernels)
    assert (trainer.backend.kernels == "torch") == (kernels == "torch")
    twin, start = copy.deepcopy(trainer.model), copy.deepcopy(trainer.model.state_dict())
    for name, parameter in twin.named_parameters():
        assert parameter.requires_grad == (name not in frozen)
    updates = make_optimizer(twin, recipe)
    batches = trainer.epoch_batches(1)
    trainer.backend.train(batches, 0, 10)
    for batch in range(10):
        begin, end = batches.bounds[batch : batch + 2].tolist()
        chosen = batches.order[begin:end]
        pixels = normalise(to_float(batches.images[chosen]), trainer.input)
        updates.zero_grad()
        functional.cross_entropy(twin(pixels), batches.labels[chosen]).backward()
        updates.step()
    found, expected = trainer.model.state_dict(), twin.state_dict()
    for name in found:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=2e-4)
        assert torch.equal(found[name], start[name]) == (name in frozen), name


def test_a_frozen_run_resumes_bit_for_bit_and_says_what_is_frozen(small_mnist, tmp_path):
    straight = mnistlab.train(CONVNET, small_mnist, folder=tmp_path / "straight")
    asked = iter([False] * 25 + [True])
    assert (
        mnistlab.train(CONVNET, small_mnist, folder=tmp_path / "a", should_stop=lambda: next(asked))
        is None
    )
    resumed = mnistlab.train(CONVNET, small_mnist, folder=tmp_path / "a", resume=True)
    for name, value in straight.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name])
    record, everything = resumed.record, count_parameters(build_model(CONVNET, (1, 32, 32), 10))
    assert record.parameters + record.frozen.parameters == everything
    assert 0 < record.frozen.parameters < everything
    assert all("1" in name for name in record.frozen.tensors)
    assert f"and {record.frozen.parameters:,} frozen" in record._repr_html_()
    loaded = mnistlab.load(tmp_path / "a")
    # Read with PyTorch, tested with the native kernels.
    np.testing.assert_allclose(
        loaded.logits(small_mnist.test.images), resumed.test_logits, atol=1e-4
    )


def test_batch_norm_in_a_frozen_layer_measures_on_and_this_is_said():
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Linear(16, 3))
    frozen = freeze(model, ["1"], (1, 4, 4), "net.py:build")
    assert (frozen.parameters, frozen.tensors) == (32, ("1.weight", "1.bias"))
    assert frozen.measuring == ("1",)
    model(torch.rand(5, 1, 4, 4))
    assert model[1].num_batches_tracked == 1


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["conv9*"], "freeze: conv9*: net has no such parameter; did you mean conv1?"),
        (["conv1", "zz"], "freeze: zz: net has no such parameter; it has conv1.weight, conv1.bias"),
        (["*"], "freeze: *: would freeze all parameters of net; leave some to train"),
        (["conv1", "head"], "the logits of net do not depend on the parameters that would be left"),
    ],
)
def test_a_pattern_that_makes_no_sense_is_refused(patterns, message):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.head = nn.Conv2d(1, 2, 4), nn.Linear(2, 3)
            self.unused = nn.Linear(2, 2)

        def forward(self, x):
            return self.head(self.conv1(x).flatten(1))

    with pytest.raises(ModelError) as caught:
        freeze(Net(), patterns, (1, 4, 4), "net")
    assert message in str(caught.value)
