"""Quantisation: trained networks as integers, in the model file that the reader's core runs.

The file is little-endian; its numbers are int32 unless stated otherwise:

===============  =================================================================================
Header           magic ``MNLR``, version, bytes of the file, checksum of all that follows (uint32
                 each), number of networks, the four powers of the calibration (float32 each)
Networks         each: name (16 bytes, filled up with zeros), number of layers, where they are,
                 outputs of the last layer (without those that fill up a vector)
Layers           each: kind (0 dense, 1 depthwise, 2 mean), inputs, outputs, kernel, stride,
                 padding, whether a ReLU follows, the layer whose output is added (-1: none), where
                 weights, biases, scales and ratios are
Weights          int16, a pair of inputs side by side. Dense: ``(outputs / 8, rows, pairs, 8, 2)``,
                 of a row's ``kernel * inputs`` values, then four more outputs alike. Depthwise:
                 ``(channels / 4, pairs of rows, columns, 4, 2)``
Biases           int32, in units of the sums
Scales, ratios   float32, for each output: from the sum, and from what is added, to the output
===============  =================================================================================

Activations are integers of at most :data:`LARGEST`, with a scale for each channel, which the next
layer's weights take up (Nagel et al., 2019, "Data-free quantization through weight equalization and
bias correction"). Each output's weights are as large as its sum allows in 32 bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistlab.detector.calibration import UNCALIBRATED, Calibration
from mnistlab.detector.classifier import Residual
from mnistlab.detector.network import CHANNELS, CLASSES, Bottleneck, Detector, prepare
from mnistlab.errors import ModelError
from mnistlab.recogniser.engine import MAGIC, VERSION, why_refused
from mnistlab.runs.atomic import write_atomically

LARGEST = 16383
"""Of an activation."""
_HEADROOM = 2.0
"""How much larger activations may become than any was in calibration."""
_LARGEST_WEIGHT, _CLASSIFIER_WEIGHT = 32767, 511
"""Of a weight. The classifier, which is the larger, loses nothing by fewer bits, which compress."""
_QUIETEST = 1 / 64
"""Least range of a channel, as a share of its layer's largest."""
GREY = 64.0
"""Grey values to one unit of the input, see :func:`mnistlab.detector.network.prepare`."""
_BATCH = 32
_HEADER, _ENTRY, _RECORD = 36, 28, 48
"""Bytes of the file's header, of what it says of a network, and of a layer."""

Floats = NDArray[np.float64]


class Kind(IntEnum):
    """Of a layer."""

    DENSE = 0
    DEPTHWISE = 1
    MEAN = 2


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """A layer with its batch normalisation folded in.

    Attributes:
        weights: ``(outputs, inputs, kernel, kernel)``, depthwise ``(channels, 1, kernel, kernel)``.
        biases: ``(outputs,)``.
        residual: index of the layer whose output is added; -1: none.
    """

    kind: Kind
    weights: Floats
    biases: Floats
    stride: int = 1
    padding: int = 0
    positive: bool = False
    residual: int = -1

    def __call__(self, x: Tensor, before: Sequence[Tensor]) -> Tensor:
        """Compute it with PyTorch."""
        if self.kind is Kind.MEAN:
            return x.mean((2, 3), keepdim=True)
        weights, biases = (torch.from_numpy(part).float() for part in (self.weights, self.biases))
        groups = len(weights) if self.kind is Kind.DEPTHWISE else 1
        out = nn.functional.conv2d(x, weights, biases, self.stride, self.padding, 1, groups)
        if self.residual >= 0:
            out = out + before[self.residual]
        return out.relu() if self.positive else out


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """A layer as the file holds it; see there."""

    kind: Kind
    inputs: int
    outputs: int
    kernel: int
    stride: int
    padding: int
    positive: bool
    residual: int
    weights: NDArray[np.int16]
    biases: NDArray[np.int32]
    scales: NDArray[np.float32]
    ratios: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """Layers, and how many outputs the last one has without those that fill up a vector."""

    layers: list[IntegerLayer]
    outputs: int


