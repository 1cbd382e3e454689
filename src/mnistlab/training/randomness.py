"""Random numbers: every draw follows from (seed, purpose, epoch, batch)."""

import contextlib
import hashlib
from collections.abc import Iterator

import torch


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
