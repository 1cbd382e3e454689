"""mnistlab.text against renderers, readers and a terminal's rules."""

import csv
import html
import io
import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mnistlab.errors import DataError
from mnistlab.text import (
    counted,
    csv_row,
    is_unicode,
    listed,
    markdown,
    one_line,
    printable,
    shorten,
    to_json,
)

HOSTILE = (
    "\x00\x07\b\t\n\v\f\r\x1b[31m\x7f\x85\x9b\xad\u061c"
    "\u200b\u200e\u200f\u2028\u2029\u202e\u2066\u2069\ufeff\udcff"
)
HARMLESS = (
    "한국어 시험",
    "cafe\u0301",
    "😀👍🏽",
    "👨‍👩‍👧",
    "می‌خواهم",
    "日本\u3000語",
    "3.00\u202fPM",
    "−0.05 × 2",
    "a b",
)
RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NAMES = st.text(
    st.one_of(st.sampled_from("|`*_<>[]()#-+1.\\&;:!~$ab@/= \n\r\t\u2028"), st.characters()),
    min_size=1,
    max_size=12,
)


def test_what_is_not_seen_is_escaped():
    assert printable("a\x1b[31m\u202e\u009b\udcff\nb") == r"a\x1b[31m\u202e\x9b\udcff\nb"
    shown = printable(HOSTILE)
    assert shown.isascii()
    assert shown.isprintable()
    assert printable("a\u200db\u200dc") == r"a\u200db\u200dc"


@pytest.mark.parametrize("text", HARMLESS)
def test_letters_of_all_scripts_accents_and_emoji_stay(text):
    assert printable(text) == text
    assert markdown(text) == text
    assert json.loads(to_json(text)) == text
    assert text in to_json(text)


@given(st.text())
@settings(deadline=None)
def test_no_character_that_controls_is_left(text):
    left = {unicodedata.category(letter) for letter in printable(text)}
    assert not left & {"Cc", "Cs", "Zl", "Zp"}
    assert all(
        unicodedata.bidirectional(letter)[0:2] not in ("LR", "RL", "PD")
        for letter in printable(text)
    )


@given(
    st.recursive(
        st.text() | st.integers() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@settings(deadline=None)
def test_json_is_valid_and_gives_the_true_names_back(value):
    for text in (to_json(value), to_json(value, indent=None)):
        assert json.loads(text.encode()) == value
        assert printable(text.replace("\n", "")) == text.replace("\n", "")


@given(NAMES)
@settings(deadline=None)
def test_markdown_shows_the_name_in_one_cell_and_in_a_sentence(name):
    shown = " ".join(printable(name).split())
    if not shown:
        return
    escaped = markdown(shown)
    table = RENDERER.render(f"| h | k |\n|---|---|\n| {escaped} | x |\n")
    first, second = re.findall(r"<td>(.*?)</td>", table)
    assert (html.unescape(first), second) == (shown, "x")
    for sentence, before, after in (
        (escaped, "<p>", "</p>\n"),
        (f"**{escaped}.**", "<p><strong>", ".</strong></p>\n"),
    ):
        assert html.unescape(RENDERER.render(sentence)) == f"{before}{shown}{after}"


@pytest.mark.parametrize(
    "name",
    [
        "custom_mlp",
        "LeNet-5",
        "lenet5 − custom_mlp",
        "-0.05",
        "+24 %",
        "p < 0.001",
        "[0.1, 1.0]",
        "1.5",
    ],
)
def test_ordinary_names_and_figures_stay_readable_in_markdown(name):
    assert markdown(name) == name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("$x$", r"\$x\$"),
        (":smile:", r"\:smile:"),
        ("https://x.y", r"https\://x.y"),
        ("www.x.y", r"www\.x.y"),
    ],
)
def test_what_only_github_would_turn_into_something_is_escaped(name, written):
    assert markdown(name) == written


FORMULAE = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    " =1",
    "\n=1",
    "＝1",
    "＋x",
    "－x",
    "＠x",
    "=cmd|'/c calc'!A1",
]


@pytest.mark.parametrize("text", FORMULAE)
def test_no_cell_is_a_formula_and_such_a_one_is_quoted(text):
    row = csv_row((text, "x"))
    # A tab or carriage return is escaped, and then begins no formula.
    assert row.startswith(("\"'", r"\t=", r"\r="))
    (cells,) = csv.reader(io.StringIO(row, newline=""))
    assert cells[1] == "x"
    assert cells[0].lstrip()[0] not in "=+-@＝＋－＠"


@pytest.mark.parametrize(
    "number", ["-0.05", "−0.05", "+0.0147", "-1", "1e-5", "+24 %", "-1,234.5", -0.25, 3, "-", "0.5"]
)
def test_numbers_stay_numbers(number):
    assert next(csv.reader(io.StringIO(csv_row((number,))))) == [str(number)]


@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["C", "Z"]) | st.sampled_from('",;\n'), min_size=1
        ),
        min_size=1,
    )
)
@settings(deadline=None)
def test_a_csv_reader_gets_every_cell_back_but_for_the_apostrophe(cells):
    (found,) = csv.reader(io.StringIO(csv_row(cells), newline=""))
    shown = ["\n".join(map(printable, cell.split("\n"))) for cell in cells]
    assert all(got in (true, f"'{true}") for got, true in zip(found, shown, strict=True))


def test_one_thing_is_not_several():
    assert [counted(count, "file") for count in (0, 1, 2000)] == [
        "0 files",
        "1 file",
        "2,000 files",
    ]
    assert [counted(count, "class", "classes") for count in (1, 2)] == ["1 class", "2 classes"]


def test_lists_and_lines_are_bounded():
    assert listed(list(map(str, range(200_000)))).endswith("18, 19 and 199,980 more")
    assert len(listed(["x" * 60_000] * 100)) < 1000
    assert listed(["a", "b"]) == "a, b"
    assert shorten("x" * 100) == "x" * 100
    assert len(shorten("x" * 101)) == 100
    assert len(one_line("x" * 10**6)) == 1000


def test_an_error_is_one_printable_line_wherever_its_words_come_from():
    error = DataError("a\x1b[2J.npz: lacks this\r\n   and\nthat")
    assert str(error) == r"a\x1b[2J.npz: lacks this and that"


def test_names_that_are_not_utf8_are_told():
    assert is_unicode("한")
    assert not is_unicode("a\udcff")
