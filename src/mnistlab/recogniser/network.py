"""Network: a trained model in an ONNX file, run by ONNX Runtime."""

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from mnistlab.errors import ModelError
from mnistlab.files import read_file
from mnistlab.recogniser.control_flow import has_control_flow
from mnistlab.recogniser.interruptible import Caller
from mnistlab.recogniser.models import NONE

METADATA_KEY = "mnistlab"
"""Of the ONNX file's metadata: a JSON object, what the file says of itself; its keys are in
``docs/export.md``."""
_OUTPUTS = ["logits", "probabilities"]
_LARGEST_SIDE = 4096
_LARGEST_FILE = 1 << 31
"""Bytes; ONNX allows no more."""
_SECONDS = 60.0
"""After which a model that has not yet read a few images is given up."""
_NOWHERE = str(Path(os.devnull) / "nowhere")
_SEALED = b"sha256-of-the-rest:"
_LARGEST_NUMBER = 1e9
_KINDS = {
    "name": str,
    "title": str,
    "classes": list,
    "seed": int,
    "temperature": int | float,
    "data": dict,
}
"""Of what a model says of itself, the types of what is made use of."""
_LENGTH = re.compile(rb"sha256-of-the-rest:[0-9a-f]{64} of (\d{10}) bytes")
_DYNAMIC = b"DynamicQuantize"
"""In the names of operators that scale all rows of a call by the largest value among them."""
READ_AT_ONCE = 16
"""Images a call. Every call has so many rows, blank ones included: a row's result then never hangs
on its company."""


