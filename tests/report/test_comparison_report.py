"""The report of a comparison: its files, and the page in a real browser."""

import csv
import html
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from mnistlab.recipe import Recipe
from mnistlab.report.canvas import inline_svg, svg, wrapped
from mnistlab.report.class_tables import class_table
from mnistlab.report.comparison_report import (
    draw_plots,
    field_table,
    loss_table,
    pair_table,
    recipe_table,
    run_table,
    short_table,
    write_comparison_report,
)
from mnistlab.report.image_plots import errors_by_class
from mnistlab.report.seed_plots import forest
from mnistlab.statistics import RunGroup, class_differences, class_errors, compare
from mnistlab.statistics.classes import errors_of_runs
from mnistlab.statistics.interval import mean_interval
from mnistlab.text import markdown as markdown_text
from tests.browser import opened, show
from tests.statistics.records import CLASSES, IMAGES, made_group, made_record

BETTER, WORSE = [8, 9, 7, 8, 10, 9, 8, 8], [19, 21, 20, 18, 22, 20, 19, 21]
EVIL = "<script>alert(1)</script> $\\frac{$ 한글"


def groups():
    draws = np.random.default_rng(0)
    return [
        made_group("lenet5", WORSE, random=draws),
        made_group(
            "custom_mlp",
            BETTER,
            Recipe(name="custom_mlp", dropout=0.3, batch_norm=True),
            random=draws,
        ),
    ]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 28, 28), np.uint8)
    chosen = groups()
    command = "mnistlab compare lenet5 custom_mlp --set 'name=a b'"
    write_comparison_report(
        out,
        "lenet5 against custom_mlp",
        chosen,
        compare(chosen),
        command=command,
        failures=[f"wild, seed 3: {EVIL}"],
        test_images=images,
    )
    return out


