"""Table: values under headings, written for people (Markdown, terminal, HTML) or programs (CSV,
pandas).
"""

import io
import math
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mnistlab.data_frame import DataFrame, to_dataframe
from mnistlab.recipe import DISPLAY_NAMES
from mnistlab.runs import RunRecord
from mnistlab.statistics import Interval, MetricSummary
from mnistlab.text import csv_row, html_table, markdown, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

Value = Any
"""What a cell holds: text, a number, an :class:`Interval`, a tuple of these, or ``None``."""
Write = Callable[[Sequence[Value]], list[str]]
"""Writes the values of a whole column, none of them ``None``, with as many decimals each."""
_SMALLEST_P, _SIGNIFICANCE = 0.001, 0.05
_MOST_DECIMALS = 8


@dataclass(frozen=True)
class Column:
    """What one column holds, and how it is written.

    Attributes:
        heading: for people.
        write: the values for people.
        name: for programs; the heading in lower case if empty.
        parts: for programs, where a value has several: each becomes a column of its own, with this
            suffix.
    """

    heading: str
    write: Write
    name: str = ""
    parts: tuple[str, ...] = ("",)

    @property
    def names(self) -> list[str]:
        """What programs call the column, a name for each part."""
        name = self.name or re.sub(r"\W+", "_", re.sub(r"\(.*\)", "", self.heading)).strip("_")
        name = name if self.name else name.lower()
        return ["_".join(filter(None, (name, part))) for part in self.parts]

    def texts(self, values: Sequence[Value]) -> list[str]:
        """Return the values as people read them, nothing for ``None``."""
        written = iter(self.write([value for value in values if value is not None]))
        return ["" if value is None else next(written) for value in values]

    def split(self, value: Value) -> list[str | int | float | None]:
        """Return a value's parts; a number that is not finite is ``None``."""
        if value is None:
            return [None] * len(self.parts)
        return [
            None if isinstance(part, float) and not math.isfinite(part) else part
            for part in _flat(value)
        ]


