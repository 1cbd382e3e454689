"""The model's input: chosen to suit the data and the model, and made of images in two steps.

Images are brought to size once and stay bytes; they are normalised batch by batch.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.colour import to_channels
from mnistlab.data import CATALOGUE, Dataset
from mnistlab.errors import ImageShapeError
from mnistlab.fit import place
from mnistlab.models.user_model import is_user_model
from mnistlab.recipe import ModelInput, Recipe

_SIDES = (32, 28, 64, 96, 128, 224)
"""Sides in pixels that models are tried with if they do not take the data's own size."""
_SMALLEST = 32
"""Side in pixels that smaller images are padded to for a built-in model."""
_DECIMALS = 4
"""Of a mean and a standard deviation, as they are usually published."""

_MISTAKES = NameError, AttributeError, TypeError, ImportError
"""No way to refuse a shape."""
_REFUSING = (ValueError, AssertionError, RuntimeError)
"""What models raise to refuse an input."""


def build_to_fit(
    recipe: Recipe, dataset: Dataset, build: Callable[[tuple[int, int, int]], nn.Module]
) -> tuple[nn.Module, ModelInput]:
    """Build a model with an input that suits it: what the recipe says, and else what fits.

    With ``colour = auto``, the data's own channels are tried first, then the other number. With
    ``size = auto``, the images' own size is tried first (at least 32x32 for a built-in model), then
    squares of 32, 28, 64, 96, 128 and 224 pixels.

    Args:
        recipe: its ``colour``, ``fit``, ``size``, ``mean`` and ``std`` are used.
        dataset: the part of the data that the recipe trains on.
        build: builds the model for images of a ``(channels, height, width)``, or raises
            :class:`mnistlab.errors.ImageShapeError` if it does not take those.

    Raises:
        ModelError: the model takes none of them.
    """
    refusals: list[ImageShapeError] = []
    shapes = list(_candidates(recipe, dataset))
    for channels, height, width in shapes:
        try:
            model = build((channels, height, width))
        except ImageShapeError as error:
            refusals.append(error)
            continue
        mean, std = _statistics(recipe, dataset, channels)
        return model, ModelInput(
            channels=channels,
            height=height,
            width=width,
            fit=recipe.fit,
            mean=mean,
            std=std,
            notes=(
                *_notes(recipe, dataset, (channels, height, width), refused=bool(refusals)),
                *_foreign_statistics(recipe, dataset, channels),
            ),
        )
    causes = [refusal.__cause__ for refusal in refusals]
    # A mistake in the code fails in the same way with every shape; models refuse shapes so, too.
    mistaken = not isinstance(causes[0], _REFUSING) and len(set(map(repr, causes))) == 1
    if len(shapes) == 1 or mistaken:
        raise refusals[0]
    # One of another kind comes from further on than where images of other shapes are refused.
    for refusal in refusals:
        if not isinstance(causes[0], _MISTAKES) and isinstance(refusal.__cause__, _MISTAKES):
            raise refusal
    tried = ", ".join(dict.fromkeys(f"{height}x{width}" for _, height, width in shapes))
    alike = "the same" if len(set(map(repr, causes))) == 1 else "tried"
    raise ImageShapeError(f"{refusals[0]}; {alike} in colour and in grey: {tried} pixels")


def _candidates(recipe: Recipe, dataset: Dataset) -> Iterator[tuple[int, int, int]]:
    """Yield the shapes to try, best first."""
    own = dataset.channels
    channels = {"grey": (1,), "rgb": (3,), "auto": (own, 4 - own)}[recipe.colour]
    height, width = dataset.image_size
    if recipe.size != "auto":
        sides = [(height, width) if recipe.fit == "none" else (recipe.size, recipe.size)]
    elif recipe.fit == "none":
        sides = [(height, width)]
    elif not is_user_model(recipe.model) and not recipe.model.startswith("memory:"):
        sides = [(max(height, _SMALLEST), max(width, _SMALLEST))]
    else:
        sides = list(dict.fromkeys([(height, width), *((side, side) for side in _SIDES)]))
    for number in channels:
        for rows, columns in sides:
            yield number, rows, columns


def _notes(
    recipe: Recipe, dataset: Dataset, shape: tuple[int, int, int], *, refused: bool
) -> Iterator[str]:
    """Say what was chosen for the user, and what is lost of the images."""
    channels, *sides = shape
    auto = recipe.colour == "auto"
    because = "the model takes grey images only" if auto else "the recipe has colour = grey"
    if channels < dataset.channels:
        yield f"the images' colour is lost: {because}"
    elif channels > dataset.channels and auto:
        yield "the grey images are repeated in three channels, since the model takes colour only"
    own, wanted = dataset.image_size, (sides[0], sides[1])
    if recipe.cutout >= max(wanted):
        yield (
            f"cutout = {recipe.cutout} is no smaller than the images of {wanted[0]}x{wanted[1]}"
            " pixels, so most of each is blackened"
        )
    placement = place(own, wanted, recipe.fit)
    # A recipe's size is made for the data sets that are known.
    expected = recipe.size != "auto" and dataset.name in CATALOGUE
    if own == wanted or (placement.scaled == own and expected):
        return
    how = "padded" if recipe.fit == "pad" and placement.scaled == own else "scaled"
    if recipe.fit == "crop":
        how = "scaled and cropped"
    words = f"images of {own[0]}x{own[1]} pixels are {how} to {wanted[0]}x{wanted[1]}"
    yield f"{words}, a size that the model takes" if refused else words


