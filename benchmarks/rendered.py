"""Rendered: how well readers read rendered photographs of MNIST's test digits.

``python -m benchmarks.rendered --seed N`` renders pictures that nobody has looked at; nothing may
be chosen on a seed whose figures are published. Two kinds, ``other-single`` and ``other-line``, are
drawn by the older renderer in :mod:`benchmarks.photographs`, which shares no code with the one that
readers are trained on.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks import photographs
from benchmarks.readers import open_reader
from mnistlab.data import load_dataset
from mnistlab.data.download import cache_folder
from mnistlab.evaluation.reader import Read
from mnistlab.evaluation.transcript import DIGITS, Transcript
from mnistlab.rendering.character_bank import CharacterBank, load_bank
from mnistlab.rendering.photographs import KINDS, Cell, Photograph, render_photograph
from mnistlab.report.table import Table, count, estimate, in_percent, number, text
from mnistlab.runs import describe_environment, write_atomically
from mnistlab.statistics.interval import Interval, mean_interval
from mnistlab.statistics.readings import ReadingScore, ReadPicture, score
from mnistlab.text import to_json

_OTHER = {"other-single": 1, "other-line": 5}
"""Kinds drawn by the older renderer, and how many digits they have."""
ALL_KINDS = (*KINDS, *_OTHER)
_CELL_SIDE, _COLUMNS = 240, 6


class Picture(NamedTuple):
    """A picture's file, and the truth about it."""

    content: bytes
    truth: Photograph


@dataclass(frozen=True)
class KindScore:
    """What a reader makes of the pictures of one kind.

    Attributes:
        score: right is a picture whose whole text is right; of letters alone, one without a sure
            digit.
        digits_right: pictures whose digits are right, whatever the signs.
        cells: share of a table's cells whose digits are right, 0 to 1, and its interval over
            pictures: by the place of each digit in the picture.
        named_cells: the same by the row and the column that the reader says; ``None`` if it finds
            no tables.
        sure_per_thousand: digits called sure among a thousand letters.
        details: right ones, and pictures, by what tells some from others of their kind.
        mistakes: index, what is written, and what was read.
    """

    score: ReadingScore
    digits_right: int
    cells: tuple[float, Interval | None] | None
    named_cells: tuple[float, Interval | None] | None
    sure_per_thousand: float | None
    details: dict[str, tuple[int, int]]
    mistakes: list[tuple[int, str, str]]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        shares = {
            name: found and [found[0], found[1] and found[1].ends(6)]
            for name, found in (("cells", self.cells), ("named_cells", self.named_cells))
        }
        return vars(self) | {"score": self.score.as_dict()} | shares


def pictures(kind: str, seed: int, number: int) -> Iterator[Picture]:
    """Yield pictures of a kind, drawn with MNIST's test digits."""
    test = load_dataset("mnist").test
    if kind in KINDS:
        bank = bank_of_test_digits()
        for index in range(number):
            truth = render_photograph(kind, seed, index, bank)
            yield Picture(truth.content, truth)
        return
    drawn = photographs.photographs(
        test.images[:, 0], test.labels, count=number, length=_OTHER[kind], seed=seed
    )
    for photograph in drawn:
        blank = np.zeros((1, 1), np.uint8)
        truth = Photograph(kind, blank, (photograph.digits,), details=photograph.conditions)
        yield Picture(photograph.content, truth)


def bank_of_test_digits() -> CharacterBank:
    """Return MNIST's test digits, prepared to write with; the first time takes half a minute."""
    test = load_dataset("mnist").test
    return load_bank(test.images[:, 0], test.labels, cache_folder() / "characters")


def measure(kind: str, drawn: Iterable[Picture], read: Read) -> KindScore:
    """Let a reader read pictures of one kind."""
    done: list[ReadPicture] = []
    pairs: list[tuple[Photograph, Transcript]] = []
    for index, (content, truth) in enumerate(drawn):
        began = time.process_time()
        transcript = read(content)
        seconds = time.process_time() - began
        done.append(_compare(str(index), truth, transcript, seconds))
        pairs.append((truth, transcript))
    letters = sum(truth.letters for truth, _ in pairs)
    sure = sum(one.sure and one.text in DIGITS for _, said in pairs for one in said.characters)
    tables = [(truth, said) for truth, said in pairs if truth.cells]
    named = [(truth, said) for truth, said in tables if said.tables is not None]
    details: dict[str, tuple[int, int]] = {}
    for one, (truth, _) in zip(done, pairs, strict=True):
        for name in truth.details:
            right, number = details.get(name, (0, 0))
            details[name] = right + one.right, number + 1
    return KindScore(
        score(kind, done),
        sum(said.digits == _digits(truth.text) for truth, said in pairs),
        _mean([_cells_by_place(truth.cells, said) for truth, said in tables]),
        _mean([_cells_by_name(truth.cells, said) for truth, said in named]),
        1000 * sure / letters if letters else None,
        details,
        [(int(one.name), one.truth, one.read) for one in done if not one.right],
    )


def _compare(name: str, truth: Photograph, said: Transcript, seconds: float) -> ReadPicture:
    """Compare texts without white space, which in one line nobody can be sure of."""
    if truth.letters:
        read = "".join(one.text for one in said.characters if one.sure and one.text in DIGITS)
    elif truth.kind == "signs":
        read = "".join(said.text.split())
    else:
        read = said.digits
    written = "".join(truth.lines)
    return ReadPicture(name, truth.kind, written, read, said.sure, said.confidence, (), seconds)


