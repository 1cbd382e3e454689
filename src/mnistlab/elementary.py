"""Elementary functions that give the same bits on every processor.

Those of the C library, NumPy, PyTorch and MKL follow the processor's instructions and their own
versions. These consist of additions, multiplications, divisions and square roots of float64, one
after the other, which IEEE 754 defines to the last bit. Arguments are reduced as by Cody and Waite
(Software Manual for the Elementary Functions, 1980), and series are Taylor's, long enough for
float64; errors are within 4 units in the last place.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_LN2 = (0.6931471803691238, 1.9082149292705877e-10)
"""The logarithm of 2 in two parts; the first one's products with exponents are exact."""
_HALF_PI = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
"""Likewise half of pi in three."""


def exp(x: ArrayLike) -> Array:
    """Return e to the power of ``x``, from -700 to 700; what lies beyond is taken to be that."""
    x = np.clip(np.asarray(x, np.float64), -700, 700)
    whole = np.rint(x * 1.4426950408889634)
    rest = (x - whole * _LN2[0]) - whole * _LN2[1]
    power = _series(rest, [1 / math.factorial(n) for n in range(14)])
    with np.errstate(invalid="ignore"):  # NaN has no exponent, and stays NaN
        return np.asarray(np.ldexp(power, whole.astype(np.int32)))


def log(x: ArrayLike) -> Array:
    """Return the natural logarithm of ``x``, which is above 0 and finite."""
    part, exponent = np.frexp(np.asarray(x, np.float64))
    small = part < math.sqrt(0.5)
    part, whole = np.where(small, 2 * part, part), exponent - small.astype(np.float64)
    ratio = (part - 1) / (part + 1)
    # log(part) = 2 atanh(ratio)
    series = _series(ratio * ratio, [2 / (2 * n + 1) for n in range(12)])
    return np.asarray(whole * _LN2[0] + (ratio * series + whole * _LN2[1]))


def sin_cos(x: ArrayLike) -> tuple[Array, Array]:
    """Return the sine and the cosine of ``x`` in radians, from -10,000 to 10,000."""
    x = np.asarray(x, np.float64)
    turns = np.rint(x * 0.6366197723675814)  # quarters
    rest = ((x - turns * _HALF_PI[0]) - turns * _HALF_PI[1]) - turns * _HALF_PI[2]
    square, quarter = rest * rest, turns.astype(np.int64) & 3
    sine = rest * _series(square, [(-1) ** n / math.factorial(2 * n + 1) for n in range(9)])
    cosine = _series(square, [(-1) ** n / math.factorial(2 * n) for n in range(10)])
    swapped = quarter % 2 == 1
    sines, cosines = np.where(swapped, cosine, sine), np.where(swapped, sine, cosine)
    return (
        np.where(quarter >= 2, -sines, sines),
        np.where((quarter == 1) | (quarter == 2), -cosines, cosines),
    )


def power(x: float, exponent: int) -> float:
    """Return ``x`` to a whole power, at least 0, by repeated squaring."""
    result = 1.0
    while exponent:
        if exponent % 2:
            result *= x
        x, exponent = x * x, exponent // 2
    return result


def log_softmax(logits: ArrayLike) -> Array:
    """Return the logarithms of the probabilities, float64 ``(n, classes)``.

    Args:
        logits: ``(n, classes)``; a row with NaN or an infinite value becomes NaN, unless it is
            negative infinity, which is a probability of 0.
    """
    below = np.asarray(logits, np.float64)
    with np.errstate(invalid="ignore"):
        below = below - below.max(axis=1, keepdims=True)
    unknown = np.isnan(below).any(axis=1, keepdims=True)
    below = np.where(unknown, 0, below)
    result = below - log(fold(exp(below).T))[:, None]
    return np.asarray(np.where(unknown, np.nan, result))


def fold(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the sum along the first axis: the second half is added to the first, and so on.

    NumPy's and PyTorch's own sums have an order that follows the processor's vectors.

    Args:
        values: at least one along the first axis.
    """
    while len(values) > 1:
        half = (len(values) + 1) // 2
        sums = values[:half].copy()
        sums[: len(values) - half] += values[half:]
        values = sums
    return np.asarray(values[0])


def _series(x: Array, coefficients: list[float]) -> Array:
    """Return the first coefficient plus x times (the second plus x times ...)."""
    result = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        np.multiply(result, x, out=result)
        np.add(result, coefficient, out=result)
    return result
