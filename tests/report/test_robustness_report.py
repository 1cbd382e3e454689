"""The report of robustness: its files, and the page in a real browser."""

import base64
import csv
import io
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from mnistlab.report.robustness_report import (
    contact_sheet,
    draw_robustness,
    robustness_headline,
    robustness_remarks,
    robustness_table,
    write_robustness_report,
)
from mnistlab.statistics.robustness import measure_robustness
from tests.browser import opened, show

EVIL = "<script>alert(1)</script> $\\frac{$ 한글"
NAMES = ("fog", "shot_noise", "dotted_line")
COMMAND = "mnistlab evaluate a b --corruptions"
SEVERITIES = {"fog": 5, "shot_noise": 5, "dotted_line": None}


def made(*models, images=200):
    """Models, the first of which misreads 1, 10, 20 and 30 % and each further one twice as many as
    the one before."""
    return measure_robustness(
        {
            model: {
                name: np.arange(images) < images * share * 2**number
                for name, share in zip(("none", *NAMES), (0.01, 0.1, 0.2, 0.3), strict=True)
            }
            for number, model in enumerate(models or ("A", "B"))
        }
    )


def examples(channels=1):
    draws = np.random.default_rng(0)
    shape = (channels, 28, 28)
    return {name: draws.integers(0, 256, shape, np.uint8) for name in ("none", *NAMES)}


def write(models, folder, **options):
    options = {
        "title": "Robustness",
        "examples": examples(),
        "settings": {"severities": SEVERITIES},
    } | options
    return write_robustness_report(models, folder, **options)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("robustness")
    write(made(), out, facts=["mnist", "200 images"], command=COMMAND)
    return out


def test_the_sentences_and_the_table_by_hand():
    one, two = made("A"), made("A", "B")
    assert robustness_headline(one) == (
        "The error is 20.00 % on corrupted images (95 % interval 15.00 to 25.00 %) "
        "and 1.00 % on the same images uncorrupted"
    ).replace("15.00 to 25.00", interval(one[0]))
    assert robustness_headline(two).startswith(
        "Of 2 models A has the lowest error: 20.00 % on corrupted images ("
    )
    assert robustness_remarks(two) == [
        "the hardest corruption for A is dotted line, with an error of 30.00 %",
        "the hardest corruption for B is dotted line, with an error of 60.00 %",
    ]
    assert robustness_table(two).headings == ("Error (%)", "A", "B")
    assert robustness_table(two).rows == (
        ("none", "1.00", "2.00"),
        ("fog", "10.00", "20.00"),
        ("shot noise", "20.00", "40.00"),
        ("dotted line", "30.00", "60.00"),
        ("mean of the 3", "20.00", "40.00"),
        ("mean, relative to A", "1.00", "2.00"),
    )
    assert robustness_table(one).rows[-1] == ("mean of the 3", "20.00")


def interval(model):
    return f"{100 * model.interval.low:.2f} to {100 * model.interval.high:.2f}"


@pytest.mark.usefixtures("undrawn")
def test_a_flawless_model_can_be_told(tmp_path):
    nothing = np.zeros(5, bool)
    models = measure_robustness({name: {"none": nothing, "fog": nothing} for name in "AB"})
    assert robustness_remarks(models) == []
    assert (
        robustness_headline(models)
        == "Of 2 models A, B have the lowest error: 0.00 % on corrupted images and 0.00 % on the"
        " same images uncorrupted"
    )
    assert robustness_table(models).rows[-1] == ("mean, relative to A", "", "")
    files = write(
        models, tmp_path, examples={name: np.zeros((1, 5, 7), np.uint8) for name in ("none", "fog")}
    )
    assert all(file.is_file() for file in files)


def test_the_files_carry_the_same_figures(report):
    models = made()
    told = json.loads((report / "summary.json").read_text(encoding="utf-8"))
    assert told["models"] == [model.as_dict() for model in models]
    assert (told["title"], told["severities"], told["command"]) == (
        "Robustness",
        SEVERITIES,
        COMMAND,
    )
    assert told["version"]
    rows = list(csv.reader(io.StringIO((report / "table.csv").read_text(encoding="utf-8"))))
    assert rows[0] == ["corruption", "A", "A_low", "A_high", "B", "B_low", "B_high"]
    assert rows[2] == ["fog", "10", "", "", "20", "", ""]
    markdown = (report / "table.md").read_text(encoding="utf-8")
    assert markdown.startswith(
        f"**{robustness_headline(models)}.**\n\n- the hardest corruption for A is dotted line"
    )
    assert robustness_table(models).markdown() in markdown


