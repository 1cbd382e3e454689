"""Pictures: many picture files, decoded side by side into one array of images."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnistlab.data.bounds import LEAST, most_unpacked
from mnistlab.data.decode import common_range, decode
from mnistlab.data.depth import Range
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import ReadOptions
from mnistlab.errors import DamagedPictures, DataError
from mnistlab.files import read_file
from mnistlab.fit import Fit, place
from mnistlab.text import counted
from mnistlab.workers import Ended, Workers

USUAL_SIZE = (32, 32)
"""Height and width in pixels to which pictures of different sizes are brought."""
LARGEST_SIDE = 512
"""Pixels; larger pictures are brought to size while they are read, even if all have one size."""
_CHUNK = 256
_HOW = {"pad": "scaled and padded", "resize": "stretched", "crop": "scaled and cropped"}
_MANY, _MANY_BYTES = 4000, 1 << 25
"""Files and bytes from which several processes pay."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Decoded pictures of one size.

    Attributes:
        images: uint8, ``(n, channels, height, width)``; 3 channels if any picture has colour.
        digests: uint64, ``(n,)``, of the files, if the pictures were brought to one size.
        kept: int64, ``(n,)``: of which names these are; all, unless damaged ones are skipped.
        notes: what was scaled or left out, each a short sentence.
    """

    images: NDArray[np.uint8]
    digests: NDArray[np.uint64] | None
    kept: NDArray[np.int64]
    notes: list[str]


@dataclass(frozen=True)
class _Task:
    """A few pictures to decode: their paths, or what messages call them and their bytes."""

    start: int
    names: list[str]
    contents: list[bytes] | None
    target: tuple[int, int] | None = None
    fit: Fit = "pad"
    value_range: Range | None = None


@dataclass
class _Decoded:
    """What became of a task; ``images`` is ``None`` where the pictures differ in size."""

    start: int
    images: NDArray[np.uint8] | None = None
    sizes: list[tuple[int, int]] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    ranges: dict[int, Range] = field(default_factory=dict)


class _SizesDifferError(Exception):
    """Pictures must be brought to one size; the message is what sizes there are."""


def read_pictures(tree: FileTree, names: Sequence[str], options: ReadOptions) -> Pictures:
    """Decode pictures, on all cores if there are many.

    Pictures of one size stay as they are, unless a side is longer than 512 pixels. Others are
    brought to the size of the options. Grey pictures among coloured ones become grey in three
    channels.

    Args:
        tree: the files.
        names: those of the pictures, in order.
        options: see :class:`mnistlab.data.forms.ReadOptions`.

    Raises:
        DamagedPictures: some cannot be decoded; the error has them all.
        DataError: too many pixels for files of this size.
    """
    try:
        return _read(tree, names, options, None)
    except _SizesDifferError as error:
        if options.fit == "none":
            raise DataError(
                f"{tree.place}: {error}; set fit to pad, resize or crop to bring them to one size"
            ) from None
        return _read(tree, names, options, options.size or USUAL_SIZE)


def _read(
    tree: FileTree, names: Sequence[str], options: ReadOptions, target: tuple[int, int] | None
) -> Pictures:
    store = _Store(tree, len(names), target)
    tasks = [
        _task(tree, names, range(start, min(start + _CHUNK, len(names))), options, target)
        for start in range(0, len(names), _CHUNK)
    ]
    for decoded in _decode_all(tree, tasks):
        store.add(decoded)
    if store.damaged and not (options.skip_damaged and store.count):
        raise DamagedPictures(str(tree.place), store.damaged, len(names))
    if store.ranges:
        common: Range | None = None
        for found in store.ranges.values():
            common = common_range(common, found)
        again = [place for place, found in sorted(store.ranges.items()) if found != common]
        for place_ in again:
            task = replace(_task(tree, names, [place_], options, target)(), value_range=common)
            store.add(_decode(task))
    pictures = store.pictures(names)
    if target:
        size = f"{target[0]}x{target[1]} (fit = {options.fit})"
        pictures.notes.insert(0, f"{store.sizes}, {_HOW[options.fit]} to {size}")
    return pictures


class _Store:
    """The images decoded so far."""

    def __init__(self, tree: FileTree, total: int, target: tuple[int, int] | None) -> None:
        self._tree, self._total, self._target = tree, total, target
        self._images: NDArray[np.uint8] | None = None
        self._sizes: set[tuple[int, int]] = set()
        self._digests = np.zeros(total, np.uint64)
        self._filled = np.zeros(total, bool)
        self._notes: dict[int, tuple[str, ...]] = {}
        self.damaged: dict[str, str] = {}
        self.ranges: dict[int, Range] = {}

    @property
    def sizes(self) -> str:
        """The sizes of the pictures, in words."""
        ends = [f(self._sizes, key=lambda size: size[0] * size[1]) for f in (min, max)]
        words = dict.fromkeys(f"{height}x{width}" for height, width in ends)
        return f"pictures of {' to '.join(words)} pixels"

    @property
    def count(self) -> int:
        """Pictures decoded."""
        return int(self._filled.sum())

    def add(self, decoded: _Decoded) -> None:
        """Take a task's images."""
        self._sizes.update(decoded.sizes)
        if self._target is None and self._sizes:
            self._refuse_sizes()
        self.damaged |= decoded.damaged
        # Those of a picture that is decoded once more replace its first ones.
        self._notes |= decoded.notes
        self.ranges |= decoded.ranges
        if decoded.images is None:
            return
        images = self._room_for(decoded.images)
        first, last = decoded.places[0], decoded.places[-1] + 1
        # A slice is copied twice as fast.
        places = slice(first, last) if last - first == len(decoded.places) else decoded.places
        images[places] = decoded.images
        if decoded.digests:
            self._digests[places] = decoded.digests
        self._filled[places] = True

    def pictures(self, names: Sequence[str]) -> Pictures:
        """Return all images, without room for those that are damaged."""
        if self._images is None:
            raise DataError(f"{self._tree.place}: no pictures")
        found = Counter(note for notes in self._notes.values() for note in notes)
        notes = [f"{note} ({counted(count, 'picture')})" for note, count in found.most_common()]
        images, digests = self._images, None if self._target is None else self._digests
        kept = np.flatnonzero(self._filled)
        if len(kept) < self._total:
            images, digests = images[kept], None if digests is None else digests[kept]
            notes.append(
                f"{self._total - len(kept):,} of {len(names):,} pictures are damaged and left out"
            )
        return Pictures(images, digests, kept, notes)

    def _refuse_sizes(self) -> None:
        """Ask for one size if there are several, or if the only one is large."""
        if len(self._sizes) == 1 and max(next(iter(self._sizes))) <= LARGEST_SIDE:
            return
        raise _SizesDifferError(self.sizes)

    def _room_for(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the array of all images, made when the first ones are there."""
        _, channels, height, width = images.shape
        if self._images is None:
            pixels = self._total * height * width
            # Asking for every file's size takes time.
            if pixels > LEAST and pixels > (most := most_unpacked(self._tree.bytes_packed)):
                raise DataError(
                    f"{self._tree.place}: would expand to more than {most:,} pixels; files of this"
                    " size may expand to no more"
                )
            self._images = np.zeros((self._total, channels, height, width), np.uint8)
        if channels > self._images.shape[1]:
            # Only what is filled, since memory that was never written takes neither time nor room.
            grey, filled = self._images, np.flatnonzero(self._filled)
            self._images = np.zeros((self._total, channels, height, width), np.uint8)
            self._images[filled] = grey[filled]
        return self._images


def _task(
    tree: FileTree,
    names: Sequence[str],
    places: Sequence[int],
    options: ReadOptions,
    target: tuple[int, int] | None,
) -> Callable[[], _Task]:
    """Return a function that makes a task; of an archive, it reads the pictures."""

    def make() -> _Task:
        chosen = [names[place] for place in places]
        names_or_paths, contents = tree.paths(chosen), None
        if names_or_paths is None:
            names_or_paths = [tree.where(name) for name in chosen]
            contents = [tree.read(name) for name in chosen]
        return _Task(places[0], names_or_paths, contents, target, options.fit)

    return make


def _decode_all(tree: FileTree, tasks: list[Callable[[], _Task]]) -> Iterator[_Decoded]:
    """Decode in this process, or on all cores if that is faster."""
    cores = os.process_cpu_count() if hasattr(os, "process_cpu_count") else None
    cores = cores or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    few = len(tasks) * _CHUNK < _MANY and tree.bytes_packed < _MANY_BYTES
    if cores < 2 or len(tasks) < 2 or few:
        yield from (_decode(task()) for task in tasks)
        return
    waiting = iter(tasks)
    with Workers[None]() as workers:
        for task in islice(waiting, cores):
            workers.start(_serve, job=None).send(task())
        while workers:
            for worker, message in workers.receive(60):
                if isinstance(message, Ended):
                    raise DataError(
                        f"{tree.place}: a process that decodes its pictures {message.how}"
                    )
                following = next(waiting, None)
                worker.send(following and following())
                yield message
                if following is None:
                    workers.retire(worker)


def _serve(connection: Connection) -> None:
    while (task := connection.recv()) is not None:
        connection.send(_decode(task))


def _decode(task: _Task) -> _Decoded:
    decoded = _Decoded(task.start)
    found: list[NDArray[np.uint8]] = []
    sizes: set[tuple[int, int]] = set()
    for index, name in enumerate(task.names):
        place_ = task.start + index
        try:
            content = _content(name) if task.contents is None else task.contents[index]
            picture = decode(content, name, value_range=task.value_range)
        except DataError as error:
            reason = str(error).removeprefix(f"{name}: ")
            decoded.damaged[name] = reason.removeprefix("damaged, cannot be decoded: ")
            continue
        sizes.add(picture.pixels.shape[1:])
        if task.target is None and (len(sizes) > 1 or max(picture.pixels.shape) > LARGEST_SIDE):
            # All are decoded once more, to one size; these large ones would only take memory.
            return _Decoded(task.start, sizes=list(sizes))
        decoded.notes[place_] = picture.notes
        if picture.value_range is not None:
            decoded.ranges[place_] = picture.value_range
        decoded.places.append(place_)
        if task.target is None:
            found.append(picture.pixels)
        else:
            found.append(bring_to_size(picture.pixels, task.target, task.fit))
            decoded.digests.append(int.from_bytes(hashlib.sha256(content).digest()[:8]))
    decoded.sizes = list(sizes)
    if len({pixels.shape[1:] for pixels in found}) == 1:
        channels = max(map(len, found))
        decoded.images = np.empty((len(found), channels, *found[0].shape[1:]), np.uint8)
        for index, pixels in enumerate(found):
            decoded.images[index] = pixels
    return decoded


def _content(path: str) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}") from error


def bring_to_size(
    pixels: NDArray[np.uint8], target: tuple[int, int], fit: Fit
) -> NDArray[np.uint8]:
    """Bring one image to a size, by bilinear scaling with antialiasing.

    Args:
        pixels: uint8, ``(channels, height, width)``.
        target: height and width in pixels.
        fit: see :func:`mnistlab.fit.place`.

    Returns:
        uint8, ``(channels, *target)``.
    """
    height, width = pixels.shape[1:]
    placement = place((height, width), target, fit)
    if placement.scaled != (height, width):
        size = placement.scaled[::-1]
        pixels = np.stack(
            [
                np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BILINEAR))
                for channel in pixels
            ]
        )
    sides = placement.top, placement.bottom, placement.left, placement.right
    top, bottom, left, right = (max(0, -side) for side in sides)
    pixels = pixels[:, top : pixels.shape[1] - bottom, left : pixels.shape[2] - right]
    top, bottom, left, right = (max(0, side) for side in sides)
    return np.pad(pixels, ((0, 0), (top, bottom), (left, right)))
