"""mnistlab.recogniser: every digit in every ordinary picture, and none where there is none."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from mnistlab.errors import PatternError
from mnistlab.recogniser import Recogniser
from mnistlab.rendering import Page
from tests.handwriting import small_bank
from tests.recogniser.drawing import blurred, cover, drawn, encode, paint, pixels, sheet
from tests.recogniser.readings import shared

DIGITS = "0123456789"
LEAST = 8
"""Of ten digits that are drawn as nobody writes them."""
SIDE = 240
LARGE = {"size": (SIDE, SIDE), "height": 130, "pen": 9}
Y, X = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]


def lit(digit, light):
    """Ink takes eight tenths of the light; float64 ``(240, 240, 3)``."""
    return np.repeat((light * (1 - 0.8 * cover(digit, **LARGE)))[..., None], 3, axis=2)


def printed(*, squared, colour=(160, 180, 220), step=30):
    page = np.full((SIDE, SIDE, 3), 246.0)
    for place in range(step // 2, SIDE, step):
        page[place : place + 2] = colour
        if squared:
            page[:, place : place + 2] = colour
    return page


def on_a_table(digit):
    table = np.full((240, 300, 3), (70.0, 50.0, 40.0))
    table[30:220, 45:250] = paint(cover(digit, size=(205, 190), height=90, pen=6))
    return pixels(blurred(table, 1), noise=4)


def shadowed(digit, depth, blur):
    shadow = blurred(
        np.repeat(np.where(X + 0.4 * Y > 0.7, 240.0, 240.0 * depth)[..., None], 3, axis=2), blur
    )
    return pixels(lit(digit, shadow[..., 0]), noise=3)


def at(left, top, side=160):
    return {"size": (side, side), "height": 110, "pen": 10, "at": (left, top)}


WAYS = {
    "thin pen": lambda d: drawn(d, pen=3),
    "usual pen": lambda d: drawn(d, pen=10),
    "thick pen": lambda d: drawn(d, pen=22),
    "light on dark": lambda d: pixels(paint(cover(d), (235,) * 3, (25,) * 3)),
    "chalk": lambda d: pixels(paint(cover(d), (215, 220, 210), (45, 70, 55)), noise=6),
    "blue on yellow": lambda d: pixels(paint(cover(d), (40, 60, 190), (250, 235, 120)), noise=3),
    "red on green": lambda d: pixels(paint(cover(d), (200, 40, 40), (150, 220, 150)), noise=3),
    "red on blue of the same light": lambda d: pixels(
        paint(cover(d), (230, 90, 90), (120, 140, 220)), noise=3
    ),
    "pencil": lambda d: pixels(
        paint(cover(d, **LARGE | {"pen": 5}), (200,) * 3, (225,) * 3), noise=3
    ),
    "gradient": lambda d: pixels(lit(d, 60 + 190 * X), noise=3),
    "shadow": lambda d: shadowed(d, 0.6, 2),
    "deep soft shadow": lambda d: shadowed(d, 0.45, 8),
    "noise": lambda d: pixels(paint(cover(d, **LARGE)), noise=25),
    "ruled": lambda d: pixels(
        paint(cover(d, **LARGE), (30, 40, 110), printed(squared=False)), noise=3
    ),
    "ruled, drawn": lambda d: pixels(
        paint(cover(d, **LARGE), (30, 40, 110), printed(squared=False))
    ),
    "squared": lambda d: pixels(
        paint(cover(d, **LARGE), (30, 40, 110), printed(squared=True)), noise=3
    ),
    "on a table": on_a_table,
    "off-centre": lambda d: pixels(
        paint(cover(d, size=(360, 240), height=50, pen=4, at=(305, 15))), noise=4
    ),
    "small": lambda d: pixels(
        paint(cover(d, size=(1000, 760), height=45, pen=4, at=(640, 500))), noise=4
    ),
    "at the upper edge": lambda d: pixels(paint(cover(d, **at(40, 4))), noise=3),
    "at the left edge": lambda d: pixels(paint(cover(d, **at(-2, 25))), noise=3),
    "at the lower edge": lambda d: pixels(paint(cover(d, **at(40, 47))), noise=3),
    "black on nothing": lambda d: overlay(d, 0),
    "white on nothing": lambda d: overlay(d, 255),
    "blurred": lambda d: pixels(blurred(paint(cover(d, **LARGE)), 5), noise=3),
    "a thin pen on a large canvas": lambda d: drawn(d, size=(900, 900), height=760, pen=16),
}


def overlay(digit, level):
    share = np.round(255 * cover(digit)).astype(np.uint8)
    return np.dstack([np.full((*share.shape, 3), level, np.uint8), share])


def noisy(deviation, side=SIDE):
    return pixels(np.full((side, side, 3), 200.0), noise=deviation)


NO_INK = {
    **{
        f"all {level}, {side}": np.full((side, side), level, np.uint8)
        for level in (0, 255)
        for side in (1, 28, 300)
    },
    "gradient across": pixels(40 + 200 * X),
    "gradient down": pixels(40 + 200 * Y, noise=2),
    "gradient aslant": pixels(20 + 110 * (X + Y), noise=2),
    "gradient, 28x28": pixels(40 + 200 * np.mgrid[0:1:28j, 0:1:28j][0]),
    "vignette": pixels(240 * (1 - 0.9 * np.hypot(X - 0.5, Y - 0.5) ** 2)),
    "lamp": pixels(240 * np.exp(-4 * np.hypot(X - 0.5, Y - 0.5) ** 2), noise=3),
    **{f"noise of {deviation}": noisy(deviation) for deviation in (1, 4, 12)},
    "noise, 28x28": noisy(10, side=28),
    "noise of every level": np.random.default_rng(0).integers(
        0, 256, (SIDE, SIDE, 3), dtype=np.uint8
    ),
    "ruled": pixels(printed(squared=False), noise=3),
    "ruled, drawn": pixels(printed(squared=False)),
    "squared": pixels(printed(squared=True), noise=3),
    "squared, drawn": pixels(printed(squared=True)),
    "ruled, faint": pixels(printed(squared=False, colour=(225, 230, 240)), noise=3),
    "shadow": pixels(blurred(np.where(X + 0.4 * Y > 0.7, 240.0, 130.0), 4), noise=3),
    "transparent": np.zeros((120, 120, 4), np.uint8),
}


@pytest.mark.parametrize("way", WAYS)
def test_most_digits_are_read_in_every_way(reader, way):
    read = [reader.read(WAYS[way](digit)).text for digit in DIGITS]
    assert sum(text == digit for text, digit in zip(read, DIGITS)) >= LEAST


@pytest.mark.parametrize("name", NO_INK)
def test_without_ink_there_is_no_digit(reader, name):
    reading = reader.read(NO_INK[name])
    assert (reading.text, reading.sure) == ("", False)


def test_nothing_is_sure_in_much_noise(reader):
    assert not any(reader.read(noisy(deviation)).sure for deviation in (20, 40, 80))


@pytest.mark.parametrize("inverted", [False, True])
def test_mnist_itself_is_read(reader, mnist, inverted):
    images, labels = mnist.train.images[:40], mnist.train.labels[:40]
    texts = [reader.read(255 - image if inverted else image).text for image in images]
    assert np.mean([text == str(label) for text, label in zip(texts, labels)]) > 0.93


def test_a_wide_digit_of_mnist_enlarged_is_read(reader, mnist):
    enlarged = Image.fromarray(mnist.train.images[1356]).resize(
        (112, 112), Image.Resampling.BICUBIC
    )
    assert reader.read(255 - np.asarray(enlarged)).text


def test_a_page_of_specks_is_done_with_in_a_moment(reader):
    specks = np.where(np.random.default_rng(0).random((300, 300)) < 0.02, 0, 255).astype(np.uint8)
    start = time.process_time()
    reader.read(specks)
    assert time.process_time() - start < 3


@pytest.mark.parametrize("text", ["25963", "31313", "123 456", "90 81"])
@pytest.mark.parametrize("noise", [0, 6])
def test_lines_are_read(reader, text, noise):
    lines = text.split()
    ink = cover(text, size=(90 * max(map(len, lines)) + 30, 140 * len(lines)), height=80, pen=7)
    assert reader.read(pixels(paint(ink, (30, 40, 120)), noise=noise)).text == "\n".join(lines)


def test_what_is_below_the_threshold_is_unsure():
    odd = drawn("4", pen=8)
    odd[:85] = 240  # its head is missing
    probability = Recogniser().read(odd).characters[0].confidence
    assert Recogniser(threshold=np.nextafter(probability, 0)).read(odd).sure
    unsure = Recogniser(threshold=np.nextafter(probability, 2)).read(odd)
    assert not unsure.sure
    assert not unsure.characters[0].sure
    assert unsure.text


def test_the_extreme_thresholds_doubt_nothing_and_everything():
    page = drawn("407", size=(320, 160), height=100)
    assert Recogniser(threshold=0).read(page).sure
    doubtful = Recogniser(threshold=1).read(page)
    assert doubtful.text == "407"
    assert [one.sure for one in doubtful.characters] == [
        one.confidence == 1 for one in doubtful.characters
    ]


PAGE = pixels(paint(cover("472", size=(300, 160), height=80, pen=8), (30, 40, 120)), noise=4)


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_a_copy_of_another_size_reads_the_same(reader, factor):
    size = round(300 * factor), round(160 * factor)
    scaled = reader.read(np.asarray(Image.fromarray(PAGE).resize(size, Image.Resampling.LANCZOS)))
    assert scaled.text == reader.read(PAGE).text == "472"
    for one, other in zip(scaled.characters, reader.read(PAGE).characters):
        assert shared(np.array(one.box) / factor, other.box) > 0.6


@pytest.mark.parametrize("shift", [(-20, 0), (25, 0), (0, -30), (3, 28)])
def test_a_shifted_copy_reads_the_same_elsewhere(reader, shift):
    down, right = shift
    moved = reader.read(np.roll(PAGE, shift, (0, 1)))
    assert moved.text == "472"
    for one, other in zip(moved.characters, reader.read(PAGE).characters):
        assert shared(one.box, np.add(other.box, (right, down, right, down))) > 0.6


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, 1), (8, 3)])
def test_a_copy_turned_by_exif_reads_the_same(reader, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert same(reader.read(encode(np.rot90(PAGE, turn), exif=exif)), reader.read(PAGE))


def same(one, other):
    """Bit for bit."""
    return (
        one.size == other.size
        and one.text == other.text
        and all(
            a.box == b.box
            and np.array_equal(a.probabilities, b.probabilities)
            and np.array_equal(a.pixels, b.pixels)
            for a, b in zip(one.characters, other.characters)
        )
    )


def test_the_same_picture_reads_the_same_bit_for_bit(reader):
    pictures = [PAGE, drawn("8"), on_a_table("3"), encode(PAGE, "JPEG"), NO_INK["noise of 12"]]
    first = [reader.read(picture) for picture in pictures]
    again = [Recogniser().read(picture) for picture in pictures[::-1]][::-1]
    assert all(map(same, first, again))


def test_threads_read_as_one_does(reader):
    pictures = [
        encode(drawn(digit, pen=6), form) for digit in DIGITS for form in ("PNG", "JPEG", "WEBP")
    ]
    alone = [reader.read(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(reader.read, pictures * 2))
    assert all(map(same, alone * 2, together))


def test_to_read_takes_no_torch(tmp_path):
    (tmp_path / "page.png").write_bytes(encode(PAGE))
    script = (
        "import sys\n"
        "from mnistlab import Recogniser\n"
        "found = Recogniser().read(sys.argv[1])\n"
        "heavy = {'torch', 'safetensors', 'matplotlib', 'onnx', 'onnxruntime'}\n"
        "print(found, sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "page.png")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "472 []\n"


def test_a_pattern_is_the_recognisers_or_the_pictures():
    page = drawn("407", size=(320, 160), height=100)
    recogniser = Recogniser(pattern=r"\d{3}")
    assert recogniser.read(page).groups[0].match.pattern == r"\d{3}"
    other = recogniser.read(page, pattern=["0-99", "2=1"])
    assert other.groups[0].match.pattern == "0-99"
    assert not other.sure
    with pytest.raises(PatternError, match="pattern 1: there is one for all numbers already, 2"):
        Recogniser(pattern=["2", "1"])


def test_a_page_of_numbers_in_columns_is_a_table(reader):
    rows = [["12", "407"], ["35", "90"], ["8", "256"]]
    (table,) = reader.read(sheet(rows)).tables
    assert [[cell.text for cell in row] for row in table.rows] == rows


def written(text):
    """A clean line, 50 pixels high, of digits of MNIST's."""
    page = Page(520, 120, np.random.default_rng(0), small_bank())
    page.pen.radius, page.pen.outline, page.pen.rough, page.pen.drawn = 0.06, False, 0, 0
    page.write(text, 30, 85, 50, 0.2, vary=0)
    return 255 - page.ink


