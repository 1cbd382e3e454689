"""Exact functions: elementwise functions of PyTorch with the same bits on every processor.

On a CPU, PyTorch computes square roots, exponentials and the like by MKL, which has other bits on
each kind of processor. Within this mode, they are those of :mod:`mnistlab.elementary`.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mnistlab.elementary import exp, log, sin_cos

Array = NDArray[np.float64]


class ExactFunctions(TorchDispatchMode):
    """Within it, the functions ``exp``, ``log``, ``sqrt``, ``rsqrt``, ``sin``, ``cos``, ``tan``,
    ``tanh`` and ``erfinv`` have the same bits on every processor, for floating-point tensors on the
    CPU.

    Powers, sums and linear algebra stay PyTorch's. So do random draws, whose bits are the same on
    all processors with AVX2.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Otherwise PyTorch imports its compiler, a second, to exempt from it what nobody compiles.
        return False

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call an operation of PyTorch, or what takes its place."""
        name = func.overloadpacket.__name__
        given = dict(kwargs or {})
        function = _FUNCTIONS.get(name.removesuffix("_"))
        if function is None or given or not _is_ours(args[0]):
            return func(*args, **given)
        with np.errstate(all="ignore"):
            found = function(args[0].detach().double().numpy())
        result = torch.from_numpy(np.asarray(found)).to(args[0].dtype)
        return args[0].copy_(result) if name.endswith("_") else result


def _is_ours(tensor: object) -> bool:
    return isinstance(tensor, Tensor) and tensor.device.type == "cpu" and tensor.is_floating_point()


def _log(x: Array) -> Array:
    inside = (x > 0) & (x < np.inf)
    limit = np.where(x == 0, -np.inf, np.where(x == np.inf, np.inf, np.nan))
    return np.where(inside, log(np.where(inside, x, 1)), limit)


def _exp(x: Array) -> Array:
    # Far beyond what float32 holds.
    return np.where(x > 700, np.inf, np.where(x < -700, 0, exp(x)))


def _tan(x: Array) -> Array:
    sine, cosine = sin_cos(x)
    return sine / cosine


def _tanh(x: Array) -> Array:
    power = exp(-2 * np.abs(x))
    return np.copysign((1 - power) / (1 + power), x)


def _erfinv(x: Array) -> Array:
    inverse = statistics.NormalDist(0, math.sqrt(0.5)).inv_cdf
    ends = {-1.0: -math.inf, 1.0: math.inf}
    found = [
        inverse((1 + value) / 2) if -1 < value < 1 else ends.get(value, math.nan)
        for value in x.ravel().tolist()
    ]
    return np.array(found).reshape(x.shape)


_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "exp": _exp,
    "log": _log,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sin": lambda x: sin_cos(x)[0],
    "cos": lambda x: sin_cos(x)[1],
    "tan": _tan,
    "tanh": _tanh,
    "erfinv": _erfinv,
}
