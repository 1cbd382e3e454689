"""Layers: an exported network as layers and weights that a little JavaScript can run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import ExportError

_INPUT, _OUTPUT, _PROBABILITIES = "images", "logits", "probabilities"
_BY_NUMBER = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}
_EITHER_SIDE = ("Add", "Mul")


@dataclass(frozen=True)
class Layers:
    """A network from one image to its logits.

    Attributes:
        layers: in order, each with its ``kind`` and settings, as the page's ``network.js`` takes
            them. Weights are ``{"start": ..., "shape": [...]}``, a place in ``weights``.
        weights: float32, all of them, one after the other.
    """

    layers: list[dict[str, Any]]
    weights: NDArray[np.float32]


def find_layers(content: bytes, name: str) -> Layers:
    """Read an exported graph as a chain of layers: each takes the output of the one before.

    Args:
        content: an ONNX file of :func:`mnistlab.exporting.export_run`.
        name: for error messages.

    Raises:
        ExportError: the graph is no chain, or has an operator that no built-in network has.
    """
    import onnx

    graph = onnx.load_model_from_string(content).graph
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    reading, flowing = _Reading(name, constants), _INPUT
    for node in graph.node:
        if node.output[0] == _PROBABILITIES or flowing == _OUTPUT:
            continue
        if [given for given in node.input if given and given not in constants] != [flowing]:
            raise ExportError(
                f"{name}: not a chain of layers ({node.op_type}); such a network is not run in a"
                " page"
            )
        settings = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        reading.add(node.op_type, list(node.input), flowing, settings)
        flowing = node.output[0]
    return Layers(reading.layers, np.concatenate(reading.weights or [np.empty(0, np.float32)]))


@dataclass
class _Reading:
    """What has been read of a graph so far."""

    name: str
    constants: dict[str, NDArray[Any]]
    layers: list[dict[str, Any]] = field(default_factory=list)
    weights: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, operator: str, inputs: list[str], flowing: str, settings: dict[str, Any]) -> None:
        made = self._layer(
            operator, [self.constants.get(one) for one in inputs], inputs.index(flowing), settings
        )
        if made is None:
            raise ExportError(
                f"{self.name}: the network has an operator that is not run in a page ({operator},"
                " as it is used here); the layers of the built-in recipes are"
            )
        if made:
            self.layers.append(made)

    def _layer(
        self, operator: str, given: list[NDArray[Any] | None], place: int, settings: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Return a layer, an empty one if there is nothing to do, ``None`` if it is unknown."""
        others = [one for one in given if one is not None]
        if (
            operator in _BY_NUMBER
            and others[0].size == 1
            and (place == 0 or operator in _EITHER_SIDE)
        ):
            return {"kind": _BY_NUMBER[operator], "by": float(others[0].item())}
        if place == 1 and operator == "MatMul" and others[0].ndim == 2:
            return {"kind": "down", "matrix": self._learnt(others[0])}
        make = _MAKERS.get(operator)
        return make(self, others, settings) if make and place == 0 else None

    def _matrix(
        self, others: list[NDArray[Any]], _settings: dict[str, Any]
    ) -> dict[str, Any] | None:
        if others[0].ndim != 2:
            return None
        return {"kind": "across", "matrix": self._learnt(others[0])}

    def _linear(
        self, others: list[NDArray[Any]], settings: dict[str, Any]
    ) -> dict[str, Any] | None:
        factors = {settings.get("alpha", 1), settings.get("beta", 1)}
        if factors != {1} or settings.get("transA", 0):
            return None
        weight = others[0] if settings.get("transB", 0) else others[0].T
        return {"kind": "linear", "weight": self._learnt(weight), "bias": self._bias(others)}

    def _convolution(
        self, others: list[NDArray[Any]], settings: dict[str, Any]
    ) -> dict[str, Any] | None:
        plain = settings.get("group", 1) == 1 and {*settings.get("dilations", [1])} == {1}
        if not plain or _is_padded(settings) or others[0].ndim != 4:
            return None
        stride = list(settings.get("strides", [1, 1]))
        return {
            "kind": "convolution",
            "weight": self._learnt(others[0]),
            "bias": self._bias(others),
            "stride": stride,
        }

    def _bias(self, others: list[NDArray[Any]]) -> dict[str, Any] | None:
        return self._learnt(others[1]) if len(others) > 1 else None

    def _learnt(self, values: NDArray[Any]) -> dict[str, Any]:
        start = sum(len(one) for one in self.weights)
        self.weights.append(np.ascontiguousarray(values, np.float32).ravel())
        return {"start": start, "shape": list(values.shape)}


def _clip(
    _reading: _Reading, others: list[NDArray[Any]], _settings: dict[str, Any]
) -> dict[str, Any] | None:
    if len(others) != 2:
        return None
    low, high = (float(one.item()) for one in others)
    return {"kind": "clip", "low": low, "high": high}


def _padding(
    _reading: _Reading, others: list[NDArray[Any]], settings: dict[str, Any]
) -> dict[str, Any] | None:
    around, value = others[0].tolist(), float(others[1].item()) if len(others) > 1 else 0.0
    spatial = len(around) == 8 and not any(around[place] for place in (0, 1, 4, 5))
    if settings.get("mode", b"constant") != b"constant" or not spatial or min(around) < 0:
        return None
    _, _, top, left, _, _, bottom, right = around
    return {
        "kind": "pad",
        "top": top,
        "left": left,
        "bottom": bottom,
        "right": right,
        "value": value,
    }


def _pooling(
    _reading: _Reading, _others: list[NDArray[Any]], settings: dict[str, Any]
) -> dict[str, Any] | None:
    size = list(settings["kernel_shape"])
    if (
        len(size) != 2
        or _is_padded(settings)
        or settings.get("ceil_mode", 0)
        or {*settings.get("dilations", [1])} != {1}
    ):
        return None
    return {"kind": "maximum", "size": size, "stride": list(settings.get("strides", [1, 1]))}


def _average(
    _reading: _Reading, others: list[NDArray[Any]], settings: dict[str, Any]
) -> dict[str, Any] | None:
    over_pixels = settings.get("keepdims", 1) and sorted(others[0] % 4) == [2, 3]
    return {"kind": "average"} if over_pixels else None


def _is_padded(settings: dict[str, Any]) -> bool:
    return any(settings.get("pads", [0])) or settings.get("auto_pad", b"NOTSET") not in (
        b"NOTSET",
        b"VALID",
    )


_Maker = Callable[[_Reading, list[NDArray[Any]], dict[str, Any]], dict[str, Any] | None]
_MAKERS: dict[str, _Maker] = {
    "Unsqueeze": lambda _reading, _others, _settings: {},
    "Cast": lambda _reading, _others, _settings: {},
    "Relu": lambda _reading, _others, _settings: {"kind": "relu"},
    "Floor": lambda _reading, _others, _settings: {"kind": "floor"},
    "Reshape": lambda _reading, others, _settings: (
        {"kind": "flatten"} if len(others[0]) == 2 else None
    ),
    "Flatten": lambda _reading, _others, settings: (
        {"kind": "flatten"} if settings.get("axis", 1) == 1 else None
    ),
    "Clip": _clip,
    "Pad": _padding,
    "MatMul": _Reading._matrix,
    "Conv": _Reading._convolution,
    "MaxPool": _pooling,
    "ReduceMean": _average,
    "Gemm": _Reading._linear,
}
"""By operator: what makes a layer of its constants and settings where the image comes first; it
returns an empty one if there is nothing to do, ``None`` if the operator is used in an unknown way.
"""