@dataclass(frozen=True, repr=False)
class Table:
    """Rows of values; the first column is a name, the others are figures.

    Attributes:
        columns: what each column holds; a heading alone makes it one of text.
        values: rows, each with a value for every column.
        legend: what headings mean that do not explain themselves, in the order of the columns.
    """

    columns: Sequence[Column | str]
    values: Sequence[Sequence[Value]]
    legend: Mapping[str, str] = field(default_factory=dict)

    @property
    def headings(self) -> tuple[str, ...]:
        """Those of the columns."""
        return tuple(column.heading for column in self._columns)

    @cached_property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The cells as people read them."""
        values = zip(*self.values, strict=True) if self.values else ()
        texts = (
            column.texts(held)
            for column, held in zip(self._columns, values, strict=bool(self.values))
        )
        return tuple(zip(*texts, strict=True))

    def select(self, headings: dict[str, str]) -> "Table":
        """Return some columns, by their headings, under new ones."""
        chosen = [self.headings.index(heading) for heading in headings]
        return Table(
            [
                replace(self._columns[place], heading=heading)
                for place, heading in zip(chosen, headings.values(), strict=True)
            ],
            [[row[place] for place in chosen] for row in self.values],
        )

    def without(self, *headings: str) -> "Table":
        """Return the table without some columns, by their headings."""
        kept = [place for place, heading in enumerate(self.headings) if heading not in headings]
        return Table(
            [self.columns[place] for place in kept],
            [[row[place] for place in kept] for row in self.values],
            {name: what for name, what in self.legend.items() if name not in headings},
        )

    def markdown(self) -> str:
        """Return the table as Markdown, which shows the same text in its cells."""
        headings, *rows = [
            [markdown(cell) for cell in line] for line in (self.headings, *self.rows)
        ]
        lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def markdown_with_legend(self) -> str:
        """Return the table as Markdown, and below it a line for each heading of the legend."""
        lines = (f"- {markdown(name)}: {markdown(what)}.\n" for name, what in self.legend.items())
        return f"{self.markdown()}\n{''.join(lines)}" if self.legend else self.markdown()

    def csv(self) -> str:
        """Return the table as comma-separated values for programs.

        Numbers are bare, with up to ten significant digits; the ends of an interval, and other
        values of several parts, have a column each; what there is none of is empty. See
        :func:`mnistlab.text.csv_row`.
        """
        rows = (map(_bare, row) for row in self._parts)
        return csv_row(self._names) + "".join(map(csv_row, rows))

    def to_dataframe(self) -> DataFrame:
        """Return the table as a pandas ``DataFrame`` with the columns of :meth:`csv`.

        Raises:
            MnistlabError: pandas is not installed.
        """
        return to_dataframe(self._names, self._parts)

    def text(self, width: int = 100) -> str:
        """Return the table as plain text, at most ``width`` columns of a terminal wide.

        Where its rows do not fit, headings wider than what is below them are wrapped; where that
        is not enough, each row becomes a block of lines, a figure a line.
        """
        headings, *rows = [
            [printable(cell) for cell in line] for line in (self.headings, *self.rows)
        ]
        wrapped = headings if _width(headings, *rows) <= width else _wrapped(headings, rows)
        if _width(wrapped, *rows) > width:
            return _blocks(headings, rows, width)
        from rich import box
        from rich.table import Table as RichTable

        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for index, heading in enumerate(wrapped):
            table.add_column(heading, justify="left" if index == 0 else "right", overflow="fold")
        for row in rows:
            table.add_row(*row)
        return _draw(table, width)

    def upright(self, *headings: str) -> "Table":
        """Return a table of a single row as one of two columns, for people.

        Args:
            headings: of the two columns; the first pair if there are none.
        """
        (row,) = self.rows
        pairs = list(zip(self.headings, row, strict=True))
        columns, rows = (headings, pairs) if headings else (pairs[0], pairs[1:])
        return Table(columns, rows, self.legend)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return html_table(self.headings, self.rows)

    @cached_property
    def _columns(self) -> list[Column]:
        return [text(one) if isinstance(one, str) else one for one in self.columns]

    @property
    def _names(self) -> list[str]:
        return [name for column in self._columns for name in column.names]

    @property
    def _parts(self) -> list[list[str | int | float | None]]:
        return [
            [
                part
                for column, value in zip(self._columns, row, strict=True)
                for part in column.split(value)
            ]
            for row in self.values
        ]


def text(heading: str, name: str = "") -> Column:
    """Return a column of text."""
    return Column(heading, lambda values: list(map(str, values)), name)


def count(heading: str, name: str = "") -> Column:
    """Return a column of whole numbers: ``61,706``."""
    return Column(heading, lambda values: [f"{value:,}" for value in values], name)


def number(
    heading: str, decimals: int = 2, name: str = "", *, sign: bool = False, unit: str = ""
) -> Column:
    """Return a column of numbers with a fixed number of decimals, a true minus sign and a unit."""
    return Column(
        heading,
        lambda values: [f"{_fixed(value, decimals, sign=sign)}{unit}" for value in values],
        name,
    )


def significant(heading: str, digits: int = 2, name: str = "") -> Column:
    """Return a column of numbers of which the smallest shows so many significant digits."""

    def write(values: Sequence[float]) -> list[str]:
        sizes = [math.floor(math.log10(abs(value))) for value in values if value]
        decimals = min(max([digits - 1 - size for size in sizes], default=0), _MOST_DECIMALS)
        return [_fixed(value, max(decimals, 0)) for value in values]

    return Column(heading, write, name)


def points(heading: str, name: str = "") -> Column:
    """Return a column of differences, with two decimals, or three where two would hide a sign."""
    return Column(heading, lambda values: [cells[0] for cells in _points(values)], name)


def interval(heading: str, name: str = "interval") -> Column:
    """Return a column of intervals, ``−0.02 to 0.14``, with decimals as :func:`points`."""

    def write(values: Sequence[Interval]) -> list[str]:
        return [f"{low} to {high}" for low, high in _points(values)]

    return Column(heading, write, name, ("low", "high"))


def estimate(heading: str, name: str = "", decimals: int = 2, unit: str = "") -> Column:
    """Return a column of a number and its interval, or ``None``: ``0.15 (0.10 to 0.20)``."""

    def write(values: Sequence[tuple[float, Interval | None]]) -> list[str]:
        texts = []
        for value, around in values:
            low, high = (_fixed(end, decimals) for end in around.ends()) if around else ("", "")
            said = f"{_fixed(value, decimals)}{unit}"
            texts.append(f"{said} ({low} to {high})" if around else said)
        return texts

    return Column(heading, write, name, ("", "low", "high"))


def p_values(heading: str, name: str = "") -> Column:
    """Return a column of p: ``0.034``, ``< 0.001``; with four decimals if one is close to 0.05."""

    def write(values: Sequence[float]) -> list[str]:
        close = any(
            f"{value:.3f}" == f"{_SIGNIFICANCE:.3f}" and value != _SIGNIFICANCE for value in values
        )
        return [
            "< 0.001" if value < _SMALLEST_P else f"{value:.{4 if close else 3}f}"
            for value in values
        ]

    return Column(heading, write, name)


def times(heading: str, name: str = "seconds") -> Column:
    """Return a column of durations in seconds, written for people as :func:`duration` does."""
    return Column(heading, lambda values: list(map(duration, values)), name)


def metric_figures(found: MetricSummary) -> dict[str, Any]:
    """Return a metric's values, mean, standard deviation and interval in percent, for JSON."""
    return {
        "values": list(found.values),
        "mean": round(found.mean, 4),
        "standard_deviation": None if found.std is None else round(found.std, 4),
        "interval": found.interval and found.interval.ends(4),
    }


