"""Draws docs/images/reading.png: what the reader makes of a page, step by step.

``python docs/images/reading.py``, run from a checkout.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from mnistlab.data import load_dataset
from mnistlab.data.download import cache_folder
from mnistlab.recogniser import Recogniser
from mnistlab.recogniser.engine import CELL, Candidates, Engine
from mnistlab.recogniser.models import READER, find_model
from mnistlab.recogniser.reading import Reading
from mnistlab.rendering.character_bank import load_bank
from mnistlab.rendering.photographs import render_photograph
from mnistlab.report.canvas import COLOURS, Plot, png

SEED, INDEX = 3, 4
"""Of the page, whose digits are of MNIST's training images."""
_TARGET = Path(__file__).with_suffix(".png")
_SHOWN = 24
"""Cut-outs in the picture."""


def main() -> None:
    """Write the picture."""
    train = load_dataset("mnist").train
    images = np.asarray(train.images[-6000:]).reshape(-1, 28, 28)
    bank = load_bank(images, np.asarray(train.labels[-6000:]), cache_folder())
    picture = render_photograph("table", SEED, INDEX, bank).image
    engine = Engine(find_model(READER).read_bytes())
    seen, reading = engine.look(picture), Recogniser().read(picture)
    figure = Plot(figsize=(10, 8.2), layout="constrained")
    axes = figure.subplots(2, 2)
    _show(axes[0, 0], picture, "1. The detector looks for middles")
    _lay_over(axes[0, 0], _middles(engine, picture))
    _show(axes[0, 1], picture, f"2. {len(seen.boxes)} places may be characters")
    _draw_boxes(axes[0, 1], seen)
    axes[1, 0].imshow(_mosaic(seen), cmap="gray")
    axes[1, 0].set_title("3. The classifier names each, or calls it nothing", loc="left")
    _show(axes[1, 1], picture, "4. Rulings and places make lines and tables")
    _draw_reading(axes[1, 1], reading)
    for each in axes.flat:
        each.set_axis_off()
    _TARGET.write_bytes(png(figure))


def _show(axes: Axes, picture: NDArray[np.uint8], title: str) -> None:
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, loc="left")


def _middles(engine: Engine, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probability of a middle in each cell, at the picture's own size."""
    height, width = (side // CELL * CELL for side in picture.shape)
    planes, _ = engine.detect(picture[:height, :width])
    probabilities: NDArray[np.float32] = 1 / (1 + np.exp(-planes[0]))
    return probabilities


def _lay_over(axes: Axes, middles: NDArray[np.float32]) -> None:
    height, width = (4 * side for side in middles.shape)
    axes.imshow(
        middles, cmap="Reds", vmin=0, vmax=1, alpha=np.sqrt(middles), extent=(0, width, height, 0)
    )


def _draw_boxes(axes: Axes, seen: Candidates) -> None:
    for (left, top, right, bottom), found in zip(seen.boxes, seen.found, strict=True):
        axes.add_patch(
            Rectangle(
                (left, top),
                *(right - left, bottom - top),
                fill=False,
                color=COLOURS[0],
                alpha=float(found),
            )
        )


def _mosaic(seen: Candidates) -> NDArray[np.uint8]:
    chosen = seen.cut_outs[np.linspace(0, len(seen.cut_outs) - 1, _SHOWN).astype(int), 0]
    rows = chosen.reshape(4, -1, *chosen.shape[1:])
    return np.block([[np.pad(one, 1, constant_values=128) for one in row] for row in rows])


def _draw_reading(axes: Axes, reading: Reading) -> None:
    for table in reading.tables:
        for cell in (cell for row in table.rows for cell in row):
            left, top, right, bottom = cell.box
            axes.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, color=COLOURS[2])
            )
    for group in reading.groups:
        colour = COLOURS[0] if group.sure else COLOURS[1]
        axes.text(group.box.left, group.box.top, group.text, color=colour, va="bottom", size=11)


if __name__ == "__main__":
    main()
