"""Result: what an experiment or an evaluation hands back, for people, files and notebooks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from mnistlab.errors import RunError
from mnistlab.report.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Made = TypeVar("Made")
Plots: TypeAlias = "Mapping[str, Figure]"
Tables = Mapping[str, Callable[[], Table]]


class Result(ABC):
    """A sentence, tables, plots and files; in a notebook it shows the sentence and the first table.

    Attributes:
        failures: a line for the runs that could not be finished for the same reason; they count for
            nothing.
        command: the command that makes it again; empty if none made it.
    """

    failures: tuple[str, ...] = ()
    command: str = ""

    @property
    @abstractmethod
    def verdict(self) -> str:
        """One plain sentence: what was found."""

    @property
    def remarks(self) -> list[str]:
        """Further sentences, without which the verdict would mislead."""
        return []

    def table(self, kind: str = "") -> Table:
        """Return a table, which has ``.text()``, ``.markdown()`` and ``.csv()``.

        Args:
            kind: which one; the first if empty.

        Raises:
            RunError: there is no such table; the message lists those there are.
        """
        return _find(self._tables(), kind, "table")()

    def plot(self, name: str = "") -> "Figure":
        """Return a plot.

        Args:
            name: which one; the first if empty.

        Raises:
            RunError: there is no such plot; the message lists those there are.
        """
        return _find(self._plots(), name, "plot")

    def write(self, out: Path | str) -> list[Path]:
        """Write the report, its tables, plots and figures into a folder.

        Returns:
            The files, the page first.

        Raises:
            RunError: the folder cannot be written to.
        """
        folder = Path(out)
        try:
            return self._write(folder)
        except OSError as error:
            raise RunError(
                f"{error.filename or folder}: cannot be written: {error.strerror or error}"
            ) from error

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """Return every figure as JSON has it."""

    @abstractmethod
    def _tables(self) -> Tables: ...

    @abstractmethod
    def _plots(self) -> Plots: ...

    @abstractmethod
    def _write(self, folder: Path) -> list[Path]: ...

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(self.verdict)}</b></p>{self.table()._repr_html_()}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.verdict}>"


def _find(made: Mapping[str, Made], name: str, kind: str) -> Made:
    if not made:
        raise RunError(f"there is no {kind}")
    if name and name not in made:
        raise RunError(f"{name}: no such {kind}; one of {', '.join(made)}")
    return made[name] if name else next(iter(made.values()))
