"""Gathering and augmentation in a plan, compared with mnistlab.training.augmentations.

A plan does not return its augmented images, but they follow from the gradients of a linear model
whose weights are zero.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mnistlab import Recipe
from mnistlab.kernels import AugmentationParams, EpochBatches, Plan
from mnistlab.training.augmentations import augment, draw_augmentation, mix_targets
from mnistlab.training.augmentations.resample import affine_matrices
from mnistlab.training.input import to_float

SEEDS = st.integers(0, 10_000)
SHAPES = st.tuples(st.integers(1, 3), st.integers(2, 20), st.integers(2, 20))
COUNTS = st.integers(1, 37)
modest = settings(deadline=None, max_examples=20)


def seen_by_the_model(images, order, augmentation, *, mean=0.0, std=1.0, threads=1, first=0):
    """The images at ``order[first:]`` as the model gets them, all in one batch.

    With n images, n + 1 classes and a label for each image, all logits are 0 and the gradient of
    class k's weights is (the sum of all images / (n + 1) - image k) / n; of the last class, without
    the image.
    """
    shape, count = tuple(images.shape[1:]), len(order) - first
    model = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), count + 1))
    nn.init.zeros_(model[1].weight)
    nn.init.zeros_(model[1].bias)
    labels = torch.zeros(len(images), dtype=torch.int64)
    labels[order[first:]] = torch.arange(count)
    batches = EpochBatches(
        images=images,
        labels=labels,
        order=order,
        bounds=torch.tensor([0, first, first + count]),
        augmentation=augmentation,
        rates=torch.zeros(2, dtype=torch.float64),
        dropout_seeds=torch.zeros(2, dtype=torch.int64),
        losses=torch.zeros(2),
        correct=torch.zeros(2, dtype=torch.int32),
    )
    plan = Plan(model, shape, count + 1, mean=mean, std=std)
    plan.train(batches, 1, 2, None, threads=threads)
    gradient = model[1].weight.grad.double()
    return (count * (gradient[-1] - gradient[:-1])).view(count, *shape)


def some_images(count, shape, seed):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=random), random


def assert_same_as_pytorch(shape, count, seed, augmentation, **options):
    """Compare a plan with PyTorch on shuffled images, as many as there are augmentations.

    If images are mixed, a class's gradient holds its share of every image.
    """
    images, random = some_images(count, shape, seed)
    order = torch.randperm(count, generator=random)
    expected = augment(to_float(images[order]), augmentation)
    targets = mix_targets(torch.arange(count), count, augmentation)
    if targets.is_floating_point():
        expected = torch.einsum("ik,ichw->kchw", targets, expected)
    seen = seen_by_the_model(images, order, augmentation, **options)
    torch.testing.assert_close(seen, expected.double(), atol=2e-5, rtol=0)


def matrices(count, random):
    low, high = torch.tensor([-3.2, 0.5, -0.8, -4.0, -4.0]), torch.tensor([3.2, 2.0, 0.8, 4.0, 4.0])
    drawn = low + (high - low) * torch.rand(count, 5, generator=random)
    return affine_matrices(*drawn.unbind(1)).contiguous()


def displacements(count, points, random):
    return torch.randn(count, 2, points, points, generator=random) * 2


def sigmas(count, random):
    drawn = 2 * torch.rand(count, generator=random)
    drawn[torch.rand(count, generator=random) < 0.3] = 0
    return drawn


def erasures(count, shape, random):
    """Boxes within the image: some are empty, one is the whole image."""
    sides = torch.tensor(shape[1:])
    corners = (torch.rand(count, 2, generator=random) * (sides + 1)).long().clamp(max=sides)
    extents = (
        (torch.rand(count, 2, generator=random) * (sides - corners + 1))
        .long()
        .clamp(max=sides - corners)
    )
    boxes = torch.cat([corners, extents], dim=1)
    boxes[0] = torch.tensor([0, 0, *sides])
    return boxes.to(torch.int32)


@modest
@given(
    shape=SHAPES,
    count=COUNTS,
    mean=st.floats(0, 1),
    std=st.floats(0.1, 2),
    threads=st.integers(1, 3),
)
def test_images_are_gathered_and_normalised(shape, count, mean, std, threads):
    images, random = some_images(3 * count, shape, 0)
    order = torch.randperm(3 * count, generator=random)[:count]
    seen = seen_by_the_model(
        images, order, AugmentationParams(), mean=mean, std=std, threads=threads
    )
    torch.testing.assert_close(seen, (images[order].double() / 255 - mean) / std, atol=2e-5, rtol=0)


@modest
@given(count=COUNTS, side=st.integers(2, 9), augmented=st.booleans())
def test_each_channel_is_normalised_by_its_own_mean_and_deviation(count, side, augmented):
    mean, std = (0.1, 0.5, 0.8), [0.2, 0.7, 1.1]
    images, _ = some_images(count, (3, side, side), 0)
    turned = {"inversions": torch.ones(count)} if augmented else {}
    seen = seen_by_the_model(
        images, torch.arange(count), AugmentationParams(turned), mean=mean, std=std
    )
    unit = images.double() / 255
    expected = ((1 - unit if augmented else unit) - tensor_of(mean)) / tensor_of(std)
    torch.testing.assert_close(seen, expected, atol=2e-5, rtol=0)


def tensor_of(values):
    return torch.tensor(values, dtype=torch.float64).view(3, 1, 1)


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 4, 4)])
def test_as_many_means_as_channels_are_needed(shape):
    model = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 2))
    for wrong in ({"mean": (0.1, 0.2), "std": 1.0}, {"mean": 0.1, "std": (0.1, 0.2)}):
        with pytest.raises(ValueError, match=f"2 means or deviations for {shape[0]} channels"):
            Plan(model, shape, 2, **wrong)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 9), (3, 7, 1)])
def test_images_of_a_single_row_or_column(shape):
    images, _ = some_images(5, shape, 1)
    seen = seen_by_the_model(images, torch.arange(5), AugmentationParams())
    torch.testing.assert_close(seen, images.double() / 255, atol=1e-6, rtol=0)


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_matrices(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams({"matrices": matrices(count, random)})
    )


@modest
@given(shape=SHAPES, count=COUNTS, points=st.integers(4, 9), seed=SEEDS)
def test_displacements(shape, count, points, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape,
        count,
        seed,
        AugmentationParams({"displacements": displacements(count, points, random)}),
    )


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_blur(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams({"sigmas": sigmas(count, random)})
    )


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_erasure(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams({"erasures": erasures(count, shape, random)})
    )


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_erasure_with_a_grey(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    boxes, greys = erasures(count, shape, random), torch.rand(count, generator=random)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams({"erasures": boxes, "fills": greys})
    )


def filters(count, random):
    drawn = torch.randn(count, 5, 5, generator=random)
    drawn[torch.rand(count, generator=random) < 0.3] = 0
    return drawn


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_filter(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams({"filters": filters(count, random)})
    )


def test_a_filter_makes_an_image_of_one_grey_black():
    images = torch.full((2, 1, 3, 3), 255, dtype=torch.uint8)
    images[1, 0, 1, 1] = 0
    everything_alike = torch.zeros(2, 5, 5)
    everything_alike[:, 2, 2] = 1
    seen = seen_by_the_model(
        images, torch.arange(2), AugmentationParams({"filters": everything_alike})
    )
    assert seen[0].abs().max() < 1e-6
    torch.testing.assert_close(seen[1], images[1].double() / 255, atol=1e-5, rtol=0)


def noise(count, shape, random):
    pixels = shape[0] * shape[1] * shape[2]
    return {
        "amplitudes": torch.rand(count, generator=random),
        "starts": torch.randint(50, (count,), generator=random, dtype=torch.int32),
        "grain": torch.randn(49 + pixels, generator=random),
    }


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_noise(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams(noise(count, shape, random), shared=["grain"])
    )


def test_grain_that_is_too_short_for_all_channels_is_refused():
    images, random = some_images(4, (3, 5, 6), 0)
    params = noise(4, (3, 5, 6), random)
    params["starts"][2] = 49
    short = params | {"grain": params["grain"][: 49 + 5 * 6]}  # enough for one channel
    with pytest.raises(ValueError, match="grain of 79 values; the images need 139"):
        seen_by_the_model(images, torch.arange(4), AugmentationParams(short, shared=["grain"]))


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_inversion(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    turned = (torch.rand(count, generator=random) < 0.5).float()
    assert_same_as_pytorch(shape, count, seed, AugmentationParams({"inversions": turned}))


def half_of(count, random):
    return torch.rand(count, generator=random) < 0.5


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_flips(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    flips = {f"{way}_flips": half_of(count, random) for way in ("horizontal", "vertical")}
    for name, chosen in flips.items():
        assert_same_as_pytorch(shape, count, seed, AugmentationParams({name: chosen}))
    assert_same_as_pytorch(shape, count, seed, AugmentationParams(flips))


def crops(count, random):
    """Some reach further than the image."""
    return torch.randint(-22, 23, (count, 2), generator=random, dtype=torch.int32)


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_crop(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    far = crops(count, random)
    for moved in (far, far // 5):
        assert_same_as_pytorch(shape, count, seed, AugmentationParams({"crops": moved}))


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_flips_and_crop_before_resampling(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    params = {
        "horizontal_flips": half_of(count, random),
        "vertical_flips": half_of(count, random),
        "crops": crops(count, random) // 6,
    }
    assert_same_as_pytorch(shape, count, seed, AugmentationParams(params))
    params["matrices"] = matrices(count, random)
    assert_same_as_pytorch(shape, count, seed, AugmentationParams(params))


def jitters(count, random):
    return 2 * torch.rand(count, 3, generator=random)


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_colour_jitter(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams({"jitters": jitters(count, random)})
    )


@modest
@given(shape=SHAPES, count=COUNTS, seed=SEEDS)
def test_cutout(shape, count, seed):
    random = torch.Generator().manual_seed(seed)
    squares = erasures(count, shape, random)
    assert_same_as_pytorch(shape, count, seed, AugmentationParams({"cutouts": squares}))


def partners(count, random):
    permutation = torch.randperm(count, generator=random)
    return (permutation - torch.arange(count)).to(torch.int32)


def mixup(count, random):
    shares = torch.rand(count, generator=random)
    shares[torch.rand(count, generator=random) < 0.2] = 1
    return {"mixup_partners": partners(count, random), "mixup_shares": shares}


def cutmix(count, shape, random):
    boxes = erasures(count, shape, random)
    return {
        "cutmix_partners": partners(count, random),
        "cutmix_boxes": boxes,
        "cutmix_shares": 1 - boxes[:, 2:].prod(dim=1) / (shape[1] * shape[2]),
    }


@modest
@given(shape=SHAPES, count=COUNTS, threads=st.integers(1, 3), seed=SEEDS)
def test_mixup(shape, count, threads, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams(mixup(count, random)), threads=threads
    )


@modest
@given(shape=SHAPES, count=COUNTS, threads=st.integers(1, 3), seed=SEEDS)
def test_cutmix(shape, count, threads, seed):
    random = torch.Generator().manual_seed(seed)
    assert_same_as_pytorch(
        shape, count, seed, AugmentationParams(cutmix(count, shape, random)), threads=threads
    )


@modest
@given(shape=SHAPES, count=COUNTS, points=st.integers(4, 9), threads=st.integers(1, 3), seed=SEEDS)
def test_everything_at_once(shape, count, points, threads, seed):
    random = torch.Generator().manual_seed(seed)
    every = AugmentationParams(
        {
            "matrices": matrices(count, random),
            "displacements": displacements(count, points, random),
            "sigmas": sigmas(count, random),
            "filters": filters(count, random),
            "erasures": erasures(count, shape, random),
            "fills": torch.rand(count, generator=random),
            **noise(count, shape, random),
            "inversions": (torch.rand(count, generator=random) < 0.5).float(),
            "horizontal_flips": half_of(count, random),
            "vertical_flips": half_of(count, random),
            "crops": crops(count, random) // 6,
            "jitters": jitters(count, random),
            "cutouts": erasures(count, shape, random),
            **(mixup(count, random) if seed % 2 else cutmix(count, shape, random)),
        },
        shared=["grain"],
    )
    assert_same_as_pytorch(shape, count, seed, every, threads=threads)


@pytest.mark.parametrize("far", [1e3, -1e6])
def test_what_comes_from_far_outside_is_black(far):
    moved = torch.eye(2, 3).repeat(4, 1, 1)
    moved[0, 0, 2] = moved[1, 1, 2] = moved[2, :, 2] = far
    images, _ = some_images(4, (2, 6, 5), 2)
    seen = seen_by_the_model(images, torch.arange(4), AugmentationParams({"matrices": moved}))
    assert seen[:3].abs().max() < 1e-6
    torch.testing.assert_close(seen[3], images[3].double() / 255, atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_later_batch_has_the_augmentation_of_its_positions(channels):
    recipe = Recipe(
        rotation=40.0,
        translation=2.0,
        elastic=1.0,
        blur=(0.1, 1.0),
        erasing=0.5,
        noise=0.3,
        filtering=0.5,
    )
    recipe = recipe.replace(inversion=0.5)
    shape = (channels, 12, 10)
    images, random = some_images(30, shape, 3)
    augmentation = draw_augmentation(recipe, 30, shape, random)
    order = torch.randperm(30, generator=random)
    expected = augment(to_float(images[order[11:]]), augmentation.of(11, 30, torch.device("cpu")))
    seen = seen_by_the_model(images, order, augmentation, first=11)
    torch.testing.assert_close(seen, expected.double(), atol=2e-5, rtol=0)


def test_a_single_row_cannot_be_blurred():
    images, _ = some_images(2, (1, 1, 8), 4)
    with pytest.raises(ValueError, match="single row or column"):
        seen_by_the_model(images, torch.arange(2), AugmentationParams({"sigmas": torch.ones(2)}))
