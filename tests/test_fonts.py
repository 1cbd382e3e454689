"""Names of any script in plots and contact sheets, with a font that has them and without."""

import io
import sys

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from mnistlab import fonts
from mnistlab.data import Split, contact_sheet, make_dataset
from mnistlab.report.canvas import figure, png, svg
from mnistlab.report.image_plots import draw_confusion

pytestmark = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="fonts lie where no variable says"
)
KOREAN = ("가나", "다라")


def square(width):
    """A glyph: a block of some width."""
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for point in ((50, 700), (width, 700), (width, 0)):
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


def write_font(file, letters):
    """A font in which each letter is a block, the first one the narrowest."""
    names = {ord(letter): f"uni{ord(letter):04X}" for letter in letters}
    glyphs = {".notdef": square(990)}
    glyphs |= {name: square(200 + 150 * place) for place, name in enumerate(names.values())}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(names)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Blocks", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(file)


@pytest.fixture
def font_folder(tmp_path, monkeypatch):
    """The only folder in which fonts are searched."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "none"))

    def forget():
        for cached in (fonts.find_font, fonts._font_files, fonts._warn):
            cached.cache_clear()

    forget()
    (tmp_path / "fonts").mkdir()
    yield tmp_path / "fonts"
    forget()


def matrix(names):
    return draw_confusion(np.array([[5, 1], [2, 4]]), names, "errors")


def written(text):
    drawn = figure(2, 1)
    drawn.text(0.1, 0.5, text)
    return drawn


def sheet(names):
    labels = np.arange(4, dtype=np.uint8) % 2
    images = np.full((4, 8, 8), 200, np.uint8)
    split = Split(images, labels.astype(np.int64))
    dataset = make_dataset("two", split, split, classes=names)
    return np.asarray(contact_sheet(dataset, dataset.train, per_class=2))


def test_letters_that_a_font_has_are_drawn_in_it(font_folder, caplog):
    write_font(font_folder / "blocks.ttf", "".join(KOREAN))
    (font_folder / "broken.ttf").write_bytes(b"no font")
    assert fonts.spell("a가나", "가나") == ("a가나", font_folder / "blocks.ttf")
    first, other = (png(matrix(names)) for names in (KOREAN, KOREAN[::-1]))
    assert first != other
    assert (sheet(KOREAN) != sheet(KOREAN[::-1])).any()
    assert not caplog.records


def test_without_such_a_font_codes_are_drawn_and_one_line_says_so(font_folder, caplog):
    write_font(font_folder / "other.ttf", "가")
    first, other = (png(matrix(names)) for names in (KOREAN, KOREAN[::-1]))
    assert first != other
    assert png(written("가나")) == png(written("\\uac00\\ub098"))
    assert (sheet(KOREAN) == sheet(("\\uac00\\ub098", "\\ub2e4\\ub77c"))).all()
    (line,) = (record.getMessage() for record in caplog.records)
    assert "no font on this machine has the Hangul letters" in line
    assert "install a font" in line


def test_the_usual_letters_need_no_other_font(font_folder, caplog):
    png(matrix(("é − ×", "naïve")))
    sheet(("é", "naïve"))
    assert not caplog.records


def test_pages_keep_the_letters_for_the_browsers_fonts(font_folder):
    assert all(name in svg(matrix(KOREAN)) for name in KOREAN)


def test_no_name_is_cut_off_at_the_edge_of_a_plot(font_folder):
    """Also where the figure was laid out with other letters before."""
    drawn = matrix(KOREAN)
    svg(drawn)
    with Image.open(io.BytesIO(png(drawn))) as picture:
        edges = np.asarray(picture.convert("L"))
    assert (edges[:, 0] == 255).all()
    assert (edges[-1] == 255).all()


def test_a_long_name_widens_its_column(font_folder):
    assert sheet(("a" * 30, "b")).shape[1] > sheet(("a", "b")).shape[1]


def test_letters_of_this_machines_own_fonts():
    if not fonts.find_font("가나"):
        pytest.skip("no font here has Hangul")
    assert png(written("가나")) != png(written("나가"))