def write_model(
    path: Path, networks: Mapping[str, IntegerNetwork], calibration: Calibration = UNCALIBRATED
) -> None:
    """Write a model file atomically.

    Args:
        path: the file.
        networks: those of :func:`quantise_detector`, and ``classifier``.
        calibration: how far to trust each.
    """
    write_atomically(path, _pack(networks, calibration))


def read_model(path: Path) -> dict[str, IntegerNetwork]:
    """Return the networks of a model file.

    Raises:
        ModelError: the file cannot be read, is damaged or of another version.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    numbers = np.frombuffer(content[4:20].ljust(16, b"\0"), "<u4")
    if (
        (content[:4], int(numbers[0]), int(numbers[1])) != (MAGIC, VERSION, len(content))
        or len(content) % 4
        or int(numbers[2]) != _checksum(content[16:])
    ):
        raise ModelError(f"{path}: the reader's model {why_refused(content)}")
    networks = {}
    for index in range(int(numbers[3])):
        entry = content[_HEADER + index * _ENTRY :][:_ENTRY]
        count, at, outputs = (int(number) for number in np.frombuffer(entry[16:], "<i4"))
        layers = [_unpack(content, at + k * _RECORD) for k in range(count)]
        networks[entry[:16].rstrip(b"\0").decode()] = IntegerNetwork(layers, outputs)
    return networks


def _unpack(content: bytes, at: int) -> IntegerLayer:
    record = [int(number) for number in np.frombuffer(content, "<i4", 12, at)]
    kind, inputs, outputs, kernel, stride, padding, positive, residual, *places = record
    taps = {
        Kind.DENSE: kernel * (-(-kernel * inputs // 2) * 2),
        Kind.DEPTHWISE: kernel * (-(-kernel // 2) * 2),
        Kind.MEAN: 0,
    }[Kind(kind)]
    return IntegerLayer(
        kind=Kind(kind),
        inputs=inputs,
        outputs=outputs,
        kernel=kernel,
        stride=stride,
        padding=padding,
        positive=bool(positive),
        residual=residual,
        weights=np.frombuffer(content, "<i2", outputs * taps, places[0]),
        biases=np.frombuffer(content, "<i4", outputs, places[1]),
        scales=np.frombuffer(content, "<f4", outputs, places[2]),
        ratios=np.frombuffer(content, "<f4", outputs if residual >= 0 else 0, places[3]),
    )


def quantise_detector(net: Detector, images: NDArray[np.uint8]) -> dict[str, IntegerNetwork]:
    """Quantise a trained detector: its body and neck, and its head in parts.

    Args:
        net: in evaluation mode.
        images: ``(n, height, width)``, such as it will see, to find the ranges of activations with.
    """
    body = fold([net.stem, net.body, net.neck])
    ranges = _ranges(body, images[:, None])
    layers, scales = _quantise(body, ranges)
    (head,) = fold([net.head])
    # Pixel shuffling: a channel's four subcells stand side by side.
    order = np.arange(4 * CHANNELS).reshape(CHANNELS, 4)
    planes = _last(_rows(head, order[:CLASSES].reshape(-1)), scales)
    classes = [_last(_rows(head, order[CLASSES:, subcell]), scales) for subcell in range(4)]
    return {
        "detector": IntegerNetwork(layers, layers[-1].outputs),
        "planes": IntegerNetwork([planes], 4 * CLASSES),
        "classes": IntegerNetwork(classes, CHANNELS - CLASSES),
    }


def quantise_classifier(
    net: nn.Module, images: NDArray[np.uint8], start: nn.Module | None = None
) -> IntegerNetwork:
    """Quantise a trained classifier.

    Args:
        net: in evaluation mode; a sequence that :func:`fold` takes, whose last layer is linear.
        images: ``(n, 3, 32, 32)``, such as it will see, to find the ranges of activations with.
        start: what it was trained on from, likewise. The mean of both is quantised, which keeps
            more of what that knew (Wortsman et al., *Robust Fine-Tuning of Zero-Shot Models*, 2022,
            arXiv:2109.01903).
    """
    folded = fold([net], side=images.shape[-1])
    if start:
        folded = [
            replace(
                one, weights=(one.weights + two.weights) / 2, biases=(one.biases + two.biases) / 2
            )
            for one, two in zip(folded, fold([start], side=images.shape[-1]), strict=True)
        ]
    *body, last = folded
    layers, scales = _quantise(body, _ranges(body, images), _CLASSIFIER_WEIGHT)
    return IntegerNetwork([*layers, _last(last, scales)], len(last.weights))


def fold(modules: Sequence[nn.Module], side: int = 0) -> list[FloatLayer]:
    """Return the layers of modules that follow one another.

    Args:
        modules: sequences of convolutions, batch normalisations, ReLUs, bottlenecks, and at the end
            perhaps a mean over all positions (``AdaptiveAvgPool2d(1)``), ``Flatten``, ``Linear``.
        side: pixels to a side of the input, for a ``Linear`` over a whole map.

    Raises:
        ValueError: the core has no such layer.
    """
    layers: list[FloatLayer] = []
    for module in modules:
        _add(layers, module, side)
    return layers


def _add(layers: list[FloatLayer], module: nn.Module, side: int) -> None:
    match module:
        case nn.Sequential():
            for part in module:
                _add(layers, part, side)
        case Bottleneck() | Residual():
            start = len(layers) - 1
            _add(layers, module.body, side)
            layers[-1] = replace(layers[-1], residual=start)
        case nn.Conv2d():
            layers.append(_convolution(module))
        case nn.BatchNorm2d():
            layers[-1] = _normalised(layers[-1], module)
        case nn.ReLU():
            layers[-1] = replace(layers[-1], positive=True)
        case nn.AdaptiveAvgPool2d() if module.output_size in (1, (1, 1)):
            count, positions = len(layers[-1].weights), _side(layers, side) ** 2
            weights = np.full((count, 1, 1, 1), 1 / positions)
            layers.append(FloatLayer(Kind.MEAN, weights, np.zeros(count)))
        case nn.Linear():
            inputs = len(layers[-1].weights)
            kernel = round((module.in_features / inputs) ** 0.5)
            weights = _double(module.weight).reshape(-1, inputs, kernel, kernel)
            layers.append(FloatLayer(Kind.DENSE, weights, _biases(module)))
        case nn.Flatten() | nn.Dropout() | nn.Identity():
            pass
        case _:
            raise ValueError(f"the reader's core has no layer {type(module).__name__}")


def _side(layers: Sequence[FloatLayer], side: int) -> int:
    for layer in layers:
        side = (side + 2 * layer.padding - layer.weights.shape[2]) // layer.stride + 1
    return side


def _convolution(module: nn.Conv2d) -> FloatLayer:
    weights, (stride, _), padding = _double(module.weight), module.stride, module.padding
    if module.groups > 1 and weights.shape[1] != 1:
        raise ValueError("the reader's core has no grouped convolution but depthwise ones")
    if isinstance(padding, str):
        raise ValueError("the reader's core needs a padding in numbers")
    kind = Kind.DEPTHWISE if module.groups > 1 else Kind.DENSE
    return FloatLayer(kind, weights, _biases(module), stride, padding[0])


def _normalised(layer: FloatLayer, norm: nn.BatchNorm2d) -> FloatLayer:
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("the reader's core needs batch normalisation with running statistics")
    factor = _double(norm.weight) / np.sqrt(_double(variance) + norm.eps)
    biases = (layer.biases - _double(mean)) * factor + _double(norm.bias)
    return replace(layer, weights=layer.weights * factor[:, None, None, None], biases=biases)


def _biases(module: nn.Conv2d | nn.Linear) -> Floats:
    return np.zeros(len(module.weight)) if module.bias is None else _double(module.bias)


def _double(values: Tensor) -> Floats:
    return values.detach().double().numpy()


@torch.no_grad()
def _ranges(layers: Sequence[FloatLayer], images: NDArray[np.uint8]) -> list[Floats]:
    """Return the largest size of each layer's outputs, ``(outputs,)``, for images, ``(n, channels,
    height, width)``.
    """
    largest = [torch.zeros(len(layer.weights)) for layer in layers]
    for start in range(0, len(images), _BATCH):
        x, made = prepare(torch.from_numpy(images[start : start + _BATCH])), list[Tensor]()
        for layer, most in zip(layers, largest, strict=True):
            x = layer(x, made)
            made.append(x)
            torch.maximum(most, x.abs().amax((0, 2, 3)), out=most)
    return [_double(most) for most in largest]


def _quantise(
    layers: Sequence[FloatLayer], ranges: Sequence[Floats], bound: int = _LARGEST_WEIGHT
) -> tuple[list[IntegerLayer], Floats]:
    """Return the layers, and the scale of each of the last one's outputs."""
    made: list[IntegerLayer] = []
    scales: list[Floats] = []
    for layer, largest in zip(layers, ranges, strict=True):
        floor = max(largest.max() * _QUIETEST, 1e-6)
        scale = LARGEST / (_HEADROOM * np.maximum(largest, floor))
        before = scales[-1] if scales else np.full(layer.weights.shape[1], GREY)
        added = scales[layer.residual] if layer.residual >= 0 else None
        made.append(_integers(layer, before, scale, added, bound))
        scales.append(scale)
    return made, scales[-1]


