"""mnistlab.recogniser.reading and assembly."""

import base64
import io
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab.errors import ModelError
from mnistlab.recogniser import Recogniser
from tests.recogniser.readings import cells, reading

SURE = reading("407", odd={0: {"4": 0.9}, 1: {"0": 0.8}, 2: {"7": 0.5}})
UNSURE = reading("40", odd={0: {"4": 0.9}, 1: {"0": 0.3, "6": 0.2}})
NOTHING = reading()
NOTE = "12.50 -37"


def test_a_reading_is_its_characters():
    assert (SURE.text, SURE.digits, str(SURE), SURE.sure) == ("407", "407", "407", True)
    assert SURE.confidence == pytest.approx(0.9 * 0.8 * 0.5)
    assert [one.confidence for one in SURE.characters] == pytest.approx([0.9, 0.8, 0.5])


def test_signs_spaces_and_lines_are_text_and_digits_are_only_digits():
    found = reading(NOTE, "12/05/2024 (100%)")
    assert found.text == "12.50 -37\n12/05/2024 (100%)"
    assert found.digits == "12503712052024100"
    assert [line.text for line in found.lines] == found.text.split("\n")
    assert [group.text for group in found.groups] == found.text.split()
    assert "".join(one.text for one in found.characters) == "".join(found.text.split())


def test_boxes_are_around_what_they_hold():
    line = reading(NOTE).lines[0]
    first, second = line.groups
    assert first.box == (5, 5, 5 + 4 * 12 + 10, 25)
    assert second.box.left == 5 + 5 * 12 + 30
    assert line.box == (5, 5, second.box.right, 25)


def test_an_unsure_character_counts_but_makes_all_around_it_unsure():
    found = reading("12 40", "7", odd={3: {"0": 0.3, "6": 0.2}})
    assert (found.text, found.sure) == ("12 40\n7", False)
    assert [line.sure for line in found.lines] == [False, True]
    assert [group.sure for group in found.groups] == [True, False, True]
    assert [one.sure for one in found.groups[1].characters] == [True, False]
    assert found.groups[1].confidence == pytest.approx(0.999 * 0.3)


def test_a_cut_character_and_ink_left_out_make_a_reading_unsure_and_are_told():
    assert reading("12").sure
    cut = reading("12", odd={1: {"cut": True}})
    assert (cut.text, cut.sure, cut.notes) == ("12", False, ("a character is cut by the edge",))
    left = reading("12", odd={1: {"line": -1}}, threshold=0)
    assert (left.text, left.sure) == ("1", False)
    assert left.left_out == ((17, 5, 27, 25),)
    assert left.notes == ("ink that may be a character was not read in 1 place",)
    assert left.as_dict()["left_out"] == [[17, 5, 27, 25]]


def test_what_is_hardly_there_is_not_read():
    faint = reading("123", odd={1: {"presence": 0.4}})
    assert (faint.text, faint.sure) == ("13", True)
    assert reading("12", odd={1: {"presence": 0.4, "line": -1}}).left_out == ()
    likely = reading("12", odd={1: {"presence": 0.9}})
    assert likely.characters[1].confidence == pytest.approx(0.9 * 0.999)
    assert reading("1", odd={0: {"presence": 0.4}}).lines == ()


def test_no_digit_is_no_guess():
    assert (NOTHING.text, str(NOTHING), NOTHING.sure, NOTHING.confidence) == (
        "",
        "no digit",
        False,
        0.0,
    )
    assert NOTHING.as_dict() == {
        "text": "",
        "digits": "",
        "sure": False,
        "confidence": 0.0,
        "lines": [],
        "tables": [],
        "left_out": [],
        "notes": [],
    }


def test_it_goes_into_json_and_back():
    shown = json.loads(json.dumps(UNSURE.as_dict()))
    assert (shown["text"], shown["digits"], shown["sure"]) == ("40", "40", False)
    assert shown["confidence"] == 0.27
    ((group,),) = [line["groups"] for line in shown["lines"]]
    assert group["box"] == shown["lines"][0]["box"] == [5, 5, 27, 25]
    four, zero = group["characters"]
    assert (four["text"], four["box"], four["cut"]) == ("4", [5, 5, 15, 25], False)
    assert four["probabilities"] == [0, 0, 0, 0, 0.9, *[0] * 14, 0.1]
    assert (zero["confidence"], zero["sure"]) == (0.3, False)


