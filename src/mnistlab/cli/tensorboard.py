"""TensorBoardLog: a run's curves for TensorBoard, which is an extra."""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mnistlab.errors import RunError
from mnistlab.recipe import TestedOn
from mnistlab.text import is_unicode
from mnistlab.training.events import EpochDone, Event, RunStarted


class TensorBoardLog(contextlib.AbstractContextManager["TensorBoardLog"]):
    """Listens to a run, and writes its losses and accuracies after each epoch, for TensorBoard.

    What was measured on held-out training images is called ``validation`` instead of ``test``, and
    what was measured on watched ones ``watched``.
    A resumed run adds to the folder; TensorBoard shows it as one.

    Args:
        folder: where the event files go; it is made if it does not exist.

    Raises:
        RunError: TensorBoard is not installed, or the folder cannot be written to.
    """

    def __init__(self, folder: Path | str) -> None:
        try:
            from tensorboard.summary import Writer
        except ModuleNotFoundError as error:
            raise RunError(
                "--tensorboard needs an extra: pip install 'mnistlab[tensorboard]'"
            ) from error
        if not is_unicode(str(folder)):
            raise RunError(f"{folder}: TensorBoard takes names in UTF-8 only; choose another --run")
        self._tested_on: TestedOn = "test"
        try:
            self._writer: Any = Writer(str(folder))
        except OSError as error:
            raise RunError(f"{folder}: cannot be written to: {error.strerror or error}") from error

    def __call__(self, event: Event) -> None:
        """Write an epoch's figures; other events are ignored."""
        if isinstance(event, RunStarted):
            self._tested_on = event.recipe.tested_on
        if not isinstance(event, EpochDone):
            return
        metrics = event.metrics
        for kind in ("loss", "accuracy"):
            tags = {"train": "train", "test": self._tested_on, "watched": "watched"}
            for part, tag in tags.items():
                value = getattr(metrics, f"{part}_{kind}")
                if value is not None:
                    self._writer.add_scalar(f"{kind}/{tag}", value, metrics.epoch)
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
