"""Weight averaging, compared with its definition and with torch.optim.swa_utils."""

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, update_bn

from mnistlab import make_dataset
from mnistlab.data import Split
from mnistlab.recipe import Recipe
from mnistlab.runs.options import ignore, never
from mnistlab.training.augmentations import augment
from mnistlab.training.averaging import WeightAveraging
from mnistlab.training.events import EpochDone
from mnistlab.training.input import normalise, to_float
from mnistlab.training.trainer import Trainer

CPU = torch.device("cpu")
RECIPE = Recipe(batch_norm=True, rotation=10.0, epochs=4, batch_size=30, swa=3)
EMA = RECIPE.replace(swa=0, averaging=0.9)
KERNELS = ("auto", "torch")


@pytest.fixture(scope="module")
def small_mnist(small_mnist):
    """300 training and 100 test images: ten batches per epoch."""
    train, test = small_mnist.train, small_mnist.test
    return make_dataset(
        "small",
        Split(train.images[:300], train.labels[:300]),
        Split(test.images[:100], test.labels[:100]),
    )


def trained(recipe, dataset, kernels, each_epoch=lambda trainer: None):
    trainer = Trainer(recipe, dataset, 0, CPU, kernels)
    assert (trainer.backend.kernels == "torch") == (kernels == "torch")
    trainer.run(lambda event: each_epoch(trainer) if isinstance(event, EpochDone) else None, never)
    return trainer


@pytest.mark.parametrize("kernels", KERNELS)
def test_the_mean_of_the_last_epochs_weights_is_kept(small_mnist, kernels):
    theirs = []

    def update(trainer):
        if len(trainer.history) == 2:
            theirs.append(AveragedModel(trainer.model))
        if len(trainer.history) >= 2:
            theirs[0].update_parameters(trainer.model)

    trainer = trained(RECIPE, small_mnist, kernels, update)
    trainer.swap_in_averages()
    for ours, expected in zip(
        trainer.model.parameters(), theirs[0].module.parameters(), strict=True
    ):
        torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("images", "count"), [(50, 2), (10_000, 10)])
@pytest.mark.parametrize("recipe", [RECIPE, EMA], ids=["swa", "ema"])
@pytest.mark.parametrize("kernels", KERNELS)
def test_batch_norm_statistics_are_those_of_the_last_epochs_augmented_images(
    small_mnist, monkeypatch, kernels, recipe, images, count
):
    monkeypatch.setattr("mnistlab.training.trainer.UPDATE_BN_IMAGES", images)
    trainer = trained(recipe, small_mnist, kernels)
    before = [value.clone() for value in trainer.model.state_dict().values()]
    swap_out = trainer.swap_in_averages()
    ours = {
        name: value.clone()
        for name, value in trainer.model.state_dict().items()
        if "running" in name
    }
    assert len(ours) == 8
    batches = trainer.epoch_batches(RECIPE.epochs)
    assert len(trainer.bounds) == 10
    seen = []
    for start, stop in trainer.bounds[:count]:
        pixels = to_float(batches.images[batches.order[start:stop]])
        seen.append(
            normalise(augment(pixels, batches.augmentation.of(start, stop, CPU)), trainer.input)
        )
    update_bn(seen, trainer.model)
    for name, value in ours.items():
        torch.testing.assert_close(value, trainer.model.state_dict()[name], atol=1e-5, rtol=1e-4)
    swap_out()
    for value, known in zip(trainer.model.state_dict().values(), before, strict=True):
        assert torch.equal(value, known)
    assert trainer.model.norm1.momentum == 0.1


def test_an_average_that_lags_far_behind_is_tested_with_its_own_statistics(small_mnist):
    recipe = Recipe(
        batch_norm=True, dropout=0.0, epochs=6, batch_size=20, learning_rate=0.1, averaging=0.97
    )
    trainer = trained(recipe, small_mnist, "auto")
    stale = Trainer(recipe.replace(averaging=0.0), small_mnist, 0, CPU)
    stale.model.load_state_dict(trainer.model.state_dict())
    for parameter, average in zip(
        stale.model.parameters(), trainer.averaging.averages, strict=True
    ):
        parameter.data.copy_(average)
    labels = torch.from_numpy(small_mnist.test.labels)
    accuracy = float((stale.test_logits().argmax(1) == labels).float().mean())
    assert trainer.history[-1].test_accuracy > accuracy + 0.03


@pytest.mark.parametrize("kernels", KERNELS)
def test_training_itself_stays_as_it_is(small_mnist, kernels):
    ours, bare = (
        trained(recipe, small_mnist, kernels) for recipe in (RECIPE, RECIPE.replace(swa=0))
    )
    for one, other in zip(
        ours.model.state_dict().values(), bare.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)
    for one, other in zip(ours.history, bare.history, strict=True):
        assert one.train_loss == other.train_loss
        # The mean of a single epoch's weights differs in its batch norm statistics only.
        assert (one.test_loss == other.test_loss) == (one.epoch == 1)


def test_the_mean_of_one_epoch_is_that_epochs(small_mnist):
    recipe = RECIPE.replace(batch_norm=False, swa=1)
    ours, bare = (trained(r, small_mnist, "auto") for r in (recipe, recipe.replace(swa=0)))
    assert ours.history[-1].test_loss == bare.history[-1].test_loss


def test_the_mean_is_exact_for_weights_known_by_hand():
    model = torch.nn.Linear(1, 1, bias=False)
    averaging = WeightAveraging(model, Recipe(epochs=5, swa=4))
    for epoch, weight in enumerate([100.0, 1.0, 2.0, 3.0, 6.0], start=1):
        model.weight.data.fill_(weight)
        averaging.update(epoch)
    averaging.swap_in(5, lambda: pytest.fail("there is no batch normalisation"))
    assert model.weight.item() == 3.0


def test_a_model_without_batch_normalisation_needs_no_statistics(small_mnist):
    trainer = Trainer(Recipe(model="mlp", epochs=1, swa=1), small_mnist, 0, CPU)
    trainer.backend.forward_only = lambda batches: pytest.fail("no forward pass is needed")
    trainer.run(ignore, never)
