"""Canvas: what all plots share: colours, panels, and how a figure becomes a file."""

import re
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistlab.text import printable, shorten

COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
    *("#4B2D00", "#0F0FDC", "#A55AFF", "#F02D5A", "#003C3C", "#6E1464"),
)
"""Those of Okabe and Ito (2008), and six more as far from them and from each other, in CIELAB as
seen by everybody and by protanopes and deuteranopes (Machado, Oliveira and Fernandes, 2009), as ink
on white allows."""
LineStyle = str | tuple[float, tuple[float, ...]]
_MARKERS, _LINES = "osD^vPX", ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
INK, FAINT = "#1F2328", "#D0D7DE"
"""Of text and of grids; in a page that has a dark mode both follow it."""
MOST_CURVES = 6
"""Recipes in one plot of curves or bars, which more would hide."""
_DOTS_PER_INCH = 130
_REDUCED, _ENLARGED = 0.9, 1.3
"""Pixels of a page for each point of a figure, at least, so that text stays legible on a phone, and
at most."""


@dataclass(frozen=True)
class Look:
    """How one of several is drawn: a colour, a marker and a line's style of matplotlib's."""

    colour: str
    marker: str
    line: LineStyle


def looks(count: int) -> list[Look]:
    """Return so many looks: up to twelve of another colour each, and up to sixty of which no two
    are the same.
    """
    turns = [divmod(number, len(COLOURS)) for number in range(count)]
    return [
        Look(
            COLOURS[place],
            _MARKERS[(place + turn) % len(_MARKERS)],
            _LINES[(place + turn) % len(_LINES)],
        )
        for turn, place in turns
    ]


def legend(
    drawn: Figure,
    handles: Sequence[Artist],
    labels: Sequence[str],
    columns: int = 2,
    title: str = "",
) -> None:
    """Put a legend below a plot, if there is something to explain.

    Args:
        drawn: the plot.
        handles: what is explained.
        labels: theirs; none leaves the legend out.
        columns: of the legend.
        title: above it, such as what :func:`left_out` says.
    """
    if not labels:
        return
    found = drawn.legend(
        handles,
        labels,
        title=title or None,
        loc="outside lower center",
        frameon=False,
        labelcolor=INK,
        ncols=columns,
    )
    found.get_title().set_color(INK)


def left_out(count: int) -> str:
    """Say that of so many recipes only the first :data:`MOST_CURVES` are drawn; nothing if all
    are.
    """
    return f"the first {MOST_CURVES} of {count} recipes" if count > MOST_CURVES else ""


def panel(axes: Axes) -> None:
    """Give axes the look of all plots: a faint grid behind the data, two spines."""
    axes.grid(visible=True, color=FAINT, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(INK)


def figure(width: float, height: float) -> Figure:
    """Return an empty figure; sizes in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def wrapped(label: str, longest: int = 34) -> str:
    """Break a long label into three lines of so many letters, a dollar sign being one of them and
    not mathematics.
    """
    return textwrap.fill(shorten(printable(label), 3 * longest), longest).replace("$", r"\$")


def row_height(rows: int) -> float:
    """Return the height in inches of a plot with so many labelled rows."""
    return 1.1 + 0.34 * rows


def png(drawn: Figure) -> bytes:
    """Render a figure as PNG."""
    buffer = BytesIO()
    with warnings.catch_warnings():
        _quieten()
        drawn.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def svg(drawn: Figure) -> str:
    """Render a figure as SVG, the same text every time."""
    buffer = BytesIO()
    with (
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mnistlab"}),
        warnings.catch_warnings(),
    ):
        _quieten()
        drawn.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
        )
    return buffer.getvalue().decode()


def inline_svg(text: str, name: str) -> str:
    """Turn what :func:`svg` returned into an element of an HTML page.

    Its colours become the page's CSS variables ``--ink``, ``--faint`` and ``--c0`` to ``--c11``, so
    that they follow a dark mode, and its identifiers begin with ``name``, so that several figures
    can share a page. It is as wide as the page lets it be, within limits.
    """
    text = text[text.index("<svg") :]
    width = float(re.search(r'width="([\d.]+)pt"', text)[1])  # type: ignore[index]
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = text.replace("<svg", f'<svg style="{_limits(width)}"', 1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    for colour, variable in (
        (INK, "ink"),
        (FAINT, "faint"),
        *((c, f"c{number}") for number, c in enumerate(COLOURS)),
    ):
        text = re.sub(colour, f"var(--{variable})", text, flags=re.IGNORECASE)
    return text


def _quieten() -> None:
    # A script that the fonts lack, in a class's name say, is drawn as boxes; browsers have more
    # fonts.
    warnings.filterwarnings("ignore", "Glyph .* missing")
    # Long names may leave too little room for a plot to be laid out.
    warnings.filterwarnings("ignore", "constrained_layout not applied")


def _limits(width: float) -> str:
    return f"min-width: {round(_REDUCED * width)}px; max-width: {round(_ENLARGED * width)}px"
