"""Engine: the reader's core, a WebAssembly module, with the model that it runs."""

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import wasmtime
from numpy.typing import NDArray

CORE = Path(__file__).with_name("core.wasm")
PLANES, CLASSES, VIEWS, SIDE, OUTPUTS, CELL, IMAGE = 8, 20, 3, 32, 25, 8, 28
"""Planes and classes of the detector, views of the classifier's cut-outs, pixels to a side of
those, numbers that it says of each, pixels to a side of the cells that are computed or left out as
a whole, and of the images of characters."""
ADDRESSES = 4400 << 20
"""Bytes of address space that an engine takes, nearly all of them never used."""
_ALIGNMENT = 16
_HEAD, _CHARACTER, _TABLE_CELL = 5, 30, 8
"""Numbers that the core gives back before, for each character, and for each cell of a table."""


MAGIC, VERSION = b"MNLR", 2
"""With which a reader's model file begins."""


class Result(NamedTuple):
    """What the core says of a picture.

    Attributes:
        characters: float32, a row for each, in reading order: left, top, right, bottom in pixels of
            the picture; 20 probabilities; the highest of them; whether it is sure; whether the
            picture's edge cuts it; its line, its group and its cell, each from 0, -1 for none.
        left_out: likewise, unread ink that may be a character.
        cells: float32, a row for each cell of a table: table, row, column, left, top, right,
            bottom, and 1 if rulings tell where it is, 0 if numbers that line up do.
        sure: whether all characters are sure and nothing was left out.
        confidence: probability that all characters are right.
        images: uint8, ``(n, 28, 28)``, of the characters and of what was left out, as MNIST's are:
            light on black, 20 pixels the longer side, the centre of mass in the middle.
    """

    characters: NDArray[np.float32]
    left_out: NDArray[np.float32]
    cells: NDArray[np.float32]
    sure: bool
    confidence: float
    images: NDArray[np.uint8]


class Candidates(NamedTuple):
    """What may be a character, as the core's classifier is asked about it. Those of which it is
    unsure come a second time, in the better boxes in which they are shown again.

    Attributes:
        boxes: float32, ``(n, 4)``, left, top, right, bottom in pixels of the picture.
        found: float32, ``(n,)``, the detector's probability that a character is there.
        kinds: float32, ``(n, 20)``, its probabilities of what it is.
        cut_outs: uint8, ``(n, 3, 32, 32)``, light on dark: the character, dimmed beyond its box,
            and what is around it in squares 2.2 and 5 times as large.
    """

    boxes: NDArray[np.float32]
    found: NDArray[np.float32]
    kinds: NDArray[np.float32]
    cut_outs: NDArray[np.uint8]


def why_refused(model: bytes) -> str:
    """Return what is wrong with a model file that cannot be used, and what to do about it.

    Example:
        >>> why_refused(b"MNLR" + bytes([1, 0, 0, 0]))[:41]
        'is of format 1, and format 2 is needed: t'
    """
    if model[:4] != MAGIC:
        return "is none: its file begins otherwise"
    version = int.from_bytes(model[4:8], "little")
    if len(model) >= 8 and version != VERSION:
        return (
            f"is of format {version}, and format {VERSION} is needed: train it anew with `mnistlab"
            " train reader`, or use the mnistlab that made it"
        )
    return "is damaged: copy its file anew, or train it anew with `mnistlab train reader`"