def test_a_lines_box_is_where_its_ink_is(reader):
    image = written("405")
    (line,) = reader.read(image).lines
    rows, columns = np.nonzero(image < 128)
    assert line.text == "405"
    np.testing.assert_allclose(line.box[:2], (columns.min(), rows.min()), atol=6)
    np.testing.assert_allclose(line.box[2:], (columns.max(), rows.max()), atol=6)


def test_a_large_picture_is_read_as_the_small_one_and_its_boxes_are_its_own(reader):
    image = written("407")
    small, large = reader.read(image), reader.read(image.repeat(7, 0).repeat(7, 1))
    assert (large.size, large.text) == ((3640, 840), small.text)
    for one, other in zip(small.characters, large.characters, strict=True):
        assert shared(np.array(other.box) / 7, one.box) > 0.6


def test_the_boxes_of_two_lines_hold_their_ink(reader):
    ink = cover("40 17", size=(300, 320), height=100, pen=10)
    boxes = [one.box for one in reader.read(pixels(paint(ink))).characters]
    assert len(boxes) == 4
    inside = sum(ink[b.top : b.bottom, b.left : b.right].sum() for b in boxes)
    assert inside > 0.9 * ink.sum()


def test_a_faint_digit_is_likelier_in_a_line_with_others_than_astray():
    reader = Recogniser(threshold=0)
    row = cover("352", size=(420, 300), height=44, pen=5, at=(60, 120))

    def confidence(*at):
        faint = cover("7", size=(420, 300), height=44, pen=3, at=at)
        picture = paint(faint, ink=(229, 229, 229), paper=paint(row))
        found = reader.read(pixels(picture, noise=6)).characters
        return sum(one.confidence for one in found if one.text == "7")

    assert confidence(215, 120) > confidence(330, 30) + 0.5


def test_specks_are_no_digits(reader):
    ink = cover("57", size=(260, 160), height=90, pen=9)
    for top, left, side in ((12, 20, 3), (140, 230, 4), (60, 128, 2), (20, 200, 3)):
        ink[top : top + side, left : left + side] = 1
    assert reader.read(pixels(paint(ink), noise=4)).digits == "57"


def test_sixteen_megapixels_of_anything_are_read(reader):
    for picture in (
        np.full((4096, 4096), 230, np.uint8),
        np.kron(np.random.default_rng(0).integers(0, 256, (256, 256)), np.ones((16, 16))).astype(
            np.uint8
        ),
        np.kron(np.indices((1365, 1365)).sum(0) % 2 * 255, np.ones((3, 3))).astype(np.uint8),
    ):
        assert reader.read(picture).size == picture.shape[::-1]
