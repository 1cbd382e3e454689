"""The model's input: chosen to suit data and model, made of images as Pillow and NumPy do it."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab import Recipe, make_dataset
from mnistlab.data import Split
from mnistlab.errors import ImageShapeError, ModelError
from mnistlab.models import build_model
from mnistlab.recipe import ModelInput
from mnistlab.training.input import build_to_fit, measure, normalise, to_float, to_size

FITS = ["pad", "resize", "crop", "none"]
MODEL = """
import torch
from torch import nn

class Picky(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.shape = tuple(shape)
        self.linear = nn.Linear(shape[0] * shape[1] * shape[2], classes)
    def forward(self, images):
        channels, height, width = images.shape[1:]
        if not ({condition}):
            raise ValueError("not these")
        return self.linear(images.flatten(1))

def build(shape, classes):
    return Picky(shape, classes)
"""


def images(height, width, count=3, channels=1):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (count, channels, height, width), np.uint8)


def an_input(height, width, fit="pad", channels=1, mean=0.1307, std=0.3081):
    return ModelInput(
        channels=channels,
        height=height,
        width=width,
        fit=fit,
        mean=np.broadcast_to(mean, channels).tolist(),
        std=np.broadcast_to(std, channels).tolist(),
    )


def a_dataset(height, width, channels=1, count=12):
    pixels = images(height, width, count, channels)
    # The channels differ in brightness.
    pixels //= np.arange(1, channels + 1, dtype=np.uint8).reshape(1, -1, 1, 1)
    half = Split(pixels, np.arange(count) % 2)
    return make_dataset("mine", half, half, classes=("a", "b"))


def chosen(dataset, recipe, condition="True", folder=None):
    """What is chosen for a model of one's own that takes images of that condition only, or for a
    built-in one."""
    if folder is not None:
        (folder / "picky.py").write_text(MODEL.format(condition=condition), encoding="utf-8")
        recipe = recipe.replace(model=f"{folder / 'picky.py'}:build")
    classes = len(dataset.classes)
    model, found = build_to_fit(recipe, dataset, lambda shape: build_model(recipe, shape, classes))
    assert model(torch.zeros(2, *found.shape)).shape == (2, classes)
    return found


def test_padding_puts_two_black_pixels_around_mnist(small_mnist):
    fitted = to_size(small_mnist.train.images, an_input(32, 32))
    assert fitted.shape == (600, 1, 32, 32)
    assert fitted.dtype == torch.uint8
    assert np.array_equal(fitted[:, :, 2:-2, 2:-2].numpy(), small_mnist.train.images)
    assert fitted.sum() == int(small_mnist.train.images.sum())


def by_pillow(image, height, width):
    """An image ``(channels, h, w)`` scaled bilinearly."""
    return np.stack(
        [
            np.asarray(Image.fromarray(p).resize((width, height), Image.Resampling.BILINEAR))
            for p in image
        ]
    )


def by_hand(image, height, width, fit):
    """An image ``(channels, h, w)`` brought to a size."""
    high, wide = image.shape[1:]
    if fit == "resize":
        return by_pillow(image, height, width)
    factors = height / high, width / wide
    factor = max(factors) if fit == "crop" else min(1, *factors)
    high, wide = max(1, round(high * factor)), max(1, round(wide * factor))
    scaled = image if factor == 1 else by_pillow(image, high, wide)
    canvas = np.zeros((len(image), height, width), np.uint8)
    if fit == "pad":
        top, left = (height - high) // 2, (width - wide) // 2
        canvas[:, top : top + high, left : left + wide] = scaled
    else:
        top, left = (high - height) // 2, (wide - width) // 2
        canvas[:] = scaled[:, top : top + height, left : left + width]
    return canvas


@settings(deadline=None)
@given(
    source=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    target=st.tuples(st.integers(8, 40), st.integers(8, 40)),
    channels=st.sampled_from([1, 3]),
    fit=st.sampled_from(FITS[:-1]),
)
@example(source=(28, 28), target=(32, 32), channels=1, fit="resize")
@example(source=(64, 64), target=(32, 32), channels=3, fit="pad")
@example(source=(20, 45), target=(32, 32), channels=3, fit="pad")
@example(source=(45, 20), target=(32, 32), channels=1, fit="crop")
@example(source=(64, 1), target=(8, 8), channels=1, fit="pad")
def test_images_of_any_size_are_fitted_as_pillow_and_numpy_do_it(source, target, channels, fit):
    pixels = images(*source, channels=channels)
    fitted = to_size(pixels, an_input(*target, fit, channels)).numpy()
    expected = np.stack([by_hand(image, *target, fit) for image in pixels])
    assert fitted.shape == expected.shape
    # The two libraries may round half a grey level in different directions.
    assert np.abs(fitted.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_fit_none_leaves_images_as_they_are(channels):
    pixels = images(9, 14, channels=channels)
    assert np.array_equal(to_size(pixels, an_input(9, 14, "none", channels)), pixels)


def test_an_odd_pixel_goes_right_and_below():
    fitted = to_size(np.full((1, 1, 29, 31), 9, np.uint8), an_input(32, 32))[0, 0]
    assert fitted.nonzero().min(0).values.tolist() == [1, 0]
    assert fitted.nonzero().max(0).values.tolist() == [29, 30]


def test_colour_becomes_pillows_grey_and_grey_three_equal_channels():
    colour, grey = images(5, 7, channels=3), images(5, 7)
    expected = [
        np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L")) for image in colour
    ]
    assert np.array_equal(to_size(colour, an_input(5, 7)), np.stack(expected)[:, np.newaxis])
    repeated = to_size(grey, an_input(5, 7, channels=3)).numpy()
    assert np.array_equal(repeated, np.concatenate([grey] * 3, axis=1))


def test_read_only_arrays_are_taken_without_complaint():
    pixels = images(8, 8)
    pixels.flags.writeable = False
    assert to_size(pixels, an_input(8, 8, "none")).shape == (3, 1, 8, 8)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    "turned",
    [
        images(9, 14)[:, 0][:, np.newaxis],
        images(9, 14, channels=14).transpose(0, 2, 3, 1)[..., :3].transpose(0, 3, 1, 2),
        images(9, 14, channels=3)[..., ::-1].copy()[..., ::-1].copy(order="F"),
    ],
    ids=["new axis", "channels last", "Fortran"],
)
def test_how_an_array_lies_in_memory_makes_no_difference(fit, turned):
    """PyTorch's convolutions round otherwise if they take the channels to be last."""
    wanted = an_input(*((9, 14) if fit == "none" else (12, 12)), fit, turned.shape[1])
    straight = np.zeros(turned.shape, np.uint8)
    straight[:] = turned
    found, expected = (to_size(array, wanted) for array in (turned, straight))
    assert torch.equal(found, expected)
    assert found.stride() == expected.stride() == torch.empty(found.shape).stride()


@pytest.mark.parametrize(
    ("fit", "size", "source", "expected"),
    [
        ("pad", "auto", (28, 28), (32, 32)),
        ("pad", "auto", (64, 64), (64, 64)),
        ("pad", "auto", (64, 20), (64, 32)),
        ("pad", 48, (28, 28), (48, 48)),
        ("pad", 32, (64, 64), (32, 32)),
        ("resize", 40, (64, 20), (40, 40)),
        ("resize", "auto", (64, 20), (64, 32)),
        ("crop", 32, (64, 40), (32, 32)),
        ("none", 32, (36, 40), (36, 40)),
        ("none", "auto", (36, 40), (36, 40)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_input_of_a_built_in_model_follows_from_the_images(
    fit, size, source, expected, channels
):
    found = chosen(a_dataset(*source, channels), Recipe(fit=fit, size=size))
    assert found.shape == (channels, *expected)
    assert found.fit == fit


@pytest.mark.parametrize(
    ("condition", "source", "expected", "note"),
    [
        ("True", (20, 45), (20, 45), None),
        ("height == width == 28", (28, 28), (28, 28), None),
        (
            "height == width == 28",
            (32, 32),
            (28, 28),
            "images of 32x32 pixels are scaled to 28x28, a size that the model takes",
        ),
        (
            "height == width == 32",
            (28, 28),
            (32, 32),
            "images of 28x28 pixels are padded to 32x32, a size that the model takes",
        ),
        (
            "height == width == 64",
            (60, 30),
            (64, 64),
            "images of 60x30 pixels are padded to 64x64, a size that the model takes",
        ),
        (
            "height == width == 224",
            (28, 28),
            (224, 224),
            "images of 28x28 pixels are padded to 224x224, a size that the model takes",
        ),
    ],
)
def test_a_model_of_ones_own_is_tried_at_the_images_own_size_first(
    tmp_path, condition, source, expected, note
):
    found = chosen(a_dataset(*source), Recipe(), condition, tmp_path)
    assert found.shape == (1, *expected)
    assert found.notes == (() if note is None else (note,))


def test_a_size_that_is_given_is_the_only_one_tried(tmp_path):
    data = a_dataset(28, 28)
    assert chosen(data, Recipe(size=64), "True", tmp_path).shape == (1, 64, 64)
    with pytest.raises(ImageShapeError, match=r"does not accept images of shape \(1, 64, 64\)"):
        chosen(data, Recipe(size=64, colour="grey"), "height == 28", tmp_path)


def test_all_that_was_tried_is_said_if_nothing_fits(tmp_path):
    with pytest.raises(
        ImageShapeError,
        match=r"does not accept images of shape \(3, 28, 28\): ValueError: not these; the same in"
        r" colour and in grey: 28x28, 32x32, 64x64, 96x96, 128x128, 224x224 pixels",
    ):
        chosen(a_dataset(28, 28, 3), Recipe(), "height == 17", tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        "def build(): raise ValueError('no such file')",
        "def build(num_classes=10): raise ValueError('no such file')",
        "def build(shape, classes): return missing",
        "class Net(nn.Module):\n def __init__(self): self.a = nn.Linear(1, 1)\nbuild = Net",
        "class Net(nn.Linear):\n def forward(self, images): return self.b\n"
        "def build(): return Net(1, 1)",
        # The mistake is only reached with images of the right size.
        "class Net(nn.Linear):\n"
        " def forward(self, images): return super().forward(images.flatten(1)) + missing\n"
        "def build(): return Net(1024, 10)",
    ],
)
def test_the_sizes_are_not_listed_where_they_are_not_the_reason(tmp_path, code):
    (tmp_path / "net.py").write_text(f"from torch import nn\n{code}")
    recipe, data = Recipe(model=f"{tmp_path / 'net.py'}:build"), a_dataset(28, 28, 3)
    with pytest.raises(ModelError) as caught:
        build_to_fit(recipe, data, lambda shape: build_model(recipe, shape, 10))
    assert "net.py:build: " in str(caught.value)
    assert "tried in" not in str(caught.value)


@pytest.mark.parametrize(
    ("own", "colour", "condition", "channels", "note"),
    [
        (3, "auto", "True", 3, None),
        (1, "auto", "True", 1, None),
        (
            3,
            "auto",
            "channels == 1",
            1,
            "the images' colour is lost: the model takes grey images only",
        ),
        (3, "grey", "True", 1, "the images' colour is lost: the recipe has colour = grey"),
        (1, "rgb", "True", 3, None),
        (
            1,
            "auto",
            "channels == 3",
            3,
            "the grey images are repeated in three channels, since the model takes colour only",
        ),
    ],
)
def test_colour_is_kept_where_the_model_takes_it_and_its_loss_is_said(
    tmp_path, own, colour, condition, channels, note
):
    found = chosen(a_dataset(28, 28, own), Recipe(colour=colour), condition, tmp_path)
    assert found.shape == (channels, 28, 28)
    assert found.notes == (() if note is None else (note,))


@pytest.mark.parametrize(("colour", "refused"), [("grey", 3), ("rgb", 1)])
def test_a_colour_that_is_given_is_the_only_one_tried(tmp_path, colour, refused):
    with pytest.raises(ImageShapeError, match=rf"images of shape \({4 - refused}, 28, 28\)"):
        chosen(
            a_dataset(28, 28, refused), Recipe(colour=colour), f"channels == {refused}", tmp_path
        )


@pytest.mark.parametrize("own", [1, 3])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_mean_and_deviation_are_measured_per_channel_of_what_the_model_is_given(own, colour):
    data = a_dataset(32, 32, own)
    found = chosen(data, Recipe(colour=colour))
    pixels = to_size(data.train.images, found).numpy() / 255
    np.testing.assert_allclose(found.mean, pixels.mean(axis=(0, 2, 3)), atol=6e-5)
    np.testing.assert_allclose(found.std, pixels.std(axis=(0, 2, 3)), atol=6e-5)
    assert len(found.mean) == len(found.std) == found.channels
    assert all(value == round(value, 4) for value in found.mean + found.std)


def test_a_black_channel_is_divided_by_one():
    pixels = images(8, 8, channels=3)
    pixels[:, 1] = 0
    mean, std = measure(pixels)
    assert (mean[1], std[1]) == (0, 1)
    assert 0.2 < std[0] < 0.4


def test_the_test_images_have_no_say_in_mean_and_deviation():
    data = a_dataset(32, 32, 3)
    bright = Split(np.full_like(data.test.images, 255), data.test.labels)
    other = make_dataset("mine", data.train, bright, classes=data.classes)
    assert chosen(other, Recipe()) == chosen(data, Recipe())


def test_mnists_are_the_published_ones_whatever_part_of_it_is_trained_on(mnist):
    part = make_dataset(
        "mnist", Split(mnist.train.images[:50], mnist.train.labels[:50]), mnist.test
    )
    assert chosen(part, Recipe(colour="rgb")).mean == (0.1307,) * 3
    found = chosen(part, Recipe())
    assert (found.mean, found.std) == ((0.1307,), (0.3081,))
    np.testing.assert_allclose(
        *(np.ravel(v) for v in (measure(mnist.train.images), (found.mean, found.std))), atol=1e-4
    )


def test_padding_to_a_recipes_size_is_told_of_ones_own_images(mnist):
    recipe = Recipe(size=32)
    assert not chosen(mnist, recipe).notes
    mine = make_dataset("mine", mnist.train, mnist.test)
    assert chosen(mine, recipe).notes == ("images of 28x28 pixels are padded to 32x32",)


def test_a_square_as_large_as_the_image_is_told():
    data = a_dataset(20, 32, 1)
    recipe = Recipe(model="mlp", fit="none")
    assert not chosen(data, recipe.replace(cutout=31)).notes
    (note,) = chosen(data, recipe.replace(cutout=32)).notes
    assert note == (
        "cutout = 32 is no smaller than the images of 20x32 pixels, so most of each is blackened"
    )


def test_given_means_are_taken_one_for_all_or_one_for_each():
    data = a_dataset(32, 32, 3)
    found = chosen(data, Recipe(mean=0.5, std=[0.1, 0.2, 0.3]))
    assert (found.mean, found.std) == ((0.5, 0.5, 0.5), (0.1, 0.2, 0.3))
    grey = chosen(data, Recipe(mean=(0.1, 0.2, 0.6), std=0.25, colour="grey"))
    assert (grey.mean, grey.std) == (pytest.approx((0.3,)), (0.25,))
    half = chosen(data, Recipe(mean=(0.1, 0.2, 0.6)))
    assert half.mean == (0.1, 0.2, 0.6)
    assert half.std == chosen(data, Recipe()).std


@pytest.mark.parametrize(
    ("mean", "std", "said"),
    [
        (0.47, 0.25, True),  # photographs
        (0.75, 0.2, True),  # ink on paper
        (0.1307, 0.09, True),
        (0.286, 0.353, False),  # Fashion-MNIST's
        (0.15, 0.3, False),
    ],
)
def test_a_mean_of_quite_other_images_is_told(mean, std, said):
    # Two values that have this mean and standard deviation.
    dark, light = (np.uint8(np.clip(255 * (mean + side * std), 0, 255)) for side in (-1, 1))
    pixels = np.tile(np.array([dark, light], np.uint8), (6, 3, 32, 16))
    labels = np.arange(6) % 2
    data = make_dataset("mine", Split(pixels, labels), Split(pixels, labels))
    found = chosen(data, Recipe(mean=0.1307, std=0.3081))
    assert bool(found.notes) == said
    if said:
        (note,) = found.notes
        shares = pixels / 255
        own_mean, own_std = (round(float(value), 4) for value in (shares.mean(), shares.std()))
        assert note == (
            "normalised by the recipe's mean 0.1307 and standard deviation 0.3081, where these"
            f" images have {own_mean:.4g} and {own_std:.4g}; mean = auto and std = auto would take"
            " theirs"
        )
    assert not chosen(data, Recipe()).notes
    assert not chosen(data, Recipe(mean=0.1307)).notes


def test_black_and_white_become_what_the_recipe_says():
    unit = to_float(torch.tensor([0, 255], dtype=torch.uint8))
    assert unit.tolist() == [0, 1]
    assert normalise(unit, an_input(1, 2)).tolist() == pytest.approx(
        [-0.1307 / 0.3081, (1 - 0.1307) / 0.3081]
    )


@pytest.mark.parametrize("std", [0.5, (0.2, 0.4, 0.8)])
def test_each_channel_is_normalised_by_its_own_mean(std):
    unit = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    mean = (0.1, 0.2, 0.3)
    expected = (unit.numpy() - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (-1, 1, 1))
    found = normalise(unit, an_input(5, 4, channels=3, mean=mean, std=std))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    with pytest.raises(RuntimeError, match="size of tensor"):
        normalise(unit[:, :2], an_input(5, 4, channels=3, mean=mean, std=std))


def test_one_channel_has_the_bits_of_a_plain_number():
    unit = torch.rand(9, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(normalise(unit, an_input(8, 8)), (unit - 0.1307) / 0.3081)
