"""Page: a comparison as one HTML file that needs nothing else, verdict first."""

import base64
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from mnistlab.data import encode_png
from mnistlab.recipe import TESTED_IMAGES
from mnistlab.report.canvas import MOST_CURVES, inline_svg
from mnistlab.report.class_tables import class_anchor, class_table
from mnistlab.report.comparison_tables import (
    field_table,
    loss_table,
    pair_table,
    recipe_table,
    run_table,
)
from mnistlab.statistics import Comparison, HardImage, RunGroup, hardest
from mnistlab.statistics.calibration import FEWEST_IMAGES
from mnistlab.text import printable

_MOST_ROWS = 24
"""From which on a table of classes is folded up."""


def render_page(
    title: str,
    groups: Sequence[RunGroup],
    comparison: Comparison,
    plots: Mapping[str, str],
    *,
    command: str = "",
    failures: Sequence[str] = (),
    test_images: NDArray[np.uint8] | None = None,
) -> str:
    """Return the HTML text.

    Args:
        title: of the page.
        groups: the runs.
        comparison: of them.
        plots: those of :func:`mnistlab.report.comparison.draw_plots` as SVG.
        command: what makes it all again.
        failures: a line for the runs that failed for the same reason.
        test_images: uint8, ``(n, height, width)``, for the gallery; ``None`` leaves it out.
    """
    records = [record for group in groups for record in group.records]
    starts = sorted(record.started for record in records)
    return render_template(
        "comparison.html",
        plots,
        title=title,
        data=records[0].data,
        verdict=comparison.verdict,
        remarks=comparison.remarks,
        tested=TESTED_IMAGES[comparison.tested_on].removesuffix(" images"),
        tested_on=comparison.tested_on,
        tested_images=TESTED_IMAGES[comparison.tested_on],
        tone=_tone(comparison),
        failures=failures,
        baseline=comparison.baseline,
        margin=f"{comparison.differences[0].margin:g}" if comparison.differences else "",
        recipe_table=recipe_table(comparison),
        pair_table=pair_table(comparison),
        loss_table=loss_table(comparison),
        run_table=run_table(comparison),
        class_table=class_table(groups, comparison),
        class_anchor=class_anchor(comparison),
        field_table=field_table(groups),
        paired=[name for name in plots if name.startswith("paired")],
        matrices=[name for name in plots if name.startswith("confusion")],
        recipes=len(groups),
        shown=MOST_CURVES,
        fewest_images=FEWEST_IMAGES,
        most_rows=_MOST_ROWS,
        gallery=[] if test_images is None else _gallery(groups, test_images),
        command=command,
        environments=environment_lines(groups),
        runs=len(records),
        first_begun=f"{starts[0]:%Y-%m-%d %H:%M}",
        last_begun=f"{starts[-1]:%Y-%m-%d %H:%M}",
    )


def render_template(name: str, plots: Mapping[str, str], **values: Any) -> str:
    """Return a template's HTML text; values are escaped.

    Args:
        name: of a file in ``templates/``.
        plots: SVG by name, as :func:`mnistlab.report.canvas.svg` returns it; in the page they
            follow its dark mode.
        values: what else the template shows, its ``title`` among them.
    """
    pages = Environment(
        loader=PackageLoader("mnistlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        # What is marked as safe is ours.
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    pages.filters["printable"] = printable
    return pages.get_template(name).render(
        version=version("mnistlab"),
        style=pages.get_template("comparison.css").render(),
        plots={name: inline_svg(text, name) for name, text in plots.items()},
        **values,
    )


def image_source(pixels: NDArray[np.uint8]) -> str:
    """Return grey pixels, uint8 ``(height, width)``, as the ``src`` of an HTML image."""
    return f"data:image/png;base64,{base64.b64encode(encode_png(pixels)).decode()}"


def environment_lines(groups: Sequence[RunGroup]) -> list[str]:
    """Return a line for each machine and set of versions that runs were trained with."""
    lines = []
    for group in groups:
        for record in group.records:
            here = record.environment
            versions = ", ".join(f"{name} {number}" for name, number in here.versions.items())
            layers = "plain PyTorch" if here.kernels == "torch" else f"fast layers {here.kernels}"
            threads = f"{here.threads} thread{'s' if here.threads > 1 else ''} a run"
            where = here.processor if here.device == "cpu" else f"{here.device}, {here.processor}"
            size = f"{here.cores} cores" + (f", {here.memory_gib:g} GiB" if here.memory_gib else "")
            lines.append(f"{where}, {size}; {threads}, {layers}; {versions}")
    return list(dict.fromkeys(lines))


def _tone(comparison: Comparison) -> str:
    verdicts = {found.verdict for found in comparison.informative}
    if "too few seeds" in verdicts:
        return "few"
    return "settled" if verdicts & {"better", "equivalent"} else "open"


def _gallery(groups: Sequence[RunGroup], test_images: NDArray[np.uint8]) -> list[dict[str, Any]]:
    classes = groups[0].records[0].data.classes
    return [_card(hard, classes, test_images[hard.image]) for hard in hardest(groups)]


def _card(hard: HardImage, classes: Sequence[str], pixels: NDArray[np.uint8]) -> dict[str, Any]:
    cast = sum(votes for _, votes in hard.votes)
    return {
        "image": hard.image,
        "label": classes[hard.label],
        "votes": [
            (classes[label], votes, round(100 * votes / cast)) for label, votes in hard.votes
        ],
        "source": image_source(pixels),
    }