def _digits(text: str) -> str:
    return "".join(one for one in text if one in DIGITS)


def _cells_by_place(cells: tuple[Cell, ...], said: Transcript) -> float:
    """Return the share of cells that have the right digits in them, from left to right."""
    found: dict[Cell, list[tuple[float, str]]] = {cell: [] for cell in cells}
    for one in said.characters:
        left, top, right, bottom = one.box
        x, y = (left + right) / 2, (top + bottom) / 2
        for cell in cells:
            if one.text in DIGITS and cell.holds(x, y):
                found[cell].append((x, one.text))
    right_ones = ("".join(text for _, text in sorted(found[cell])) == cell.text for cell in cells)
    return sum(right_ones) / len(cells)


def _cells_by_name(cells: tuple[Cell, ...], said: Transcript) -> float:
    """Return the share of cells that are right in the best table, row by row and column by
    column.
    """
    best = 0
    for table in said.tables or ():
        texts = {(r, c): text for r, row in enumerate(table) for c, text in enumerate(row)}
        best = max(best, sum(texts.get((cell.row, cell.column)) == cell.text for cell in cells))
    return best / len(cells)


def _mean(shares: list[float]) -> tuple[float, Interval | None] | None:
    if not shares:
        return None
    values = np.array(shares)
    around = mean_interval(values)
    clipped = around and Interval(low=max(around.low, 0), high=min(around.high, 1))
    return float(values.mean()), clipped


def table(scores: Iterable[KindScore], name: str) -> Table:
    """Return a row for each kind; shares in percent."""
    return Table(
        [
            text(name, "kind"),
            count("Pictures"),
            estimate("Right (%)", "right_percent", 1),
            count("Sure"),
            count("Sure, wrong"),
            estimate("Cells (%)", "cells_percent", 1),
            estimate("Named cells (%)", "named_cells_percent", 1),
            number("Sure per 1,000", 1),
            number("ms", 0, "milliseconds"),
        ],
        [
            (
                one.score.name,
                one.score.pictures,
                (100 * one.score.share, in_percent(one.score.interval)),
                one.score.sure,
                one.score.sure_and_wrong,
                _in_percent(one.cells),
                _in_percent(one.named_cells),
                one.sure_per_thousand,
                1000 * one.score.seconds,
            )
            for one in scores
        ],
    )


def _in_percent(
    found: tuple[float, Interval | None] | None,
) -> tuple[float, Interval | None] | None:
    return found and (100 * found[0], found[1] and in_percent(found[1]))


def contact_sheet(drawn: Iterable[Picture]) -> NDArray[np.uint8]:
    """Draw pictures side by side, each with what is written in it."""
    import io

    images = [(Image.open(io.BytesIO(one.content)).convert("L"), one.truth) for one in drawn]
    rows = -(-len(images) // _COLUMNS)
    sheet = Image.new("L", (_COLUMNS * _CELL_SIDE, rows * (_CELL_SIDE + 20)), 128)
    draw = ImageDraw.Draw(sheet)
    for place, (image, truth) in enumerate(images):
        x, y = place % _COLUMNS * _CELL_SIDE, place // _COLUMNS * (_CELL_SIDE + 20)
        image.thumbnail((_CELL_SIDE - 6, _CELL_SIDE - 6))
        sheet.paste(image, (x, y))
        said = " ".join(truth.lines) or " ".join(truth.details) or f"{truth.letters} letters"
        draw.text((x, y + _CELL_SIDE - 2), said[:40], 255)
    return np.asarray(sheet)


@click.command()
@click.option("--seed", type=click.IntRange(0), required=True, help="Of the pictures.")
@click.option("--pictures", "number", type=click.IntRange(1), default=200, help="Of each kind.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(ALL_KINDS), help="[all]")
@click.option("--reader", "names", multiple=True, help="See benchmarks.readers.  [mnistlab]")
@click.option("--sheet", type=click.Path(path_type=Path), help="Draw the pictures, and read none.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def main(
    seed: int,
    number: int,
    kinds: tuple[str, ...],
    names: tuple[str, ...],
    sheet: Path | None,
    file: Path | None,
) -> None:
    """Read rendered photographs of MNIST's test digits."""
    kinds = kinds or ALL_KINDS
    if sheet:
        for kind in kinds:
            target = sheet.with_name(f"{sheet.stem}-{kind}.png")
            Image.fromarray(contact_sheet(pictures(kind, seed, number))).save(target)
            click.echo(f"wrote {target}")
        return
    figures: dict[str, Any] = {}
    for name in names or ("mnistlab",):
        read = open_reader(name)
        scores = []
        for kind in kinds:
            scores.append(measure(kind, pictures(kind, seed, number), read))
            done = scores[-1].score
            click.echo(f"{kind}: {done.right} of {done.pictures}", err=True)
        click.echo(table(scores, name).text(150))
        figures[name] = [one.as_dict() for one in scores]
    if file:
        about = {
            "version": version("mnistlab"),
            "command": f"python -m benchmarks.rendered --seed {seed} --pictures {number}",
            "seed": seed,
            "pictures": number,
            "environment": describe_environment("cpu", 1, "webassembly").model_dump(),
        }
        write_atomically(file, f"{to_json(about | {'readers': figures})}\n")
        click.echo(f"wrote {file}")


if __name__ == "__main__":
    main()
