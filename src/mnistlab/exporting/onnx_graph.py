"""Graph: a model, with all that is done to images before and after it, as an ONNX model."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnistlab.colour import luma
from mnistlab.errors import ExportError, ModelError, told
from mnistlab.exporting.resizing import exact_type, weights
from mnistlab.runs import BLANK, RunRecord, seal
from mnistlab.training.input import frame, normalise, to_float

DEFAULT_OPSET = 20
OPSETS = range(9, 26)
"""Versions of ONNX's operators that are written; :mod:`tests.exporting.test_opset` writes each."""
_FIRST_OF_DYNAMO = 18
"""The oldest that PyTorch's exporter of today writes; its exporter by tracing writes older ones."""
_OUTPUTS = ["logits", "probabilities"]
_LONGEST_REASON = 200


def make_graph(
    model: nn.Module,
    record: RunRecord,
    temperature: float,
    opset: int = DEFAULT_OPSET,
) -> Any:
    """Translate a model.

    Args:
        model: from ``(n, c, h, w)`` float32, normalised, to logits ``(n, classes)``; put into
            evaluation mode.
        record: of the run; its images and the model's input count.
        temperature: divides the logits before they become probabilities.
        opset: one of :data:`OPSETS`.

    Returns:
        An ``onnx.ModelProto``: input ``images``, uint8, ``(n, height, width)`` if grey and ``(n, 3,
        height, width)`` in colour, as in the data set; outputs ``logits`` and ``probabilities``,
        float32 ``(n, classes)``. The same arguments give the same model.

    Raises:
        ModelError: ONNX, or this version of its operators, cannot express the model.
    """
    recipe, whole = record.recipe, _Whole(model, record, temperature)
    shape = record.data.image_size if record.data.channels == 1 else (3, *record.data.image_size)
    translate = _translate if opset >= _FIRST_OF_DYNAMO else _trace
    try:
        whole.eval()
        with quiet():
            proto = translate(whole, torch.zeros(2, *shape, dtype=torch.uint8), opset)
    # The exporter's exceptions share no base but this one.
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ModelError(f"{recipe.model}: cannot be exported to ONNX: {_reason(error)}") from error
    # Where a conversion fails, the exporter keeps the version it began with.
    if (written := max(one.version for one in proto.opset_import if not one.domain)) != opset:
        raise ModelError(
            f"{recipe.model}: cannot be exported in opset {opset}; opset {written} can express it"
        )
    _strip(proto)
    return proto


def pack(proto: Any, notes: dict[str, str]) -> bytes:
    """Return the bytes of an ``onnx.ModelProto``, with metadata and a checksum."""
    del proto.metadata_props[:]
    for key, value in notes.items():
        proto.metadata_props.add(key=key, value=value)
    # Of the fields with a text of one's own this one comes before the graph, so that no cut spares
    # the rest. The length tells damage from a change by a tool, see `Network`.
    proto.doc_string = f"{BLANK} of {0:010d} bytes"
    size = len(proto.SerializeToString(deterministic=True))
    proto.doc_string = f"{BLANK} of {size:010d} bytes"
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


def _translate(whole: nn.Module, images: Tensor, opset: int) -> Any:
    program = torch.onnx.export(
        whole,
        (images,),
        input_names=["images"],
        output_names=_OUTPUTS,
        opset_version=opset,
        dynamic_shapes={"images": {0: torch.export.Dim("n")}},
        dynamo=True,
        verbose=False,
    )
    return program.model_proto  # type: ignore[union-attr]


def _trace(whole: nn.Module, images: Tensor, opset: int) -> Any:
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "traced.onnx"
        torch.onnx.export(
            whole,
            (images,),
            file,
            input_names=["images"],
            output_names=_OUTPUTS,
            opset_version=opset,
            dynamic_axes={name: {0: "n"} for name in ("images", *_OUTPUTS)},
            dynamo=False,
        )
        return onnx.load_model(file)


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
def quiet() -> Iterator[None]:
    """Keep the exporter, or the quantiser, from writing on the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    # The exporter by tracing prints the graph that it fails at past sys.stdout.
    binding: Any = torch._C
    print_graph = binding._jit_onnx_log
    binding._jit_onnx_log = lambda *_: None
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        binding._jit_onnx_log = print_graph
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
