from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from mnistlab import Recipe
from mnistlab.training.input import input_shape, normalise, resize_or_pad, to_float


def images(height, width, count=3):
    return np.random.default_rng(0).integers(0, 256, (count, height, width), np.uint8)


def test_padding_puts_two_black_pixels_around_mnist(small_mnist):
    fitted = resize_or_pad(small_mnist.train.images, Recipe())
    assert fitted.shape == (600, 1, 32, 32)
    assert fitted.dtype == torch.uint8
    assert np.array_equal(fitted[:, 0, 2:-2, 2:-2].numpy(), small_mnist.train.images)
    assert fitted.sum() == small_mnist.train.images.sum()


@pytest.mark.parametrize("source", [(28, 28), (64, 64), (20, 45)])
def test_resizing_is_pillows_bilinear(source):
    pixels = images(*source)
    fitted = resize_or_pad(pixels, Recipe(fit="resize"))[:, 0].numpy().astype(int)
    expected = np.stack(
        [np.asarray(Image.fromarray(p).resize((32, 32), Image.Resampling.BILINEAR)) for p in pixels]
    )
    # The two libraries may round half a grey level in different directions.
    assert np.abs(fitted - expected).max() <= 1


@pytest.mark.parametrize(
    ("fit", "source", "expected"),
    [
        ("pad", (28, 28), (1, 32, 32)),
        ("pad", (64, 64), (1, 64, 64)),
        ("pad", (64, 20), (1, 64, 32)),
        ("resize", (64, 20), (1, 32, 32)),
        ("none", (28, 28), (1, 28, 28)),
    ],
)
def test_the_models_input_follows_from_the_images(fit, source, expected, small_mnist):
    from mnistlab.data import Split

    split = Split(images(*source), np.zeros(3, np.int64))
    assert input_shape(split, Recipe(fit=fit)) == expected


def test_an_odd_pixel_goes_right_and_below():
    fitted = resize_or_pad(np.full((1, 29, 31), 9, np.uint8), Recipe())[0, 0]
    assert fitted.nonzero().min(0).values.tolist() == [1, 0]
    assert fitted.nonzero().max(0).values.tolist() == [29, 30]


def test_read_only_arrays_are_taken_without_complaint():
    pixels = images(8, 8)
    pixels.flags.writeable = False
    assert resize_or_pad(pixels, Recipe(fit="none")).shape == (3, 1, 8, 8)


def test_black_and_white_become_what_the_recipe_says():
    unit = to_float(torch.tensor([0, 255], dtype=torch.uint8))
    assert unit.tolist() == [0, 1]
    assert normalise(unit, Recipe()).tolist() == pytest.approx(
        [-0.1307 / 0.3081, (1 - 0.1307) / 0.3081]
    )


@pytest.mark.parametrize("std", [0.5, (0.2, 0.4, 0.8)])
def test_each_channel_is_normalised_by_its_own_mean(std):
    unit = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    mean = (0.1, 0.2, 0.3)
    expected = (unit.numpy() - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (-1, 1, 1))
    found = normalise(unit, SimpleNamespace(mean=mean, std=std))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    with pytest.raises(ValueError, match="zip"):
        normalise(unit[:, :2], SimpleNamespace(mean=mean, std=std))


def test_one_channel_has_the_same_bits_by_a_number_and_by_a_list():
    unit = torch.rand(9, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    by_list = normalise(unit, SimpleNamespace(mean=(0.1307,), std=(0.3081,)))
    assert torch.equal(by_list, normalise(unit, Recipe()))
