"""CudaGraphBackend, compared with TorchBackend; the capture just repeats the step, on the CPU."""

import pytest
import torch

from mnistlab.recipe import Recipe
from mnistlab.runs.options import ignore, never
from mnistlab.training.augmentations import augment
from mnistlab.training.cuda_graph import CudaGraphBackend
from mnistlab.training.optimizers import Update
from mnistlab.training.trainer import Trainer
from tests.training.test_backend import CPU, EVERYTHING


def repeat(step):
    """Warm up, as a capture does, and return the result in the same tensors at every call."""
    step()
    results = [value.clone() for value in step()]

    def replay():
        for kept, value in zip(results, step()):
            kept.copy_(value)
        return results

    return replay


def refuse(step):
    step()
    raise RuntimeError("operation not permitted\nwhen stream is capturing")


def trained(recipe, dataset, capture=None):
    trainer = Trainer(recipe, dataset, 0, CPU, "torch")
    if capture:
        update = Update(trainer.model, recipe, trainer.optimizer, trainer.averaging.ema)
        arguments = (
            trainer.model,
            recipe,
            update,
            trainer.loss,
            trainer.input,
            CPU,
            "requested",
        )
        trainer.backend = CudaGraphBackend(*arguments, capture=capture)
    trainer.run(ignore, never)
    return trainer


@pytest.mark.parametrize("capture", [repeat, refuse])
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(batch_norm=True, dropout=0.5, epochs=2, batch_size=64, **EVERYTHING),
        Recipe(momentum=0.0, epochs=2, batch_size=600),
        Recipe(model="mlp", epochs=1, batch_size=37, nesterov=True),
    ],
    ids=["everything", "one batch", "a last batch of another size"],
)
def test_captured_steps_are_plain_ones_bit_for_bit(small_mnist, recipe, capture):
    plain, graphed = trained(recipe, small_mnist), trained(recipe, small_mnist, capture)
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, graphed.model.state_dict()[name]), name
    for ours, theirs in zip(plain.averaging.averages, graphed.averaging.averages):
        assert torch.equal(ours, theirs)
    assert [e.train_loss for e in plain.history] == [e.train_loss for e in graphed.history]


def test_adamw_agrees_to_the_rounding_of_its_rate(small_mnist):
    recipe = Recipe(
        model="mlp",
        epochs=1,
        batch_size=64,
        optimizer="adamw",
        learning_rate=1e-3,
        schedule="onecycle",
    )
    plain, graphed = trained(recipe, small_mnist), trained(recipe, small_mnist, repeat)
    for ours, theirs in zip(plain.model.parameters(), graphed.model.parameters()):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_what_cannot_be_captured_says_so_once(small_mnist):
    tries = []

    def count(step):
        tries.append(1)
        return refuse(step)

    trainer = trained(Recipe(model="mlp", epochs=2, batch_size=64), small_mnist, count)
    assert len(tries) == 1
    assert (
        trainer.backend.reason
        == "requested; not captured: operation not permitted when stream is capturing"
    )


def test_a_step_makes_no_constants_anew(small_mnist, monkeypatch):
    """On CUDA each would make the device wait for the host, and a capture forbids it."""
    recipe = Recipe(epochs=1, batch_size=64, **EVERYTHING)
    trainer = Trainer(recipe, small_mnist, 0, CPU, "torch")
    batches = trainer.epoch_batches(trainer.epoch)
    trainer.backend.train(batches, 0, 1)

    def forbidden(*arguments, **options):
        raise AssertionError("made from the host's values")

    monkeypatch.setattr(torch, "tensor", forbidden)
    pixels = augment(torch.rand(64, 1, 32, 32), batches.augmentation.of(0, 64, CPU))
    assert pixels.shape == (64, 1, 32, 32)