def _last(layer: FloatLayer, before: Floats) -> IntegerLayer:
    """Return a layer whose outputs are logits, filled up to a multiple of four."""
    missing = -len(layer.weights) % 4
    filled = replace(
        layer,
        weights=np.pad(layer.weights, ((0, missing), (0, 0), (0, 0), (0, 0))),
        biases=np.pad(layer.biases, (0, missing)),
    )
    return _integers(filled, before, np.ones(len(filled.weights)), None)


def _rows(layer: FloatLayer, rows: NDArray[np.int64]) -> FloatLayer:
    return replace(layer, weights=layer.weights[rows], biases=layer.biases[rows])


def _integers(
    layer: FloatLayer,
    before: Floats,
    scale: Floats,
    added: Floats | None,
    bound: int = _LARGEST_WEIGHT,
) -> IntegerLayer:
    """Quantise a layer from the scales of its inputs, its outputs and what is added, to weights
    within ``bound``.
    """
    outputs = len(layer.weights)
    if outputs % 4:
        raise ValueError(f"the reader's core needs a multiple of four channels, not {outputs}")
    dense = layer.kind is Kind.DENSE
    weights = layer.weights / (before[None] if dense else before[:, None])[..., None, None]
    biases = layer.biases
    if layer.kind is Kind.MEAN:
        return _mean(layer, weights.reshape(-1) * scale)
    most = np.abs(weights).reshape(outputs, -1)
    room = most.sum(1) * LARGEST + np.abs(biases)
    # Rounding adds at most half to each weight and to the bias.
    spare = 2**31 - 2 - (most.shape[1] / 2 + 1) * LARGEST
    unit = np.minimum(spare / np.maximum(room, 1e-30), bound / np.maximum(most.max(1), 1e-30))
    unit = np.minimum(unit, 2.0**40)
    whole = np.rint(weights * unit[:, None, None, None]).astype(np.int16)
    return IntegerLayer(
        kind=layer.kind,
        inputs=layer.weights.shape[1] if dense else outputs,
        outputs=outputs,
        kernel=layer.weights.shape[2],
        stride=layer.stride,
        padding=layer.padding,
        positive=layer.positive,
        residual=layer.residual,
        weights=_pack_dense(whole) if dense else _pack_depthwise(whole),
        biases=np.rint(biases * unit).astype(np.int32),
        scales=(scale / unit).astype(np.float32),
        ratios=(np.empty(0) if added is None else scale / added).astype(np.float32),
    )


