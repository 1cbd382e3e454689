"""Warm start: networks with the weights of a model file, to train on."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistlab.detector.network import CHANNELS, CLASSES, Detector, prepare
from mnistlab.detector.quantise import (
    GREY,
    FloatLayer,
    IntegerLayer,
    IntegerNetwork,
    Kind,
    unpack_weights,
)

_SCALE = 4096.0
"""Of activations, integers in the file: so many to one."""


@torch.no_grad()
def start_detector(
    net: Detector, networks: Mapping[str, IntegerNetwork], images: NDArray[np.uint8]
) -> None:
    """Give a detector the weights of a model file, so that it computes the same.

    Args:
        net: is changed.
        networks: of the file, see :func:`mnistlab.detector.quantise.read_model`.
        images: ``(n, height, width)``, such as it will see.
    """
    _start_body(net, _restore(networks["detector"].layers), images[:, None])
    # Pixel shuffling: a channel's four subcells stand side by side.
    order = torch.arange(4 * CHANNELS).reshape(CHANNELS, 4)
    planes, *classes = (
        _last(layer) for layer in (*networks["planes"].layers, *networks["classes"].layers)
    )
    for rows, head in (
        (order[:CLASSES].reshape(-1), planes),
        *((order[CLASSES:, subcell], head) for subcell, head in enumerate(classes)),
    ):
        net.head.weight[rows] = torch.from_numpy(head.weights[: len(rows)]).float()
        net.head.bias[rows] = torch.from_numpy(head.biases[: len(rows)]).float()  # type: ignore[index]


@torch.no_grad()
def start_classifier(net: nn.Module, network: IntegerNetwork, images: NDArray[np.uint8]) -> None:
    """Give a classifier the weights of a model file, so that it computes the same.

    Args:
        net: is changed.
        network: of the file.
        images: ``(n, 3, 32, 32)``, such as it will see.
    """
    *body, last = network.layers
    _start_body(net, _restore(body), images)
    (linear,) = (module for module in net.modules() if isinstance(module, nn.Linear))
    float_layer = _last(last)
    count = len(linear.weight)
    weights = torch.from_numpy(float_layer.weights[:count]).float()
    linear.weight.copy_(weights.reshape(count, -1))
    linear.bias.copy_(torch.from_numpy(float_layer.biases[:count]).float())


def _start_body(net: nn.Module, layers: list[FloatLayer], images: NDArray[np.uint8]) -> None:
    """Set convolutions and their batch normalisation, which the file has folded into them: it gets
    the statistics of the images.
    """
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    x, made = prepare(torch.from_numpy(images)), list[Tensor]()
    for layer, convolution, norm in zip(layers, convolutions, norms, strict=False):
        # Of filters of length one, as a trained network's are: how fast they turn depends on it.
        length = np.sqrt((layer.weights**2).sum((1, 2, 3), keepdims=True)).clip(1e-6)
        convolution.weight.copy_(torch.from_numpy(layer.weights / length))
        seen = convolution(x)
        mean, variance = seen.mean((0, 2, 3)), seen.var((0, 2, 3))
        scale = torch.from_numpy(length.reshape(-1)).float()
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        norm.weight.copy_(scale * (variance + norm.eps).sqrt())
        norm.bias.copy_(torch.from_numpy(layer.biases).float() + scale * mean)
        x = layer(x, made)
        made.append(x)


def _last(layer: IntegerLayer) -> FloatLayer:
    """Return a layer whose outputs are logits."""
    return _float_layer(layer, np.full(layer.inputs, 1 / _SCALE), np.ones(layer.outputs))


def _restore(layers: list[IntegerLayer]) -> list[FloatLayer]:
    """Return the layers with activations of ordinary size."""
    before = np.full(layers[0].inputs, 1 / GREY)
    units: list[NDArray[np.float64]] = []
    restored = []
    for layer in layers:
        if layer.residual < 0:
            unit = np.full(layer.outputs, 1 / _SCALE)
        else:
            # What is added keeps its scale.
            unit = units[layer.residual] / layer.ratios.astype(np.float64)
        restored.append(_float_layer(layer, before, unit))
        units.append(unit)
        before = unit
    return restored


def _float_layer(
    layer: IntegerLayer, before: NDArray[np.float64], unit: NDArray[np.float64]
) -> FloatLayer:
    """Return a layer from the sizes of one step of its inputs and of its outputs."""
    scales = layer.scales.astype(np.float64) * unit
    step = before[:, None] if layer.kind is Kind.DEPTHWISE else before[None]
    weights = unpack_weights(layer) * scales[:, None, None, None] / step[..., None, None]
    return FloatLayer(
        layer.kind,
        weights,
        layer.biases * scales,
        layer.stride,
        layer.padding,
        layer.positive,
        layer.residual,
    )
