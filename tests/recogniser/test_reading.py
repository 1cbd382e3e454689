"""mnistlab.recogniser.reading."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from mnistlab.errors import ModelError
from mnistlab.recogniser import Box, Digit, Reading, Recogniser


def digit(label, confidence, *, sure=True, left=0):
    probabilities = np.full(10, (1 - confidence) / 9)
    probabilities[label] = confidence
    return Digit(Box(left, 2, left + 10, 22), probabilities, np.zeros((28, 28), np.uint8), sure)


SURE = Reading((digit(4, 0.9), digit(0, 0.8, left=12), digit(7, 0.5, left=24)), (60, 40))
UNSURE = Reading((digit(4, 0.9), digit(0, 0.3, sure=False, left=12)), (60, 40))
NOTHING = Reading((), (60, 40))


def test_a_reading_is_its_digits():
    assert (SURE.text, str(SURE), SURE.sure) == ("407", "407", True)
    assert SURE.confidence == pytest.approx(0.9 * 0.8 * 0.5)
    assert [d.confidence for d in SURE.digits] == pytest.approx([0.9, 0.8, 0.5])


def test_an_unsure_digit_counts_but_makes_the_whole_unsure():
    assert (UNSURE.text, UNSURE.sure) == ("40", False)
    assert UNSURE.as_dict()["unsure"] == [1]


def test_no_digit_is_no_guess():
    assert (NOTHING.text, str(NOTHING), NOTHING.sure, NOTHING.confidence) == (
        "",
        "no digit",
        False,
        0.0,
    )
    assert NOTHING.as_dict() == {
        "digits": "",
        "sure": False,
        "confidence": 0.0,
        "boxes": [],
        "probabilities": [],
        "unsure": [],
    }


def test_it_goes_into_json_and_back():
    shown = json.loads(json.dumps(UNSURE.as_dict()))
    assert shown["boxes"] == [[0, 2, 10, 22], [12, 2, 22, 22]]
    assert shown["confidence"] == 0.27
    assert shown["probabilities"][0] == [0.011111] * 4 + [0.9] + [0.011111] * 5
    assert (shown["digits"], shown["sure"]) == ("40", False)


def test_what_was_read_goes_into_json(reader):
    page = np.full((120, 120), 255, np.uint8)
    page[20:100, 56:64] = 0
    shown = json.loads(json.dumps(reader.read(page).as_dict()))
    assert (shown["digits"], shown["boxes"]) == ("1", [[56, 20, 64, 100]])


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
    assert NOTHING._repr_html_() == "<p>no digit</p>"
