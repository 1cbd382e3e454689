"""Windows: what each output of a convolution or pooling reads along rows and columns."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Value

Sizes = int | Sequence[int]
"""Of rows and columns, or one number for both."""

Pair = tuple[int, int]
"""Of rows and columns."""


class Window(NamedTuple):
    """Every ``step``-th position from ``begin`` to before ``end``, which lie within the image.

    ``counted`` is their number, and that of the padding if it counts.
    """

    begin: int
    end: int
    counted: int


def pair(sizes: Sizes) -> Pair:
    """Return the sizes of rows and columns."""
    return (sizes, sizes) if isinstance(sizes, int) else (int(sizes[0]), int(sizes[-1]))


def row_pair(size: Sizes, rows: int = 1) -> Pair:
    """Return the sizes of rows and columns, given that of columns alone."""
    return rows, size if isinstance(size, int) else int(size[0])


def images(value: Value) -> Value:
    """Return a value that is a batch of images.

    Raises:
        KernelError: it is not.
    """
    if value.batch_axis != 0 or len(value.shape) != 3:
        raise KernelError("expects a batch of images, (n, channels, height, width)")
    return value


def as_row(value: Value) -> Value:
    """Return a batch of sequences, (n, channels, length), as images of one row.

    Raises:
        KernelError: it is not a batch of sequences.
    """
    if value.batch_axis != 0 or len(value.shape) != 2:
        raise KernelError("expects a batch of sequences, (n, channels, length)")
    return replace(value, shape=(value.shape[0], 1, value.shape[1]))


def from_row(value: Value) -> Value:
    """Return images of one row as sequences."""
    return replace(value, shape=(value.shape[0], value.shape[2]))


def pooling_windows(
    size: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int = 1,
    *,
    round_up: bool = False,
    count_padding: bool = True,
) -> list[Window]:
    """Return the windows of a pooling along one dimension.

    Args:
        size: of the image.
        kernel: positions of a window.
        stride: from one window to the next.
        padding: on both sides.
        dilation: from one position of a window to the next.
        round_up: whether a last window may reach beyond the padding (PyTorch's ``ceil_mode``).
        count_padding: whether padding counts as positions (``count_include_pad``).

    Raises:
        KernelError: a window contains nothing of the image.
    """
    reach = dilation * (kernel - 1) + 1
    count = (size + 2 * padding - reach + (stride - 1 if round_up else 0)) // stride + 1
    if round_up and (count - 1) * stride >= size + padding:
        count -= 1  # a window must start within the image or the padding before it
    windows = []
    for index in range(count):
        start = index * stride - padding
        stop = min(start + reach, size + padding)
        begin = start if start >= 0 else start % dilation
        end = min(stop, size)
        if begin >= end:
            raise KernelError("a window of it contains only padding")
        windows.append(Window(begin, end, stop - start if count_padding else end - begin))
    return windows


def adaptive_windows(size: int, count: int | None) -> list[Window]:
    """Return the windows of adaptive pooling to ``count`` outputs; ``None`` is ``size``."""
    count = size if count is None else count
    bounds = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
    return [Window(begin, end, end - begin) for begin, end in bounds]


def window_integers(
    rows: Sequence[Window], columns: Sequence[Window], steps: tuple[int, int] = (1, 1)
) -> list[int]:
    """Return windows as C++ reads them (``source/windows.h``)."""
    return [*steps, *(number for window in [*rows, *columns] for number in window)]
