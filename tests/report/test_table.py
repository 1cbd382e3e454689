"""Tables in terminals of any width, and with names of any kind."""

import csv
import html
import io
import re

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from mnistlab.report import Table
from mnistlab.report.table import sentences

TABLE = Table(
    ("Recipe", "Accuracy %", "95 % interval"),
    (
        ("lenet5", "99.14", "99.11 to 99.17"),
        ("a name that is longer than the terminal", "", "98.00 to 99.00"),
    ),
)


@pytest.mark.parametrize("width", [20, 24, 40, 60, 70, 100])
def test_no_figure_is_broken_and_no_line_too_long(width):
    text = TABLE.text(width)
    assert max(map(len, text.splitlines())) <= width
    for figure in ("99.14", "99.11 to 99.17", "98.00 to 99.00"):
        assert figure in text


def test_rows_that_do_not_fit_become_blocks():
    assert TABLE.text(40).splitlines()[:4] == [
        "Recipe: lenet5",
        "  Accuracy %     99.14",
        "  95 % interval  99.11 to 99.17",
        "Recipe: a name that is longer than the",
    ]
    assert TABLE.text(100).split()[:6] == ["Recipe", "Accuracy", "%", "95", "%", "interval"]


WIDE = Table(("이름", "값"), (("한국어 시험 모델", "1"), ("b", "22")))


@pytest.mark.parametrize("width", [12, 100])
def test_columns_line_up_where_letters_are_two_wide(width):
    lines = WIDE.text(width).splitlines()
    assert max(map(cell_len, lines)) <= max(width, 20)
    if width == 100:
        assert len({cell_len(line) for line in lines if line.endswith(("1", "2"))}) == 1


NAMES = [
    "a|b",
    "a\nb",
    "`c`",
    "*x*",
    "_y_",
    "<b>",
    "[l](http://x.y)",
    "# h",
    "\x1b[31m",
    "a\\|b",
    "=1+1",
    "custom_mlp",
]


def test_names_of_strangers_stay_in_their_cells():
    table = Table(("Name|x", "Value"), tuple((name, "-0.05") for name in NAMES))
    shown = MarkdownIt("commonmark").enable("table").render(table.markdown())
    cells = [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", shown)]
    escaped = [name.replace("\n", r"\n").replace("\x1b", r"\x1b") for name in NAMES]
    assert cells == [cell for name in escaped for cell in (name, "-0.05")]
    assert "<th>Name|x</th>" in shown
    assert "| custom_mlp | -0.05 |" in table.markdown()
    rows = list(csv.reader(io.StringIO(table.csv(), newline="")))[1:]
    assert [row[1] for row in rows] == ["-0.05"] * len(NAMES)
    assert [row[0] for row in rows][-2:] == ["'=1+1", "custom_mlp"]
    assert rows[1][0] == "a\nb"
    assert r"\x1b[31m" in table.text()
    assert "\x1b" not in table.text() + table.csv() + table.markdown()


def test_sentences_show_names_as_they_are():
    text = sentences("*a* beats <b>", ["[x](y) and _z_ fail"])
    shown = MarkdownIt("commonmark").render(text)
    assert "<strong>*a* beats &lt;b&gt;.</strong>" in shown
    assert "<li>[x](y) and _z_ fail.</li>" in shown