class Network:
    """A model that reads prepared images.

    Args:
        model: path of a file that ``mnistlab export`` wrote: input ``images``, uint8 ``(n, height,
            width)``, outputs ``logits`` and ``probabilities``, float32 ``(n, classes)``.

    A file that another tool has changed since, such as a quantiser, is taken if it still has those
    and runs.

    Raises:
        ModelError: not such a file, or a damaged one.
    """

    def __init__(self, model: Path) -> None:
        self.path = model
        self._caller = Caller()
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Silent: what is wrong is said by the exception.
        options.log_severity_level = 4
        # What a stranger's model says lies in other files is looked for where there are none.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", _NOWHERE
        )
        content = _read(model)
        self.changed = _is_changed(content, model)
        self._rows = 1 if _DYNAMIC in content else READ_AT_ONCE
        try:
            looping = has_control_flow(content)
        except ValueError as error:
            raise ModelError(f"{model}: not an ONNX model: {error}") from error
        if looping:
            raise ModelError(
                f"{model}: has loops, branches or functions, which no model has that `mnistlab"
                " export` wrote"
            )
        make = partial(ort.InferenceSession, content, options, providers=["CPUExecutionProvider"])
        try:
            self._session = self._call(make)
        except ModelError:
            raise
        # ONNX Runtime's exceptions share no base but this one.
        except Exception as error:
            raise ModelError(f"{model}: not an ONNX model: {error}") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        # ONNX Runtime decodes names and metadata when they are asked for, which a damaged file may
        # fail at.
        try:
            names = [i.name for i in inputs], [o.name for o in outputs]
            held = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, "{}")
        except UnicodeDecodeError as error:
            raise ModelError(f"{model}: its names are damaged; export it again") from error
        if names != (["images"], _OUTPUTS):
            raise ModelError(
                f"{model}: not a model of mnistlab's; make one with `mnistlab export RUN"
                " model.onnx`"
            )
        if isinstance(rows := inputs[0].shape[:1] and inputs[0].shape[0], int):
            self._rows = rows
        self.channels, *size = _image_shape(inputs[0].shape, model)
        self.image_size = size[0], size[1]
        self._shape = self.image_size if self.channels == 1 else (self.channels, *size)
        try:
            self.metadata = _parse_metadata(held)
        except (ValueError, RecursionError) as error:
            raise ModelError(
                f"{model}: what it says of itself is damaged; export it again"
            ) from error
        if self.changed:
            self.metadata["changed"] = True
        shape = outputs[0].shape
        self._outputs = shape[1] if len(shape) == 2 and isinstance(shape[1], int) else 10
        self._try_out()

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of the file."""
        if not self.changed:
            return ()
        return (
            f"{self.path}: was changed after the export, by another tool or by damage; it may"
            " answer otherwise than the model that was exported",
        )

    @property
    def name(self) -> str:
        """The recipe's name."""
        return str(self.metadata.get("name", self.path.stem))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        return tuple(self.metadata.get("classes", map(str, range(self._outputs))))

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits, float32 ``(n, classes)``.

        Args:
            images: uint8, ``(n, channels, height, width)``, or ``(n, height, width)`` if grey.
        """
        return self._run(images, "logits")

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return calibrated probabilities, float64 ``(n, classes)``, of images, uint8 ``(n, height,
        width)``.
        """
        return self._run(images, "probabilities").astype(np.float64)

    def named(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return :meth:`probabilities` of the classes without ``none``; where there is one, rows
        sum to less than 1.
        """
        return self.probabilities(images)[:, : len(self.classes) - (NONE in self.classes)]

    def _try_out(self) -> None:
        """Read one black image, so that what cannot work is refused now.

        Raises:
            ModelError: it cannot.
        """
        try:
            for output in _OUTPUTS:
                self._run(np.zeros((1, *self._shape), np.uint8), output)
        except ModelError:
            raise
        # As above.
        except Exception as error:
            raise ModelError(f"{self.path}: cannot read images: {error}") from error

    def _run(self, images: NDArray[np.uint8], output: str) -> NDArray[np.float32]:
        found = np.empty((len(images), len(self.classes)), np.float32)
        batch = np.zeros((self._rows, *self._shape), np.uint8)
        images = images.reshape(len(images), *self._shape)
        for start in range(0, len(images), self._rows):
            part = images[start : start + self._rows]
            batch[: len(part)] = part
            options = ort.RunOptions()
            read = partial(self._session.run, [output], {"images": batch}, options)
            stop = partial(setattr, options, "terminate", True)  # noqa: FBT003 - the attribute's value
            found[start : start + len(part)] = self._call(read, stop)[0][: len(part)]
        if not np.isfinite(found).all():
            raise ModelError(
                f"{self.path}: its {output} are not finite numbers; train it again, and export it"
            )
        return found

    def _call(self, function: Callable[[], Any], stop: Callable[[], None] = lambda: None) -> Any:
        """Call ONNX Runtime; ``stop`` asks it to come back early.

        Raises:
            ModelError: it took too long.
        """
        try:
            return self._caller.call(function, _SECONDS)
        except TimeoutError:
            stop()
            raise ModelError(
                f"{self.path}: takes longer than {_SECONDS:g} seconds to read {self._rows} images"
            ) from None
        except KeyboardInterrupt:
            stop()
            raise


def _parse_metadata(text: str) -> dict[str, Any]:
    """Read what a model says of itself.

    Raises:
        ValueError: not a JSON object, or one whose values are of other types than ``mnistlab
            export`` writes.
        RecursionError: lists within lists without end.
    """
    about = json.loads(text, parse_float=_finite, parse_constant=_finite)
    if not isinstance(about, dict):
        raise ValueError("no object")
    for key, kind in _KINDS.items():
        if key in about and (not isinstance(about[key], kind) or isinstance(about[key], bool)):
            raise ValueError(key)
    classes, names = about.get("classes", []), about.get("data", {}).values()
    if not all(isinstance(name, str) for name in (*classes, *names)) or len(set(classes)) < len(
        classes
    ):
        raise ValueError("classes, or data")
    if not 0 < about.get("temperature", 1) < _LARGEST_NUMBER:
        raise ValueError("temperature")
    return about


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _read(model: Path) -> bytes:
    try:
        content = read_file(model, _LARGEST_FILE)
    except IsADirectoryError:
        raise ModelError(
            f"{model}: is a folder; if it is a run's, make a model of it: mnistlab export {model}"
            f" my.onnx, or classify whole pictures: mnistlab classify {model}"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{model}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    return content


def _is_changed(content: bytes, model: Path) -> bool:
    """Whether a file was changed after it was exported.

    Tools that change it write it anew, and with another length than the one that it says; damage to
    a disk keeps the length, unless it is to the very digits that say it.

    Raises:
        ModelError: it was damaged.
    """
    # A file of earlier versions has no checksum.
    if _SEALED not in content:
        return False
    # Only here, since it costs a tenth of a second.
    from mnistlab.runs import seal_is_broken

    if not seal_is_broken(content):
        return False
    length = _LENGTH.search(content)
    changed = False
    if length and int(length[1]) != len(content):
        start, end = length.span(1)
        changed = seal_is_broken(content[:start] + b"%010d" % len(content) + content[end:])
    if not changed:
        raise ModelError(
            f"{model}: damaged: its content and its checksum differ; export it again, or clear the"
            " field doc_string if you changed values in it yourself"
        )
    return True


def _image_shape(shape: Sequence[object], model: Path) -> tuple[int, int, int]:
    """Return channels, height and width."""
    match shape:
        case [rows, int(height), int(width)]:
            channels = 1
        case [rows, 3, int(height), int(width)]:
            channels = 3
        case _:
            rows, channels, height, width = 0, 0, 0, 0
    if isinstance(rows, int) and not 1 <= rows <= READ_AT_ONCE and channels:
        raise ModelError(f"{model}: reads {rows:,} images at once, not 1 to {READ_AT_ONCE}")
    if channels and 1 <= height <= _LARGEST_SIDE and 1 <= width <= _LARGEST_SIDE:
        return channels, height, width
    raise ModelError(
        f"{model}: not a model of mnistlab's: its input is {list(shape)}, not images of a fixed"
        " size"
    )