def _flat(value: Value) -> list[Value]:
    if isinstance(value, Interval):
        return list(value.ends())
    if isinstance(value, tuple):
        # A pair's second part may be an interval that there is none of.
        return [part for one in value for part in _flat(_NO_ENDS if one is None else one)]
    return [value]


_NO_ENDS = (math.nan, math.nan)


def _bare(value: str | int | float | None) -> str:
    if isinstance(value, float):
        return format(value, ".10g")
    return "" if value is None else str(value)


def _fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    written = f"{value:{'+' if sign else ''}.{decimals}f}"
    return written.replace("-", "" if float(written) == 0 else "−")


def _points(values: Sequence[Value]) -> list[list[str]]:
    numbers = [_flat(value) for value in values]
    close = any(0 < abs(one) < 0.005 for row in numbers for one in row)
    return [[_fixed(one, 3 if close else 2) for one in row] for row in numbers]


def _width(*lines: list[str]) -> int:
    """Return how many columns of a terminal a table's lines take."""
    return sum(max(map(_widest_line, cells)) + 3 for cells in zip(*lines, strict=True))


def _widest_line(cell: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, cell.split("\n")))


def _wrapped(headings: list[str], rows: list[list[str]]) -> list[str]:
    """Return the headings over several lines, as narrow as their words and the cells allow."""
    columns = zip(headings, *rows, strict=True)
    return [
        "\n".join(textwrap.wrap(heading, max(1, *map(_widest_line, (*heading.split(), *cells)))))
        for heading, *cells in columns
    ]


def _blocks(headings: list[str], rows: list[list[str]], width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    first, *others = headings
    names, written = max(map(cell_len, others)), ""
    for name, *cells in rows:
        written += _draw(f"{first}: {name}", width)
        for heading, cell in zip(others, cells, strict=True):
            beside = names + cell_len(cell) + 4 <= width
            if cell:
                written += (
                    f"  {set_cell_size(heading, names)}  {cell}\n"
                    if beside
                    else f"  {heading}\n    {cell}\n"
                )
    return written


def _draw(content: "RenderableType", width: int) -> str:
    from rich.console import Console

    file = io.StringIO()
    Console(
        file=file,
        width=width,
        color_system=None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(content)
    return "\n".join(line.rstrip() for line in file.getvalue().strip("\n").splitlines()) + "\n"


def sentences(headline: str, remarks: Iterable[str], failures: Iterable[str] = ()) -> str:
    """Return a headline, remarks and failures as Markdown; the first two have no full stops."""
    said = "".join(f"- {markdown(remark)}.\n" for remark in remarks)
    said += "".join(f"- failed: {markdown(failure)}\n" for failure in failures)
    return f"**{markdown(headline)}.**\n" + (f"\n{said}" if said else "")


def display_name(record: RunRecord) -> str:
    """Return the name that the course uses for a recipe."""
    return DISPLAY_NAMES.get(record.recipe.name, record.recipe.name)


def in_percent(shares: Interval) -> Interval:
    """Return an interval of shares from 0 to 1 in percent."""
    return Interval(low=100 * shares.low, high=100 * shares.high)


def percent(share: float) -> str:
    """Write a share from 0 to 1 as ``99.03 %``."""
    return f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """Write a duration for people: ``4.1 s``, ``3 min 24 s``, ``1 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
    )
