"""The device that a run is trained on."""

import contextlib
import platform
from collections.abc import Iterator

import torch

from mnistlab.errors import DeviceError

KINDS = ("auto", "cpu", "cuda", "mps")


def choose_device(kind: str = "auto", gpu: int | None = None) -> torch.device:
    """Return the device to train on.

    Args:
        kind: ``auto`` prefers a CUDA device, then Apple's GPU, then the CPU.
        gpu: number of the CUDA device; ignored if ``kind`` is ``auto`` and there is none.

    Raises:
        DeviceError: the requested device is not available; the message says what is.
    """
    if kind not in KINDS:
        raise DeviceError(f"{kind}: no such device; one of {', '.join(KINDS)}")
    cuda, mps = cuda_devices(), torch.backends.mps.is_available()
    if kind == "auto":
        kind = "cuda" if cuda else "mps" if mps else "cpu"
    if kind == "cuda" and not cuda:
        raise DeviceError("cuda: PyTorch finds no CUDA device here; use `device='cpu'`")
    if kind == "mps" and not mps:
        raise DeviceError("mps: PyTorch finds no Apple GPU here; use `device='cpu'`")
    if kind != "cuda":
        return torch.device(kind)
    if gpu is not None and not 0 <= gpu < cuda:
        raise DeviceError(f"GPU {gpu}: there is no such device; numbers are 0 to {cuda - 1}")
    return torch.device("cuda", gpu or 0)


def describe_device(device: torch.device) -> str:
    """Return the device's product name, or ``cpu``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return (
        "cpu"
        if device.type == "cpu"
        else f"Apple GPU ({platform.processor() or platform.machine()})"
    )


@contextlib.contextmanager
def torch_threads(count: int | None) -> Iterator[int]:
    """Have PyTorch compute on ``count`` CPU threads; yields the number in use.

    ``None`` keeps the current number. The previous number is restored at the end.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def cuda_devices() -> int:
    """Return the number of CUDA devices."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0
