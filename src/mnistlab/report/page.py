"""Page: HTML from a template, one file that needs nothing else."""

import base64
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from mnistlab.data import encode_png
from mnistlab.recipe import TESTED_IMAGES
from mnistlab.report.canvas import Drawing, inline_svg
from mnistlab.report.data_lines import trained_on
from mnistlab.runs import RunRecord
from mnistlab.statistics import RunGroup
from mnistlab.text import printable


def render_template(name: str, plots: Mapping[str, Drawing], **values: Any) -> str:
    """Return a template's HTML text; values are escaped.

    Args:
        name: of a file in ``templates/``.
        plots: by name; in the page they follow its dark mode.
        values: what else the template shows, including its ``title``.
    """
    pages = Environment(
        loader=PackageLoader("mnistlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        # What is marked as safe is the package's own.
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    pages.filters["printable"] = printable
    return pages.get_template(name).render(
        version=version("mnistlab"),
        style=pages.get_template("comparison.css").render(),
        plots={name: inline_svg(drawing.svg, name) for name, drawing in plots.items()},
        **values,
    )


def describe_data(records: Sequence[RunRecord]) -> str:
    """Return the data's name, and how many images such runs train and are tested on."""
    data, recipe = records[0].data, records[0].recipe
    if recipe.folds and not recipe.fold:
        return f"{data.name} · {data.test_images:,} images in {recipe.folds} folds"
    tested = TESTED_IMAGES[recipe.tested_on]
    return f"{data.name} · {trained_on(records)} training and {data.test_images:,} {tested}"


def image_source(pixels: NDArray[np.uint8]) -> str:
    """Return an image as the ``src`` of an HTML image.

    Args:
        pixels: uint8, ``(height, width)`` or ``(channels, height, width)``, 1 or 3 channels.
    """
    return f"data:image/png;base64,{base64.b64encode(encode_png(pixels)).decode()}"


def environment_lines(groups: Sequence[RunGroup]) -> list[str]:
    """Return a line for each machine and set of versions that runs were trained with."""
    lines = []
    for group in groups:
        for record in group.records:
            here = record.environment
            versions = ", ".join(f"{name} {number}" for name, number in here.versions.items())
            layers = (
                "plain PyTorch" if here.kernels == "torch" else f"native kernels {here.kernels}"
            )
            threads = f"{here.threads} thread{'s' if here.threads > 1 else ''} per run"
            where = here.processor if here.device == "cpu" else f"{here.device}, {here.processor}"
            size = f"{here.cores} cores" + (f", {here.memory_gib:g} GiB" if here.memory_gib else "")
            lines.append(f"{where}, {size}; {threads}, {layers}; {versions}")
    return list(dict.fromkeys(lines))
