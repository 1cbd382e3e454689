"""Tables in terminals of any width, and with names of any kind."""

import csv
import html
import io
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len

from mnistlab.errors import MnistlabError
from mnistlab.report import Table, run_frame
from mnistlab.report.table import (
    count,
    estimate,
    interval,
    number,
    p_values,
    points,
    sentences,
    significant,
    text,
    times,
)
from mnistlab.statistics import Interval
from tests.statistics.records import made_group

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


def test_headings_are_wrapped_before_rows_become_blocks():
    table = Table(
        [text("Model"), number("Test accuracy", unit=" %"), text("Best epoch, picked on test")],
        [("lenet5", 99.13, "99.17 % (24)")],
    )
    assert [line.strip() for line in table.text(42).splitlines()[1:6]] == [
        "Best epoch,",
        "Test      picked on",
        "Model    accuracy           test",
        "────────────────────────────────",
        "lenet5    99.13 %   99.17 % (24)",
    ]


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


FIGURES = Table(
    [
        text("Recipe"),
        count("Parameters"),
        points("Difference (points)"),
        interval("95 % interval"),
        estimate("Chance", decimals=0, unit=" %"),
        p_values("p"),
        significant("Training loss"),
        times("Time per run"),
    ],
    [
        ("a", 61_706, -0.25, Interval(low=-0.5, high=0.004), (50.0, None), 0.21, 0.05, 203.6),
        ("b", 9, None, None, (0.0, Interval(low=0, high=24)), 1e-7, 0.00012, 4.0),
    ],
)


def test_people_read_as_many_decimals_in_every_row_of_a_column():
    assert FIGURES.rows == (
        ("a", "61,706", "−0.25", "−0.500 to 0.004", "50 %", "0.210", "0.05000", "3 min 24 s"),
        ("b", "9", "", "", "0 % (0 to 24)", "< 0.001", "0.00012", "4.0 s"),
    )
    assert Table([p_values("p")], [[0.0499], [0.2]]).rows == (("0.0499",), ("0.2000",))
    assert Table([points("x")], [[0.004], [-0.004], [0.0]]).rows == (
        ("0.004",),
        ("−0.004",),
        ("0.000",),
    )


def test_programs_read_bare_numbers_and_the_ends_of_intervals_apart():
    rows = list(csv.reader(io.StringIO(FIGURES.csv(), newline="")))
    assert rows == [
        [
            "recipe",
            "parameters",
            "difference",
            "interval_low",
            "interval_high",
            "chance",
            "chance_low",
            "chance_high",
            "p",
            "training_loss",
            "seconds",
        ],
        ["a", "61706", "-0.25", "-0.5", "0.004", "50", "", "", "0.21", "0.05", "203.6"],
        ["b", "9", "", "", "", "0", "0", "24", "1e-07", "0.00012", "4"],
    ]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(-1e6, 1e6)),
            st.one_of(st.none(), st.tuples(st.floats(-99, 99), st.floats(-99, 99))),
        ),
        min_size=1,
    )
)
@settings(deadline=None)
def test_every_number_is_read_back(rows):
    values = [(one, ends and Interval(low=ends[0], high=ends[1])) for one, ends in rows]
    table = Table([number("One"), interval("Ends", "ends")], values)
    assert table.csv().isascii()
    found = list(csv.DictReader(io.StringIO(table.csv(), newline="")))
    for row, (one, ends) in zip(found, rows, strict=True):
        cells = [row["one"], row["ends_low"], row["ends_high"]]
        expected = [one, *(ends or (None, None))]
        for cell, value in zip(cells, expected, strict=True):
            assert (cell == "") == (value is None)
            assert value is None or float(cell) == pytest.approx(value, rel=1e-9)
    decimals = {len(cell.partition(".")[2]) for cell, _ in table.rows if cell}
    assert len(decimals) <= 1


def test_a_data_frame_has_the_columns_and_the_types_of_the_values():
    frame = FIGURES.to_dataframe()
    assert list(frame.columns) == FIGURES.csv().splitlines()[0].split(",")
    assert frame["parameters"].tolist() == [61_706, 9]
    assert frame["interval_low"].isna().tolist() == [False, True]
    assert frame["interval_low"].dtype == float
    runs = run_frame([made_group("x", [10, 20]), made_group("y", [30])])
    assert runs[["recipe", "seed", "accuracy", "errors"]].to_numpy().tolist() == [
        ["x", 0, 99.0, 10],
        ["x", 1, 98.0, 20],
        ["y", 0, 97.0, 30],
    ]
    assert runs.groupby("recipe")["loss"].mean()["x"] == pytest.approx(0.05)


def test_without_pandas_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MnistlabError, match=r"pip install 'mnistlab\[dataframe\]'"):
        FIGURES.to_dataframe()


def test_a_notebook_shows_a_table_and_no_markup_of_strangers():
    shown = Table(("Name", "Value"), (("<b>", "1"),))._repr_html_()
    assert "<td>&lt;b&gt;</td><td>1</td>" in shown
    assert "<b>" not in shown


def test_a_notebook_shows_what_a_run_came_to():
    (record,) = made_group("a", [30]).records
    shown = record._repr_html_()
    assert "<th>Test accuracy</th><td>97.00 %</td>" in shown
    assert "<th>Errors</th><td>30 of 1,000</td>" in shown
    assert "<thead>" not in shown


def test_a_prompt_shows_the_table_itself():
    assert repr(FIGURES) == FIGURES.text()
