"""The report of an evaluation: its files, and the page in a real browser."""

import base64
import csv
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from mnistlab.errors import DataError
from mnistlab.report.evaluation_report import (
    class_table,
    coverage_table,
    draw_plots,
    figure_table,
    headline,
    remarks,
    worst_errors,
    write_evaluation_report,
)
from mnistlab.statistics import evaluate, reliability_diagram
from tests.browser import opened, show

DIGITS = tuple("0123456789")
IMAGES = 400
EVIL = "<script>alert(1)</script> $\\frac{$ 한글"
COMMAND = "mnistlab evaluate 'a run'"


def made(classes=DIGITS, temperature=1.0, sharpness=1.2):
    draws = np.random.default_rng(0)
    labels = draws.integers(0, len(classes), IMAGES)
    logits = sharpness * (
        3 * np.eye(len(classes))[labels] + draws.normal(0, 1, (IMAGES, len(classes)))
    )
    return evaluate(logits.astype(np.float32), labels, classes, temperature)


def flawless(images=IMAGES):
    labels = np.arange(images) % 10
    return evaluate((9 * np.eye(10)[labels]).astype(np.float32), labels, DIGITS)


def pictures(channels=1):
    return np.random.default_rng(0).integers(0, 256, (IMAGES, channels, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation")
    facts = ("mnist", "400 test images")
    write_evaluation_report(
        made(temperature=1.5),
        out,
        title="lenet5, seed 0",
        facts=facts,
        images=pictures(),
        command=COMMAND,
    )
    return out


def test_the_sentences_and_tables_by_hand():
    logits = np.log([[0.8, 0.2], [0.05, 0.95], [0.4, 0.6], [0.3, 0.7]]).astype(np.float32)
    found = evaluate(logits, np.array([0, 1, 0, 1]), ("cat", "dog"))
    assert (
        headline(found)
        == "75.00 % are classified correctly: 3 of 4 images (95 % interval 30.06 to 95.44 %)"
    )
    assert remarks(found) == [
        "the hardest class is cat, with 50.00 % correct",
        "the mean confidence, 76.25 %, lies within that interval",
        (
            "rejecting predictions below 90 % confidence keeps 25.00 % of the images, and 100.00 %"
            " of these are correct"
        ),
    ]
    assert dict(figure_table(found).rows)["95 % interval"] == "30.06 to 95.44"
    assert class_table(found).rows[0] == (
        "cat",
        "2",
        "1",
        "50.00",
        "9.45 to 90.55",
        "1",
        "100.00",
        "66.67",
    )
    assert coverage_table(found).rows[0] == ("none", "4", "100.00", "75.00")
    assert coverage_table(found).rows[2] == ("70 %", "3", "75.00", "100.00")
    assert coverage_table(found).rows[5] == ("99 %", "0", "0.00", "")


def test_the_most_frequent_mistake_is_told():
    logits = np.array([[0, 1], [0, 1], [1, 0], [0, 1], [0, 1]], np.float32)
    found = evaluate(logits, np.array([0, 0, 1, 1, 1]), ("cat", "dog"))
    assert (
        remarks(found)[0]
        == "the hardest class is cat, with 0.00 % correct; the most frequent error is cat predicted"
        " as dog (2 times)"
    )


def test_no_caption_of_the_contact_sheet_is_cut_off():
    long = tuple(f"{digit}: a class of a long name" for digit in DIGITS)
    drawn = worst_errors(made(long), pictures())
    drawn.draw_without_rendering()
    assert max(axes.title.get_window_extent().y1 for axes in drawn.axes) <= drawn.bbox.height


def test_too_much_and_too_little_confidence_are_told_apart():
    assert "overconfident" in " ".join(remarks(made(sharpness=10)))
    assert "underconfident" in " ".join(remarks(made(sharpness=0.3)))


def test_the_files_carry_the_same_figures(report):
    found = made(temperature=1.5)
    told = json.loads((report / "evaluation.json").read_text(encoding="utf-8"))
    assert told.items() >= found.as_dict().items()
    assert (told["title"], told["facts"], told["command"]) == (
        "lenet5, seed 0",
        ["mnist", "400 test images"],
        COMMAND,
    )
    rows = list(
        csv.DictReader(io.StringIO((report / "tables/classes.csv").read_text(encoding="utf-8")))
    )
    for row, figures in zip(rows, found.by_class, strict=True):
        assert row["class"] == figures.name
        assert int(row["images"]) == figures.images
        assert float(row["recall"]) == pytest.approx(100 * figures.recall)
        ends = float(row["interval_low"]), float(row["interval_high"])
        assert ends == pytest.approx([100 * end for end in figures.interval.ends()])
    markdown = (report / "table.md").read_text(encoding="utf-8")
    assert markdown.startswith(f"**{headline(found)}.**\n")
    for table in (figure_table(found), class_table(found), coverage_table(found)):
        assert table.markdown() in markdown
    assert "| Temperature | 1.500 |" in markdown


def test_every_plot_is_there(report):
    assert {path.name for path in (report / "plots").iterdir()} == {
        "confusion.png",
        "confusion.svg",
        "calibration.png",
        "calibration.svg",
        "worst.png",
    }
    for path in (report / "plots").glob("*.png"):
        with Image.open(path) as picture:
            assert np.asarray(picture.convert("L")).std() > 5, path.name


def test_the_plots_draw_the_figures():
    found = made()
    plots = draw_plots(found)
    cells = {}
    for written in plots["confusion"].axes[0].texts:
        column, row = written.get_position()
        cells.setdefault((round(row), column), []).append(written.get_text())
    assert cells == {
        (row, column): [f"{100 * count / found.confusion[row].sum():.1f}", str(count)]
        for (row, column), count in np.ndenumerate(found.confusion)
        if count
    }
    upper, lower = plots["calibration"].axes
    drawn = reliability_diagram(found.reliability)
    _, line, *_ = upper.lines
    assert np.allclose(line.get_ydata(), 100 * drawn.accuracy)
    (bars,) = upper.collections
    ends = [[y for _, y in segment] for segment in bars.get_segments()]
    assert np.allclose(ends, 100 * np.stack([drawn.low, drawn.high], axis=1))
    assert [bar.get_height() for bar in lower.patches] == found.reliability.images.tolist()
    assert not plots["calibration"].legends
    images = pictures()
    for axes, bad in zip(worst_errors(found, images).axes, found.worst):
        assert (axes.images[0].get_array() == images[bad.image, 0]).all()
        label = (
            f"{DIGITS[bad.label]}, predicted {DIGITS[bad.prediction]}\n{100 * bad.confidence:.1f} %"
        )
        assert axes.get_title() == label


@pytest.fixture(scope="module")
def shown(browser, report):
    """The open page, and what went wrong with it."""
    with opened(browser, report / "report.html") as page:
        yield page


@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(shown, width, scheme):
    page, complaints = shown
    show(page, width, scheme)
    assert complaints == []
    assert page.title() == "lenet5, seed 0"
    assert page.locator(".kicker").inner_text() == "mnist · 400 test images"
    first = page.locator("main > section").first.inner_text()
    assert first.startswith(headline(made()))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ground, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ground, ink)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    assert page.locator("figure svg").count() == 2
    heights = page.eval_on_selector_all(
        "figure svg text", "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 8
    cards = page.locator(".gallery > li").all_inner_texts()
    assert len(cards) == min(24, made().errors)
    bad = made(temperature=1.5).worst[0]
    assert (
        re.sub(r"\s+", " ", cards[0])
        .strip()
        .startswith(f"{bad.image} label {bad.label} {bad.prediction}: ")
    )
    assert page.locator(".gallery img").first.evaluate("image => image.naturalWidth") == 28
    assert COMMAND in page.locator("pre").inner_text()


def test_the_page_prints(browser, report):
    with opened(browser, report / "report.html", scheme="dark", media="print") as (
        page,
        complaints,
    ):
        assert (
            page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        )
        assert len(page.pdf(format="A4")) > 20_000
        assert complaints == []


def test_names_cannot_write_into_the_page(browser, tmp_path):
    """Class names, title, facts and command are text of others."""
    named = made((EVIL, *DIGITS[1:]))
    write_evaluation_report(
        named, tmp_path, title=EVIL, facts=[EVIL], images=pictures(), command=EVIL
    )
    with opened(browser, tmp_path / "report.html") as (page, complaints):
        assert complaints == []
        assert page.locator("script").count() == 0
        assert page.locator("h1").inner_text() == EVIL


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("images", [None, pictures()], ids=["no images", "images"])
def test_a_flawless_model_has_no_errors_to_show(tmp_path, images):
    files = write_evaluation_report(flawless(), tmp_path, title="perfect", images=images)
    assert files[0] == tmp_path / "report.html"
    assert tmp_path / "plots/worst.png" not in files
    assert all(file.is_file() for file in files)
    assert "worst errors" not in files[0].read_text(encoding="utf-8")
    assert "hardest" not in " ".join(remarks(flawless()))


def test_a_single_image_and_a_single_class_can_be_told(tmp_path):
    one = evaluate(np.zeros((1, 1), np.float32), np.array([0]), ("only",))
    write_evaluation_report(one, tmp_path, title="one", images=np.zeros((1, 1, 5, 7), np.uint8))
    assert headline(one).startswith("100.00 % are classified correctly: 1 of 1 images")


@pytest.mark.parametrize("channels", [1, 3])
def test_the_errors_are_shown_in_their_colours(tmp_path, channels):
    images, found = pictures(channels), made()
    page, *_ = write_evaluation_report(found, tmp_path, title="t", images=images)
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', page.read_text(encoding="utf-8"))
    assert len(sources) == len(found.worst)
    for source, bad in zip(sources, found.worst):
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(source))))
        expected = images[bad.image].transpose(1, 2, 0)
        assert np.array_equal(shown, expected if channels == 3 else expected[:, :, 0])
    drawn = worst_errors(found, images).axes[0].images[0].get_array()
    assert drawn.shape == ((28, 28, 3) if channels == 3 else (28, 28))
    with Image.open(tmp_path / "plots/worst.png") as picture:
        red, _, blue = np.asarray(picture.convert("RGB")).astype(int).transpose(2, 0, 1)
    assert (np.abs(red - blue).max() > 100) == (channels == 3)


def test_images_of_another_number_are_refused(tmp_path):
    with pytest.raises(DataError, match="3 images to show, but 400 were evaluated"):
        write_evaluation_report(made(), tmp_path, title="t", images=pictures()[:3])
    assert not list(tmp_path.iterdir())
