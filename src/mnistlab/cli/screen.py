"""Screen: a terminal on which progress is drawn, and nothing moves but what we move."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

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