def test_every_plot_is_there(report):
    names = {"robustness.png", "robustness.svg", "corruptions.png"}
    assert {path.name for path in (report / "plots").iterdir()} == names
    for path in (report / "plots").glob("*.png"):
        with Image.open(path) as picture:
            assert np.asarray(picture.convert("L")).std() > 5, path.name


def test_the_plot_draws_the_figures_hardest_on_top():
    drawn = draw_robustness(made("A", "B", "C"))
    (axes,) = drawn.axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["uncorrupted", "fog", "shot noise", "dotted line", "mean of the 3"]
    dots = {
        line.get_label(): line.get_xdata()
        for line in axes.lines
        if not line.get_label().startswith("_")
    }
    assert {name: np.round(values, 6).tolist() for name, values in dots.items()} == {
        "A": [1, 10, 20, 30],
        "B": [2, 20, 40, 60],
        "C": [4, 40, 80, 100],
    }
    places = [line.get_ydata() for line in axes.lines if line.get_label() in "ABC"]
    assert (places[0] > places[1]).all()
    assert (places[1] > places[2]).all()
    assert axes.get_xlim() == (0, 100)


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_however_many_models_rows_stay_apart(count):
    drawn = draw_robustness(made(*(f"model {number}" for number in range(count)), images=5000))
    drawn.draw_without_rendering()
    (axes,) = drawn.axes
    heights = np.concatenate(
        [line.get_ydata() for line in axes.lines if not line.get_label().startswith("_")]
    )
    assert np.abs(heights - np.round(heights)).max() < 0.45
    ticks = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(ticks))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_contact_sheet_shows_every_corruption(channels):
    shown = examples(channels)
    drawn = contact_sheet(shown)
    drawn.draw_without_rendering()
    assert [axes.get_title() for axes in drawn.axes] == [
        "uncorrupted",
        "fog",
        "shot noise",
        "dotted line",
    ]
    for axes, image in zip(drawn.axes, shown.values()):
        seen = np.atleast_3d(axes.images[0].get_array())
        assert np.array_equal(seen.transpose(2, 0, 1), image)
    assert max(axes.title.get_window_extent().y1 for axes in drawn.axes) <= drawn.bbox.height


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
    assert page.title() == "Robustness"
    assert page.locator(".kicker").inner_text() == "mnist · 200 images"
    assert page.locator("main > section").first.inner_text().startswith(robustness_headline(made()))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("figure svg").count() == 1
    heights = page.eval_on_selector_all(
        "figure svg text", "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 8
    cards = [
        re.sub(r"\s+", " ", text).strip()
        for text in page.locator(".gallery > li").all_inner_texts()
    ]
    assert cards == [
        "uncorrupted 1.00 % 2.00 %",
        "fog severity 5 10.00 % 20.00 %",
        "shot noise severity 5 20.00 % 40.00 %",
        "dotted line 30.00 % 60.00 %",
    ]
    assert page.locator(".gallery img").first.evaluate("image => image.naturalWidth") == 28
    assert COMMAND in page.locator("pre").inner_text()


@pytest.mark.usefixtures("undrawn")
def test_an_image_in_colour_is_shown_in_colour(tmp_path):
    page = write(made(), tmp_path, examples=examples(channels=3))[0]
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', page.read_text(encoding="utf-8"))
    for source, image in zip(sources, examples(channels=3).values(), strict=True):
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(source))))
        assert np.array_equal(shown.transpose(2, 0, 1), image)


def test_names_cannot_write_into_the_page(browser, tmp_path):
    write(made(EVIL, "B"), tmp_path, title=EVIL, facts=[EVIL], command=EVIL)
    with opened(browser, tmp_path / "report.html") as (page, complaints):
        assert complaints == []
        assert page.locator("script").count() == 0
        assert page.locator("h1").inner_text() == EVIL