def _statistics(
    recipe: Recipe, dataset: Dataset, channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel, measured where the recipe leaves them open.

    MNIST's are its published ones, whatever part of it is trained on.
    """
    means, deviations = (0.1307,) * channels, (0.3081,) * channels
    if "auto" in (recipe.mean, recipe.std) and dataset.name != "mnist":
        means, deviations = measure(to_channels(dataset.train.images, channels))
    return (
        means if recipe.mean == "auto" else per_channel(recipe.mean, channels),
        deviations if recipe.std == "auto" else per_channel(recipe.std, channels),
    )


def _foreign_statistics(recipe: Recipe, dataset: Dataset, channels: int) -> Iterator[str]:
    """Say so if the recipe's mean and standard deviation are those of quite other images."""
    if dataset.name == "mnist" or "auto" in (recipe.mean, recipe.std):
        return
    mean, std = (
        np.array(per_channel(value, channels))
        for value in (recipe.mean, recipe.std)
        if value != "auto"
    )
    own_mean, own_std = map(np.array, measure(to_channels(dataset.train.images, channels)))
    if (np.abs(own_mean - mean) > own_std).any() or (np.abs(np.log(own_std / std)) > 1).any():
        yield (
            f"normalised by the recipe's mean {mean.mean():.4g} and standard deviation"
            f" {std.mean():.4g}, where these images have {own_mean.mean():.4g} and"
            f" {own_std.mean():.4g}; mean = auto and std = auto would take theirs"
        )


def measure(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and the standard deviation of each channel's pixels, scaled to 0..1.

    They are rounded to four decimals. The standard deviation of a constant channel is given as 1.

    Args:
        images: uint8, ``(n, channels, height, width)``.
    """
    means, deviations = [], []
    for channel in range(images.shape[1]):
        counts = np.bincount(images[:, channel].ravel(), minlength=256).tolist()
        # Of integers, which have no rounding errors that could follow the processor.
        number, total, squares = (
            sum(count * value**exponent for value, count in enumerate(counts))
            for exponent in range(3)
        )
        means.append(round(total / (255 * number), _DECIMALS))
        variance = (number * squares - total**2) / (255 * number) ** 2
        deviations.append(round(math.sqrt(variance), _DECIMALS) or 1.0)
    return tuple(means), tuple(deviations)


def per_channel(value: float | Sequence[float], channels: int) -> tuple[float, ...]:
    """Return one value per channel; three values of a grey input become their mean."""
    if isinstance(value, int | float):
        return (float(value),) * channels
    values = tuple(map(float, value))
    return values if len(values) == channels else (sum(values) / len(values),) * channels


def to_size(images: NDArray[np.uint8], model_input: ModelInput) -> Tensor:
    """Bring images to the channels and the size of the model's input; they stay bytes.

    Scaling is bilinear with antialiasing, and rounds to bytes as Pillow does.

    Args:
        images: uint8, ``(n, channels, height, width)``, 1 or 3 channels.
        model_input: see :meth:`mnistlab.recipe.ModelInput.place`.

    Returns:
        uint8, ``(n, *model_input.shape)``; without a copy if nothing changes.
    """
    images = to_channels(images, model_input.channels)
    pixels = torch.from_numpy(images if images.flags.writeable else images.copy())
    # By the strides that NumPy gives a new axis, PyTorch would take the channels to be last, and
    # its convolutions would round otherwise.
    pixels = pixels.reshape(-1).reshape(images.shape)
    height, width = pixels.shape[2:]
    placement = model_input.place((height, width))
    if placement.scaled != (height, width):
        pixels = functional.interpolate(
            pixels, placement.scaled, mode="bilinear", align_corners=False, antialias=True
        )
    return frame(pixels, model_input, (height, width))


def frame(pixels: Tensor, model_input: ModelInput, image_size: tuple[int, int]) -> Tensor:
    """Add the black border, or cut the edges off, of images that are scaled already.

    Args:
        pixels: ``(n, c, h, w)`` of any dtype.
        model_input: see :meth:`mnistlab.recipe.ModelInput.place`.
        image_size: height and width of the images before they were scaled.
    """
    found = model_input.place(image_size)
    sides = (found.left, found.right, found.top, found.bottom)
    return functional.pad(pixels, sides) if any(sides) else pixels


def normalise(pixels: Tensor, model_input: ModelInput) -> Tensor:
    """Subtract the mean of each channel from pixels in 0..1, and divide by its deviation."""
    if model_input.channels == 1:
        return (pixels - model_input.mean[0]) / model_input.std[0]
    mean, std = (_column(values, pixels.device) for values in (model_input.mean, model_input.std))
    return (pixels - mean) / std


# Cached, since creating it for each batch would make an accelerator wait for the host.
@cache
def _column(values: tuple[float, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device).view(-1, 1, 1)


def to_float(pixels: Tensor) -> Tensor:
    """Convert uint8 pixels to float32 in 0..1."""
    return pixels.to(torch.float32) / 255
