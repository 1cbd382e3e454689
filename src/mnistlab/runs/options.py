"""RunOptions: where and how a run is trained, which changes its figures by rounding alone."""

from dataclasses import dataclass

from mnistlab.arguments import thread_count


def ignore(_event: object) -> None:
    """Ignore an event: the default listener of whatever trains."""


def never() -> bool:
    """Return ``False``: the default answer to whether to stop."""
    return False


@dataclass(frozen=True)
class RunOptions:
    """Where and how to train.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        gpu: number of the CUDA device; ``None`` is the first.
        threads: CPU threads to compute on; ``None`` is one per core.
        kernels: ``auto`` takes the native kernels where they fit, ``torch`` plain PyTorch.

    Raises:
        RunError: ``threads`` is no number from 1 to 1,024.
    """

    device: str = "auto"
    gpu: int | None = None
    threads: int | None = None
    kernels: str = "auto"

    def __post_init__(self) -> None:
        thread_count("threads", self.threads)
