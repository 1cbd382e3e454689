"""Engine: the reader's core, a WebAssembly module, with the model that it runs."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import wasmtime
from numpy.typing import NDArray

CORE = Path(__file__).with_name("core.wasm")
PLANES, CLASSES, SIDE, CELL = 8, 20, 32, 8
"""Planes and classes of the detector, pixels to a side of the classifier's cut-outs and of the
cells that are computed or left out as a whole."""


_HEAD, _CHARACTER, _TABLE_CELL = 5, 30, 7


class Result(NamedTuple):
    """What the core says of a picture.

    Attributes:
        characters: float32, a row for each, in reading order: left, top, right, bottom in pixels of
            the picture; 20 probabilities; the highest of them; whether it is sure; whether the
            picture's edge cuts it; its line, its group and its cell, each from 0, -1 for none.
        left_out: likewise, ink of a digit's size that was not read.
        cells: float32, a row for each cell of a table: table, row, column, left, top, right, bottom.
        sure: whether all characters are sure and nothing was left out.
        confidence: probability that all characters are right.
    """

    characters: NDArray[np.float32]
    left_out: NDArray[np.float32]
    cells: NDArray[np.float32]
    sure: bool
    confidence: float


class Engine:
    """The core with one model. Threads may share it; they take turns.

    Args:
        model: content of a model file, see :mod:`mnistlab.detector.quantise`.
        core: content of ``core.wasm``.

    Raises:
        ValueError: the model is truncated, damaged or of another version.
    """

    def __init__(self, model: bytes, core: bytes | None = None) -> None:
        self._model, self._lock = model, threading.Lock()
        config = wasmtime.Config()
        self._engine = wasmtime.Engine(config)
        self._module = wasmtime.Module(self._engine, core or CORE.read_bytes())
        self._start()

    def _start(self) -> None:
        self._store = wasmtime.Store(self._engine)
        instance = wasmtime.Instance(self._store, self._module, [])
        self._exports = instance.exports(self._store)
        self._memory: wasmtime.Memory = self._exports["memory"]
        self._exports["_initialize"](self._store)
        at = self._put(np.frombuffer(self._model, np.uint8))
        if not self._call("open_model", at, len(self._model)):
            raise ValueError("the reader's model is damaged, or of another version")

    def _call(self, name: str, *arguments: float) -> Any:
        return self._exports[name](self._store, *arguments)

    def _put(self, values: NDArray[Any]) -> int:
        at: int = self._call("allocate", max(values.nbytes, 1))
        self._view(at, values.nbytes)[:] = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        return at

    def _view(self, at: int, size: int) -> NDArray[np.uint8]:
        # Memory may have moved since the last call.
        start = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(start + at))

    @contextmanager
    def _using(self) -> Iterator[None]:
        with self._lock:
            base = self._call("allocate", 0)
            try:
                yield
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                # What the instance holds is undefined now.
                self._start()
                raise RuntimeError(f"the reader's core stopped: {error}") from error
            else:
                self._call("release", base)

    def read(self, pixels: NDArray[np.uint8], threshold: float = 0.0) -> Result:
        """Read a picture.

        Args:
            pixels: ``(height, width)``, or ``(height, width, channels)`` of 3 or 4 channels, upright.
            threshold: probability from which on a character is called sure.
        """
        height, width = pixels.shape[:2]
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        with self._using():
            at = self._call("read", self._put(pixels), width, height, channels, threshold)
            head = np.empty(_HEAD, np.float32)
            self._get(at, head)
            characters, left_out, cells = head[:3].astype(int)
            rows = np.empty((characters + left_out, _CHARACTER), np.float32)
            self._get(at + head.nbytes, rows)
            table = np.empty((cells, _TABLE_CELL), np.float32)
            self._get(at + head.nbytes + rows.nbytes, table)
        return Result(rows[:characters], rows[characters:], table, bool(head[3]), float(head[4]))

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
            cells: ``(n, 2)``, rows and columns of active cells of 4x4 pixels whose classes are wanted.

        Returns:
            Planes ``(8, height / 4, width / 4)`` and class logits ``(n, 20)``.
        """
        height, width = grey.shape
        if height % CELL or width % CELL or not grey.size:
            raise ValueError(f"{width}x{height} pixels: sides have to be multiples of {CELL}")
        if active is not None and active.shape != (height // CELL, width // CELL):
            raise ValueError("active: a value for each cell of 8x8 pixels")
        wanted = np.zeros((0, 2), np.int32) if cells is None else cells.astype(np.int32)
        shape = (PLANES, height // 4, width // 4)
        if len(wanted) and not ((wanted >= 0) & (wanted < shape[1:])).all():
            raise ValueError("cells: outside the picture")
        planes, classes = np.empty(shape, np.float32), np.empty((len(wanted), CLASSES), np.float32)
        with self._using():
            picture = self._put(grey)
            mask = 0 if active is None else self._put(active.astype(np.uint8))
            places = self._put(wanted)
            made, logits = self._put(planes), self._put(classes)
            self._call(
                "detect", picture, width, height, mask, blank, made, places, len(wanted), logits
            )
            self._get(made, planes)
            self._get(logits, classes)
        return planes, classes

    def classify(self, cutouts: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the classifier alone.

        Args:
            cutouts: ``(n, 32, 32)`` grey values.

        Returns:
            Logits ``(n, classes)``.
        """
        if cutouts.shape[1:] != (SIDE, SIDE):
            raise ValueError(f"cut-outs have {SIDE}x{SIDE} pixels")
        with self._using():
            logits = np.empty((len(cutouts), self._call("classes")), np.float32)
            if not logits.shape[1]:
                raise ValueError("the model has no classifier")
            given, made = self._put(cutouts), self._put(logits)
            self._call("classify", given, len(cutouts), made)
            self._get(made, logits)
        return logits

    def _get(self, at: int, values: NDArray[Any]) -> None:
        values.reshape(-1).view(np.uint8)[:] = self._view(at, values.nbytes)
