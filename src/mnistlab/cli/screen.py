"""Screen: a terminal on which progress is drawn, and bars for what takes long beside training."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.progress import DownloadColumn, MofNCompleteColumn, Progress, TaskID
from rich.segment import Segment

from mnistlab.data import Dataset, load_dataset
from mnistlab.data.download import OnProgress
from mnistlab.text import printable


class Screen(Console):
    """A console that shows text as it is: no markup in names, no emoji for words in colons, no
    control characters.

    Args:
        options: those of :class:`rich.console.Console`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def say(self, line: str) -> None:
        """Print a line, however long."""
        self.print(printable(line), soft_wrap=True)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render something, as rich does, but for control characters in its text."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text == "\n":
                yield segment
            else:
                # rich ends some lines within a segment.
                text = "\n".join(map(printable, segment.text.split("\n")))
                yield Segment(text, segment.style)


class LiveView:
    """A listener that draws in a terminal or a notebook, to be used in a ``with`` block.

    Args:
        console: where to draw; ``None`` is standard output, or the notebook's cell.
    """

    _live: Live | Progress
    """What is drawn; a subclass makes it."""

    def __init__(self, console: Screen | None = None) -> None:
        self.console = console or Screen()
        self._animated = self.console.is_terminal or self.console.is_jupyter

    def __enter__(self) -> Self:
        if self._animated:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._animated:
            self._live.stop()


@contextlib.contextmanager
def download_bar() -> Iterator[OnProgress]:
    """Draw a bar on standard error for each file that is downloaded."""
    bars = Progress(*Progress.get_default_columns(), DownloadColumn(), console=Screen(stderr=True))
    tasks: dict[str, TaskID] = {}

    def show(name: str, held: int, total: int) -> None:
        if name not in tasks:
            bars.start()
            tasks[name] = bars.add_task(name)
        bars.update(tasks[name], completed=held, total=total or None)

    try:
        yield show
    finally:
        if tasks:
            bars.stop()


def load_with_progress(source: str, **options: Any) -> Dataset:
    """Load a data set; a download draws a bar on standard error."""
    with download_bar() as on_progress:
        return load_dataset(source, on_progress, **options)


@contextlib.contextmanager
def reading_bar(*, hidden: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Draw a bar on standard error, if that is a terminal.

    Yields:
        A function to call with what is read, how many are done, and how many there are.
    """
    if hidden or not sys.stderr.isatty():
        yield lambda _name, _done, _total: None
        return
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(
        *columns, console=Screen(stderr=True), redirect_stdout=False, transient=True
    ) as bars:
        task = bars.add_task("reading", total=None)
        yield lambda name, done, total: bars.update(
            task, description=name, completed=done, total=total
        )
