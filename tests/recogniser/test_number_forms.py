"""What a doubtful character is, by what numbers look like."""

import functools
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mnistlab import Recogniser
from mnistlab.characters import CHARACTERS, DIGITS, OTHER
from mnistlab.recogniser.engine import CORE, Engine
from mnistlab.recogniser.models import find_model
from tests.recogniser.drawing import cover, paint, pixels
from tests.recogniser.readings import known


@pytest.fixture(scope="module")
def engine():
    return Engine(find_model("reader").read_bytes())


def in_a_row(count):
    lefts = 10 + 14 * np.arange(count, dtype=np.float32)
    return np.stack([lefts, lefts * 0 + 10, lefts + 11, lefts * 0 + 30], axis=1)


def written(found):
    return "".join(CHARACTERS[row.argmax()] for row in found.characters[:, 4:24])


@pytest.mark.parametrize(
    ("strokes", "read"),
    [
        # A number, unless the strokes are surely none.
        ("12|34 0.8", "12134"),
        ("3|4 0.995", "3/4"),
        ("1|34| 0.9", "11341"),
        # Where they part day, month and year, a date, unless they are surely ones.
        ("12|05|2024 0.5", "12/05/2024"),
        ("2024|1|31 0.5", "2024/1/31"),
        ("1|2|99 0.01", "112199"),
        ("12|345|2024 0.5", "12134512024"),
    ],
)
def test_a_stroke_between_digits_is_what_makes_a_number_of_them(engine, strokes, read):
    """``|`` stands for a stroke, that is a slash with the probability given, or else a one."""
    number, likely = strokes.split()
    kinds = known(np.array([CHARACTERS.index("1" if one == "|" else one) for one in number]))
    stroke = np.array([one == "|" for one in number])
    kinds[stroke, CHARACTERS.index("1")] = 1 - float(likely)
    kinds[stroke, CHARACTERS.index("/")] = float(likely)
    found = engine.arrange(in_a_row(len(number)), kinds)
    assert written(found) == read
    np.testing.assert_allclose(found.characters[:, 4:24].sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("looks", "read"),
    [
        # Brackets come in pairs, per cent signs last.
        ("(1 6 8 4 )", "(684)"),
        ("(1 6 8 4", "1684"),
        ("7 5 %8", "75%"),
        ("%8 7 5", "875"),
        # Two digits follow the colon of a time.
        ("1 2 :1 3 0", "12:30"),
        (":1 3 0", "130"),
        # Numbers of no usual form are left as they are.
        ("1 : : 2 % -", "1::2%-"),
    ],
)
def test_of_what_a_character_may_be_it_is_what_makes_a_number(engine, looks, read):
    """A character that may be either of two is as likely the one as the other."""
    kinds = np.stack(
        [known(np.array([*map(CHARACTERS.index, two)])).mean(0) for two in looks.split()]
    )
    assert written(engine.arrange(in_a_row(len(kinds)), kinds)) == read


@pytest.mark.parametrize(
    ("stroke", "read"),
    [
        ((43, 10, 48, 30), "52134"),
        ((43, 25, 46, 33), "52,34"),
        ((43, 12, 46, 20), "52134"),
        ((40, 10, 51, 30), "52134"),
    ],
    ids=["upright", "low", "small and high up", "leaning"],
)
def test_a_one_is_told_from_signs_by_its_size_and_place(engine, stroke, read):
    digits = [(left, 10, left + 11, 30) for left in (10, 24, 55, 69)]
    kinds = known(np.array([5, 2, 1, 3, 4]))
    kinds[2, [1, CHARACTERS.index("/")]] = 0.97, 0.03
    found = engine.arrange(np.array([*digits[:2], stroke, *digits[2:]], np.float32), kinds)
    assert written(found) == read
    assert (found.characters[:, 4:24].max(1) > 0.9).all()


FORMS = {
    text: float(share)
    for text, share in re.findall(
        r'\{"(\S+)", ([\d.]+)f?\}', (CORE.parent / "core" / "number_forms.h").read_text("utf-8")
    )
}
CLASSES = "0" + CHARACTERS[DIGITS:]
SYMBOLS = {"D": "0+", "d": "0", "o": "0?", "p": "[.,]", "s": "[-+/:]"}


@functools.cache
def ways(count):
    """All rows of classes, ``(n, count)``, and how often numbers are made of each."""
    forms = [
        (re.compile("".join(SYMBOLS.get(one, re.escape(one)) for one in text)), share)
        for text, share in FORMS.items()
    ]
    rows = list(itertools.product(range(len(CLASSES)), repeat=count))
    texts = ("".join(CLASSES[one] for one in row) for row in rows)
    shares = np.array([sum(n for form, n in forms if form.fullmatch(text)) for text in texts])
    return np.array(rows)[shares > 0], shares[shares > 0]


@given(count=st.integers(2, 4), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_probabilities_are_those_of_all_ways_to_write_a_number(engine, count, seed):
    rng = np.random.default_rng(seed)
    kinds = rng.dirichlet([0.1] * OTHER, count)
    kinds = np.hstack([kinds, np.zeros((count, 1))]).astype(np.float32)
    classes = np.hstack([kinds[:, :DIGITS].sum(1, keepdims=True), kinds[:, DIGITS:OTHER]])
    likely = (classes + 1e-5) / np.where(np.arange(len(CLASSES)) == 0, 0.09, 0.02)
    rows, shares = ways(count)
    weights = shares * likely[np.arange(count), rows].prod(1)
    as_it_is = 1e-4 * likely.max(1).prod()
    expected = as_it_is * classes
    for weight, row in zip(weights, rows, strict=True):
        expected[np.arange(count), row] += weight
    # What the classifier rules out stays out.
    expected *= classes / (classes + 1e-5)
    expected /= expected.sum(1, keepdims=True)
    found = engine.arrange(in_a_row(count), kinds).characters[:, 4:24]
    if len(found) == count:
        seen = np.hstack([found[:, :DIGITS].sum(1, keepdims=True), found[:, DIGITS:OTHER]])
        np.testing.assert_allclose(seen, expected, atol=2e-3)


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        (lambda pen: pen.line([(174, 110), (170, 130)], fill=150, width=8), "4,7"),
        (lambda pen: pen.rectangle([166, 112, 184, 124], fill=150), "4.7"),
    ],
    ids=["comma", "point"],
)
def test_paler_ink_at_the_foot_between_digits_is_a_point_or_a_comma_and_unsure(mark, text):
    ink = np.zeros((160, 400))
    for digit, left in (("4", 50), ("7", 230)):
        ink = np.maximum(ink, cover(digit, size=(400, 160), height=90, at=(left, 35)))
    picture = Image.fromarray(pixels(paint(ink)))
    mark(ImageDraw.Draw(picture))
    reading = Recogniser().read(np.asarray(picture))
    assert (reading.text, reading.sure) == (text, False)
