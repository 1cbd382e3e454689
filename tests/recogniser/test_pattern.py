"""mnistlab.recogniser.pattern: what is allowed, compared with Python's own re and datetime."""

import datetime
import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.characters import CHARACTERS
from mnistlab.errors import PatternError
from mnistlab.recogniser.pattern import Pattern, parse_patterns


def accepts(pattern, text):
    return Pattern(pattern).automaton.accepts(text)


@given(st.integers(-300, 300), st.integers(0, 400), st.integers(-450, 450))
@settings(deadline=None)
def test_a_range_allows_its_numbers_and_no_others(low, more, number):
    high = low + more
    assert accepts(f"{low}-{high}", str(number)) == (low <= number <= high)


def test_ranges_by_hand():
    for allowed in ("0", "7", "07", "007", "100", "42"):
        assert accepts("0-100", allowed)
    for refused in ("101", "-1", "0042", "1.5", "", "10%"):
        assert not accepts("0-100", refused)
    for allowed in ("0.0", "7.5", "7,5", "10.0", "07.5"):
        assert accepts("0.0-10.0", allowed)
    for refused in ("10.1", "7", "7.55", ".5", "75"):
        assert not accepts("0.0-10.0", refused)
    assert accepts("-1.5-1.50", "-1.50")
    assert not accepts("-1.5-1.50", "-1.51")
    assert accepts("0-10|99|-", "99")
    assert accepts("0-10|99|-", "-")
    assert not accepts("0-10|99|-", "98")
    assert accepts("123456-654321", "200000")
    assert accepts("123456789012345-987654321098765", "123456789012346")
    assert not accepts("123456789012345-987654321098765", "987654321098766")
    assert not accepts("123456789012345-987654321098765", "123456789012344")


DATES = st.dates(datetime.date(1, 1, 1), datetime.date(9999, 12, 31))
FORMATS = {
    "dd/mm/yyyy": "{0.day:02}/{0.month:02}/{0.year:04}",
    "yyyy-mm-dd": "{0.year:04}-{0.month:02}-{0.day:02}",
    "MM/DD/YYYY": "{0.month:02}/{0.day:02}/{0.year:04}",
    "d.m.yyyy": "{0.day}.{0.month}.{0.year:04}",
    "mm/yyyy": "{0.month:02}/{0.year:04}",
}


@pytest.mark.parametrize("form", FORMATS)
@given(day=DATES)
@settings(deadline=None)
def test_every_day_of_the_calendar_is_a_date(form, day):
    assert accepts(form, FORMATS[form].format(day))


@given(st.integers(0, 32), st.integers(0, 13), st.one_of(st.integers(0, 9999), st.just(1900)))
@settings(deadline=None, max_examples=300)
def test_no_other_day_is_one(day, month, year):
    try:
        datetime.date(year, month, day)
    except ValueError:
        there = False
    else:
        there = True
    assert accepts("dd/mm/yyyy", f"{day:02}/{month:02}/{year:04}") == there


def test_dates_by_hand():
    assert accepts("dd/mm/yyyy", "29/02/2000")
    assert not accepts("dd/mm/yyyy", "29/02/1900")
    assert not accepts("dd/mm/yyyy", "31/04/2024")
    assert not accepts("dd/mm/yyyy", "1/4/2024")
    assert accepts("d/m/yy", "29/2/24")
    assert not accepts("d/m/yy", "29/2/23")
    assert accepts("d/m/yy", "01/04/23")
    assert accepts("dd.mm", "29.02")
    assert not accepts("dd.mm.yyyy", "01/04/2023")


PIECES = st.sampled_from(
    ["1", "7", r"\.", "-", ".", r"\d", "[12]", "[^0-8]", "[0-2.]", "%", "[-1]", r"[\d,]"]
)
EXPRESSIONS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{2,}", "{0,1}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    ),
    max_leaves=5,
)


@given(EXPRESSIONS, st.lists(st.text("127.-,%9", max_size=6), min_size=20, max_size=40))
@settings(deadline=None)
def test_an_expression_allows_what_pythons_allows(expression, texts):
    known = f"[{re.escape(CHARACTERS)}]"
    own = re.compile(re.sub(r"(?<!\\)\.(?![^\[]*\])", lambda _: known, expression))
    automaton = Pattern(f"({expression})").automaton
    short = ["".join(two) for n in (1, 2) for two in product("127.-,%9", repeat=n)]
    for text in [*texts, *short]:
        assert automaton.accepts(text) == bool(own.fullmatch(text)), text


def test_expressions_by_hand():
    assert accepts(r"-?\d+\.\d{2}", "-12.50")
    assert not accepts(r"-?\d+\.\d{2}", "12.5")
    assert accepts("^[0-9]{2,3}$", "123")
    assert accepts(r"\d+%", "7%")
    assert accepts(r"([01]\d|2[0-3]):[0-5]\d", "23:59")
    assert not accepts(r"([01]\d|2[0-3]):[0-5]\d", "24:00")
    assert accepts(r"\(\d\)|1", "(5)")


def test_a_column_stands_in_front():
    pattern = Pattern(" 2 = 0-100 ")
    assert (pattern.column, pattern.allowed) == (2, "0-100")
    assert Pattern("0-100").column is None


WRONG = {
    "": "is empty",
    "2=": "is empty",
    "0=1-3": "columns are counted from 1",
    "100-0": "ends before it begins",
    "[0-9": "ends where a ] is needed",
    "(12": "a ( is not closed",
    "12)": "a ) closes nothing",
    "a+": "'a' is none of the characters that are read: 0123456789.,-+/:()%",
    "+5": r"the sign itself is \+",
    r"\d{2": "{2}, {2,} or {2,3}",
    r"\d{3,2}": "the second number is below the first",
    r"\d{1000}": "at most 100 times",
    r"((\d{100}){100})": "too many different texts",
    r"\w": "'w' is none of",
    "1\\": "ends where a character after",
    "(?=1)": r"only ( ) and (?: ) are known",
    "[9-1]": "is no range of digits",
    "dd/dd/yyyy": "one day, one month and one year",
    "0-1234567890123456": "more than 15 digits",
    "12 5": "' ' is none of",
    "[^.0-9,+/:()%-]": "leaves no character",
    "()": "allows no number at all",
    "(" * 2000: "more than 40 deep",
    "1" * 6000: "too many different texts",
}


@pytest.mark.parametrize("pattern", WRONG)
def test_what_cannot_be_understood_is_told_in_one_line(pattern):
    with pytest.raises(PatternError) as caught:
        Pattern(pattern)
    message = str(caught.value)
    assert message.startswith(f"pattern {pattern[:60]}")
    assert WRONG[pattern] in message
    assert "\n" not in message


@given(st.text(CHARACTERS + r"\d[]{}?*|^$ym=", max_size=12))
@settings(deadline=None)
def test_any_text_is_understood_or_refused(text):
    try:
        automaton = Pattern(text).automaton
    except PatternError:
        return
    assert automaton.steps[0]


def test_a_pattern_that_is_no_text_is_refused():
    with pytest.raises(PatternError, match="pattern 5: neither a text nor several of them"):
        parse_patterns(5)
