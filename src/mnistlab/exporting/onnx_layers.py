"""Layers: an exported network as layers and weights that a little JavaScript can run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import ExportError

_INPUT, _OUTPUT, _PROBABILITIES = "images", "logits", "probabilities"
_OF_TWO = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}
_OF_ONE = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Floor": "floor",
    "Abs": "abs",
    "Erf": "erf",
    "Exp": "exp",
    "Log": "log",
    "Neg": "negate",
    "Sqrt": "sqrt",
    "HardSwish": "hard_swish",
    "Mish": "mish",
    "Softsign": "softsign",
    "Softplus": "softplus",
}
_UNCHANGED = ("Unsqueeze", "Cast", "Identity", "Dropout")
_IMAGE, _FLAT = 4, 2
"""Dimensions of a batch of images, and of rows of numbers."""


@dataclass(frozen=True)
class Layers:
    """A network from one image to its logits.

    Attributes:
        layers: in order, each with its ``kind`` and settings, as the page's ``network.js`` takes
            them. ``from`` has its inputs: 0 is the image, 1 the first layer's output, and so on; or
            a place in the weights. Weights are ``{"start": ..., "shape": [...]}``, a place in
            ``weights``.
        weights: float32, all of them, one after the other.
    """

    layers: list[dict[str, Any]]
    weights: NDArray[np.float32]


def find_layers(content: bytes, name: str) -> Layers:
    """Read an exported graph as layers, each of which takes outputs of those before.

    Args:
        content: an ONNX file of :func:`mnistlab.exporting.export_run`.
        name: for error messages.

    Raises:
        ExportError: the graph has an operator that is not run in a page.
    """
    import onnx

    graph = onnx.load_model_from_string(content).graph
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    reading = _Reading(name, constants)
    for node in graph.node:
        if _OUTPUT in reading.places:
            break
        settings = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        if node.op_type == "Constant":
            constants[node.output[0]] = onnx.numpy_helper.to_array(settings["value"])
            continue
        reading.add(_Node(node.op_type, list(node.input), node.output[0], settings))
    return Layers(reading.layers, np.concatenate(reading.weights or [np.empty(0, np.float32)]))


@dataclass(frozen=True)
class _Node:
    """One operator of a graph: names of what it takes and makes, and its attributes."""

    operator: str
    inputs: list[str]
    output: str
    settings: dict[str, Any]

    @property
    def is_padded(self) -> bool:
        """Whether ONNX is to work out the padding itself."""
        return self.settings.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID")


@dataclass
class _Reading:
    """What has been read of a graph so far; ``places`` are the numbers of its values by name."""

    name: str
    constants: dict[str, NDArray[Any]]
    layers: list[dict[str, Any]] = field(default_factory=list)
    weights: list[NDArray[np.float32]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=lambda: {_INPUT: 0})

    def add(self, node: _Node) -> None:
        """Add the layers that an operator becomes."""
        for place, made in enumerate(self._layers(node)):
            given = made.pop("from", [node.output if place else node.inputs[0]])
            self.layers.append(made | {"from": [self._operand(one) for one in given]})
            self.places[node.output] = len(self.layers)

    def _layers(self, node: _Node) -> list[dict[str, Any]]:
        first = node.inputs[0]
        if node.operator in _UNCHANGED and first in self.places:
            self.places[node.output] = self.places[first]
            return []
        flowing = [one for one in node.inputs if one in self.places]
        made: _Made = None
        if node.operator in _OF_TWO and flowing:
            made = {"kind": _OF_TWO[node.operator], "from": node.inputs}
        elif node.operator in _OF_ONE and flowing:
            made = {"kind": _OF_ONE[node.operator]}
        elif node.operator in _MAKERS and flowing:
            made = _MAKERS[node.operator](self, node)
        if made is None:
            raise ExportError(
                f"{self.name}: the network has a layer that is not run in a page ({node.operator},"
                " as it is used here); export it to an .onnx file, and serve that"
            )
        return made if isinstance(made, list) else [made]

    def _operand(self, name: str) -> int | dict[str, Any]:
        return self.places[name] if name in self.places else self.learnt(name)

    def constant(self, node: _Node, place: int) -> NDArray[Any] | None:
        """Return an input that is constant; ``None`` if it is none, or absent."""
        return self.constants.get(node.inputs[place]) if place < len(node.inputs) else None

    def learnt(self, values: NDArray[Any] | str) -> dict[str, Any]:
        """Keep weights, and return their place."""
        values = self.constants[values] if isinstance(values, str) else values
        start = sum(len(one) for one in self.weights)
        self.weights.append(np.ascontiguousarray(values, np.float32).ravel())
        # A network here runs on one image.
        shape = values.shape[1:] if values.ndim == _IMAGE and len(values) == 1 else values.shape
        return {"start": start, "shape": list(shape)}

    def kept(self, values: NDArray[Any] | None) -> dict[str, Any] | None:
        """Keep weights as they are shaped, if there are any."""
        return None if values is None else self.learnt(values) | {"shape": list(values.shape)}


_Made = dict[str, Any] | list[dict[str, Any]] | None


def _product(reading: _Reading, node: _Node) -> _Made:
    left, right = (reading.constant(node, place) for place in (0, 1))
    if right is not None and right.ndim == _FLAT:
        return {"kind": "across", "matrix": reading.learnt(right)}
    if left is not None and left.ndim == _FLAT:
        return {"kind": "down", "matrix": reading.learnt(left), "from": [node.inputs[1]]}
    return None


def _linear(reading: _Reading, node: _Node) -> _Made:
    weight, settings = reading.constant(node, 1), node.settings
    factors = {settings.get("alpha", 1), settings.get("beta", 1)}
    if weight is None or factors != {1} or settings.get("transA", 0):
        return None
    weight = weight if settings.get("transB", 0) else weight.T
    bias = reading.kept(reading.constant(node, 2))
    return {"kind": "linear", "weight": reading.kept(weight), "bias": bias}


def _convolution(reading: _Reading, node: _Node) -> _Made:
    weight = reading.constant(node, 1)
    if weight is None or weight.ndim != _IMAGE or node.is_padded:
        return None
    return [
        *_padded(node),
        {
            "kind": "convolution",
            "weight": reading.kept(weight),
            "bias": reading.kept(reading.constant(node, 2)),
            "stride": list(node.settings.get("strides", [1, 1])),
            "dilation": list(node.settings.get("dilations", [1, 1])),
            "groups": int(node.settings.get("group", 1)),
        },
    ]


def _padded(node: _Node, value: float = 0.0) -> list[dict[str, Any]]:
    """Return the padding of a convolution or pooling as a layer before it, if there is any."""
    top, left, bottom, right = node.settings.get("pads", [0, 0, 0, 0])
    sides = {"top": top, "left": left, "bottom": bottom, "right": right}
    return [{"kind": "pad", **sides, "value": value}] if any(sides.values()) else []


def _pooling(_reading: _Reading, node: _Node) -> _Made:
    settings, size = node.settings, list(node.settings["kernel_shape"])
    highest = node.operator == "MaxPool"
    padded = any(settings.get("pads", [0]))
    uneven = settings.get("ceil_mode", 0) or {*settings.get("dilations", [1])} != {1}
    if len(size) != 2 or node.is_padded or (uneven and not highest):
        return None
    if {*settings.get("dilations", [1])} != {1}:
        return None
    if padded and not highest and not settings.get("count_include_pad", 0):
        return None
    made = {
        "kind": "maximum" if highest else "mean",
        "size": size,
        "stride": list(settings.get("strides", [1, 1])),
        "ceil": bool(settings.get("ceil_mode", 0)),
    }
    # Less than any number that a network makes, and a number in JSON.
    return [*_padded(node, -3e38 if highest else 0.0), made]


def _over_pixels(reading: _Reading, node: _Node) -> _Made:
    axes = reading.constant(node, 1)
    axes = np.array(node.settings.get("axes", [])) if axes is None else axes
    if node.operator in ("GlobalAveragePool", "GlobalMaxPool"):
        axes = np.array([2, 3])
    if sorted(axes % 4) != [2, 3]:
        return None
    highest = node.operator in ("ReduceMax", "GlobalMaxPool")
    made = {"kind": "highest" if highest else "average"}
    return made | ({} if node.settings.get("keepdims", 1) else {"flat": True})


def _clip(reading: _Reading, node: _Node) -> _Made:
    low, high = (reading.constant(node, place) for place in (1, 2))
    if low is None or high is None:
        return None
    return {"kind": "clip", "low": float(low.item()), "high": float(high.item())}


def _padding(reading: _Reading, node: _Node) -> _Made:
    sides, value = (reading.constant(node, place) for place in (1, 2))
    if sides is None or node.settings.get("mode", b"constant") != b"constant":
        return None
    around = sides.tolist()
    if len(around) != 8 or any(around[place] for place in (0, 1, 4, 5)):
        return None
    _, _, top, left, _, _, bottom, right = around
    grey = 0.0 if value is None else float(value.item())
    return {
        "kind": "pad",
        "top": top,
        "left": left,
        "bottom": bottom,
        "right": right,
        "value": grey,
    }


def _flatten(reading: _Reading, node: _Node) -> _Made:
    if node.operator == "Flatten":
        return {"kind": "flatten"} if node.settings.get("axis", 1) == 1 else None
    if node.operator == "Squeeze":
        return {"kind": "flatten"}
    shape = reading.constant(node, 1)
    return {"kind": "flatten"} if shape is not None and len(shape) == _FLAT else None


def _batch_norm(reading: _Reading, node: _Node) -> _Made:
    found = [reading.constant(node, place) for place in range(1, 5)]
    scale, shift, mean, variance = (one for one in found if one is not None)
    factor = scale / np.sqrt(variance + node.settings.get("epsilon", 1e-5))
    made: dict[str, Any] = {"kind": "scale_and_shift"}
    return made | {"by": reading.learnt(factor), "to": reading.learnt(shift - mean * factor)}


def _slopes(reading: _Reading, node: _Node) -> _Made:
    slope = reading.constant(node, 1)
    return None if slope is None else {"kind": "prelu", "slope": reading.learnt(slope.ravel())}


def _concatenation(_reading: _Reading, node: _Node) -> _Made:
    return {"kind": "concat", "from": node.inputs} if node.settings.get("axis") == 1 else None


def _repeated(reading: _Reading, node: _Node) -> _Made:
    times = reading.constant(node, 1)
    if times is None or times.tolist() not in ([1, 1, 1, 1], [1, 3, 1, 1]):
        return None
    return {"kind": "concat", "from": node.inputs[:1] * int(times[1])}


def _slice(reading: _Reading, node: _Node) -> _Made:
    starts, ends, axes, steps = (reading.constant(node, place) for place in range(1, 5))
    if starts is None or ends is None or axes is None or len(axes) != 1 or axes[0] != 1:
        return None
    if (steps is not None and steps[0] != 1) or starts[0] < 0 or ends[0] < 0:
        return None
    return {"kind": "channels", "start": int(starts[0]), "end": min(int(ends[0]), 1 << 30)}


def _with(kind: str, **defaults: float) -> Callable[[_Reading, _Node], _Made]:
    """Return what makes a layer of numbers that are attributes."""
    return lambda _reading, node: (
        {"kind": kind} | {key: float(node.settings.get(key, defaults[key])) for key in defaults}
    )


def _gelu(_reading: _Reading, node: _Node) -> _Made:
    return {"kind": "gelu", "tanh": node.settings.get("approximate", b"none") == b"tanh"}


def _softmax(_reading: _Reading, node: _Node) -> _Made:
    # Of a row of numbers, the last thing that some networks do.
    made = {"kind": "softmax", "log": node.operator == "LogSoftmax"}
    return made if node.settings.get("axis", -1) in (1, -1) else None


_MAKERS: dict[str, Callable[[_Reading, _Node], _Made]] = {
    **dict.fromkeys(("MaxPool", "AveragePool"), _pooling),
    **dict.fromkeys(
        ("ReduceMean", "ReduceMax", "GlobalAveragePool", "GlobalMaxPool"), _over_pixels
    ),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze"), _flatten),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    "BatchNormalization": _batch_norm,
    "Celu": _with("celu", alpha=1.0),
    "Clip": _clip,
    "Concat": _concatenation,
    "Conv": _convolution,
    "Elu": _with("elu", alpha=1.0),
    "Gelu": _gelu,
    "Gemm": _linear,
    "HardSigmoid": _with("hard_sigmoid", alpha=0.2, beta=0.5),
    "LeakyRelu": _with("leaky_relu", alpha=0.01),
    "MatMul": _product,
    "PRelu": _slopes,
    "Pad": _padding,
    "Selu": _with("selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "Slice": _slice,
    "Tile": _repeated,
}
"""By operator: what makes a layer, or several, of a node; ``None`` if the operator is used in an
unknown way.
"""
