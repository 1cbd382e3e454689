"""The engine that runs the reader's core."""

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistlab import Recogniser, load_dataset
from mnistlab.characters import CHARACTERS, OTHER
from mnistlab.detector.quantise import write_model
from mnistlab.recogniser.engine import Engine
from mnistlab.recogniser.models import find_model
from tests.recogniser.core_networks import draw, make_classifier, make_detector
from tests.recogniser.drawing import cover, drawn, paint, pixels
from tests.recogniser.readings import known


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "reader.bin"
    write_model(file, make_detector()[1] | {"classifier": make_classifier()[1]})
    return file


@pytest.fixture(scope="module")
def engine(model):
    return Engine(model.read_bytes())


@pytest.fixture
def picture():
    return draw(np.random.default_rng(1), 64, 96)


def test_when_memory_is_short_an_error_says_so_and_the_engine_goes_on(engine, picture):
    before = engine.detect(picture)[0]
    with pytest.raises(RuntimeError, match="the reader's core stopped"):
        engine.detect(np.zeros((16384, 16384), np.uint8))
    assert np.array_equal(engine.detect(picture)[0], before)


def test_specks_among_digits_take_no_more_memory():
    """A page of 6,700 digits and 20,000 specks once took all that there is."""
    rng = np.random.default_rng(0)
    page = np.full((600, 600), 214, np.uint8)
    for top, left in itertools.product(range(20, 560, 50), range(20, 560, 40)):
        ink = load_dataset("mnist").test.images[rng.integers(10_000), 0]
        page[top : top + 28, left : left + 28] -= (0.8 * ink).astype(np.uint8)
    strewn = page.copy()
    for y, x in rng.integers(0, 597, (10_000, 2)):
        strewn[y : y + 2, x : x + 2] = 60
    taken = []
    for picture in (page, strewn):
        fresh = Engine(find_model("reader").read_bytes())
        assert len(fresh.read(picture, 0.9).characters) > 80
        taken.append(fresh._functions["memory"].data_len(fresh._store))
    assert taken[1] < 1.5 * taken[0]


def test_threads_take_turns(engine):
    pictures = [draw(np.random.default_rng(k), 8 * k, 64) for k in range(1, 9)]
    expected = [engine.detect(one)[0] for one in pictures]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: engine.detect(one)[0], pictures * 5))
    assert all(np.array_equal(*pair) for pair in zip(found, expected * 5, strict=True))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_process_reads_on(engine, picture):
    expected = engine.detect(picture)[0]
    child = os.fork()
    if not child:
        os._exit(not np.array_equal(engine.detect(picture)[0], expected))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_nothing_is_needed_but_the_model(model, picture, tmp_path):
    """No home, and no folder to keep machine code in."""
    program = (
        "import sys, pathlib, numpy as np; from mnistlab.recogniser.engine import Engine;"
        f"engine = Engine(pathlib.Path({str(model)!r}).read_bytes());"
        "print(engine.detect(np.full((8, 8), 9, np.uint8))[0].shape);"
        "assert 'torch' not in sys.modules"
    )
    blocked = tmp_path / "file"
    blocked.touch()
    environment = os.environ | {"HOME": str(blocked), "XDG_CACHE_HOME": str(blocked)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.returncode) == ("(8, 2, 2)\n", 0), done.stderr


