"""Mixup and CutMix: images and targets, by hand, and as PyTorch's loss takes them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from mnistlab import Recipe
from mnistlab.kernels import AugmentationParams, EpochBatches
from mnistlab.recipe import ModelInput
from mnistlab.training.augmentations import augment, draw_augmentation, mix_targets
from mnistlab.training.backend import choose_backend
from mnistlab.training.loss import Loss
from mnistlab.training.optimizers import Update

BOUNDS = torch.tensor([0, 16, 32, 41])
SHAPE = (3, 8, 6)
BOTH = {"mixup": 0.7, "cutmix": 1.0}


def draw(seed=1, bounds=BOUNDS, shape=SHAPE, **fields):
    random = torch.Generator().manual_seed(seed)
    return draw_augmentation(Recipe(**fields), int(bounds[-1]), shape, random, bounds)


def batches_of(bounds):
    return [slice(start, stop) for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist())]


def test_two_images_mixed_up_by_hand():
    images = torch.stack([torch.zeros(1, 2, 2), torch.full((1, 2, 2), 0.8)])
    params = AugmentationParams(
        {
            "mixup_partners": torch.tensor([1, -1], dtype=torch.int32),
            "mixup_shares": torch.tensor([0.75, 0.25]),
        }
    )
    mixed = augment(images, params)
    assert mixed[0].flatten().tolist() == pytest.approx([0.2] * 4)
    assert mixed[1].flatten().tolist() == pytest.approx([0.2] * 4)
    targets = mix_targets(torch.tensor([2, 0]), 3, params)
    assert targets.tolist() == [[0.25, 0, 0.75], [0.25, 0, 0.75]]


def test_a_box_of_another_image_by_hand():
    images = torch.stack([torch.zeros(1, 2, 4), torch.ones(1, 2, 4)])
    params = AugmentationParams(
        {
            "cutmix_partners": torch.tensor([1, -1], dtype=torch.int32),
            "cutmix_boxes": torch.tensor([[0, 1, 1, 2], [0, 0, 0, 0]], dtype=torch.int32),
            "cutmix_shares": torch.tensor([0.75, 1.0]),
        }
    )
    mixed = augment(images, params)
    assert mixed[0, 0].tolist() == [[0, 1, 1, 0], [0, 0, 0, 0]]
    assert torch.equal(mixed[1], images[1])
    assert mix_targets(torch.tensor([2, 0]), 3, params).tolist() == [[0.25, 0, 0.75], [1, 0, 0]]


@settings(deadline=None)
@given(seed=st.integers(0, 999), smoothing=st.sampled_from([0.0, 0.1]))
def test_the_loss_is_that_of_both_labels_by_their_shares(seed, smoothing):
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(41, 5, dtype=torch.float64, generator=random)
    labels = torch.randint(0, 5, (41,), generator=random)
    params = draw(seed, **BOTH)
    targets = mix_targets(labels, 5, params)
    each = functional.cross_entropy(
        logits, targets.double(), reduction="none", label_smoothing=smoothing
    )
    for kind in ("mixup", "cutmix"):
        shares = params[f"{kind}_shares"].double()
        partners = torch.arange(41) + params[f"{kind}_partners"]
        mine, theirs = (
            functional.cross_entropy(logits, chosen, reduction="none", label_smoothing=smoothing)
            for chosen in (labels, labels[partners])
        )
        mixed = shares < 1
        expected = shares * mine + (1 - shares) * theirs
        torch.testing.assert_close(each[mixed], expected[mixed], atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_partners_are_a_permutation_of_each_batch_and_its_images_are_mixed_alike(kind):
    params = draw(**{kind: 0.5})
    at = torch.arange(41) + params[f"{kind}_partners"]
    for batch in batches_of(BOUNDS):
        assert sorted(at[batch].tolist()) == list(range(batch.start, batch.stop))
        assert len(params[f"{kind}_shares"][batch].unique()) == 1
    # Other batches and epochs have other partners and shares.
    assert len(params[f"{kind}_shares"].unique()) == 3
    other = draw(2, **{kind: 0.5})
    assert not torch.equal(other[f"{kind}_partners"], params[f"{kind}_partners"])
    again = draw(**{kind: 0.5})
    assert all(torch.equal(again[name], params[name]) for name in params)


def test_with_both_each_mixes_half_of_the_batches_and_never_the_same():
    bounds = torch.arange(0, 8001, 4)
    params = draw(bounds=bounds, shape=(1, 20, 20), mixup=1.0, cutmix=1.0)
    averaged, pasted = params["mixup_shares"] < 1, params["cutmix_shares"] < 1
    assert not (averaged & pasted).any()
    assert averaged.float().mean().item() == pytest.approx(0.5, abs=0.05)
    # A box of less than a pixel is none.
    assert pasted.float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert (averaged[::4] == averaged[3::4]).all()
    # One of the two alone mixes every batch.
    assert (draw(bounds=bounds, mixup=1.0)["mixup_shares"] < 1).all()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_have_the_spread_of_the_beta_distribution(alpha):
    bounds = torch.arange(20_001)
    shares = draw(bounds=bounds, mixup=alpha)["mixup_shares"]
    assert shares.mean().item() == pytest.approx(0.5, abs=0.01)
    assert shares.std().item() == pytest.approx((1 / (4 * (2 * alpha + 1))) ** 0.5, rel=0.03)


def test_boxes_have_the_images_proportions_and_their_share_is_their_area():
    bounds = torch.arange(0, 4001, 2)
    params = draw(bounds=bounds, shape=(1, 40, 20), cutmix=1.0)
    top, left, height, width = params["cutmix_boxes"].T
    assert torch.equal(params["cutmix_shares"], 1 - height * width / 800)
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + height).max() <= 40
    assert (left + width).max() <= 20
    whole = (top > 0) & (left > 0) & (top + height < 40) & (left + width < 20)
    assert whole.any()
    assert ((height - 2 * width).abs() <= 1)[whole].all()


@pytest.mark.parametrize("kernels", ["auto", "torch"])
def test_the_accuracy_counts_the_label_with_the_larger_share(kernels):
    """A model that always says class 1 is right where that has the majority, or its own half."""
    shares = torch.tensor([0.9, 0.4, 0.5, 0.3, 0.5, 0.6])
    labels = torch.tensor([1, 0, 1, 1, 0, 0])
    swapped = torch.tensor([1, -1, 1, -1, 1, -1], dtype=torch.int32)
    images = torch.zeros(6, 1, 2, 2, dtype=torch.uint8)
    batches = EpochBatches(
        images=images,
        labels=labels,
        order=torch.arange(6),
        bounds=torch.tensor([0, 6]),
        augmentation=AugmentationParams({"mixup_partners": swapped, "mixup_shares": shares}),
        rates=torch.zeros(1, dtype=torch.float64),
        dropout_seeds=torch.zeros(1, dtype=torch.int64),
        losses=torch.zeros(1),
        correct=torch.zeros(1, dtype=torch.int32),
    )
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.copy_(torch.tensor([0.0, 1.0]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    device = torch.device("cpu")
    model_input = ModelInput(channels=1, height=2, width=2, fit="none", mean=(0.5,), std=(0.5,))
    recipe = Recipe(momentum=0.0)
    backend = choose_backend(
        model, recipe, Update(model, recipe, optimizer, []), Loss(), model_input, 2, device, kernels
    )
    assert (backend.kernels == "torch") == (kernels == "torch")
    backend.train(batches, 0, 1)
    # The leading labels are 1, 1 (the partner's 0.6), 1 (its own half), 1 (both are), 0 and 0.
    assert batches.correct.tolist() == [4]
