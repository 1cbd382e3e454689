"""The layers of a plan that a PyTorch module becomes, or why there is no native kernel for it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from mnistlab.errors import KernelError

CONVOLUTION, FUSED, GLOBAL_AVERAGE, DROPOUT, ADDITION = range(5)
NO_POOL, MAX_POOL, AVERAGE_POOL = range(3)


@dataclass(frozen=True)
class Value:
    """A value that flows between layers.

    Attributes:
        number: 0 is the image, ``k + 1`` the output of layer ``k``.
        shape: ``(channels, height, width)``; a vector of ``n`` is ``(n, 1, 1)``.
        flat: whether its shape in PyTorch is ``(batch, n)``, not ``(batch, channels, height,
            width)``.
    """

    number: int
    shape: tuple[int, int, int]
    flat: bool = False


@dataclass(frozen=True)
class PlannedLayer:
    """One layer of a plan; its fields are those of ``Layer`` in ``source/spec.h``."""

    kind: int
    input: Value
    output: Value
    other: Value | None = None
    kernel: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    batch_norm: bool = False
    relu: bool = False
    pool: int = NO_POOL
    module: nn.Module | None = None
    drop: float = 0.0


class Layers:
    """A list of layers under construction; each method appends a layer and returns its output."""

    def __init__(self) -> None:
        self.layers: list[PlannedLayer] = []

    def convolution(self, module: nn.Conv2d, value: Value) -> Value:
        """Append a convolution."""
        _require(not value.flat, "expects images, but is given vectors")
        _require(
            module.in_channels == value.shape[0],
            f"expects {module.in_channels} channels, but is given {value.shape[0]}",
        )
        plain = {"stride": (1, 1), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
        for name, wanted in plain.items():
            _require(getattr(module, name) == wanted, f"{name} {getattr(module, name)}")
        kernel, padding = (module.kernel_size[0], module.kernel_size[1]), module.padding
        if padding == "same":
            _require(kernel[0] % 2 == 1 and kernel[1] % 2 == 1, "padding 'same' of an even kernel")
            padding = (kernel[0] // 2, kernel[1] // 2)
        elif padding == "valid":
            padding = (0, 0)
        rows, columns = int(padding[0]), int(padding[1])
        _require(rows < kernel[0] and columns < kernel[1], "padding is not smaller than the kernel")
        _, height, width = value.shape
        shape = (
            module.out_channels,
            height + 2 * rows - kernel[0] + 1,
            width + 2 * columns - kernel[1] + 1,
        )
        _require(min(shape) > 0, f"is larger than its input of {height}x{width}")
        return self._append(
            CONVOLUTION, value, shape, kernel=kernel, padding=(rows, columns), module=module
        )

    def linear(self, module: nn.Linear, value: Value) -> Value:
        """Append a linear layer: a convolution whose kernel covers the whole image."""
        _require(value.flat, "expects vectors, but is given images; flatten them first")
        shape, kernel = (module.out_features, 1, 1), value.shape[1:]
        size = math.prod(value.shape)
        _require(
            module.in_features == size, f"expects {module.in_features} values, but is given {size}"
        )
        return self._append(CONVOLUTION, value, shape, flat=True, kernel=kernel, module=module)

    def batch_norm(self, module: nn.BatchNorm1d | nn.BatchNorm2d, value: Value) -> Value:
        """Append batch normalisation."""
        _require(
            value.flat == isinstance(module, nn.BatchNorm1d),
            "is not the batch norm for this shape (1d for vectors, 2d for images)",
        )
        _require(value.shape[1:] == (1, 1) or not value.flat, "normalises a flattened image")
        _require(
            module.num_features == value.shape[0],
            f"expects {module.num_features} channels, but is given {value.shape[0]}",
        )
        _require(module.track_running_stats, "track_running_stats is off")
        _require(module.momentum is not None, "momentum is None (a cumulative average)")
        return self._append(
            FUSED,
            value,
            value.shape,
            flat=value.flat,
            batch_norm=True,
            module=module,
        )

    def relu(self, value: Value) -> Value:
        """Append ReLU."""
        return self._append(FUSED, value, value.shape, flat=value.flat, relu=True)

    def pooling(self, kind: int, value: Value) -> Value:
        """Append 2x2 pooling, ``MAX_POOL`` or ``AVERAGE_POOL``.

        An odd last row or column is ignored.
        """
        channels, height, width = value.shape
        _require(
            not value.flat and height > 1 and width > 1, "2x2 pooling needs images of at least 2x2"
        )
        return self._append(FUSED, value, (channels, height // 2, width // 2), pool=kind)

    def global_average(self, value: Value) -> Value:
        """Append global average pooling: the mean of each channel."""
        _require(not value.flat, "expects images, but is given vectors")
        return self._append(GLOBAL_AVERAGE, value, (value.shape[0], 1, 1))

    def dropout(self, share: float, value: Value) -> Value:
        """Append dropout of single values, with probability ``share``."""
        _require(share < 1, "drops everything")
        return (
            self._append(DROPOUT, value, value.shape, flat=value.flat, drop=share)
            if share
            else value
        )

    def addition(self, one: Value, other: Value) -> Value:
        """Append the sum of two values."""
        alike = one.shape == other.shape or (
            one.flat and math.prod(one.shape) == math.prod(other.shape)
        )
        _require(one.flat == other.flat and alike, "adds values of different shapes")
        return self._append(ADDITION, one, one.shape, flat=one.flat, other=other)

    def flat(self, value: Value) -> Value:
        """Return the value as a vector; its memory layout is the same."""
        return replace(value, flat=True)

    def _append(
        self,
        kind: int,
        value: Value,
        shape: tuple[int, int, int],
        *,
        flat: bool = False,
        **fields: Any,
    ) -> Value:
        output = Value(len(self.layers) + 1, shape, flat)
        self.layers.append(PlannedLayer(kind, value, output, **fields))
        return output


def _require(met: bool, reason: str) -> None:  # noqa: FBT001 - reads as a sentence where it is called
    if not met:
        raise KernelError(reason)


def _pooling(kind: int) -> Callable[[Layers, Any, Value], Value]:
    def append(layers: Layers, module: Any, value: Value) -> Value:
        _require(_pair(module.kernel_size) == (2, 2), f"kernel {module.kernel_size}; only 2x2")
        _require(_pair(module.stride) == (2, 2), f"stride {module.stride}; only 2")
        _require(_pair(module.padding) == (0, 0), "padding")
        _require(not module.ceil_mode, "ceil_mode")
        _require(_pair(getattr(module, "dilation", 1)) == (1, 1), "dilation")
        _require(not getattr(module, "return_indices", False), "return_indices")
        _require(getattr(module, "divisor_override", None) is None, "divisor_override")
        return layers.pooling(kind, value)

    return append


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _flatten(layers: Layers, module: nn.Flatten, value: Value) -> Value:
    _require(
        (module.start_dim, module.end_dim) == (1, -1),
        "must flatten all dimensions of an image, and no others",
    )
    return layers.flat(value)


def _global_average(layers: Layers, module: nn.AdaptiveAvgPool2d, value: Value) -> Value:
    _require(module.output_size in (1, (1, 1)), f"output {module.output_size}; only 1x1")
    return layers.global_average(value)


MODULES: dict[type[nn.Module], Callable[[Layers, Any, Value], Value]] = {
    nn.Conv2d: Layers.convolution,
    nn.Linear: Layers.linear,
    nn.BatchNorm1d: Layers.batch_norm,
    nn.BatchNorm2d: Layers.batch_norm,
    nn.ReLU: lambda layers, _, value: layers.relu(value),
    nn.MaxPool2d: _pooling(MAX_POOL),
    nn.AvgPool2d: _pooling(AVERAGE_POOL),
    nn.AdaptiveAvgPool2d: _global_average,
    nn.Dropout: lambda layers, module, value: layers.dropout(module.p, value),
    nn.Flatten: _flatten,
    nn.Identity: lambda _layers, _, value: value,
}
"""Exact types only, since a subclass may behave differently."""
