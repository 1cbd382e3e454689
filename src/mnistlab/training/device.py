"""The device that trains, chosen or asked for."""

import contextlib
import platform
from collections.abc import Iterator

import torch

from mnistlab.errors import DeviceError

KINDS = ("auto", "cpu", "cuda", "mps")


def choose_device(kind: str = "auto", gpu: int | None = None) -> torch.device:
    """Return the device.

    Args:
        kind: ``auto`` takes a CUDA device if there is one, else Apple's, else the CPU.
        gpu: number of the CUDA device; has no say where there is none and ``kind`` is ``auto``.

    Raises:
        DeviceError: the device asked for is not there; the message says what is.
    """
    if kind not in KINDS:
        raise DeviceError(f"{kind}: no such device; one of {', '.join(KINDS)}")
    cuda, mps = cuda_devices(), torch.backends.mps.is_available()
    if kind == "auto":
        kind = "cuda" if cuda else "mps" if mps else "cpu"
    if kind == "cuda" and not cuda:
        raise DeviceError("cuda: PyTorch finds no CUDA device here; use --device cpu")
    if kind == "mps" and not mps:
        raise DeviceError("mps: PyTorch finds no Apple GPU here; use --device cpu")
    if kind != "cuda":
        return torch.device(kind)
    if gpu is not None and not 0 <= gpu < cuda:
        raise DeviceError(f"GPU {gpu}: there is no such device; numbers are 0 to {cuda - 1}")
    return torch.device("cuda", gpu or 0)


def describe_device(device: torch.device) -> str:
    """Return the device's name as people know it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return (
        "cpu"
        if device.type == "cpu"
        else f"Apple GPU ({platform.processor() or platform.machine()})"
    )


@contextlib.contextmanager
def computing_threads(count: int | None) -> Iterator[int]:
    """Have PyTorch compute on that many CPU threads inside, and yield how many it uses; ``None``
    keeps its choice.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def cuda_devices() -> int:
    """Return how many CUDA devices there are."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def import_optimisers() -> None:
    """Import what the first optimiser would: a second's worth of PyTorch, for processes to be
    forked with.
    """
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