def table_file(folder, name):
    text = (folder / f"tables/{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_recipe_table_by_hand():
    table = recipe_table(compare(groups()))
    rows = [dict(zip(table.headings, row)) for row in table.rows]
    assert rows[1]["Recipe"] == "custom_mlp"
    assert rows[1]["Test accuracy (%)"] == f"{100 - np.mean(BETTER) / 10:.2f}" == "99.16"
    assert rows[1]["Error (%)"] == "0.84"
    assert rows[1]["SD"] == f"{np.std(BETTER, ddof=1) / 10:.2f}"
    assert rows[1]["Parameters"] == "61,706"
    assert rows[1]["Train−test gap"] == "0.74"
    assert rows[1]["Training time per run"] == "2.0 s"


def test_the_other_tables_by_hand():
    found = compare(groups())
    (row,) = pair_table(found).rows
    assert row[:3] == ("lenet5 − custom_mlp", "8", "−1.16")
    assert row[4:8] == ("0.008", "better", "−1.15", "0 % (0 to 24)")
    assert row[9] == f"{np.corrcoef(WORSE, BETTER)[0, 1]:.2f}".replace("-", "−")
    assert run_table(found).rows[1] == ("1", "97.90", "99.10")
    assert [row[0] for row in field_table(groups()).rows] == ["batch_norm", "dropout"]
    assert field_table(groups()).rows[1] == ("dropout", "0.0", "0.3")
    assert loss_table(found).rows[0] == ("lenet5", "0.0500", "0.0500", "+0 %", "0.010")
    assert max(map(len, short_table(found).text(100).splitlines())) <= 100


def test_markdown_and_csv_carry_the_same_figures(report):
    markdown = (report / "table.md").read_text(encoding="utf-8")
    assert markdown.startswith("**custom_mlp is better than lenet5")
    rows = table_file(report, "recipes")
    assert [float(row["test_accuracy"]) for row in rows] == [
        pytest.approx(100 - np.mean(errors) / 10) for errors in (WORSE, BETTER)
    ]
    for row in rows:
        shown = f"{float(row['interval_low']):.2f} to {float(row['interval_high']):.2f}"
        assert f"| {row['recipe']} | 61,706 | 8 | {float(row['test_accuracy']):.2f} |" in markdown
        assert shown in markdown
    assert {path.name for path in (report / "tables").iterdir()} == {
        f"{name}.csv"
        for name in (
            *("recipes", "pairs", "losses", "runs", "metrics"),
            *("classes", "class_scores", "confusion"),
        )
    }


PLAIN = {"Recipe", "Parameters", "Seeds", "Pair", "Error (%)"}


@pytest.mark.parametrize("table", [recipe_table, pair_table])
def test_every_heading_that_does_not_explain_itself_has_a_line_below_the_table(report, table):
    made = table(compare(groups()))
    assert set(made.legend) == set(made.headings) - PLAIN
    below = (report / "table.md").read_text(encoding="utf-8").partition(made.markdown())[2]
    page = html.unescape((report / "report.html").read_text(encoding="utf-8"))
    for heading, meaning in made.legend.items():
        assert f"- {markdown_text(heading)}: {markdown_text(meaning)}.\n" in below
        assert f"<em>{heading}</em>: {meaning}." in page


def test_the_summary_has_what_every_results_folder_must_have(report):
    summary = json.loads((report / "summary.json").read_text(encoding="utf-8"))
    first = summary["recipes"][0]
    assert first["name"] == "lenet5"
    assert first["seeds"] == list(range(8))
    assert first["test_accuracy"] == [100 - count / 10 for count in WORSE]
    assert first["mean"] == pytest.approx(98.0)
    assert first["standard_deviation"] == pytest.approx(np.std(WORSE, ddof=1) / 10, abs=1e-4)
    assert first["interquartile_mean"] == pytest.approx(100 - np.mean(sorted(WORSE)[2:-2]) / 10)
    assert first["odd_seeds"] == []
    assert first["interval"][0] < 98.0 < first["interval"][1]
    assert (first["parameters"], first["epochs"]) == (61_706, 2)
    (pair,) = summary["differences"]
    assert (pair["verdict"], pair["margin"], pair["look"]) == ("better", 0.1, 1)
    assert pair["difference"] == pytest.approx(-1.1625, abs=1e-4)
    assert pair["interval"][0] < pair["difference"] < pair["interval"][1] < 0
    assert summary["version"]
    assert summary["command"].startswith("mnistlab compare")


def test_the_table_of_classes_by_hand(report):
    """Every class is there once for each recipe, the less accurate one with its difference from the
    other."""
    rows = table_file(report, "classes")
    assert [(row["class"], row["recipe"]) for row in rows[:3]] == [
        ("0", "lenet5"),
        ("0", "custom_mlp"),
        ("1", "lenet5"),
    ]
    chosen = groups()
    wrong = [errors_of_runs(group)[:, 3] for group in chosen]
    other, best = (row for row in rows if row["class"] == "3")
    assert float(best["error"]) == pytest.approx(wrong[1].mean())
    assert (best["difference"], best["difference_interval_low"], best["p_bonferroni"]) == (
        "",
        "",
        "",
    )
    assert float(other["error"]) == pytest.approx(wrong[0].mean())
    ends = float(other["interval_low"]), float(other["interval_high"])
    assert ends == pytest.approx(mean_interval(wrong[0]).ends())
    assert float(other["difference"]) == pytest.approx((wrong[0] - wrong[1]).mean())
    found = class_differences(chosen, chosen[1])["lenet5"][3]
    ends = float(other["difference_interval_low"]), float(other["difference_interval_high"])
    assert ends == pytest.approx(found.interval.ends())
    assert float(other["p_bonferroni"]) <= 1
    assert "Minus custom_mlp" in class_table(chosen, compare(chosen)).headings
    assert "p (Bonferroni)" not in class_table(chosen[:1], compare(chosen[:1])).headings
    ranked = compare(chosen, ranking=True)
    assert "p (Bonferroni)" not in class_table(chosen, ranked).headings
    three = [*chosen, made_group("third", BETTER)]
    assert "p (Bonferroni)" not in class_table(three, compare(three)).headings
    assert "p (Bonferroni)" in class_table(three, compare(three, baseline="third")).headings


def test_the_bars_of_classes_have_their_intervals():
    chosen = groups()
    (axes,) = errors_by_class(chosen).axes
    ends = [
        [y for _, y in segment] for lines in axes.collections for segment in lines.get_segments()
    ]
    intervals = [found.interval for group in chosen for found in class_errors(group)]
    assert np.allclose(ends, [[max(0, found.low), found.high] for found in intervals])


@pytest.mark.parametrize(("count", "rows"), [(7, 1), (20, 1), (21, 2), (60, 3), (100, 3)])
def test_the_bars_of_many_classes_stand_in_rows(count, rows):
    names = tuple(f"class {number}" for number in range(count))
    # The last classes are misread, each in one image.
    wrong = range(count - count // 2, count)
    recipe = Recipe(name="many")
    records = [made_record(recipe, seed, wrong, classes=names) for seed in range(2)]
    drawn = errors_by_class([RunGroup.of("many", records)])
    assert len(drawn.axes) == rows
    assert drawn.get_size_inches().max() <= 13
    shown = [label.get_text() for axes in drawn.axes for label in axes.get_xticklabels()]
    assert shown == sorted(shown, key=names.index)
    assert len(shown) == min(count, 60)
    assert set(shown) >= {names[place] for place in wrong}
    said = "the 60 of 100 classes with the largest errors" if count > 60 else ""
    assert drawn.axes[0].get_title() == said
    heights = [bar.get_height() for axes in drawn.axes for bar in axes.patches]
    found = class_errors(RunGroup.of("many", records))
    assert heights == [found[names.index(name)].error for name in shown]


def held_out():
    recipes = (Recipe(name="a", validation=1000), Recipe(name="b", validation=1000, dropout=0.3))
    return [
        made_group(recipe.name, errors, recipe) for recipe, errors in zip(recipes, (WORSE, BETTER))
    ]


def test_held_out_training_images_are_never_called_test_images(browser, tmp_path):
    chosen, images = held_out(), np.zeros((IMAGES, 28, 28), np.uint8)
    write_comparison_report(tmp_path, "t", chosen, compare(chosen), test_images=images)
    with opened(browser, tmp_path / "report.html") as (page, _):
        page.locator("section.verdict").evaluate("e => e.remove()")
        said = " ".join(page.locator("body").inner_text().split())
        said += " ".join(
            page.eval_on_selector_all("img, figure", "all => all.map(e => e.alt || e.ariaLabel)")
        )
    assert "validation images" in said
    for path in (*tmp_path.glob("tables/*.csv"), *tmp_path.glob("plots/*.svg")):
        said += path.read_text(encoding="utf-8")
    assert re.findall(r"(?i)\btest (?:image|set|accurac|loss)|\bon test\b|, test\b", said) == []
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["tested_on"] == "1,000 validation images"


@pytest.mark.usefixtures("undrawn")
def test_the_page_claims_only_what_the_program_knows(report, tmp_path):
    """How a recipe was chosen is not known to it."""
    chosen = held_out()
    write_comparison_report(tmp_path, "t", chosen, compare(chosen))
    for folder in (report, tmp_path):
        text = (folder / "report.html").read_text(encoding="utf-8")
        assert not re.search("chosen on|looked at", text)


def test_every_plot_is_there_as_png_and_svg(report):
    names = {path.stem for path in (report / "plots").iterdir()}
    assert {"accuracies", "curves", "calibration", "classes", "confusion1", "confusion2"} <= names
    for name in names:
        with Image.open(report / f"plots/{name}.png") as picture:
            assert np.asarray(picture.convert("L")).std() > 5, name
        assert (report / f"plots/{name}.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_plots_fit_the_comparison():
    two = compare(groups())
    assert "paired1" in draw_plots(groups(), two)
    assert "forest" not in draw_plots(groups(), two)
    assert "forest" in draw_plots(groups(), compare(groups(), baseline="lenet5"))
    single = [RunGroup.of("a", [made_record(losses=(0.1,))])]
    assert {"accuracies", "curves"} <= set(draw_plots(single, compare(single)))


def test_the_forest_has_the_tables_signs_and_intervals():
    found = compare(
        [made_group("w", BETTER), made_group("x", WORSE), made_group("y", BETTER[::-1])],
        baseline="w",
    )
    (axes,) = forest(found).axes
    drawn = [
        line.get_xdata()
        for line in axes.lines
        if len(line.get_xdata()) == 2 and line.get_xdata()[0] != line.get_xdata()[1]
    ]
    means = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    for difference, (low, high), mean in zip(
        reversed(found.differences), drawn, means, strict=True
    ):
        assert (low, high, mean) == (
            difference.simultaneous.low,
            difference.simultaneous.high,
            difference.mean,
        )
    assert means[1] > 1  # the whole less x, which is worse


def test_the_same_figure_gives_the_same_svg():
    one, other = (svg(draw_plots(groups(), compare(groups()))["curves"]) for _ in range(2))
    assert one == other


def test_an_inline_figure_follows_the_page():
    text = inline_svg(svg(draw_plots(groups(), compare(groups()))["curves"]), "curves")
    assert text.startswith("<svg")
    assert "var(--c0)" in text
    assert "var(--ink)" in text
    assert "#0072b2" not in text.lower()
    references = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    assert references <= set(re.findall(r'\bid="([^"]+)"', text))
    assert all(name.startswith("curves-") for name in references)


def test_long_labels_are_broken():
    assert (
        max(map(len, wrapped("learning_rate=0.01 batch_size=64 optimizer=adamw").splitlines()))
        <= 34
    )


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
    assert page.title() == "lenet5 against custom_mlp"
    # The verdict comes first, and nothing but wide tables and figures scrolls sideways.
    assert (
        page.locator("main > section")
        .first.inner_text()
        .lower()
        .startswith("custom_mlp is better than lenet5")
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ground, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ground, ink)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    # The plots' ink is the page's.
    label = page.locator("figure svg text").first
    assert label.evaluate("element => getComputedStyle(element).fill") == ink
    # Text in figures stays legible.
    heights = page.eval_on_selector_all(
        "figure svg text", "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 8


@pytest.mark.usefixtures("undrawn")
def test_a_gallery_by_hand(browser, tmp_path):
    chosen = [made_group("a", [3, 2, 3]), made_group("b", [3, 0, 1])]
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 28, 28), np.uint8)
    write_comparison_report(tmp_path, "t", chosen, compare(chosen), test_images=images)
    with opened(browser, tmp_path / "report.html") as (page, complaints):
        cards = page.locator(".gallery > li").all_inner_texts()
        assert [re.sub(r"\s+", " ", card).strip() for card in cards] == [
            "0 label 0 1: 5 0: 1",
            "1 label 1 2: 4 1: 2",
        ]
        assert page.locator(".gallery img").first.evaluate("image => image.naturalWidth") == 28
        assert complaints == []


def with_an_evil_class(record):
    data = record.data.model_copy(update={"classes": (EVIL, *CLASSES[1:])})
    return record.model_copy(update={"data": data})


def test_names_cannot_write_into_the_page(browser, tmp_path):
    """Class names and failures are text of others."""
    chosen = [made_group(name, [30, 31]) for name in ("a", "b")]
    named = [
        RunGroup.of(f"{group.label}{EVIL}", map(with_an_evil_class, group.records))
        for group in chosen
    ]
    images = np.zeros((IMAGES, 28, 28), np.uint8)
    write_comparison_report(
        tmp_path, EVIL, named, compare(named), command=EVIL, failures=[EVIL], test_images=images
    )
    with opened(browser, tmp_path / "report.html") as (page, complaints):
        assert complaints == []
        assert page.locator("script").count() == 0
        assert page.locator("h1").inner_text() == EVIL


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
