"""benchmarks.rendered: what a reader says is compared with what is written."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import rendered
from benchmarks.rendered import Picture, main, measure
from mnistlab.evaluation.transcript import TranscribedCharacter, Transcript
from mnistlab.rendering.character_bank import load_bank
from mnistlab.rendering.photographs import Cell, Photograph

BLANK = np.zeros((1, 1), np.uint8)


def character(text, x, y, *, sure=True):
    return TranscribedCharacter(text, 0.9, sure, (x - 1, y - 1, x + 1, y + 1))


def said(text, *characters, sure=True, tables=None):
    digits = "".join(one for one in text if one.isdigit())
    return Transcript(text, digits, sure, 0.9, characters, tables)


def measured(kind, *pairs):
    """Measure a reader that says what belongs to each truth."""
    answers = {str(place).encode(): answer for place, (_, answer) in enumerate(pairs)}
    pictures = [Picture(str(place).encode(), truth) for place, (truth, _) in enumerate(pairs)]
    return measure(kind, pictures, answers.__getitem__)


def test_signs_are_part_of_what_is_right_but_white_space_is_not():
    truth = Photograph("signs", BLANK, ("12.50",), details=("decimal",))
    found = measured("signs", (truth, said("12 .5\n0")), (truth, said("1250")), (truth, said("")))
    assert (found.score.right, found.digits_right, found.score.pictures) == (1, 2, 3)
    assert found.score.sure_and_wrong == 2
    assert found.details == {"decimal": (1, 3)}
    assert found.mistakes == [(1, "12.50", "1250"), (2, "12.50", "")]


def test_a_line_is_right_if_its_digits_are():
    truth = Photograph("line", BLANK, ("12345",))
    found = measured("line", (truth, said("12 345.")), (truth, said("12354", sure=False)))
    assert (found.score.right, found.score.sure_and_wrong) == (1, 0)
    assert found.cells is found.named_cells is found.sure_per_thousand is None


def test_cells_are_right_by_place_and_by_name():
    square = ((0, 0), (10, 0), (10, 10), (0, 10))
    cells = tuple(
        Cell(row, column, text, tuple((x + 10 * column, y + 10 * row) for x, y in square))
        for (row, column), text in {(0, 0): "12", (0, 1): "", (1, 0): "7", (1, 1): "9"}.items()
    )
    truth = Photograph("table", BLANK, ("12", "79"), cells)
    characters = [
        character(*one) for one in (("2", 7, 5), ("1", 3, 5), ("1", 5, 15), ("9", 15, 15))
    ]
    named = said("1219", *characters, tables=((("8",),), (("12", "", "3"), ("1", "9"))))
    found = measured("table", (truth, named), (truth, said("12 79", *characters)))
    assert found.cells == (0.75, None)
    assert found.named_cells == (0.75, None)
    assert found.score.right == 1


def test_letters_that_are_read_as_sure_digits_count():
    truth = Photograph("letters", BLANK, letters=250)
    some = said("105", character("1", 0, 0), character("0", 0, 0, sure=False), character("/", 0, 0))
    found = measured("letters", (truth, some), (truth, said("", sure=False)))
    assert found.sure_per_thousand == 2
    assert found.score.right == 1


def test_where_nothing_is_written_nothing_may_be_read():
    truth = Photograph("nothing", BLANK)
    found = measured("nothing", (truth, said("")), (truth, said("1", character("1", 0, 0))))
    assert found.score.right == 1


@pytest.mark.usefixtures("mnist")
def test_the_command_reads_and_draws(mnist, tmp_path, monkeypatch):
    bank = load_bank(mnist.test.images[:20, 0], mnist.test.labels[:20], tmp_path / "bank")
    monkeypatch.setattr(rendered, "bank_of_test_digits", lambda: bank)
    record = tmp_path / "record.json"
    options = ["--seed", "3", "--pictures", "2", "--kind", "single", "--kind", "other-single"]
    done = CliRunner().invoke(main, [*options, "--reader", "tutorial", "--json", str(record)])
    assert done.exit_code == 0, done.output
    written = json.loads(record.read_text())
    assert written["seed"] == 3
    kinds = [
        (one["score"]["name"], one["score"]["pictures"]) for one in written["readers"]["tutorial"]
    ]
    assert kinds == [("single", 2), ("other-single", 2)]
    done = CliRunner().invoke(main, [*options, "--sheet", str(tmp_path / "sheet.png")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "sheet-single.png").is_file()
