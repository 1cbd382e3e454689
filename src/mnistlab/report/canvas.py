"""Canvas: what all plots share: colours, panels, letters of any script, and figures as files."""

import contextlib
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import ScalarFormatter

from mnistlab.fonts import spell
from mnistlab.text import printable, shorten

COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
    *("#4B2D00", "#0F0FDC", "#A55AFF", "#F02D5A", "#003C3C", "#6E1464"),
)
"""The palette of Okabe and Ito (2008), and six more colours as far from it and from each other as
possible, in CIELAB, with and without protanopia and deuteranopia (Machado, Oliveira and Fernandes,
2009)."""
LineStyle = str | tuple[float, tuple[float, ...]]
_MARKERS, _LINES = "osD^vPX", ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
INK, FAINT = "#1F2328", "#D0D7DE"
"""Of text and of grids; in a page both follow its dark mode."""
MOST_CURVES = 6
"""Recipes in one plot of curves or bars; more would hide each other."""
_DOTS_PER_INCH = 130
_REDUCED, _ENLARGED = 0.9, 1.3
"""Pixels of a page per point of a figure, at least, for legible text on a phone, and at most."""


class Plot(Figure):
    """A figure that shows itself in a notebook, and draws letters of any script that a font of this
    machine has.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _Canvas(self)

    def _repr_png_(self) -> bytes:
        return png(self)


@dataclass(frozen=True)
class Drawing:
    """A figure as text of an SVG file, and as bytes of a PNG file."""

    svg: str
    png: bytes


@dataclass(frozen=True)
class Look:
    """How one of several series is drawn: matplotlib's colour, marker and line style."""

    colour: str
    marker: str
    line: LineStyle


def looks(count: int) -> list[Look]:
    """Return ``count`` looks: twelve colours, and sixty combinations before one repeats."""
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
        handles: the artists to explain.
        labels: their names; without any there is no legend.
        columns: of the legend.
        title: above it, such as that of :func:`left_out`.
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
    """Say that only the first :data:`MOST_CURVES` recipes are drawn; nothing if all are."""
    return f"the first {MOST_CURVES} of {count} recipes" if count > MOST_CURVES else ""


def panel(axes: Axes) -> None:
    """Give axes the look of all plots: a faint grid behind the data, two spines."""
    axes.grid(visible=True, color=FAINT, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK)
    for axis in (axes.xaxis, axes.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, ScalarFormatter):
            formatter.set_useOffset(False)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(INK)


def figure(width: float, height: float) -> Figure:
    """Return an empty figure; sizes in inches."""
    return Plot(figsize=(width, height), layout="constrained")


def wrapped(label: str, longest: int = 34) -> str:
    """Break a long label into at most three lines; a dollar sign does not begin mathematics."""
    return textwrap.fill(shorten(printable(label), 3 * longest), longest).replace("$", r"\$")


def row_height(rows: int) -> float:
    """Return the height in inches of a plot with labelled rows."""
    return 1.1 + 0.34 * rows


def render(drawn: Figure) -> Drawing:
    """Render a figure in both formats, which are laid out alike."""
    with _laid_out(drawn):
        return Drawing(_save_svg(drawn), _save_png(drawn))


def png(drawn: Figure) -> bytes:
    """Render a figure as PNG."""
    with _laid_out(drawn):
        return _save_png(drawn)


def svg(drawn: Figure) -> str:
    """Render a figure as SVG, the same text every time."""
    with _laid_out(drawn):
        return _save_svg(drawn)


@contextlib.contextmanager
def _laid_out(drawn: Figure) -> Iterator[None]:
    """Lay a figure out for all that is saved in the block, each of which would do it twice."""
    engine, dots = drawn.get_layout_engine(), drawn.dpi
    with warnings.catch_warnings():
        _quieten()
        if drawn.axes and engine is not None:
            drawn.dpi = _DOTS_PER_INCH
            engine.execute(drawn)
            drawn.dpi = dots
            drawn.set_layout_engine(None)
        try:
            yield
        finally:
            drawn.set_layout_engine(engine)


def _save_png(drawn: Figure) -> bytes:
    buffer = BytesIO()
    drawn.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def _save_svg(drawn: Figure) -> str:
    buffer = BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mnistlab"}):
        drawn.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
        )
    return buffer.getvalue().decode()


def inline_svg(text: str, name: str) -> str:
    """Turn what :func:`svg` returned into an element of an HTML page.

    Its colours become the page's CSS variables ``--ink``, ``--faint`` and ``--c0`` to ``--c11``, so
    that they follow a dark mode, and its identifiers begin with ``name``, so that several figures
    can share a page. It is as wide as the page allows, within limits.
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


class _Canvas(FigureCanvasAgg):
    renderer: "_Renderer"

    def get_renderer(self) -> "_Renderer":
        width, height = self.get_width_height(physical=True)
        key = width, height, self.figure.dpi
        if getattr(self, "_key", None) != key:
            self._key = key
            self.renderer = _Renderer(*key)  # type: ignore[no-untyped-call]
        return self.renderer


class _Renderer(RendererAgg):
    """Draws letters that the figure's font lacks in another font, or as their codes."""

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,  # noqa: FBT002 - matplotlib's own signature
        mtext: Any = None,
    ) -> None:
        text, font = _drawable(s, prop)
        draw: Any = super().draw_text
        draw(gc, x, y, text, font, angle, ismath, mtext)

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        measure: Any = super().get_text_width_height_descent
        width, height, descent = measure(*_drawable(s, prop), ismath)
        return width, height, descent


def _drawable(text: str, font: FontProperties) -> tuple[str, FontProperties]:
    if text.isascii():
        return text, font
    usual = font_manager.get_font(font_manager.findfont(font))
    lacking = (one for one in text if not (one.isspace() or usual.get_char_index(ord(one))))
    text, file = spell(text, "".join(lacking))
    if file:
        font = font.copy()
        font.set_family([*font.get_family(), _family(file)])
    return text, font


@lru_cache(maxsize=64)
def _family(file: Path) -> str:
    font_manager.fontManager.addfont(str(file))
    return str(FontProperties(fname=str(file)).get_name())


def _quieten() -> None:
    # Layouts of SVG measure letters that the font lacks; browsers have more fonts.
    warnings.filterwarnings("ignore", "Glyph .* missing")
    # Long names may leave too little room for a plot to be laid out.
    warnings.filterwarnings("ignore", "constrained_layout not applied")


def _limits(width: float) -> str:
    return f"min-width: {round(_REDUCED * width)}px; max-width: {round(_ENLARGED * width)}px"