def test_a_ruled_table_keeps_blank_cells_and_holds_the_groups_of_the_lines():
    places = {
        0: {"cell": 0},
        1: {"cell": 0},
        2: {"cell": 2},
        3: {"cell": 4},
        4: {"line": -1, "cell": 5},
    }
    found = reading("12 3", "4", "5", odd=places, cells=cells(3, 2))
    (table,) = found.tables
    assert table.box == (0, 0, 200, 120)
    assert [[cell.text for cell in row] for row in table.rows] == [["12", ""], ["3", ""], ["4", ""]]
    assert table.rows[0][0].groups[0] is found.lines[0].groups[0]
    blank, spoilt = table.rows[0][1], table.rows[2][1]
    assert (blank.sure, blank.confidence, blank.box) == (True, 1, (100, 0, 200, 40))
    assert (spoilt.text, spoilt.sure) == ("", False)
    assert found.as_dict()["tables"][0]["rows"][1][0] == {
        "text": "3",
        "sure": True,
        "confidence": 0.999,
        "box": [0, 40, 100, 80],
    }


ROWS = st.fixed_dictionaries(
    {
        "line": st.integers(-1, 2),
        "group": st.integers(0, 2),
        "cell": st.integers(-1, 3),
        "presence": st.sampled_from([0.0, 0.4, 0.5, 1.0]),
        "cut": st.booleans(),
        "box": st.tuples(*[st.integers(0, 300)] * 2).map(lambda at: (*at, at[0] + 9, at[1] + 20)),
    }
)


@given(st.lists(ROWS, max_size=12), st.booleans(), st.floats(0, 1))
@settings(deadline=None)
def test_nothing_that_an_engine_found_is_lost_or_told_twice(rows, ruled, threshold):
    odd, text = dict(enumerate(rows)), ("0123456789.-" * 2)[: len(rows)]
    lines = [text] if rows else []
    page = reading(
        *lines, odd=odd, threshold=threshold, **({"cells": cells(2, 2)} if ruled else {})
    )
    there = [row for row in rows if row["presence"] >= 0.5]
    assert len(page.characters) == sum(row["line"] >= 0 for row in there)
    assert len(page.left_out) == sum(row["line"] < 0 for row in there)
    gridded = page.grid(2, 3)
    assert sorted(one.text for one in gridded.characters) == sorted(
        one.text for one in page.characters
    )
    for one in (page, page.matching(["0-99", r"2=\d*"]), gridded):
        assert json.loads(json.dumps(one.as_dict()))["text"] == one.text
        known = set(map(id, one.groups))
        told = [g for table in one.tables for row in table.rows for c in row for g in c.groups]
        assert len(set(map(id, told))) == len(told)
        assert set(map(id, told)) <= known
        assert not one.sure or (one.text and not one.left_out)


def test_what_was_read_goes_into_json(reader):
    page = np.full((120, 120), 255, np.uint8)
    page[20:100, 56:64] = 0
    shown = json.loads(json.dumps(reader.read(page).as_dict()))
    assert shown["text"] == "1"
    np.testing.assert_allclose(shown["lines"][0]["box"], [56, 20, 64, 100], atol=8)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_probability(threshold):
    with pytest.raises(ModelError, match="from 0 to 1"):
        Recogniser(threshold=threshold)


def test_a_notebook_shows_what_the_network_saw_and_marks_doubt():
    shown = UNSURE._repr_html_()
    pictures = re.findall(r"data:image/png;base64,([^']+)'", shown)
    assert [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in pictures] == [
        (28, 28)
    ] * 2
    assert "4 90 %" in shown
    assert "0? 30 %" in shown
    assert "0: 30.0 %, 6: 20.0 %, 1: 0.0 %" in shown
    assert NOTHING._repr_html_() == "<p>no digit</p>"
    assert "cut by the edge" in reading("1", odd={0: {"cut": True}})._repr_html_()
