"""TensorBoardLog: a run's curves for TensorBoard, an extra."""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mnistlab.errors import RunError
from mnistlab.training.events import EpochDone, Event


class TensorBoardLog(contextlib.AbstractContextManager["TensorBoardLog"]):
    """Listens to a run, and writes loss and accuracy, training and test, an epoch each, as TensorBoard reads them.

    A run that goes on adds to the folder; TensorBoard shows it as one.

    Args:
        folder: where the event files go; it is made if need be.

    Raises:
        RunError: TensorBoard is not installed, or the folder cannot be written to.
    """

    def __init__(self, folder: Path | str) -> None:
        try:
            from tensorboard.summary import Writer
        except ModuleNotFoundError as error:
            raise RunError("--tensorboard needs an extra: pip install 'mnistlab[tensorboard]'") from error
        try:
            self._writer: Any = Writer(str(folder))
        except OSError as error:
            raise RunError(f"{folder}: cannot be written to: {error.strerror or error}") from error

    def __call__(self, event: Event) -> None:
        """Write an epoch's figures; other events say nothing."""
        if not isinstance(event, EpochDone):
            return
        metrics = event.metrics
        for kind in ("loss", "accuracy"):
            for part in ("train", "test"):
                self._writer.add_scalar(f"{kind}/{part}", getattr(metrics, f"{part}_{kind}"), metrics.epoch)
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
