"""The environment of a run: versions and hardware, for its record."""

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mnistlab.runs.record import Environment

_PACKAGES = ("mnistlab", "torch", "numpy")


def describe_environment(device: str, threads: int, kernels: str) -> Environment:
    """Describe this machine.

    Args:
        device: on which it trains, for example ``cpu`` or an accelerator's name.
        threads: CPU threads that it computes on.
        kernels: the build of the native kernels that it uses, or ``torch`` for plain PyTorch.
    """
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return Environment(
        versions=versions,
        platform=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=_memory_gib(),
        device=device,
        threads=threads,
        kernels=kernels,
    )


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    # Only Linux has the file, and not everywhere.
    with contextlib.suppress(OSError):
        for line in (
            Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        ):
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return 0.0
