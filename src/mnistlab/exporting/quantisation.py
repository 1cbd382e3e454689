"""Quantisation: an exported model in whole numbers of eight bits, by ONNX Runtime's quantiser."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import ExportError, told
from mnistlab.exporting.onnx_graph import quiet

FIRST_OPSET = 13
"""The oldest in which each channel has a scale of its own."""
_OPERATORS = ["Conv", "Gemm", "MatMul", "MaxPool", "Relu"]
_BATCH = 32


def quantise(proto: Any, images: NDArray[np.uint8], name: str) -> Any:
    """Quantise weights and activations to int8; what is done to images before stays exact.

    Weights have a scale for each channel, and seven of the eight bits: with eight, processors
    without instructions for it (VNNI) saturate, and would classify otherwise than the one that
    exported. The logits are floating point.

    Args:
        proto: an ``onnx.ModelProto`` of :func:`mnistlab.exporting.onnx_graph.make_graph`.
        images: as the file takes them, from which the ranges of activations are measured.
        name: for error messages.

    Returns:
        An ``onnx.ModelProto`` with pairs of ``QuantizeLinear`` and ``DequantizeLinear``.

    Raises:
        ExportError: the quantiser fails.
    """
    import onnx

    try:
        with quiet(), tempfile.TemporaryDirectory() as folder:
            from onnxruntime.quantization import QuantFormat, quantize_static

            target = Path(folder) / "int8.onnx"
            quantize_static(
                proto,
                target,
                _reader(images),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_OPERATORS,
                nodes_to_exclude=_exact(proto),
                per_channel=True,
                reduce_range=True,
                extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
            )
            return onnx.load_model(target)
    # The quantiser's exceptions share no base but this one.
    except Exception as error:
        raise ExportError(f"{name}: cannot be quantised: {told(error)}") from error


def _exact(proto: Any) -> list[str]:
    """Return the names of products with whole numbers: those that scale images, which must stay as
    they are.
    """
    import onnx

    whole = {
        one.name
        for one in proto.graph.initializer
        if not np.mod(onnx.numpy_helper.to_array(one), 1).any()
    }
    return [
        node.name
        for node in proto.graph.node
        if node.op_type == "MatMul" and whole.intersection(node.input)
    ]


def _reader(images: NDArray[np.uint8]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches = _batches(images)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            return next(self._batches, None)

    return Reader()


def _batches(images: NDArray[np.uint8]) -> Iterator[dict[str, NDArray[np.uint8]]]:
    for start in range(0, len(images), _BATCH):
        yield {"images": images[start : start + _BATCH]}
