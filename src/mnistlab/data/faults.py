"""Faults that a data set can have although every file of it can be read: black images, labels taken
from the wrong column, a test set that is unlike the training set.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import DIGITS, Split, unseen
from mnistlab.data.duplicates import Duplicates, one_coloured, told, word
from mnistlab.text import listed

_Mean = NDArray[np.float64]
_LEVELS = 64
"""Grey levels that an image must span to have contrast; a quarter of all."""
_PIXEL_VALUES = 30
"""Classes named by numbers of which fewer are not suspected of being pixels."""
_REPEATED = 0.05
"""Share of a split that may be there twice in it."""


@dataclass(frozen=True)
class Fault:
    """Something that is probably wrong with a data set.

    Attributes:
        kind: of fault, a short name.
        severity: an ``error`` makes the data useless for training or testing.
        message: one sentence that names the thing and the remedy.
        figures: what was counted, ready for JSON.
    """

    kind: str
    severity: Literal["error", "warning"]
    message: str
    figures: dict[str, Any]


def find_faults(
    splits: Mapping[str, Split], classes: Sequence[str], duplicates: Duplicates | None = None
) -> list[Fault]:
    """Look for what people get wrong.

    Args:
        splits: ``train``, and what there is of ``validation`` and ``test``; images uint8
            ``(n, channels, height, width)`` of one size, labels int64 ``(n,)`` into ``classes``.
        classes: the classes' names.
        duplicates: what was found of them, if they were looked for: images that a held-out split
            shares with another, and equal images with different labels, are faults.

    Returns:
        The errors first. Nothing for a sound data set.
    """
    found = [
        fault
        for check in (_one_coloured, _all_equal, _without_contrast, _inverted)
        for fault in check(splits)
    ]
    found += [
        fault
        for check in (
            _one_class,
            _absent_classes,
            _few_images,
            _labels_like_pixels,
            _labels_within_pixels,
            _turned,
            _other_shares,
        )
        for fault in check(splits, classes)
    ]
    if duplicates:
        found += _repeated(duplicates, splits, classes)
    return sorted(found, key=lambda fault: fault.severity != "error")


def _one_coloured(splits: Mapping[str, Split]) -> Iterator[Fault]:
    for name, split in splits.items():
        alike = np.flatnonzero(one_coloured(split.images))
        black = int((~split.images[alike].any(axis=(1, 2, 3))).sum())
        figures = {
            "split": name,
            "images": len(alike),
            "black": black,
            "examples": alike[:10].tolist(),
        }
        which = f"{'all' if black == len(alike) else f'{black:,}'} of them black"
        if len(alike) == len(split):
            yield Fault(
                "one colour",
                "error",
                f"every {word(name)} image is of one colour ({which}): they show nothing; check"
                " how they were converted",
                figures,
            )
        elif len(alike):
            yield Fault(
                "one colour",
                "warning",
                f"{len(alike):,} of {len(split):,} {word(name)} images are of one colour"
                f" ({which}), for example image {alike[0]}; check them, and remove what is blank",
                figures,
            )


def _all_equal(splits: Mapping[str, Split]) -> Iterator[Fault]:
    for name, split in splits.items():
        first, some = split.images[:1], split.images[:100]
        equal = (some == first).all() and (split.images == first).all()
        if len(split) > 1 and equal and not one_coloured(first)[0]:
            yield Fault(
                "all equal",
                "error",
                f"all {len(split):,} {word(name)} images are the same; check how they were read",
                {"split": name, "images": len(split)},
            )


def _without_contrast(splits: Mapping[str, Split]) -> Iterator[Fault]:
    for name, split in splits.items():
        pixels = split.images.reshape(len(split), -1)
        brightest, darkest = pixels.max(axis=1), pixels.min(axis=1)
        span = brightest - darkest
        low, high = int(darkest.min()), int(brightest.max())
        if span.any() and np.quantile(span, 0.9) < _LEVELS:
            most = int(np.quantile(span, 0.9)) + 1
            where = (
                "black" if high < _LEVELS else "white" if low >= 256 - _LEVELS else "of one grey"
            )
            yield Fault(
                "no contrast",
                "error" if high - low <= 1 else "warning",
                f"the {word(name)} images are nearly {where}: nine in ten use at most {most} of"
                f" 256 grey levels (all lie in {low} to {high}); scale them to 0 to 255",
                {"split": name, "darkest": low, "brightest": high},
            )


def _one_class(splits: Mapping[str, Split], classes: Sequence[str]) -> Iterator[Fault]:
    labels = splits["train"].labels
    if (labels == labels[0]).all():
        yield Fault(
            "one class",
            "error",
            f"every training image is of class {classes[labels[0]]}; two are needed, so check"
            " which column or folder the labels come from",
            {"class": classes[labels[0]], "images": len(labels)},
        )


def _absent_classes(splits: Mapping[str, Split], classes: Sequence[str]) -> Iterator[Fault]:
    counts = {
        name: np.bincount(split.labels, minlength=len(classes)) for name, split in splits.items()
    }
    somewhere = np.sum(list(counts.values()), axis=0) > 0
    # Labels that are mere numbers are given the ten digits for names.
    if tuple(classes) != DIGITS and not somewhere.all():
        absent = _named(classes, ~somewhere)
        yield Fault(
            "absent class",
            "warning",
            f"there is no image of {listed(absent, most=5)}; add some, or remove the"
            f" {'class' if len(absent) == 1 else 'classes'}",
            {"classes": absent},
        )
    for name, count in counts.items():
        absent = _named(classes, (count == 0) & somewhere)
        if absent:
            whom = "that class" if len(absent) == 1 else "those classes"
            lacks = (
                f"{listed(absent, most=5)}, so no model can learn {whom}; add some"
                if name == "train"
                else f"{unseen(absent)}; add some, or split again by class"
            )
            yield Fault(
                "absent class",
                "warning",
                f"the {word(name)} set has no image of {lacks}",
                {"split": name, "classes": absent},
            )


def _named(classes: Sequence[str], which: NDArray[np.bool_]) -> list[str]:
    return [name for name, chosen in zip(classes, which, strict=True) if chosen]


def _few_images(splits: Mapping[str, Split], classes: Sequence[str]) -> Iterator[Fault]:
    counts = np.bincount(splits["train"].labels, minlength=len(classes))
    few = (counts > 0) & ((counts < 5) | ((counts < 20) & (counts < counts.max() / 10)))
    if few.any():
        named = dict(zip(_named(classes, few), counts[few].tolist(), strict=True))
        each = listed([f"{name} {count}" for name, count in named.items()], most=5)
        message = (
            f"few training images: at most {counts.max()} of each class"
            if len(named) == len(classes)
            else f"few training images: {each}; add some, or remove the"
            f" {'class' if len(named) == 1 else 'classes'}"
        )
        yield Fault("few images", "warning", message, {"classes": named})
    if counts.max() > 0.95 * counts.sum() and (counts > 0).sum() > 1:
        most = int(counts.argmax())
        share = counts[most] / counts.sum()
        yield Fault(
            "one class prevails",
            "warning",
            f"{100 * share:.1f} % of the training images are of class {classes[most]}, so always"
            " answering that is rarely wrong; check the labels, or add images of the"
            " others",
            {"class": classes[most], "share": float(share)},
        )


def _labels_like_pixels(splits: Mapping[str, Split], classes: Sequence[str]) -> Iterator[Fault]:
    train = splits["train"]
    values = _values(train.labels, classes)
    if values is None:
        return
    counts = np.unique(values, return_counts=True)[1]
    figures = {"labels": len(counts), "images": len(values)}
    if len(counts) < _PIXEL_VALUES:
        return
    if len(counts) == len(values):
        yield Fault(
            "labels are row numbers",
            "error",
            f"each of the {len(values):,} training images has its own label, like a row"
            " number; name the column that holds the labels",
            figures,
        )
    elif values.max() <= 255:
        rows = np.linspace(0, len(values) - 1, min(len(values), 2000)).astype(np.int64)
        likeness = _likeness(train.images[rows], values[rows])
        if likeness > 0.7 or (
            counts.max() > 0.2 * counts.sum() and np.median(counts) < counts.max() / 50
        ):
            yield Fault(
                "labels are pixels",
                "error",
                f"the training labels look like pixels ({len(counts)} numbers from 0 to 255,"
                f" {'most of them rare' if likeness <= 0.7 else 'each like a pixel beside it'});"
                " name the column that holds the labels",
                figures | {"likeness": likeness},
            )


def _likeness(images: NDArray[np.uint8], values: NDArray[np.int64]) -> float:
    """Return the greatest correlation of the values with a pixel, 0 to 1."""
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels -= pixels.mean(axis=0)
    centred = (values - values.mean()).astype(np.float32)
    norms = np.linalg.norm(pixels, axis=0) * np.linalg.norm(centred)
    return float(np.max(np.abs(centred @ pixels) / np.maximum(norms, 1)))


def _labels_within_pixels(splits: Mapping[str, Split], classes: Sequence[str]) -> Iterator[Fault]:
    train = splits["train"]
    values = _values(train.labels, classes)
    if values is None:
        values = train.labels
    pixels = train.images.reshape(len(train), -1)
    rows = np.linspace(0, len(values) - 1, min(len(values), 500)).astype(np.int64)
    if len(rows) < 10 or len(np.unique(values)) < 2:
        return
    for place in np.flatnonzero((pixels[rows] == values[rows, None]).all(axis=0)):
        if (pixels[:, place] == values).all():
            yield Fault(
                "label among the pixels",
                "error",
                f"pixel {place} of every training image equals its label: the label column was"
                " read as a pixel; remove it from the images",
                {"pixel": int(place)},
            )
            return


def _values(labels: NDArray[np.int64], classes: Sequence[str]) -> NDArray[np.int64] | None:
    """Return the numbers that name the classes, as labels; nothing if words name them."""
    if not all(name.isascii() and name.isdigit() and len(name) < 10 for name in classes):
        return None
    return np.array([int(name) for name in classes])[labels]


def _inverted(splits: Mapping[str, Split]) -> Iterator[Fault]:
    means = {
        name: float(split.images.mean(dtype=np.float64)) / 255 for name, split in splits.items()
    }
    for name, mean in means.items():
        if abs(mean - means["train"]) > 0.3 and abs(mean + means["train"] - 1) < 0.15:
            yield Fault(
                "inverted",
                "warning",
                f"the training and the {word(name)} images have dark and light swapped"
                f" (mean brightness {means['train']:.2f} and {mean:.2f}); invert one set",
                {"split": name, "train_mean": means["train"], "mean": mean},
            )
        elif abs(mean - means["train"]) > 0.2:
            yield Fault(
                "other brightness",
                "warning",
                f"the training and the {word(name)} images differ in brightness (mean"
                f" {means['train']:.2f} and {mean:.2f}); check that both were converted alike",
                {"split": name, "train_mean": means["train"], "mean": mean},
            )
    for name, split in splits.items():
        rows = np.linspace(0, len(split) - 1, min(len(split), 2000)).astype(np.int64)
        ground = np.median(split.images[rows].reshape(len(rows), -1), axis=1)
        dark, light = float((ground < 26).mean()), float((ground > 229).mean())
        if dark + light > 0.9 and min(dark, light) > 0.02:
            yield Fault(
                "inverted",
                "warning",
                f"{light:.0%} of the {word(name)} images are dark on light, {dark:.0%} light on"
                " dark; invert one kind",
                {"split": name, "dark_on_light": light, "light_on_dark": dark},
            )


_TURNS: dict[str, Callable[[_Mean], _Mean]] = {
    "mirrored": lambda image: image[:, ::-1],
    "upside down and mirrored": lambda image: image[::-1, ::-1],
    "mirrored top to bottom": lambda image: image[::-1],
    "transposed (rows for columns)": lambda image: image.T,
    "turned a quarter to the left": lambda image: np.rot90(image),
    "turned a quarter to the right": lambda image: np.rot90(image, -1),
    "transposed along the other diagonal": lambda image: image[::-1, ::-1].T,
}


def _turned(splits: Mapping[str, Split], classes: Sequence[str]) -> Iterator[Fault]:
    """Whether the classes' mean images fit better if those of one split are turned."""
    for name, split in splits.items():
        if name == "train":
            continue
        pairs = []
        for label in range(len(classes)):
            of_class = [
                part.images[np.flatnonzero(part.labels == label)[:200]]
                for part in (splits["train"], split)
            ]
            if min(map(len, of_class)) >= 10:
                pairs.append([images.mean(axis=(0, 1)) for images in of_class])
        if not pairs:
            continue
        as_is = float(np.mean([_correlation(one, other) for one, other in pairs]))
        square = pairs[0][0].shape[0] == pairs[0][0].shape[1]
        fits = {
            turn: float(np.mean([_correlation(one, change(other)) for one, other in pairs]))
            for turn, change in _TURNS.items()
            if square or not turn.startswith(("turned", "transposed"))
        }
        turn, fit = max(fits.items(), key=lambda item: item[1])
        if fit > max(0.8, as_is + 0.15):
            yield Fault(
                "turned",
                "warning",
                f"the {word(name)} images are {turn} compared with the training images; turn"
                " one set",
                {"split": name, "turn": turn, "fit": fit, "fit_as_is": as_is},
            )


