"""Canvas: what all plots share: colours, panels, and how a figure becomes a file."""

import re
import textwrap
import warnings
from io import BytesIO
from itertools import cycle, islice

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Those of Okabe and Ito (2008), told apart by colour-blind readers too."""
INK, FAINT = "#1F2328", "#D0D7DE"
"""Of text and of grids; in a page that has a dark mode both follow it."""
_DOTS_PER_INCH = 130
_REDUCED, _ENLARGED = 0.9, 1.3
"""Pixels of a page for each point of a figure, at least, so that text stays legible on a phone, and at most."""


def colours(count: int) -> list[str]:
    """Return so many colours, repeating if there are more than six."""
    return list(islice(cycle(COLOURS), count))


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
    """Break a long label into lines of so many letters, a dollar sign being one of them and not mathematics."""
    return textwrap.fill(label, longest).replace("$", r"\$")


def row_height(rows: int) -> float:
    """Return the height in inches of a plot with so many labelled rows."""
    return 1.1 + 0.34 * rows


def png(drawn: Figure) -> bytes:
    """Render a figure as PNG."""
    buffer = BytesIO()
    with warnings.catch_warnings():
        # A script that the fonts lack, in a class's name say, is drawn as boxes; browsers have more fonts.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        drawn.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def svg(drawn: Figure) -> str:
    """Render a figure as SVG, the same text every time."""
    buffer = BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mnistlab"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return buffer.getvalue().decode()


def inline_svg(text: str, name: str) -> str:
    """Turn what :func:`svg` returned into an element of an HTML page.

    Its colours become the page's CSS variables ``--ink``, ``--faint`` and ``--c0`` to ``--c5``, so that they follow a
    dark mode, and its identifiers begin with ``name``, so that several figures can share a page. It is as wide as the
    page lets it be, within limits.
    """
    text = text[text.index("<svg") :]
    width = float(re.search(r'width="([\d.]+)pt"', text)[1])  # type: ignore[index]
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = text.replace("<svg", f'<svg style="{_limits(width)}"', 1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    for colour, variable in ((INK, "ink"), (FAINT, "faint"), *((c, f"c{number}") for number, c in enumerate(COLOURS))):
        text = re.sub(colour, f"var(--{variable})", text, flags=re.IGNORECASE)
    return text


def _limits(width: float) -> str:
    return f"min-width: {round(_REDUCED * width)}px; max-width: {round(_ENLARGED * width)}px"
