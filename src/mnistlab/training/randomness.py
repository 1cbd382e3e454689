"""Random numbers: every draw follows from (seed, purpose, epoch, batch)."""

import contextlib
import hashlib
import math
import statistics
from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BLOCK = 1 << 14
"""Normal draws at a time, few enough to stay in the processor's cache."""


def derive_seed(seed: int, purpose: str, *indices: int) -> int:
    """Return the 63-bit seed of one purpose: the first bits of a SHA-256.

    Args:
        seed: the run's.
        purpose: for example ``order`` or ``augmentation``.
        indices: for example the epoch and the batch.
    """
    text = "/".join(map(str, (seed, purpose, *indices)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, purpose: str, *indices: int) -> torch.Generator:
    """Return a new CPU generator for one purpose; see :func:`derive_seed`."""
    return torch.Generator().manual_seed(derive_seed(seed, purpose, *indices))


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    """Draw standard normal numbers, the same bits on every processor.

    PyTorch's own follow the processor. A draw is the sum of two values of a table: of the quantiles
    of a normal distribution at the middles of 65,536 equal shares. Of the sum's distribution,
    variance 1 and skewness 0 are exact, kurtosis is 2.998, and the largest value is 6.04.

    Returns:
        float32.
    """
    count = math.prod(shape)
    drawn, table = np.empty(count + count % 2, np.float32), _quantiles()
    for start in range(0, len(drawn), _BLOCK):
        block = drawn[start : start + _BLOCK]
        bits = torch.empty(len(block) // 2, dtype=torch.int64)
        places = bits.random_(-(2**63), None, generator=generator).numpy().view(np.uint16)
        first, second = (table.take(half, mode="wrap") for half in np.split(places, 2))
        np.add(first, second, out=block)
    return torch.from_numpy(drawn[:count]).view(shape)


@cache
def _quantiles() -> NDArray[np.float32]:
    """Return the table of :func:`normal`, float32 ``(65536,)``, of variance 1/2."""
    inverse, count = statistics.NormalDist().inv_cdf, 1 << 16
    upper = [inverse((place + 0.5) / count) for place in range(count // 2, count)]
    deviation = math.sqrt(math.fsum(value * value for value in upper) * 4 / count)
    scaled = np.array(upper) / deviation
    return np.concatenate([-scaled[::-1], scaled]).astype(np.float32)


def seed_global(seed: int, device: torch.device) -> None:
    """Seed PyTorch's global generators of the CPU and the device.

    Initialisers and ``nn.Dropout`` draw from them.
    """
    # torch.manual_seed does the same, but takes 0.6 ms to record its caller for devices that are
    # not in use yet.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


@contextlib.contextmanager
def fork_rng(device: torch.device) -> Iterator[None]:
    """Save PyTorch's global random state, and restore it at the end.

    :func:`torch.random.fork_rng` for the CPU and one device, Apple's included. PyTorch's
    initialisers and ``nn.Dropout`` draw from that state, and users' models may; inside, the caller
    seeds it for each purpose.
    """
    devices = [device] if device.type not in ("cpu", "mps") else []
    apple = torch.mps.get_rng_state() if device.type == "mps" else None
    with torch.random.fork_rng(devices=devices, device_type="cuda"):
        try:
            yield
        finally:
            if apple is not None:
                torch.mps.set_rng_state(apple)
