"""Layers: an exported network as a list that a few hundred lines of JavaScript can run, and the
numbers it learnt.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import ExportError

_INPUT, _OUTPUT, _PROBABILITIES = "images", "logits", "probabilities"
_BY_NUMBER = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}
_EITHER_SIDE = ("Add", "Mul")
_FREE = ("Unsqueeze", "Cast")


@dataclass(frozen=True)
class Layers:
    """A network from one image to its logits.

    Attributes:
        layers: in their order, each with its ``kind`` and what belongs to it, as ``network.js`` of
            the page takes it. Numbers that were learnt are ``{"start": ..., "shape": [...]}``, a
            place in ``weights``.
        weights: float32, all that was learnt, one after the other.
    """

    layers: list[dict[str, Any]]
    weights: NDArray[np.float32]


def find_layers(content: bytes, name: str) -> Layers:
    """Read an exported graph as a chain of layers, each of which takes what the one before it
    gives.

    Args:
        content: an ONNX file of :func:`mnistlab.exporting.export_run`.
        name: what messages call it.

    Raises:
        ExportError: the graph has another operator than those of the built-in networks, or is no
            chain.
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
    """What was read of a graph so far."""

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

    def _layer(  # noqa: C901 - one case per operator
        self, operator: str, given: list[NDArray[Any] | None], place: int, settings: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Return a layer, an empty one if there is nothing to do, ``None`` if it is none of those
        known.
        """
        others = [one for one in given if one is not None]
        if (
            operator in _BY_NUMBER
            and others[0].size == 1
            and (place == 0 or operator in _EITHER_SIDE)
        ):
            return {"kind": _BY_NUMBER[operator], "by": float(others[0].item())}
        if place == 1 and operator == "MatMul" and others[0].ndim == 2:
            return {"kind": "down", "matrix": self._learnt(others[0])}
        if place != 0:
            return None
        match operator:
            case _ if operator in _FREE:
                return {}
            case "Relu" | "Floor":
                return {"kind": operator.lower()}
            case "Clip" if len(others) == 2:
                return {
                    "kind": "clip",
                    "low": float(others[0].item()),
                    "high": float(others[1].item()),
                }
            case "Pad" if settings.get("mode", b"constant") == b"constant":
                return _padding(others)
            case "MatMul" if others[0].ndim == 2:
                return {"kind": "across", "matrix": self._learnt(others[0])}
            case "Conv":
                return self._convolution(others, settings)
            case "MaxPool":
                return _pooling(settings)
            case "ReduceMean" if settings.get("keepdims", 1) and sorted(others[0] % 4) == [2, 3]:
                return {"kind": "average"}
            case "Reshape" if len(others[0]) == 2:
                return {"kind": "flatten"}
            case "Flatten" if settings.get("axis", 1) == 1:
                return {"kind": "flatten"}
            case "Gemm" if settings.get("alpha", 1) == settings.get(
                "beta", 1
            ) == 1 and not settings.get("transA", 0):
                weight = others[0] if settings.get("transB", 0) else others[0].T
                return {
                    "kind": "linear",
                    "weight": self._learnt(weight),
                    "bias": self._bias(others),
                }
        return None

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


def _padding(others: list[NDArray[Any]]) -> dict[str, Any] | None:
    around, value = others[0].tolist(), float(others[1].item()) if len(others) > 1 else 0.0
    if len(around) != 8 or any(around[place] for place in (0, 1, 4, 5)) or min(around) < 0:
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


def _pooling(settings: dict[str, Any]) -> dict[str, Any] | None:
    size = list(settings["kernel_shape"])
    if (
        len(size) != 2
        or _is_padded(settings)
        or settings.get("ceil_mode", 0)
        or {*settings.get("dilations", [1])} != {1}
    ):
        return None
    return {"kind": "maximum", "size": size, "stride": list(settings.get("strides", [1, 1]))}


def _is_padded(settings: dict[str, Any]) -> bool:
    return any(settings.get("pads", [0])) or settings.get("auto_pad", b"NOTSET") not in (
        b"NOTSET",
        b"VALID",
    )