def _correlation(one: _Mean, other: _Mean) -> float:
    one, other = one - one.mean(), other - other.mean()
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    return float((one * other).sum() / norms) if norms else 0.0


def _other_shares(splits: Mapping[str, Split], classes: Sequence[str]) -> Iterator[Fault]:
    train = splits["train"]
    for name, split in splits.items():
        counts = [
            np.bincount(part.labels, minlength=len(classes)).astype(float)
            for part in (train, split)
        ]
        here, there = (count / count.sum() for count in counts)
        distance = np.abs(here - there).sum() / 2
        pooled = sum(counts) / (len(train) + len(split))
        # What chance alone makes of it, on average.
        noise = (
            np.sqrt(2 / np.pi * pooled * (1 - pooled) * (1 / len(train) + 1 / len(split))).sum() / 2
        )
        if distance > 0.25 + 2 * noise:
            most = int(np.abs(here - there).argmax())
            yield Fault(
                "other shares",
                "warning",
                f"the classes' shares differ between the training and the {word(name)} set (class"
                f" {classes[most]}: {here[most]:.0%} and {there[most]:.0%}); if a sorted list was"
                f" cut in two, draw the {word(name)} set from all of it",
                {"split": name, "distance": float(distance)},
            )


def _repeated(
    duplicates: Duplicates, splits: Mapping[str, Split], classes: Sequence[str]
) -> Iterator[Fault]:
    for split, first in product(duplicates.sizes, repeat=2):
        pairs = duplicates.between(split, first)
        share = len(pairs) / max(duplicates.sizes[split], 1)
        if pairs and (split != first or share > _REPEATED):
            then = (
                "remove them from one set, since testing on them measures memory"
                if split != first
                else "remove the copies"
            )
            yield Fault(
                "repeated images",
                "warning",
                f"{duplicates.sentence(split, first)}; {then}",
                {"split": split, "first_split": first, "images": len(pairs)},
            )
    pairs = [pair for pair in duplicates.pairs if pair.contradictory]
    if pairs:
        pair = min(pairs, key=lambda pair: not pair.exact)
        count = "1 image has" if len(pairs) == 1 else f"{len(pairs):,} images have"
        labels = [
            classes[splits[split].labels[index]]
            for split, index in ((pair.split, pair.index), (pair.first_split, pair.first_index))
        ]
        yield Fault(
            "contradictory labels",
            "warning",
            f"{count} a copy with another label, for example {told(pair)}"
            f" (class {labels[0]} and class {labels[1]}); correct or remove them",
            {"images": len(pairs), "pairs": [asdict(pair) for pair in pairs[:100]]},
        )
