"""Duplicates: images that a data set holds more than once, within a split or across two.

References:
    B. Barz and J. Denzler, *Do We Train on Test Data? Purging CIFAR of Near-Duplicates*, Journal of
    Imaging 6(6), 2020, on what duplicates do to a test.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.text import printable, shorten

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

SPLITS = ("train", "validation", "test")
_BANDS = ((0, 4), (4, 7), (7, 10), (10, 13))
"""Frequencies, in half periods over the image, that are compared by themselves."""
_LEAST_SIDE = 16
"""Height and width in pixels that an image must have to hold all of them."""
_STRICT, _MIDDLE, _LOOSE = (0.03, 0.997), (0.05, 0.99), (0.08, 0.97)
"""How far low frequencies of near duplicates may differ, and how alike the higher ones are."""
_CONTRAST = 1.5
_COORDINATES, _CROWD = 6, 512
_SAMPLE, _LARGE, _SPARSE = 2000, 500, 2e-5
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Pair:
    """An image that is there before.

    Attributes:
        split: that of the image.
        index: its place there, from 0.
        first_split: that of the image which it repeats: its own split, or one before it in the
            order training, validation, test.
        first_index: that image's place there.
        exact: whether all pixels are equal.
        contradictory: whether the labels differ.
    """

    split: str
    index: int
    first_split: str
    first_index: int
    exact: bool
    contradictory: bool


@dataclass(frozen=True)
class Duplicates:
    """What was found by :func:`find_duplicates`.

    Attributes:
        sizes: how many images each split has.
        pairs: each repeated image once, in the order of splits and indices.
        one_coloured: how many images of each split are of one colour; they are in no pair.
    """

    sizes: Mapping[str, int]
    pairs: tuple[Pair, ...]
    one_coloured: Mapping[str, int]

    def between(self, split: str, first_split: str) -> list[Pair]:
        """The images of one split that are there before in the same or another."""
        return [p for p in self.pairs if (p.split, p.first_split) == (split, first_split)]

    def sentence(self, split: str, first_split: str) -> str:
        """Say how many images of one split are there before in the same or another.

        For example ``212 of 10,000 test images are also training images (exact: 200, near: 12),
        for example test 17 = training 4012``.
        """
        pairs = self.between(split, first_split)
        exact = sum(pair.exact for pair in pairs)
        what = "repeat others" if split == first_split else f"are also {word(first_split)} images"
        text = f"{len(pairs):,} of {self.sizes[split]:,} {word(split)} images {what}"
        if pairs:
            text += f" (exact: {exact:,}, near: {len(pairs) - exact:,})"
            text += f", for example {told(min(pairs, key=lambda pair: not pair.exact))}"
        return text

    def shared(self, names: Mapping[str, Sequence[str]]) -> list[str]:
        """Say of each two splits how many images are exactly the same in both.

        For example ``12 of 400 test images are also training images (test/b/7.png =
        train/b/31.png)``.

        Args:
            names: what the images of each split are called; without names they are numbered.
        """
        notes = []
        for split, first in combinations(reversed(list(self.sizes)), 2):
            pairs = [pair for pair in self.between(split, first) if pair.exact]
            if pairs:
                notes.append(
                    f"{len(pairs):,} of {self.sizes[split]:,} {word(split)} images are also"
                    f" {word(first)} images"
                    f" ({_called(names, split, pairs[0].index)} ="
                    f" {_called(names, first, pairs[0].first_index)})"
                )
        return notes

    def summary(self) -> list[str]:
        """A sentence for each two splits that share images, and for each that repeats its own."""
        return [
            self.sentence(split, first)
            for split, first in product(self.sizes, repeat=2)
            if self.between(split, first)
        ]

    def figures(self) -> dict[str, Any]:
        """Counts and the first hundred pairs of each kind, ready for JSON."""
        return {
            "one_coloured": dict(self.one_coloured),
            "repeated": [
                {
                    "split": split,
                    "first_split": first,
                    "exact": sum(pair.exact for pair in pairs),
                    "near": sum(not pair.exact for pair in pairs),
                    "contradictory": sum(pair.contradictory for pair in pairs),
                    "pairs": [[pair.index, pair.first_index] for pair in pairs[:100]],
                }
                for split, first in product(self.sizes, repeat=2)
                if (pairs := self.between(split, first))
            ],
        }


def word(split: str) -> str:
    """Return what a split is called in sentences."""
    return "training" if split == "train" else split


def told(pair: Pair) -> str:
    """Return for example ``test 17 = training 4012``; a near duplicate has ``~`` for ``=``."""
    return (
        f"{word(pair.split)} {pair.index} {'=' if pair.exact else '~'} {word(pair.first_split)}"
        f" {pair.first_index}"
    )


def _called(names: Mapping[str, Sequence[str]], split: str, index: int) -> str:
    return shorten(printable(names[split][index])) if names.get(split) else f"{word(split)} {index}"


def one_coloured(images: Images) -> NDArray[np.bool_]:
    """Return for each image whether all of its pixels are alike.

    Args:
        images: uint8, ``(n, channels, height, width)``.
    """
    corner = images[:, :, :1, :1]
    alike = np.asarray((images[:, :, ::8, ::8] == corner).all(axis=(1, 2, 3)))
    # Few images are left of which all pixels have to be looked at.
    left = np.flatnonzero(alike)
    alike[left] = (images[left] == corner[left]).all(axis=(1, 2, 3))
    return alike


def find_duplicates(
    images: Mapping[str, Images],
    labels: Mapping[str, NDArray[np.int64]] | None = None,
    *,
    near: bool = True,
) -> Duplicates:
    """Find images that are there twice.

    Exact duplicates have the same pixels. Near duplicates are the same picture after a change of
    file: saved as JPEG, made smaller or larger and back, or changed in brightness or contrast. They
    are told by their grey values' cosine transform. In each of four bands of frequencies, up to 13
    half periods over the image, the correlation of two images is taken by itself, because resizing
    weakens high frequencies and otherwise leaves them as they are. Two images are near duplicates
    if

    - the six lowest coefficients, in units of their band's length, differ by less than 0.03 each;
    - the contrasts of the lowest band differ by a factor of less than 1.5;
    - the mean correlation of the three upper bands is at least 0.997.

    These bounds are those of MNIST, where the most similar strokes of different hands come to
    0.9967, once to 0.998 (which the other bounds keep apart). Among photographs no two come near by
    chance. In a data set of which fewer than 1 in 25,000 pairs of training images pass the first
    bound (MNIST has one in 1,400, CIFAR-10 one in a million), the bounds are therefore 0.08 and
    0.97, which changes of colours pass as well. Fewer than 500 training images do not say enough:
    if five pairs of them at most pass the first bound, the bounds are 0.05 and 0.99.

    Measured on 500 images among 10,000, saved as JPEG of quality 50 to 95, resized to 3/4 or 3/2
    and back with bilinear, bicubic or Lanczos filters, and made brighter or darker by a tenth: of
    MNIST at least 96 % of each change are found, of CIFAR-10 at least 99 %, and no others but two
    pairs that CIFAR-10 has itself. Shifted, cropped or mirrored pictures are not looked for.

    Images of one colour are counted and left out: they resemble each other without being the same
    picture. Of images smaller than 16 pixels a side only exact duplicates are found. Where more
    than 512 images share the same low frequencies, an image is compared with the first 512.

    Args:
        images: for each split (``train``, ``validation``, ``test``, as far as there) uint8
            ``(n, channels, height, width)``, all of one size.
        labels: the images' labels, int64 ``(n,)``, to tell contradictory ones.
        near: whether to look for near duplicates too.
    """
    names = [name for name in SPLITS if name in images]
    sizes = {name: len(images[name]) for name in names}
    plain = {name: one_coloured(images[name]) for name in names}
    first = _first_copies([images[name] for name in names])
    candidates = np.concatenate([~plain[name] for name in names])
    originals = np.flatnonzero((first == np.arange(len(first))) & candidates)
    like = np.full(len(first), -1)
    if near and min(images[names[0]].shape[2:]) >= _LEAST_SIDE:
        split = np.repeat(np.arange(len(names)), list(sizes.values()))
        spectra = np.concatenate([_spectra(images[name]) for name in names])[originals]
        later, earlier = _near_pairs(spectra, split[originals])
        like[originals[later]] = originals[earlier]
    exact = first != np.arange(len(first))
    first = np.where(exact, first, like)
    starts = np.cumsum([0, *sizes.values()])
    label = None if labels is None else np.concatenate([labels[name] for name in names])
    pairs = []
    for at in np.flatnonzero((first >= 0) & candidates):
        here, there = (int(np.searchsorted(starts, i, "right")) - 1 for i in (at, first[at]))
        pairs.append(
            Pair(
                names[here],
                int(at - starts[here]),
                names[there],
                int(first[at] - starts[there]),
                bool(exact[at]),
                label is not None and bool(label[at] != label[first[at]]),
            )
        )
    counts = {name: int(plain[name].sum()) for name in names}
    return Duplicates(sizes, tuple(pairs), counts)


def _first_copies(splits: list[Images]) -> Indices:
    """Return for each image, counted through all splits, the first one that has its pixels."""
    seen: dict[bytes, int] = {}
    digests = (
        hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        for images in splits
        for image in images
    )
    return np.array([seen.setdefault(digest, at) for at, digest in enumerate(digests)])


def _bands() -> list[NDArray[np.bool_]]:
    side = _BANDS[-1][1]
    radius = np.hypot(*np.mgrid[:side, :side]).reshape(-1)
    # The mean, of frequency 0, is left out.
    return [(radius >= max(low, 0.5)) & (radius < high) for low, high in _BANDS]


def _spectra(images: Images) -> Floats:
    """Return the cosine transform of the grey values up to the highest band: float32,
    ``(n, coefficients)``, band after band, each from low to high.
    """
    count, channels, height, width = images.shape
    weights = np.array([0.299, 0.587, 0.114] if channels == 3 else [1], np.float32)
    rows, columns = _cosines(height), _cosines(width).T
    places = np.concatenate([np.flatnonzero(band) for band in _bands()])
    spectra = np.empty((count, len(places)), np.float32)
    for start in range(0, count, _BLOCK):
        block = images[start : start + _BLOCK].astype(np.float32)
        grey = np.tensordot(block, weights, (1, 0))
        spectra[start : start + _BLOCK] = (rows @ grey @ columns).reshape(len(grey), -1)[:, places]
    return spectra


def _cosines(size: int) -> Floats:
    """Return the lowest rows of the orthonormal cosine transform (DCT-II) of ``size`` values."""
    frequencies = np.arange(_BANDS[-1][1])[:, None]
    rows = np.cos(np.pi * frequencies * (np.arange(size) + 0.5) / size) * np.sqrt(2 / size)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, np.float32)


def _near_pairs(spectra: Floats, split: Indices) -> tuple[Indices, Indices]:
    """Return images, and for each the one before it that it is most like: in the first split
    where there is any.

    Args:
        spectra: as from :func:`_spectra`; changed.
        split: each image's split, ascending.
    """
    ends = np.cumsum([band.sum() for band in _bands()])
    lowest, *upper = (
        spectra[:, start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)
    )
    contrast = np.linalg.norm(lowest, axis=1)
    for band in (lowest, *upper):
        band /= np.maximum(np.linalg.norm(band, axis=1, keepdims=True), 1e-3)
    points = lowest[:, :_COORDINATES]
    reach, likeness = _bounds(points[split == split.min(initial=0)])
    likeness *= len(upper)
    found = []
    for one, other in _neighbours(points, reach):
        least, most = np.sort(contrast[[one, other]], axis=0)
        kept = most < _CONTRAST * least
        one, other = one[kept], other[kept]
        score = np.zeros(len(one), np.float32)
        for number, band in enumerate(upper, 1):
            score = score + np.einsum("ij,ij->i", band[one], band[other])
            # Bands that follow add 1 each at most.
            kept = score >= likeness - (len(upper) - number)
            one, other, score = one[kept], other[kept], score[kept]
        found.append((one, other, score))
    one, other, score = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((-score, split[other], one))
    one, places = np.unique(one[order], return_index=True)
    return one, other[order][places]


def _bounds(points: Floats) -> tuple[float, float]:
    """Return the bounds for images of this kind, told by how many of them come near each other."""
    some = points[:: max(1, len(points) // _SAMPLE)]
    near = sum(len(one) for one, _ in _neighbours(some, _STRICT[0]))
    if near >= _SPARSE * max(len(some), _LARGE) ** 2:
        return _STRICT
    return _LOOSE if len(some) >= _LARGE else _MIDDLE


def _neighbours(points: Floats, reach: float) -> Iterator[tuple[Indices, Indices]]:
    """Yield the pairs whose every coordinate differs by less than ``reach``: the later and the
    earlier points' indices.

    Points lie in the cells of a grid twice as wide as the reach, so that neighbours are in a
    point's own cell or, along each axis, in the one that it is nearer to.
    """
    yield np.zeros(0, np.int64), np.zeros(0, np.int64)
    place = points / (2 * reach)
    cell = np.floor(place).astype(np.int64)
    side = np.where(place - cell < 0.5, -1, 1)
    strides = (cell.max(initial=0) - cell.min(initial=0) + 3) ** np.arange(points.shape[1])
    key = cell @ strides
    # Those of one cell lie together, the earlier before the later.
    order = np.argsort(key, kind="stable")
    key, side, coordinates = key[order], side[order], np.ascontiguousarray(points[order].T)
    ranked = key * len(key) + order
    for way in product((0, 1), repeat=points.shape[1]):
        wanted = (key + (side * way) @ strides) * len(key)
        start = np.searchsorted(ranked, wanted)
        count = np.minimum(np.searchsorted(ranked, wanted + order) - start, _CROWD)
        some = np.flatnonzero(count)
        for part in np.array_split(some, count.sum() // (1 << 18) + 1):
            one = np.repeat(part, count[part])
            before = np.repeat(np.cumsum(count[part]) - count[part], count[part])
            other = start[one] + np.arange(len(one)) - before
            # One by one, since each leaves few for those that follow.
            for values in coordinates:
                near = np.abs(values[one] - values[other]) < reach
                one, other = one[near], other[near]
            yield order[one], order[other]
