"""The report of a repetition: words, tables, plot, files, and the page in a real browser."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnistlab import Recipe
from mnistlab.report.canvas import png
from mnistlab.report.repetition_report import (
    disputed_table,
    draw_accuracies,
    figure_table,
    markdown,
    repetition_remarks,
    repetition_sentence,
    seed_table,
    summary,
    write_repetition_report,
)
from mnistlab.runs import RunStore
from mnistlab.statistics import RunGroup, summarise
from tests.browser import opened, show
from tests.report.test_comparison_report import with_an_evil_class
from tests.statistics.records import made_group, made_record

ROOT = Path(__file__).parents[2]
ERRORS = [10, 12, 17, 13]
EVIL = "<script>alert(1)</script> $\\frac{$ 한글"
"""Text of others."""


def figures(errors=ERRORS, recipe=None, disputed=()):
    return summarise(made_group("mine", errors, recipe), disputed)


def test_the_sentence():
    assert (
        repetition_sentence(figures())
        == "mine: 98.70 % of test images on average over 4 seeds (95 % interval 98.23 to 99.17; "
        "single runs 98.30 to 99.00), 61,706 parameters, 2.0 s per run"
    )
    held_out = repetition_sentence(figures(recipe=Recipe(name="mine", validation=1000)))
    assert held_out.startswith("mine: 98.70 % of validation images on average")
    assert "test" not in held_out
    assert (
        repetition_sentence(figures([10]))
        == "mine: 99.00 % of test images in one run (seed 0; one run has no interval), 61,706"
        " parameters, 2.0 s per run"
    )


def test_the_remark_on_disputed_labels():
    assert repetition_remarks(figures()) == []
    (remark,) = repetition_remarks(figures(disputed=[0, 999]))
    # All four runs misclassified image 0 and none 999; 9, 11, 16 and 12 of the other 998 are
    # misclassified.
    assert remark.startswith(
        "without the 2 images whose labels are disputed the accuracy is"
        f" {100 - 1200 / 998:.2f} % (95 % in"
    )
    assert remark.endswith("of those 2 a run classifies 1.0 as labelled on average")


def test_the_tables_by_hand():
    found = figures(disputed=[0, 999])
    row = dict(zip(figure_table(found).headings, *figure_table(found).rows))
    assert row["Test accuracy (%)"] == "98.70"
    assert row["SD"] == f"{(0.26 / 3) ** 0.5:.3f}" == "0.294"
    assert row["95 % interval"] == "98.23 to 99.17"
    assert (row["Median"], row["Lowest"], row["Highest"]) == ("98.75", "98.30", "99.00")
    assert row["Without disputed labels (%)"] == "98.80"
    assert seed_table(found).rows[2] == (
        "2",
        "98.30",
        "17",
        "0.0500",
        "2.0",
        f"{100 - 1600 / 998:.2f}",
    )
    assert seed_table(figures()).rows[2] == ("2", "98.30", "17", "0.0500", "2.0")
    every = summarise(made_group("mine", ERRORS), every_metric=True)
    assert seed_table(every).rows[2][-2:] == ("98.30", "98.30")
    row = dict(zip(figure_table(every).headings, *figure_table(every).rows))
    assert row["Balanced accuracy (%)"] == "98.70 (98.23 to 99.17)"
    assert disputed_table(found.disputed).rows == (("0", "0"), ("999", "4"))
    assert disputed_table(found.disputed).headings[1].endswith("(of 4 runs)")
    assert (
        "Validation accuracy (%)" in figure_table(figures(recipe=Recipe(validation=1000))).headings
    )


def test_the_summary_by_hand():
    group = made_group("mine", ERRORS)
    said = summary(
        group, summarise(group, [0, 999]), "mnistlab repeat mine", ["mine, seed 9: lost"]
    )
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert said["seeds"] == [0, 1, 2, 3]
    assert said["test_accuracy"] == [99.0, 98.8, 98.3, 98.7]
    assert (said["mean"], said["standard_deviation"], said["median"]) == (98.7, 0.2944, 98.75)
    assert (said["interquartile_mean"], said["odd_seeds"]) == (98.75, [])
    assert said["interval"] == [98.2316, 99.1684]
    assert (said["lowest"], said["highest"], said["loss"]) == (98.3, 99.0, 0.05)
    assert (said["training_seconds"], said["training_seconds_median"]) == ([2.0] * 4, 2.0)
    assert said["recipe"] == group.recipe.model_dump(mode="json")
    assert (said["parameters"], said["tested_on"]) == (61_706, "1,000 test images")
    assert said["disputed"]["images"] == [0, 999]
    assert said["disputed"]["read_as_labelled"] == 1.0
    assert said["disputed"]["mean_without"] == round(100 - 1200 / 998, 4)
    assert len(said["environment"]) == 1
    assert said["failures"] == ["mine, seed 9: lost"]
    assert said["version"]
    assert said["command"] == "mnistlab repeat mine"
    assert summary(group, summarise(group))["disputed"] is None


def test_a_recipe_trained_under_another_name_is_shown_under_the_one_asked_for():
    group = RunGroup.of("asked", [made_record(Recipe(name="trained"), seed) for seed in (0, 1)])
    assert summary(group, summarise(group))["recipe"]["name"] == "asked"


@pytest.mark.usefixtures("undrawn")
def test_markdown_and_csv_carry_the_same_figures(tmp_path):
    group = made_group("mine", ERRORS)
    found = summarise(group, [0, 999])
    write_repetition_report(tmp_path, group, found, failures=["mine, seed 9: lost"])
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert text == markdown(group, found, ["mine, seed 9: lost"])
    assert text.startswith("**mine: 98.70 %")
    assert "- failed: mine, seed 9: lost\n" in text
    headings, *rows = csv.reader(
        io.StringIO((tmp_path / "tables/runs.csv").read_text(encoding="utf-8"))
    )
    assert headings[:4] == ["seed", "accuracy", "errors", "loss"]
    assert [[float(cell) for cell in row[:4]] for row in rows] == [
        [seed, 100 - errors / 10, errors, 0.05] for seed, errors in enumerate(ERRORS)
    ]


def test_the_plot_shows_every_seed_the_mean_and_the_interval():
    found = figures([10, 12, 17, 12])
    (axes,) = draw_accuracies(found).axes
    mean, dots = axes.lines
    assert sorted(dots.get_xdata()) == sorted(found.accuracies)
    # The two equal ones stand above each other.
    assert sorted(zip(dots.get_xdata(), dots.get_ydata())) == [
        (98.3, 0.5),
        (98.8, 0.5),
        (98.8, 1.5),
        (99.0, 0.5),
    ]
    assert list(mean.get_xdata()) == [found.accuracy] * 2
    low, high = axes.patches[0].get_x(), axes.patches[0].get_x() + axes.patches[0].get_width()
    assert (low, high) == pytest.approx((found.interval.low, found.interval.high))
    assert "test images" in axes.get_xlabel()


@pytest.mark.parametrize(
    "errors", [[3], [3, 3, 3], [0, 1000], list(range(100)), [5] * 300], ids=len
)
def test_any_number_of_runs_can_be_drawn(errors):
    drawn = draw_accuracies(figures(errors))
    places = list(zip(drawn.axes[0].lines[-1].get_xdata(), drawn.axes[0].lines[-1].get_ydata()))
    assert len(set(places)) == len(errors)
    low, high = drawn.axes[0].get_xlim()
    assert all(low < x < high for x, _ in places)
    with Image.open(io.BytesIO(png(drawn))) as picture:
        assert np.asarray(picture.convert("L")).std() > 5
        assert picture.height < 700


@pytest.mark.usefixtures("undrawn")
def test_the_page_claims_only_what_the_program_knows(tmp_path):
    for folder, recipe in (
        ("test", Recipe(name="mine")),
        ("held", Recipe(name="mine", validation=1000)),
    ):
        group = made_group("mine", ERRORS, recipe)
        page, *_ = write_repetition_report(tmp_path / folder, group, summarise(group))
        text, _, _ = page.read_text(encoding="utf-8").partition("The recipe")
        assert not re.search("chosen on|looked at", text)
        assert ("test images" in text) == (folder == "test")


@pytest.fixture(scope="module")
def page_of_four(tmp_path_factory):
    folder, group = tmp_path_factory.mktemp("four"), made_group("mine", ERRORS)
    summary = summarise(group, [0, 999])
    write_repetition_report(folder, group, summary, command="mnistlab repeat mine")
    return folder / "report.html"


@pytest.fixture(scope="module")
def shown(browser, page_of_four):
    """The open page, and what went wrong with it."""
    with opened(browser, page_of_four) as page:
        yield page


@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(shown, width, scheme):
    page, complaints = shown
    show(page, width, scheme)
    assert complaints == []
    assert page.title() == "mine, 4 seeds"
    assert (
        page.locator("main > section").first.inner_text().startswith("mine: 98.70 % of test images")
    )
    assert page.locator("h2").all_inner_texts() == [
        "Data",
        "Results",
        "Classes",
        "Disputed labels",
        "How to reproduce it",
    ]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(
        "figure svg text", "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 8


def test_names_cannot_write_into_the_page(browser, tmp_path):
    group = RunGroup.of(f"a{EVIL}", map(with_an_evil_class, made_group("a", [1, 2]).records))
    write_repetition_report(tmp_path, group, summarise(group), command=EVIL, failures=[EVIL])
    with opened(browser, tmp_path / "report.html") as (page, complaints):
        assert complaints == []
        assert page.locator("script").count() == 0
        assert page.locator("h1").inner_text() == f"a{EVIL}, 2 seeds"
        assert page.locator("h2").all_inner_texts() == [
            "Data",
            "Results",
            "Classes",
            "How to reproduce it",
        ]


def test_the_documents_example_is_that_of_its_records():
    runs = ROOT / "results" / "compare" / "runs"
    records = [record for record in RunStore(runs).records() if record.recipe.name == "custom_mlp"]
    page = (ROOT / "docs" / "repeating.md").read_text(encoding="utf-8")
    sentence = repetition_sentence(summarise(RunGroup.of("custom_mlp", records)))
    assert sentence in re.sub(r"\s+", " ", page)
    assert (
        f"{100 * max(record.final.best_test_accuracy for record in records):.2f} %, some twenty"
        " images" in re.sub(r"\s+", " ", page)
    )
    assert max(file.stat().st_size for file in runs.glob("custom_mlp-*/record.json")) < 25_000
