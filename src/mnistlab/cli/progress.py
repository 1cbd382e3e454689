"""Progress of training: a bar in a terminal or notebook, elsewhere a line per epoch."""

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mnistlab.cli.screen import LiveView, Screen
from mnistlab.recipe import TESTED_IMAGES, TESTED_SET, TestedOn
from mnistlab.report import duration, percent
from mnistlab.runs import EpochMetrics, unequal
from mnistlab.text import counted
from mnistlab.training import BatchDone, EpochDone, Event, RunFinished, RunStarted, RunStopped


class ProgressBar(LiveView):
    """A listener for :func:`mnistlab.train`, to be used in a ``with`` block.

    Args:
        console: where to draw; ``None`` is standard output, or the notebook's cell.
    """

    def __init__(self, console: Screen | None = None) -> None:
        super().__init__(console)
        self._live = self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            # The theme's own colour is that of the empty bar where there are few.
            BarColumn(bar_width=None, finished_style="green"),
            TextColumn("epoch"),
            _EpochColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=self.console,
            speed_estimate_period=60,
            expand=True,
        )
        self._task = TaskID(0)
        self._batches = 1
        self._tested_on: TestedOn = "test"

    def __call__(self, event: Event) -> None:
        """Draw what happened."""
        match event:
            case RunStarted():
                self._start(event)
            case BatchDone() if self._animated:
                self._bars.update(
                    self._task, completed=(event.epoch - 1) * self._batches + event.batch
                )
            case EpochDone() if self._animated:
                self._bars.update(
                    self._task, figures=f"{self._tested_on} {percent(event.metrics.test_accuracy)}"
                )
            case EpochDone():
                self.console.say(_line(event.metrics, event.epochs, self._tested_on))
            case RunStopped():
                self.console.say(
                    f"stopped in epoch {event.epoch}, after batch {event.batch} of {event.batches}"
                )
            case RunFinished():
                self._finish(event)

    def _start(self, event: RunStarted) -> None:
        self._tested_on = event.recipe.tested_on
        images = (
            f"{event.train_images} training and {event.test_images}"
            f" {TESTED_IMAGES[self._tested_on]}"
        )
        where = f"{event.device}, {counted(event.threads, 'thread')}"
        layers = (
            f"plain PyTorch ({event.reason})"
            if event.reason
            else f"native kernels ({event.kernels})"
        )
        # A recipe's file names a model from its own folder; this is what it was taken for.
        model = f"; model {event.recipe.model}" if ":" in event.recipe.model else ""
        frozen = f" and {event.frozen} frozen" if event.frozen else ""
        self.console.say(
            f"{event.recipe.name}, seed {event.seed}: {event.parameters} parameters{frozen},"
            f" {images}, {where}, {layers}{model}"
        )
        for note in event.notes:
            self.console.say(f"note: {note}")
        if event.epochs_done:
            self.console.say(f"resumed after epoch {event.epochs_done}")
        self._batches = event.batches
        if self._animated:
            self._task = self._bars.add_task(
                event.recipe.name,
                total=event.recipe.epochs * event.batches,
                completed=event.epochs_done * event.batches,
                figures="",
                epochs=event.recipe.epochs,
                batches=event.batches,
            )

    def _finish(self, event: RunFinished) -> None:
        final, images, on = (
            event.record.final,
            event.record.data.test_images,
            event.record.recipe.tested_on,
        )
        if event.reused:
            why = (
                "stopped early before; more epochs would change nothing"
                if event.record.stopped_early
                else "finished before; nothing to train"
            )
            self.console.say(f"{event.record.recipe.name}, seed {event.record.seed}: {why}")
        self.console.say(
            f"{on} accuracy {percent(final.test_accuracy)} ({final.test_errors} of {images} wrong)"
            f"{',' * bool(event.record.kept)} {event.record.ending}; best epoch {final.best_epoch}:"
            f" {percent(final.best_test_accuracy)} (chosen on {TESTED_SET[on]});"
            f" trained and tested in {duration(event.record.seconds)}"
        )
        predictions, scores = event.record.predictions, event.record.class_scores
        if predictions and scores and unequal(predictions.test_labels):
            self.console.say(
                f"macro F1 {percent(scores.macro_f1)}, balanced accuracy"
                f" {percent(scores.balanced_accuracy)} (classes of"
                f" {min(predictions.test_labels):,} to {max(predictions.test_labels):,} images)"
            )


class _EpochColumn(ProgressColumn):
    """Whole epochs done, of all: ``12/50``."""

    def render(self, task: Task) -> Text:
        done, epochs = int(task.completed) // task.fields["batches"], task.fields["epochs"]
        return Text(f"{done:>{len(str(epochs))}}/{epochs}")


def _line(metrics: EpochMetrics, epochs: int, tested_on: TestedOn) -> str:
    watched = ""
    if metrics.watched_loss is not None and metrics.watched_accuracy is not None:
        accuracy = percent(metrics.watched_accuracy)
        watched = f"  watched loss {metrics.watched_loss:.4f} accuracy {accuracy}"
    return (
        f"epoch {metrics.epoch:>{len(str(epochs))}}/{epochs}  train loss {metrics.train_loss:.4f}"
        f" accuracy {percent(metrics.train_accuracy)}{watched}"
        f"  {tested_on} loss {metrics.test_loss:.4f}"
        f" accuracy {percent(metrics.test_accuracy)} "
        f" {metrics.train_seconds + metrics.test_seconds:.1f} s, {metrics.images_per_second:.0f}"
        " images/s"
    )
