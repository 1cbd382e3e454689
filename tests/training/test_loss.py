"""Losses of one's own: trained as PyTorch does, and refused in one line where they cannot be."""

import json
import math

import pytest
import torch

from mnistlab import Recipe, load, make_dataset, train
from mnistlab.data import Split
from mnistlab.errors import MnistlabError, ModelError, RunError, TrainingError
from mnistlab.training import RunStarted

OWN = """
import torch
from torch.nn import functional

from helper import GAMMA


def focal(logits, labels):
    \"\"\"Lin et al., 2017.\"\"\"
    right = functional.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    return -((1 - right.exp()) ** GAMMA * right).mean()


def plain(logits, labels):
    return functional.cross_entropy(logits, labels)


def below_zero(logits, labels):
    return functional.cross_entropy(logits, labels) - 100


def every_image(logits, labels):
    return functional.cross_entropy(logits, labels, reduction="none")


def number(logits, labels):
    return functional.cross_entropy(logits, labels).item()


def detached(logits, labels):
    return functional.cross_entropy(logits.detach(), labels)


def of_nothing(logits, labels):
    return torch.zeros((), requires_grad=True) + 1


def one_argument(logits):
    return logits.mean()


def later(logits, labels, calls=[]):
    calls.append(1)
    if len(calls) > 4:
        raise ValueError("the fourth batch")
    return functional.cross_entropy(logits, labels)


def not_a_number(logits, labels):
    return functional.cross_entropy(logits, labels) * float("nan")


def not_finite(logits, labels, calls=[]):
    calls.append(1)
    return functional.cross_entropy(logits, labels) * (float("nan") if len(calls) > 4 else 1)


class Focal(torch.nn.Module):
    def forward(self, logits, labels):
        return plain(logits, labels)


ready = Focal()
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "helper.py").write_text("GAMMA = 2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def small(mnist):
    parts = [(mnist.train, 160), (mnist.test, 60)]
    return make_dataset("small", *(Split(s.images[:n], s.labels[:n]) for s, n in parts))


def recipe_of(loss, **fields):
    return Recipe(model="mlp", epochs=2, batch_size=32, loss=loss, **fields)


@pytest.mark.parametrize("name", ["plain", "ready"])
def test_cross_entropy_as_ones_own_gives_the_bits_of_cross_entropy(small, own, name):
    events = []
    own_loss = recipe_of(f"own.py:{name}")
    mine = train(own_loss, small, threads=1, kernels="torch", on_event=events.append)
    theirs = train(recipe_of("cross_entropy"), small, threads=1, kernels="torch")
    assert all(map(torch.equal, mine.model.parameters(), theirs.model.parameters()))
    assert mine.record.history[0].train_loss == theirs.record.history[0].train_loss
    (started,) = (event for event in events if isinstance(event, RunStarted))
    assert started.reason == "requested"


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "mse", "focal", "own.py:plain"])
def test_the_native_kernels_train_as_pytorch_does(small, own, loss):
    fast, plain = (train(recipe_of(loss), small, threads=1, kernels=k) for k in ("auto", "torch"))
    assert (plain.record.environment.kernels, fast.record.environment.kernels != "torch") == (
        "torch",
        True,
    )
    for ours, theirs in zip(fast.model.parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-3)
    assert fast.record.history[-1].train_loss == pytest.approx(
        plain.record.history[-1].train_loss, rel=1e-4
    )


def test_the_records_training_loss_is_ones_own_and_its_test_loss_cross_entropy(small, own):
    mine, theirs = (
        train(recipe_of(loss), small, threads=1, kernels="torch").record
        for loss in ("own.py:below_zero", "cross_entropy")
    )
    for ours, plain in zip(mine.history, theirs.history):
        assert ours.train_loss == pytest.approx(plain.train_loss - 100, abs=1e-4)
        assert ours.test_loss == plain.test_loss


def test_a_run_is_read_without_its_loss_and_resumed_only_with_the_same(small, own):
    recipe = recipe_of("own.py:focal")
    record = train(recipe, small, folder="run").record
    assert record.code["loss"].imports.keys() == {"helper"}
    stored = json.loads((own / "run" / "record.json").read_text())
    assert stored["code"]["loss"]["source"] == record.code["loss"].source
    (own / "helper.py").write_text("GAMMA = 3\n")
    with pytest.raises(RunError, match=r"helper\.py, which own\.py:focal imports, has changed"):
        train(recipe, small, folder="run", resume=True)
    (own / "own.py").unlink()
    assert load("run").record == record


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("every_image", r"returned a tensor of shape \(32,\); it must return one number"),
        ("number", r"returned \d.*; it must return one number as a tensor"),
        ("Focal", "it must return one number|failed in the loss: TypeError"),
        ("detached", "its loss has no gradient"),
        ("of_nothing", "its loss does not depend on the logits"),
        ("not_a_number", "gives nan for 32 random logits"),
        ("one_argument", "failed in the loss: TypeError"),
        ("fokal", "no function 'fokal'; it defines"),
    ],
)
def test_what_cannot_be_minimised_is_refused_before_training(small, own, name, message):
    with pytest.raises(ModelError, match=message) as refusal:
        train(recipe_of(f"own.py:{name}"), small, folder="run")
    assert str(refusal.value).startswith(f"own.py:{name}: ")
    assert "\n" not in str(refusal.value)
    assert not (own / "run").exists()


def test_a_missing_file_is_named(small, own):
    with pytest.raises(MnistlabError, match=r"none\.py:focal: there is no file none\.py"):
        train(recipe_of("none.py:focal"), small)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("later", r"own\.py:later: failed in the loss: ValueError: the fourth batch"),
        ("not_finite", "the loss is not finite"),
    ],
)
def test_what_fails_later_is_told_in_one_line(small, own, name, message):
    with pytest.raises(TrainingError, match=message):
        train(recipe_of(f"own.py:{name}"), small)


def test_focal_loss_learns(small, own):
    history = train(recipe_of("own.py:focal", learning_rate=0.05), small).record.history
    assert history[1].train_loss < history[0].train_loss
    assert math.isfinite(history[1].test_loss)