class Engine:
    """The core with one model. Threads may share it; they take turns.

    Args:
        model: content of a model file, see :mod:`mnistlab.detector.quantise`.
        core: content of ``core.wasm``; the package's own if None.

    Raises:
        ValueError: the model is truncated, damaged or of another version.
    """

    def __init__(self, model: bytes, core: bytes | None = None) -> None:
        self._model, self._lock = model, threading.Lock()
        self._engine, self._module = _compile(CORE.read_bytes() if core is None else core)
        self._start()

    def _start(self) -> None:
        """Make an instance, with the model at the bottom of its memory."""
        self._store = wasmtime.Store(self._engine)
        instance = wasmtime.Instance(self._store, self._module, [])
        self._functions: dict[str, Any] = dict(instance.exports(self._store).items())
        self._call("_initialize")
        size = len(self._model)
        at = self._call("allocate", size)
        self._write(at, np.frombuffer(self._model, np.uint8))
        if not self._call("open_model", at, size):
            raise ValueError(f"the reader's model {why_refused(self._model)}")

    def _call(self, name: str, *numbers: float) -> Any:
        return self._functions[name](self._store, *numbers)

    def _view(self, at: int, size: int) -> NDArray[np.uint8]:
        # Looked up each time: memory that grows may move.
        pointer = self._functions["memory"].data_ptr(self._store)
        start = ctypes.addressof(pointer.contents)
        return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(start + at))

    def _write(self, at: int, array: NDArray[Any]) -> None:
        self._view(at, array.nbytes)[:] = _bytes(np.ascontiguousarray(array))

    def _read(self, at: int, array: NDArray[Any]) -> None:
        _bytes(array)[:] = self._view(at, array.nbytes)

    @contextlib.contextmanager
    def _reserved(self, *arrays: NDArray[Any] | None) -> Iterator[list[int]]:
        """Forget the last call and make room for arrays; yield their addresses, 0 for None."""
        ends = [0]
        for array in arrays:
            size = 0 if array is None else array.nbytes
            ends.append(ends[-1] + -(-size // _ALIGNMENT) * _ALIGNMENT)
        with self._lock:
            try:
                start = self._call("reserve", ends[-1])
                yield [
                    0 if array is None else start + at
                    for array, at in zip(arrays, ends, strict=False)
                ]
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                # What the instance holds now, nobody knows.
                self._start()
                raise RuntimeError(f"the reader's core stopped: {error}") from error

    def read(self, pixels: NDArray[np.uint8], threshold: float = 0.0) -> Result:
        """Read a picture.

        Args:
            pixels: ``(height, width)``, or ``(height, width, channels)`` of 3 or 4 channels,
                upright.
            threshold: probability from which on a character is called sure.

        Raises:
            RuntimeError: the core stopped, for example for want of memory.
        """
        with self._reserved(pixels) as (given,):
            self._write(given, pixels)
            at = self._call("read", given, *_measure(pixels), float(threshold))
            found = self._result(at)
            return found._replace(
                images=self._images(np.concatenate([found.characters, found.left_out])[:, :4])
            )

    def _result(self, at: int) -> Result:
        """Return what the core gives back at an address; no images."""
        head = np.empty(_HEAD, np.float32)
        self._read(at, head)
        characters, left_out, cells = head[:3].astype(int)
        rows = np.empty((characters + left_out, _CHARACTER), np.float32)
        self._read(at + head.nbytes, rows)
        table = np.empty((cells, _TABLE_CELL), np.float32)
        self._read(at + head.nbytes + rows.nbytes, table)
        none = np.empty((0, IMAGE, IMAGE), np.uint8)
        sure, confidence = bool(head[3]), float(head[4])
        return Result(rows[:characters], rows[characters:], table, sure, confidence, none)

    def _images(self, boxes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return images of characters of the picture that was read last."""
        images = np.empty((len(boxes), IMAGE, IMAGE), np.uint8)
        if len(boxes):
            given, made = (self._call("allocate", array.nbytes) for array in (boxes, images))
            self._write(given, boxes)
            self._call("images", given, len(boxes), made)
            self._read(made, images)
        return images

    def arrange(self, boxes: NDArray[np.float32], kinds: NDArray[np.float32]) -> Result:
        """Lay out characters where there are no rulings.

        Args:
            boxes: ``(n, 4)``: left, top, right and bottom in pixels.
            kinds: ``(n, 20)``: probabilities, 0 to 1, of :data:`mnistlab.characters.CHARACTERS` and
                last of other ink.

        Returns:
            No images.

        Raises:
            RuntimeError: the core stopped.
        """
        with self._reserved(boxes, kinds) as places:
            for at, array in zip(places, (boxes, kinds), strict=True):
                self._write(at, array)
            return self._result(self._call("arrange", *places, len(boxes)))

    def look(self, pixels: NDArray[np.uint8]) -> Candidates:
        """Find what may be a character, without asking the classifier.

        Args:
            pixels: as of :meth:`read`.

        Raises:
            RuntimeError: the core stopped, for example for want of memory.
        """
        with self._reserved(pixels) as (given,):
            self._write(given, pixels)
            at = self._call("look", given, *_measure(pixels))
            count = np.empty(1, np.float32)
            self._read(at, count)
            rows = np.empty((int(count[0]), 5 + CLASSES), np.float32)
            cut_outs = np.empty((len(rows), VIEWS, SIDE, SIDE), np.uint8)
            self._read(at + count.nbytes, rows)
            self._read(at + count.nbytes + rows.nbytes, cut_outs)
        return Candidates(rows[:, :4], rows[:, 4], rows[:, 5:], cut_outs)

    def detect(
        self,
        grey: NDArray[np.uint8],
        active: NDArray[np.bool_] | None = None,
        blank: int = 0,
        cells: NDArray[np.int32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Run the detector alone.

        Args:
            grey: ``(height, width)``, multiples of 8.
            active: ``(height / 8, width / 8)``, cells to look at; the others are taken for blank
                paper. None: all.
            blank: the paper's grey.
            cells: ``(n, 2)``, rows and columns of active cells of 4x4 pixels whose classes are
                wanted.

        Returns:
            Planes ``(8, height / 4, width / 4)``, see :mod:`mnistlab.detector.network`, and class
            logits ``(n, 20)``.

        Raises:
            ValueError: the shapes do not fit.
            RuntimeError: the core stopped, for example for want of memory.
        """
        height, width = grey.shape
        if height % CELL or width % CELL or not grey.size:
            raise ValueError(f"{width}x{height} pixels: sides have to be multiples of {CELL}")
        if active is not None and active.shape != (height // CELL, width // CELL):
            raise ValueError("active: one value for each cell of 8x8 pixels")
        shape = (PLANES, height // 4, width // 4)
        wanted = np.zeros((0, 2), np.int32) if cells is None else cells.astype(np.int32)
        if len(wanted) and not ((wanted >= 0) & (wanted < shape[1:])).all():
            raise ValueError("cells: outside the picture")
        planes, classes = np.empty(shape, np.float32), np.empty((len(wanted), CLASSES), np.float32)
        mask = None if active is None else active.astype(np.uint8)
        with self._reserved(grey, mask, wanted, planes, classes) as places:
            for at, array in zip(places, (grey, mask, wanted), strict=False):
                if array is not None:
                    self._write(at, array)
            self._call("detect", *places, width, height, blank, len(wanted))
            self._read(places[3], planes)
            self._read(places[4], classes)
        return planes, classes

    def classify(self, cutouts: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the classifier alone.

        Args:
            cutouts: ``(n, 3, 32, 32)`` grey values.

        Returns:
            float32, ``(n, 25)``: logits of 21 classes, then how far the left, top, right and bottom
            edge of the character's box are off, in its larger sides.

        Raises:
            ValueError: the shape does not fit, or the model has no classifier.
            RuntimeError: the core stopped.
        """
        if cutouts.shape[1:] != (VIEWS, SIDE, SIDE):
            raise ValueError(f"cut-outs have {VIEWS} views of {SIDE}x{SIDE} pixels")
        with self._lock:
            known = self._call("has_classifier")
        if not known:
            raise ValueError("the model has no classifier")
        said = np.empty((len(cutouts), OUTPUTS), np.float32)
        with self._reserved(cutouts, said) as (given, made):
            self._write(given, cutouts)
            self._call("classify", given, made, len(cutouts))
            self._read(made, said)
        return said


def _compile(core: bytes) -> tuple[wasmtime.Engine, wasmtime.Module]:
    """Return machine code, which is kept in the user's own cache folder if that can be used."""
    with contextlib.suppress(wasmtime.WasmtimeError):
        engine = _make_engine(cached=True)
        return engine, wasmtime.Module(engine, core)
    engine = _make_engine(cached=False)
    return engine, wasmtime.Module(engine, core)


def _make_engine(*, cached: bool) -> wasmtime.Engine:
    config = wasmtime.Config()
    # Threads that compile would be missing in a forked process.
    config.parallel_compilation = False
    if cached:
        config.cache = True
    return wasmtime.Engine(config)


def _bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    return array.reshape(-1).view(np.uint8)


def _measure(pixels: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Return a picture's width, height and channels."""
    height, width, channels = (*pixels.shape, 1)[:3]
    return width, height, channels