def test_a_cache_that_cannot_be_written_is_gone_without(model, picture, tmp_path, monkeypatch):
    """Whatever becomes of the folder meanwhile."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    expected = Engine(model.read_bytes()).detect(picture)[0]
    cache = tmp_path / "cache"
    while not cache.is_file():
        # Wasmtime goes on writing into its cache in a thread of its own.
        shutil.rmtree(cache, ignore_errors=True)
        with contextlib.suppress(IsADirectoryError):
            cache.write_bytes(b"")
    assert np.array_equal(Engine(model.read_bytes()).detect(picture)[0], expected)


def test_characters_have_images_as_mnist_has_them():
    engine = Engine(find_model("reader").read_bytes())
    found = engine.read(drawn("407", size=(320, 160), height=100))
    assert (found.images.shape, found.images.dtype) == ((3, 28, 28), np.uint8)
    assert found.images.any(axis=(1, 2)).all()
    assert not found.images[:, :2].any()
    nothing = engine.read(np.full((50, 50), 255, np.uint8))
    assert (nothing.images.shape, len(nothing.characters)) == ((0, 28, 28), 0)
    again = engine.read(drawn("407", size=(320, 160), height=100))
    assert np.array_equal(again.images, found.images)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((12, 16), np.uint8),), "16x12 pixels: sides have to be multiples of 8"),
        ((np.zeros((0, 16), np.uint8),), "16x0 pixels"),
        ((np.zeros((16, 16), np.uint8), np.ones((2, 3), bool)), "one value for each cell"),
        ((np.zeros((16, 16), np.uint8), None, 0, np.array([[0, 4]])), "outside the picture"),
    ],
)
def test_what_does_not_fit_is_refused(engine, arguments, message):
    with pytest.raises(ValueError, match=message):
        engine.detect(*arguments)


def test_cutouts_of_another_size_are_refused(engine):
    with pytest.raises(ValueError, match="cut-outs have 3 views of 32x32 pixels"):
        engine.classify(np.zeros((1, 3, 28, 28), np.uint8))


def test_a_model_without_a_classifier_classifies_nothing(tmp_path):
    write_model(tmp_path / "reader.bin", make_detector()[1])
    with pytest.raises(ValueError, match="no classifier"):
        Engine((tmp_path / "reader.bin").read_bytes()).classify(np.zeros((1, 3, 32, 32), np.uint8))


@pytest.mark.parametrize(
    ("word", "read"),
    [("~1~~", ""), ("12~", "12"), ("1~", "1"), ("~~ 12", "12"), ("~~12~~", ""), ("~1 ~ ~", "1")],
)
def test_a_letter_that_could_be_a_digit_is_none_among_letters(engine, word, read):
    assert "".join(CHARACTERS[row.argmax()] for row in probabilities(engine, word)) == read


@pytest.mark.parametrize(
    ("page", "sure"),
    [
        ("0    ~~", False),
        ("0125    ~ ~~~ ~~", False),
        ("0124    ~ ~~~ ~~", True),
        ("40    ~~ ~~", True),
        ("0    ~", True),
        ("40 ~~ ~~", False),
    ],
)
def test_on_a_page_of_letters_only_a_number_with_a_digit_like_no_letter_is_sure(engine, page, sure):
    assert (probabilities(engine, page).max(1) > 0.9).all() == sure


def probabilities(engine, word):
    """Of the classes of each character that counts; ``~`` stands for a letter, a space for a
    gap."""
    lefts = 10 + 14 * np.arange(len(word), dtype=np.float32)
    boxes = np.stack([lefts, lefts * 0 + 10, lefts + 11, lefts * 0 + 30], axis=1)
    written = np.array([one != " " for one in word])
    kinds = np.array([OTHER if one == "~" else CHARACTERS.index(one) for one in word if one != " "])
    result = engine.arrange(boxes[written], known(kinds))
    assert len(result.characters) + len(result.left_out) == written.sum()
    return result.characters[:, 4:24]


def between(draw):
    """What the reader makes of ``4`` and ``7`` and something between them."""
    ink = np.zeros((160, 400))
    for text, left in (("4", 50), ("7", 255)):
        ink = np.maximum(ink, cover(text, size=(400, 160), height=90, at=(left, 35)))
    picture = Image.fromarray(pixels(paint(ink)))
    draw(ImageDraw.Draw(picture))
    return Recogniser().read(np.asarray(picture))


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda pen: None, "4 7"),
        (lambda pen: pen.ellipse([180, 112, 192, 124], fill=0), "4.7"),
        (lambda pen: pen.line([182, 40, 178, 122], fill=0, width=6), "417"),
    ],
    ids=["paper", "dot", "stroke"],
)
def test_what_stands_between_two_digits_is_read(draw, text):
    assert between(draw).text == text


@pytest.mark.parametrize(
    "ink",
    [(165, 45, 195, 120), (170, 70, 186, 103)],
    ids=["of a digit's size", "of a sign's size and place"],
)
def test_ink_that_is_not_read_leaves_a_reading_unsure(ink):
    assert between(lambda pen: None).sure
    found = between(lambda pen: pen.rectangle(ink, fill=0))
    assert found.text == "4 7"
    assert not found.sure
    (box,) = found.left_out
    assert box == pytest.approx(ink, abs=8)


def test_a_speck_beside_digits_leaves_a_reading_sure():
    found = between(lambda pen: pen.rectangle([180, 60, 184, 64], fill=0))
    assert found.text == "4 7"
    assert found.sure


def test_a_colons_dots_are_one_sign():
    def two_dots(pen):
        pen.ellipse([180, 60, 192, 72], fill=0)
        pen.ellipse([180, 98, 192, 110], fill=0)

    assert between(two_dots).text == "4:7"


def test_what_stands_alone_is_one_digit(mnist):
    """The last ten thousand training digits were held out from the reader's training."""
    pictures, labels = mnist.train.images[-500:, 0], mnist.train.labels[-500:]
    found = [Recogniser().read(picture).text for picture in pictures]
    assert sum(len(text) == 1 for text in found) >= 0.99 * len(found)
    right = sum(text == str(label) for text, label in zip(found, labels, strict=True))
    assert right >= 0.98 * len(found)


