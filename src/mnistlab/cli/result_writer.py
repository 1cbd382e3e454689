"""Result writers: what is found in each picture, written to standard output at once."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from mnistlab.cli.output import write
from mnistlab.text import to_json


class ResultWriter(AbstractContextManager["ResultWriter"]):
    """Writes nothing before the first result, and nothing after the last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class JsonArray(ResultWriter):
    """A JSON array in UTF-8, an object per line; it is closed whatever happens."""

    _separator = "\n"
    _end = "\n]\n"

    def add(self, row: dict[str, Any]) -> None:
        """Write an object."""
        write(self._separator + to_json(row, indent=None))
        self._separator = ",\n"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, BrokenPipeError):
            write(self._end)


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
