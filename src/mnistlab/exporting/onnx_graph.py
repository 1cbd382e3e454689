"""Graph: a model, with all that is done to images before and after it, as the bytes of an ONNX
file.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnistlab.colour import luma
from mnistlab.errors import ExportError, ModelError, told
from mnistlab.exporting.resizing import exact_type, weights
from mnistlab.runs import BLANK, RunRecord, seal
from mnistlab.training.input import frame, normalise, to_float

_OPSET = 20
_LONGEST_REASON = 200


def make_graph(
    model: nn.Module,
    record: RunRecord,
    temperature: float,
    notes: dict[str, str],
) -> bytes:
    """Translate a model.

    Args:
        model: from ``(n, c, h, w)`` float32, normalised, to logits ``(n, classes)``; put into
            evaluation mode.
        record: of the run; its images and the model's input count.
        temperature: divides the logits before they become probabilities.
        notes: the file's metadata.

    Returns:
        An ONNX model: input ``images``, uint8, ``(n, height, width)`` if grey and ``(n, 3,
        height, width)`` in colour, as in the data set; outputs ``logits`` and ``probabilities``,
        float32 ``(n, classes)``. The same arguments give the same bytes.

    Raises:
        ModelError: ONNX cannot express the model.
    """
    recipe, whole = record.recipe, _Whole(model, record, temperature)
    shape = record.data.image_size if record.data.channels == 1 else (3, *record.data.image_size)
    try:
        whole.eval()
        with _quiet():
            program = torch.onnx.export(
                whole,
                (torch.zeros(2, *shape, dtype=torch.uint8),),
                input_names=["images"],
                output_names=["logits", "probabilities"],
                opset_version=_OPSET,
                dynamic_shapes={"images": {0: torch.export.Dim("n")}},
                dynamo=True,
                verbose=False,
            )
            proto = program.model_proto  # type: ignore[union-attr]
    # The exporter's exceptions share no base but this one.
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ModelError(f"{recipe.model}: cannot be exported to ONNX: {_reason(error)}") from error
    _strip(proto)
    for key, value in notes.items():
        proto.metadata_props.add(key=key, value=value)
    # Of the fields with a text of one's own this one comes before the graph, so that no cut spares
    # the rest.
    proto.doc_string = BLANK
    return seal(proto.SerializeToString(deterministic=True))


def need_packages() -> None:
    """Make sure that what :func:`make_graph` needs is installed.

    Raises:
        ExportError: it is not; the message says how to install it.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ExportError(
            "export needs an extra; install it: pip install 'mnistlab[export]'"
        ) from error


class _Whole(nn.Module):
    """From a data set's images to logits and probabilities."""

    def __init__(self, model: nn.Module, record: RunRecord, temperature: float) -> None:
        super().__init__()
        self.model = model
        self._input = record.model_input
        self._channels = record.data.channels
        self._size = record.data.image_size
        self._temperature = temperature
        scaled = self._input.place(self._size).scaled
        self._resize = _Resize(self._size, scaled) if scaled != self._size else None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        pixels = images.to(torch.float32)  # 0 to 255
        pixels = self._to_channels(pixels)  # (n, c, height, width)
        if self._resize:
            pixels = self._resize(pixels)
        pixels = frame(pixels, self._input, self._size)  # (n, c, h, w)
        logits = self.model(normalise(to_float(pixels), self._input))  # (n, classes)
        return logits, torch.softmax(logits / self._temperature, dim=1)

    def _to_channels(self, pixels: Tensor) -> Tensor:
        """Do what :func:`mnistlab.colour.to_channels` does."""
        if self._channels == 1:
            pixels = pixels.unsqueeze(1)
            return pixels if self._input.channels == 1 else pixels.repeat(1, 3, 1, 1)
        return pixels if self._input.channels == 3 else torch.floor(luma(pixels))


class _Resize(nn.Module):
    """The scaling that :func:`mnistlab.training.input.to_size` does, on whole numbers held as
    floats.
    """

    def __init__(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        super().__init__()
        (across, self._across_bits), (down, self._down_bits) = (
            weights(before[1], after[1]),
            weights(before[0], after[0]),
        )
        self.register_buffer("across", _matrix(across.T, exact_type(across)))
        self.register_buffer("down", _matrix(down, exact_type(down)))

    def forward(self, pixels: Tensor) -> Tensor:
        across, down = self.get_buffer("across"), self.get_buffer("down")
        pixels = _to_bytes(pixels.to(across.dtype) @ across, self._across_bits)  # (n, 1, height, w)
        return _to_bytes(down @ pixels.to(down.dtype), self._down_bits)  # (n, 1, h, w)


def _matrix(values: Any, kind: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=kind))


def _to_bytes(sums: Tensor, bits: int) -> Tensor:
    return torch.clamp(torch.floor(sums / (1 << bits) + 0.5), 0, 255)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from writing on the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _strip(message: Any) -> None:
    """Clear what the exporter notes of the code that it came from, stack traces and paths among it,
    at every depth.
    """
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in (value,) if hasattr(value, "ListFields") else value:
                _strip(part)


def _reason(error: BaseException) -> str:
    """Return the first line of what was wrong at the root, shortened."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = next((line.strip() for line in told(error).splitlines() if line.strip()), "")
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"
