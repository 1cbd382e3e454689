"""Reading: how long readers take for a picture, in processor time on one thread.

``python -m benchmarks.reading --reader mnistlab --reader module:function`` reads each picture with
one reader after the other, again and again, so that what else the machine does hits both alike.
"""

import io
import os
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

# Before NumPy is imported.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.readers import open_reader
from mnistlab.data import load_dataset
from mnistlab.evaluation.reader import Read
from mnistlab.report.table import Column, Table, number, text
from mnistlab.runs import describe_environment, write_atomically
from mnistlab.text import to_json

_ROUNDS, _LONGEST = 15, 20.0
"""Readings of each picture by each reader, and seconds after which no more follow."""
_LARGE, _SIDE, _LARGEST = (3000, 4000), 518, 4096
"""Height and width of 12 megapixels, and sides in pixels of a photograph and of 16 megapixels."""
_SEED = 5


def _paper(height: int, width: int) -> NDArray[np.float32]:
    """Return blank paper in almost even light, 0 to 255, with a little noise."""
    rng = np.random.default_rng(_SEED)
    light = np.linspace(215, 213, width, dtype=np.float32)[None]
    return light + rng.standard_normal((height, width), np.float32)


def _write(paper: NDArray[np.float32], digits: int, tall: int, pitch: int, columns: int) -> None:
    """Write MNIST's test digits in rows, each ``tall`` pixels high, from the middle's left."""
    images = load_dataset("mnist").test.images[:, 0]
    rows = -(-digits // columns)
    side = round(tall * 28 / 20)
    left = (paper.shape[1] - columns * pitch) // 2
    top = (paper.shape[0] - rows * round(1.5 * pitch)) // 2
    for place in range(digits):
        ink = Image.fromarray(images[place % len(images)]).resize((side, side))
        x, y = left + place % columns * pitch, top + place // columns * round(1.5 * pitch)
        part = paper[y : y + side, x : x + side]
        part *= 1 - 0.8 * np.asarray(ink, np.float32)[: part.shape[0], : part.shape[1]] / 255


def _jpeg(pixels: NDArray[np.float32]) -> bytes:
    return _file(np.clip(pixels, 0, 255).astype(np.uint8), "JPEG", quality=90)


def _file(pixels: NDArray[np.uint8], form: str, **options: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, form, **options)
    return content.getvalue()


def _photograph(height: int, width: int, digits: int, tall: int, columns: int) -> bytes:
    paper = _paper(height, width)
    _write(paper, digits, tall, tall, columns)
    return _jpeg(paper)


def _checkerboard(square: int) -> bytes:
    rows = np.arange(_LARGEST) // square
    dark = ((rows[:, None] + rows[None]) % 2).astype(bool)
    return _file(np.where(dark, np.uint8(0), np.uint8(255)), "PNG", compress_level=1)


def _noise() -> bytes:
    pixels = np.random.default_rng(_SEED).integers(0, 256, (_LARGEST, _LARGEST), np.uint8)
    return _file(pixels, "PNG", compress_level=1)


PICTURES: dict[str, Callable[[], bytes]] = {
    "28x28 image": lambda: _file(load_dataset("mnist").test.images[0, 0], "PNG"),
    "518-pixel photograph": lambda: _photograph(_SIDE, _SIDE, 1, 220, 1),
    "line of five": lambda: _photograph(600, 800, 5, 100, 5),
    "page of 100 digits": lambda: _photograph(1280, 960, 100, 60, 10),
    "12-megapixel photograph": lambda: _photograph(*_LARGE, 5, 450, 5),
    "16 megapixels of noise": _noise,
    "16 megapixels in squares of 3": lambda: _checkerboard(3),
    "16 megapixels in squares of 40": lambda: _checkerboard(40),
    "16 megapixels of digits": lambda: _photograph(_LARGEST, _LARGEST, 6_700, 40, 100),
}
"""By name, the file's bytes; the 16 megapixels are the worst that were found."""


def measure(
    readers: Mapping[str, Read], content: bytes, rounds: int = _ROUNDS
) -> dict[str, list[float]]:
    """Return the seconds of each reading by each reader, which take turns; the first one of each is
    not counted unless it takes very long.
    """
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    names = list(readers)
    for turn in range(rounds + 1):
        for name in names if turn % 2 else reversed(names):
            began = time.process_time()
            readers[name](content)
            seconds[name].append(time.process_time() - began)
        if max(map(sum, seconds.values())) > _LONGEST:
            break
    return {name: spent[1:] or spent for name, spent in seconds.items()}


def table(milliseconds: Mapping[str, Mapping[str, float]]) -> Table:
    """Return a row for each picture and a column for each reader; ``times`` is the first reader's
    time divided by the last one's.
    """
    names = list(next(iter(milliseconds.values())))
    columns: list[Column] = [text("Picture"), *(number(f"{name} (ms)", 1) for name in names)]
    rows: list[list[Any]] = [[what, *spent.values()] for what, spent in milliseconds.items()]
    if len(names) > 1:
        columns.append(number("Times", 2))
        rows = [[*row, row[1] / row[-1]] for row in rows]
    return Table(columns, rows)


@click.command()
@click.option("--reader", "names", multiple=True, help="See benchmarks.readers.  [mnistlab]")
@click.option("--picture", "chosen", multiple=True, type=click.Choice(list(PICTURES)), help="[all]")
@click.option("--rounds", type=click.IntRange(1), default=_ROUNDS, show_default=True)
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def main(names: tuple[str, ...], chosen: tuple[str, ...], rounds: int, file: Path | None) -> None:
    """Time readers on small, large and hostile pictures."""
    readers = {name: open_reader(name) for name in names or ("mnistlab",)}
    found: dict[str, dict[str, float]] = {}
    for what in chosen or PICTURES:
        click.echo(f"{what} ...", err=True)
        spent = measure(readers, PICTURES[what](), rounds)
        found[what] = {name: round(1000 * median(times), 2) for name, times in spent.items()}
    click.echo(table(found).text(120))
    if file:
        about = {
            "version": version("mnistlab"),
            "environment": describe_environment("cpu", 1, "onnxruntime").model_dump(),
        }
        write_atomically(file, f"{to_json(about | {'milliseconds': found})}\n")
        click.echo(f"wrote {file}")


if __name__ == "__main__":
    main()
