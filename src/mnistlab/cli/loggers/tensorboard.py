"""TensorBoard: curves of losses and accuracies."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.cli.run_log import RunLogger
from mnistlab.errors import RunError
from mnistlab.text import is_unicode

if TYPE_CHECKING:
    from mnistlab.recipe import Recipe
    from mnistlab.runs import EpochMetrics, RunRecord

_EVENTS = "events.out.tfevents.*"
_SIZE_GUIDANCE = {"tensors": 0}
"""Read all points of a curve, not a sample."""


class TensorBoardLogger(RunLogger):
    """Writes ``tensorboard/`` in the run's folder, so that ``tensorboard --logdir`` of a folder of
    runs shows them together.

    What was measured on held-out training images is called ``validation`` instead of ``test``, and
    what was measured on watched ones ``watched``.
    """

    name = "tensorboard"
    help = "Write curves for TensorBoard into each run's folder."

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        try:
            import tensorboard.summary  # noqa: F401 - whether it is there
        except ModuleNotFoundError as error:
            raise RunError(
                "--tensorboard needs an extra: pip install 'mnistlab[tensorboard]'"
            ) from error
        self._place = folder / "tensorboard"
        if not is_unicode(str(folder)):
            raise RunError(
                f"{self._place}: TensorBoard takes names in UTF-8 only; choose another --run"
            )
        self._writer: Any = None
        self._tested_on = "test"

    def open(self, recipe: "Recipe", seed: int, epochs_done: int) -> set[int]:  # noqa: ARG002
        """Remove the curves of a run that is begun anew, and open the log."""
        from tensorboard.summary import Writer

        self._tested_on = recipe.tested_on
        try:
            if not epochs_done:
                for file in self._place.glob(_EVENTS):
                    file.unlink()
            logged = self._logged()
            self._writer = Writer(str(self._place))
        except OSError as error:
            raise RunError(
                f"{self._place}: cannot be written to: {error.strerror or error}"
            ) from error
        return logged

    def log(self, metrics: "EpochMetrics") -> None:
        """Write an epoch's losses and accuracies."""
        for kind in ("loss", "accuracy"):
            tags = {"train": "train", "watched": "watched", "test": self._tested_on}
            for part, tag in tags.items():
                value = getattr(metrics, f"{part}_{kind}")
                if value is not None:
                    self._writer.add_scalar(f"{kind}/{tag}", value, metrics.epoch)
        self._writer.flush()

    def close(self, record: "RunRecord | None" = None, *, failed: bool = False) -> None:  # noqa: ARG002
        """Close the file."""
        self._writer.close()

    def _logged(self) -> set[int]:
        """Return the epochs of which all figures are there; a kill may have cut one short."""
        if not any(self._place.glob(_EVENTS)):
            return set()
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        log = EventAccumulator(str(self._place), size_guidance=_SIZE_GUIDANCE).Reload()
        # The last figure that log() writes of an epoch.
        tag = f"accuracy/{self._tested_on}"
        there = log.Tensors(tag) if tag in log.Tags()["tensors"] else ()
        return {point.step for point in there}


LOGGER = TensorBoardLogger