def _mean(layer: FloatLayer, scales: Floats) -> IntegerLayer:
    channels = len(scales)
    return IntegerLayer(
        *(Kind.MEAN, channels, channels, 1, 1, 0, layer.positive, -1),
        weights=np.empty(0, np.int16),
        biases=np.zeros(channels, np.int32),
        scales=scales.astype(np.float32),
        ratios=np.empty(0, np.float32),
    )


def _pack_dense(weights: NDArray[np.int16]) -> NDArray[np.int16]:
    outputs, inputs, kernel, _ = weights.shape
    rows = weights.transpose(0, 2, 3, 1).reshape(outputs, kernel, kernel * inputs)
    pairs = np.pad(rows, ((0, 0), (0, 0), (0, rows.shape[2] % 2))).reshape(outputs, kernel, -1, 2)
    blocks = [pairs[first : first + 8] for first in range(0, outputs, 8)]
    return np.concatenate([block.transpose(1, 2, 0, 3).reshape(-1) for block in blocks])


def _pack_depthwise(weights: NDArray[np.int16]) -> NDArray[np.int16]:
    channels, _, kernel, _ = weights.shape
    rows = np.pad(weights[:, 0], ((0, 0), (0, kernel % 2), (0, 0)))
    pairs = rows.reshape(channels // 4, 4, -1, 2, kernel)
    return pairs.transpose(0, 2, 4, 1, 3).reshape(-1)


def unpack_weights(layer: IntegerLayer) -> Floats:
    """Return the integers of a layer's weights as :class:`FloatLayer` has them."""
    kernel = layer.kernel
    if layer.kind is Kind.DEPTHWISE:
        pairs = layer.weights.reshape(layer.outputs // 4, -1, kernel, 4, 2)
        rows = pairs.transpose(0, 3, 1, 4, 2).reshape(layer.outputs, 1, -1, kernel)
        return rows[:, :, :kernel].astype(np.float64)
    length = kernel * layer.inputs
    taps = kernel * (-(-length // 2) * 2)
    blocks = [
        layer.weights[first * taps : (first + 8) * taps] for first in range(0, layer.outputs, 8)
    ]
    rows = np.concatenate(
        [block.reshape(kernel, -1, len(block) // taps, 2).transpose(2, 0, 1, 3) for block in blocks]
    ).reshape(layer.outputs, kernel, -1)[..., :length]
    square = rows.reshape(layer.outputs, kernel, kernel, layer.inputs)
    return square.transpose(0, 3, 1, 2).astype(np.float64)


@dataclass
class _Payload:
    """What follows the tables, each piece at a multiple of 16 bytes of the file."""

    start: int
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, values: NDArray[Any]) -> int:
        """Add a piece and return where it is in the file."""
        content = values.astype(values.dtype.newbyteorder("<")).tobytes()
        at = self.start + self.size
        content += bytes(-len(content) % 16)
        self.pieces.append(content)
        self.size += len(content)
        return at


def _pack(networks: Mapping[str, IntegerNetwork], calibration: Calibration) -> bytes:
    tables = _HEADER + _ENTRY * len(networks)
    payload = _Payload(-(-(tables + _RECORD * _count(networks)) // 16) * 16)
    names, records = b"", b""
    for name, network in networks.items():
        here = tables + len(records)
        numbers = np.array([len(network.layers), here, network.outputs], "<i4")
        names += name.encode().ljust(16, b"\0") + numbers.tobytes()
        for layer in network.layers:
            numbers = np.array(
                [
                    *(layer.kind, layer.inputs, layer.outputs, layer.kernel, layer.stride),
                    *(layer.padding, layer.positive, layer.residual, payload.add(layer.weights)),
                    *map(payload.add, (layer.biases, layer.scales, layer.ratios)),
                ],
                "<i4",
            )
            records += numbers.tobytes()
    body = (names + records).ljust(payload.start - _HEADER, b"\0") + b"".join(payload.pieces)
    known = np.array([len(networks)], "<u4").tobytes() + np.array(calibration, "<f4").tobytes()
    body = known + body
    numbers = np.array([VERSION, _HEADER - len(known) + len(body), _checksum(body)], "<u4")
    return MAGIC + numbers.tobytes() + body


def _count(networks: Mapping[str, IntegerNetwork]) -> int:
    return sum(len(network.layers) for network in networks.values())


def _checksum(content: bytes) -> int:
    sums = np.cumsum(np.frombuffer(content, "<u4"), dtype=np.uint32)
    last, twice = int(sums[-1]), int(sums.sum(dtype=np.uint32))
    return last ^ ((twice << 1 | twice >> 31) & 0xFFFFFFFF)
