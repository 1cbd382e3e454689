"""The two backends, compared on real digits."""

import pytest
import torch

from mnistlab import make_dataset
from mnistlab.data import Split
from mnistlab.kernels import load_library
from mnistlab.recipe import Recipe
from mnistlab.runs.options import ignore, never
from mnistlab.training.diagnosis import diagnose, examine_model
from mnistlab.training.trainer import Trainer

CPU = torch.device("cpu")
EVERYTHING = {
    "rotation": 5.0,
    "translation": 2.0,
    "scale": 0.1,
    "shear": 5.0,
    "elastic": 0.5,
    "erasing": 0.3,
    "blur": (0.1, 1.0),
    "flip_horizontal": 0.5,
    "flip_vertical": 0.5,
    "crop": 3,
    "colour_jitter": (0.4, 0.3, 0.2),
    "cutout": 7,
    "mixup": 0.4,
    "cutmix": 1.0,
    "label_smoothing": 0.1,
    "schedule": "cosine",
    "averaging": 0.9,
    "weight_decay": 0.01,
}


# Without pooling, where near ties would send gradients elsewhere, ten steps agree to rounding.
@pytest.mark.parametrize(
    "optimizer",
    [{}, {"nesterov": True}, {"momentum": 0.0}, {"optimizer": "adamw", "learning_rate": 1e-3}],
    ids=str,
)
def test_an_epoch_is_plain_pytorchs(small_mnist, optimizer):
    recipe = Recipe(model="mlp", epochs=1, batch_size=60, **EVERYTHING).replace(**optimizer)
    fast, plain = (Trainer(recipe, small_mnist, 0, CPU, kernels) for kernels in ("auto", "torch"))
    assert (fast.backend.kernels, plain.backend.kernels) == (load_library().build, "torch")
    for trainer in (fast, plain):
        trainer.run(ignore, never)
    for pairs in (
        zip(fast.model.parameters(), plain.model.parameters()),
        zip(fast.averaging.averages, plain.averaging.averages),
    ):
        for ours, theirs in pairs:
            apart = ~torch.isclose(ours, theirs, atol=2e-6, rtol=1e-5)
            # Adam divides a gradient by its own size, so for a few near zero the rounding becomes
            # part of a step.
            assert apart.sum() <= (
                len(ours.flatten()) / 10_000 if recipe.optimizer == "adamw" else 0
            )
            torch.testing.assert_close(ours[apart], theirs[apart], atol=5e-5, rtol=0)
    ours, theirs = fast.history[0], plain.history[0]
    assert ours.train_loss == pytest.approx(theirs.train_loss, abs=1e-5)
    assert ours.train_accuracy == theirs.train_accuracy
    assert ours.test_loss == pytest.approx(theirs.test_loss, abs=1e-5)


def test_averages_are_tested_and_saved_and_training_continues_from_the_weights(small_mnist):
    recipe = Recipe(model="mlp", epochs=2, batch_size=60, averaging=0.99)
    averaged, bare = (
        Trainer(r, small_mnist, 0, CPU) for r in (recipe, recipe.replace(averaging=0.0))
    )
    for trainer in (averaged, bare):
        trainer.run(ignore, never)
    assert torch.equal(averaged.model.output.weight, bare.model.output.weight)
    assert averaged.history[1].train_loss == bare.history[1].train_loss
    assert averaged.history[1].test_loss != bare.history[1].test_loss
    averaged.swap_in_averages()
    assert not torch.equal(averaged.model.output.weight, bare.model.output.weight)


def test_real_digits_are_learnt_alike(mnist):
    """After 8,000 digits both are near 94 %, as measured, and within a point of each other."""
    parts = [(mnist.train, 8000), (mnist.test, 5000)]
    digits = make_dataset("digits", *(Split(s.images[:n], s.labels[:n]) for s, n in parts))
    recipe = Recipe(epochs=1, batch_norm=True, learning_rate=0.05)
    fast, plain = (Trainer(recipe, digits, 0, CPU, kernels) for kernels in ("auto", "torch"))
    for trainer in (fast, plain):
        trainer.run(ignore, never)
    assert fast.history[0].test_accuracy > 0.9
    assert abs(fast.history[0].test_accuracy - plain.history[0].test_accuracy) < 0.02


def test_a_model_without_native_kernels_trains_in_pytorch(small_mnist, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\ndef build(shape, classes):\n    return nn.Sequential(nn.Flatten(),"
        " nn.Linear(1024, 20), nn.Hardshrink(), nn.Linear(20, classes))\n"
    )
    recipe = Recipe(model=f"{tmp_path / 'mine.py'}:build", epochs=1)
    trainer = Trainer(recipe, small_mnist, 0, CPU)
    assert trainer.backend.kernels == "torch"
    assert trainer.backend.reason == "2 (Hardshrink): has no native kernel"
    assert trainer.run(ignore, never)
    found = examine_model(recipe, small_mnist)
    assert found.reason == "2 (Hardshrink): has no native kernel"
    assert found.input == trainer.input


def test_built_in_models_have_native_kernels(small_mnist):
    for model in ("lenet5", "mlp"):
        recipe = Recipe(model=model, batch_norm=True, dropout=0.5)
        assert examine_model(recipe, small_mnist).reason == ""


def test_the_diagnosis_names_what_is_in_use():
    found = diagnose()
    assert found.reason == ""
    assert found.environment.kernels in found.builds


def test_flops_are_counted_by_hand(small_mnist):
    trainer = Trainer(Recipe(), small_mnist, 0, CPU)
    products = {
        "conv1": 6 * 25 * 784,
        "conv2": 16 * 150 * 100,
        "rest": 120 * 400 + 84 * 120 + 10 * 84,
    }
    # An addition and a product each; forward, gradient of the weights and, except for the image,
    # of the input.
    expected = 2 * (2 * products["conv1"] + 3 * products["conv2"] + 3 * products["rest"])
    assert trainer.backend.flops == expected
