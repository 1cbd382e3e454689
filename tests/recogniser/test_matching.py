"""mnistlab.recogniser.matching: the likeliest allowed reading."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.characters import CHARACTERS
from mnistlab.errors import PatternError
from mnistlab.recogniser.matching import likeliest
from mnistlab.recogniser.pattern import Pattern
from tests.recogniser.readings import cells, reading

SHARE = st.sampled_from([0.0, 0.0, 0.1, 0.2, 0.5, 0.7])
ROW = st.fixed_dictionaries(dict.fromkeys([*"017.-", "absent"], SHARE)).filter(
    lambda row: sum(row.values())
)
PATTERNS = ["0-10", r"\d{2}", "-?[017]+", r"\d\.\d|7", "1*", ".+", "(0|1)?7?"]


def weights_of(rows):
    """Rows of weights, with what they lack to 1 for no character."""
    found = np.zeros((len(rows), 19))
    for values, row in zip(found, rows):
        total = sum(row.values())
        for text, share in row.items():
            if text != "absent":
                values[CHARACTERS.index(text)] = share / total
    return found


@given(st.lists(ROW, min_size=1, max_size=4), st.sampled_from(PATTERNS))
@settings(deadline=None, max_examples=200)
def test_it_is_what_trying_all_of_them_gives(rows, pattern):
    automaton, weights = Pattern(pattern).automaton, weights_of(rows)
    ways, texts = {}, defaultdict(float)
    shares = np.zeros(weights.shape)
    for way in product([None, *"017.-"], repeat=len(rows)):
        text = "".join(filter(None, way))
        probability = np.prod(
            [
                row[CHARACTERS.index(one)] if one else max(1 - row.sum(), 0)
                for one, row in zip(way, weights)
            ]
        )
        if probability > 1e-12 and text and automaton.accepts(text):
            ways[way] = probability
            texts[text] += probability
            for place, one in enumerate(way):
                if one:
                    shares[place, CHARACTERS.index(one)] += probability
    found = likeliest(np.where(weights > 1e-12, weights, 0), automaton)
    if not ways:
        assert found is None or found.share < 1e-9
        return
    total = sum(ways.values())
    assert ways[found.characters] == pytest.approx(max(ways.values()))
    text = "".join(filter(None, found.characters))
    assert found.probability == pytest.approx(texts[text] / total)
    assert found.share == pytest.approx(total)
    np.testing.assert_allclose(found.shares, shares / total, atol=1e-9)


def test_the_likeliest_allowed_reading_is_taken_and_is_as_sure_as_it_is_among_these():
    """50 or 60 out of 0-59: the six is likelier, but not allowed."""
    odd = {0: {"6": 0.6, "5": 0.3, "1": 0.1}, 1: {"0": 1.0}}
    found = reading("60", odd=odd)
    matched = found.matching("0-59")
    assert (found.text, matched.text) == ("60", "50")
    assert matched.confidence == pytest.approx(0.3 / 0.4)
    assert matched.groups[0].match.share == pytest.approx(0.4)
    five, zero = matched.characters
    assert five.confidence == pytest.approx(0.75)
    assert five.likely[:2] == [("5", pytest.approx(0.75)), ("1", pytest.approx(0.25))]
    assert (zero.confidence, matched.sure, matched.notes) == (pytest.approx(1), True, ())
    assert found.text == "60"


def test_a_day_decides_what_a_month_may_be():
    odd = {0: {"3": 1.0}, 1: {"1": 1.0}, 3: {"0": 1.0}, 4: {"4": 0.6, "1": 0.4}}
    assert reading("31/04/2024", odd=odd).matching("dd/mm/yyyy").text == "31/01/2024"


def test_a_character_is_left_out_only_if_it_may_be_none():
    spurious = reading("1234", odd={3: {"presence": 0.6, "4": 0.9}})
    matched = spurious.matching(r"\d{3}")
    assert (matched.text, matched.sure) == ("123", True)
    # 0.46 that it is no character, 3 * 0.54 * 0.001 that another one is none.
    assert matched.confidence == pytest.approx(0.46 / (0.46 + 3 * 0.54 * 0.001), rel=0.01)
    certain = reading("1234", odd={n: {c: 1.0} for n, c in enumerate("1234")}).matching(r"\d{3}")
    assert (certain.text, certain.sure, certain.confidence) == ("1234", False, 0)
    assert certain.notes == (r"1234 does not fit \d{3}",)


def test_a_faint_character_is_taken_if_the_pattern_needs_it():
    faint = reading("12.50", odd={2: {"presence": 0.3, ".": 0.9}})
    assert faint.text == "1250"
    matched = faint.matching(r"\d+\.\d{2}")
    assert matched.text == "12.50"
    assert matched.sure
    assert reading("1250").matching(r"\d+\.\d{2}").text == "1250"


def test_other_ink_may_be_no_character():
    blot = reading("57", odd={1: {"7": 0.2}})
    assert blot.matching(r"\d").text == "5"


def test_what_hardly_fits_is_never_sure():
    """One reading is left, so it is certain among what is allowed; but 2024 is what is written."""
    odd = {0: {"2": 0.999, "1": 0.001}, 1: {"0": 0.999, "9": 0.001}, 2: {"2": 1}, 3: {"4": 1}}
    matched = reading("2024", odd=odd).matching("1900-1999")
    assert (matched.text, matched.confidence) == ("1924", pytest.approx(1))
    assert not matched.sure
    assert matched.notes == ("2024 hardly fits 1900-1999 and is read as 1924",)


def test_matching_twice_starts_from_what_was_seen():
    found = reading("60", odd={0: {"6": 0.6, "5": 0.3}})
    assert found.matching("0-59").matching("60-69").text == "60"


def test_a_column_has_its_own_pattern_and_a_cell_is_one_number():
    places = {n: {"cell": cell} for n, cell in enumerate([0, 1, 1, 2, 3])}
    places[2] |= {"9": 0.5, "0": 0.4}
    found = reading("7 1 9", "8 5", odd=places, cells=cells(2, 2))
    assert found.tables[0].rows[0][1].text == "1 9"
    matched = found.matching(["0-9", "2=0-10"])
    assert [[cell.text for cell in row] for row in matched.tables[0].rows] == [
        ["7", "10"],
        ["8", "5"],
    ]
    assert matched.text == "7 10\n8 5"
    assert matched.tables[0].rows[0][1].groups[0] is matched.lines[0].groups[1]
    unused = found.matching("3=0-10")
    assert unused.text == found.text
    assert unused.notes == ("no table has a column 3: 3=0-10 is not used",)


def test_two_patterns_of_one_column_are_refused():
    with pytest.raises(PatternError, match=r"pattern 1=3: there is one for column 1 already, 1=2"):
        reading("1").matching(["1=2", "1=3"])
    with pytest.raises(PatternError, match="there is one for all numbers already"):
        reading("1").matching(["2", "3"])


def test_long_numbers_neither_underflow_nor_take_long():
    text = "1234567890" * 20
    odd = {place: {one: 1e-4} for place, one in enumerate(text)}
    matched = reading(text, odd=odd, threshold=0).matching(r"\d+")
    assert matched.text
    assert 0 < matched.confidence <= 1