def test_two_digits_that_touch_are_two(mnist):
    rng, pictures, labels = (
        np.random.default_rng(3),
        mnist.train.images[-6000:, 0],
        mnist.train.labels,
    )
    right = wrong = 0
    for one, other in rng.integers(6000, size=(200, 2)):
        first, second = pictures[one], pictures[other]
        ink = [first[:, : first.any(0).nonzero()[0][-1] + 1], second[:, second.any(0).argmax() :]]
        found = Recogniser().read(255 - np.pad(np.hstack(ink), 6))
        text = f"{labels[-6000:][one]}{labels[-6000:][other]}"
        right += found.text == text
        wrong += found.sure and found.text != text
    assert right >= 0.95 * 200
    assert wrong <= 0.02 * 200


def test_a_bracket_alone_is_a_digit():
    picture = Image.new("L", (28, 28))
    ImageDraw.Draw(picture).arc((11, -2, 51, 30), 140, 220, fill=255, width=3)
    assert Recogniser().read(np.asarray(picture)).text == "1"


@pytest.mark.parametrize(
    ("gaps", "numbers"),
    [
        ((4, 4, 4), ["1234"]),
        ((4, 18, 4), ["12", "34"]),
        # All written far apart.
        ((17, 19, 18), ["1234"]),
        ((17, 19, 40), ["123", "4"]),
        # A single gap may be either, so that it has to be wider.
        ((3,), ["12"]),
        ((21,), ["12"]),
        ((30,), ["1", "2"]),
        # One of a usual width tells that the other is a space.
        ((4, 21), ["12", "3"]),
        # Too far for one number, however far apart the others are.
        ((24, 25, 24), ["1", "2", "3", "4"]),
    ],
)
def test_a_space_is_wider_than_the_gaps_of_its_line(engine, gaps, numbers):
    """Digits are 20 high."""
    count = len(gaps) + 1
    lefts = 10 + 12 * np.arange(count) + np.cumsum((0, *gaps))
    boxes = np.array([(left, 10, left + 12, 30) for left in lefts], np.float32)
    found = engine.arrange(boxes, known(np.arange(1, count + 1))).characters
    written = {}
    for row in found:
        written.setdefault(row[28], []).append(str(row[4:24].argmax()))
    assert ["".join(one) for one in written.values()] == numbers
