"""ExperimentView: progress of many runs, live in a terminal, elsewhere a line per finished run."""

import statistics
import time
from collections.abc import Iterable

import numpy as np
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mnistlab.cli.screen import LiveView, Screen
from mnistlab.experiments.trial import Trial
from mnistlab.experiments.trial_events import (
    Event,
    ExperimentStarted,
    Looked,
    TrialFailed,
    TrialFinished,
    TrialProgress,
    TrialStarted,
    TrialStopped,
    TrialWaiting,
    WorkerLost,
)
from mnistlab.report import duration, percent
from mnistlab.text import counted

_MOST_RECIPES, _MOST_RUNNING = 12, 8


class ExperimentView(LiveView):
    """A listener for experiments, to be used in a ``with`` block.

    Args:
        console: where to draw; ``None`` is standard output, or the notebook's cell.
    """

    def __init__(self, console: Screen | None = None) -> None:
        super().__init__(console)
        self._began = time.monotonic()
        self._epochs: dict[Trial, int] = {}
        """Of the runs in progress, epochs done."""
        self._inherited: dict[Trial, int] = {}
        """Of the runs begun here, epochs done before: their first start's, since after a break they
        start once more."""
        self._total = self._wanted = self._finished = self._failed = 0
        self._settled_epochs = 0
        self._accuracies: dict[str, list[float]] = {}
        self._told: set[tuple[str, str]] = set()
        self._noted: set[str] = set()
        self._live = Live(
            get_renderable=self._draw, console=self.console, refresh_per_second=4, transient=True
        )

    def __call__(self, event: Event) -> None:
        """Note what happened, and print what is worth a line."""
        match event:
            case ExperimentStarted():
                self._start(event)
            case TrialStarted():
                self._epochs[event.trial] = event.epochs_done
                self._inherited.setdefault(event.trial, event.epochs_done)
                self._note(event.notes)
            case TrialProgress():
                self._epochs[event.trial] = event.metrics.epoch
            case TrialFinished():
                self._finish(event)
            case TrialFailed():
                self._fail(event)
            case WorkerLost() | TrialStopped():
                self._epochs.pop(event.trial, None)
        if line := _line(event):
            self._print(line, always=True)

    def _start(self, event: ExperimentStarted) -> None:
        self._began, self._epochs, self._accuracies, self._inherited = time.monotonic(), {}, {}, {}
        self._finished = self._failed = self._settled_epochs = 0
        self._wanted = len(event.trials)
        self._total = sum(trial.recipe.epochs for trial in event.trials)
        before = f", {event.finished} finished before" if event.finished else ""
        wanted = f"{counted(self._wanted, 'run')} to train"
        self._print(f"{wanted}{before}; {event.workers}", always=True)
        self._note(event.notes)

    def _note(self, notes: Iterable[str]) -> None:
        """Print each note once, however many runs it is about."""
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                self._print(f"note: {note}", always=True)

    def _finish(self, event: TrialFinished) -> None:
        self._settle(event.trial)
        # Epochs that early stopping has saved do not have to be waited for.
        saved = event.trial.recipe.epochs - len(event.record.history)
        self._settled_epochs -= saved
        self._total -= saved
        self._finished += 1
        final = event.record.final.test_accuracy
        accuracy = f"{event.record.recipe.tested_on} accuracy {percent(final)}"
        self._accuracies.setdefault(event.trial.recipe.name, []).append(final)
        trained = f"trained in {duration(event.record.training_seconds)}"
        if event.record.kept:
            trained = f"{event.record.ending}, {trained}"
        self._print(f"{event.trial.title}: {accuracy}, {trained}  {self._count()}")

    def _fail(self, event: TrialFailed) -> None:
        self._settle(event.trial)
        self._failed += 1
        # One line for the first of many that fail alike; the end lists them all.
        if (event.trial.recipe.name, event.error) not in self._told:
            self._told.add((event.trial.recipe.name, event.error))
            self._print(f"{event.trial.title}: failed: {event.error}", always=True)

    def _settle(self, trial: Trial) -> None:
        self._epochs.pop(trial, None)
        self._settled_epochs += trial.recipe.epochs

    def _print(self, text: str, *, always: bool = False) -> None:
        if always or not self._animated:
            self.console.say(text)

    def _count(self) -> str:
        left = self._time_left()
        return (
            f"[{self._finished + self._failed} of {self._wanted}{f', {left} left' if left else ''}]"
        )

    def _time_left(self) -> str:
        done = self._settled_epochs + sum(self._epochs.values())
        fresh, elapsed = done - sum(self._inherited.values()), time.monotonic() - self._began
        return (
            duration((self._total - done) * elapsed / fresh)
            if fresh > 0 and done < self._total
            else ""
        )

    def _draw(self) -> RenderableType:
        done = self._settled_epochs + sum(self._epochs.values())
        failed = f", {self._failed} failed" if self._failed else ""
        left = self._time_left()
        if not self._wanted:
            return Text("starting")
        line = f"{self._finished} of {self._wanted} runs done, {len(self._epochs)} running{failed}"
        head = Text(f"{line}, {left} left" if left else line)
        # A grid, since the bar itself ends without a new line.
        bar = Table.grid(expand=True)
        # The theme's own colour is that of the empty bar where there are few.
        bar.add_row(ProgressBar(total=max(self._total, 1), completed=done, finished_style="green"))
        return Group(head, bar, self._recipes(), self._running())

    def _recipes(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=bool(self._accuracies))
        for heading in ("recipe", "runs", "mean so far", "SD"):
            table.add_column(heading, justify="left" if heading == "recipe" else "right")
        for name, values in list(self._accuracies.items())[:_MOST_RECIPES]:
            spread = f"{100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""
            # As the report's tables have it, to the last digit.
            mean = f"{float(np.mean(100 * np.array(values))):.2f} %"
            table.add_row(Text(name), str(len(values)), mean, spread)
        return table

    def _running(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for trial, epochs in list(self._epochs.items())[:_MOST_RUNNING]:
            table.add_row(
                Text(f"{trial.title}"), Text(f"epoch {epochs}/{trial.recipe.epochs}", style="dim")
            )
        return table


def _line(event: Event) -> str:
    """Return what is printed of an event whether or not the view is drawn."""
    match event:
        case TrialWaiting():
            return f"{event.trial.title}: in progress in another process; waiting for it"
        case WorkerLost():
            return f"{event.trial.title}: {event.reason}; resumed from its checkpoint"
        case Looked():
            return f"look at {event.seeds} seeds: {event.verdict}"
    return ""
