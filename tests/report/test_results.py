"""The published results follow from the records beside them."""

import csv
import json
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from benchmarks.figures import PAGE, figures, page, summary
from benchmarks.pages import SPEED, pages, read
from mnistlab import (
    Recipe,
    Recogniser,
    RunFolder,
    RunRecord,
    built_in,
    read_comparison,
    read_recipe,
)
from mnistlab.evaluation import read_robustness
from mnistlab.models import build_model, count_parameters
from mnistlab.recipe import read_source
from mnistlab.recogniser import shipped_models
from mnistlab.report import course_table
from mnistlab.report.comparison_report import markdown

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"
COURSE = RESULTS / "course"
LAYOUTS = {"PyTorch, NCHW", "PyTorch, channels_last"}


def records():
    folders = [next((COURSE / "runs").glob(f"{name}-*")) for name in ("lenet5", "custom_mlp")]
    return [RunFolder(folder).read_record() for folder in folders]


def test_the_course_table_is_that_of_its_records():
    assert (COURSE / "table.md").read_text(encoding="utf-8") == course_table(records()).markdown()
    assert (COURSE / "table.txt").read_text(encoding="utf-8") == course_table(records()).text()


def test_both_models_land_where_the_course_did():
    for record in records():
        assert (record.seed, len(record.history), record.recipe.batch_size) == (0, 50, 128)
        assert (record.data.name, record.data.train_images, record.data.test_images) == (
            "mnist",
            60_000,
            10_000,
        )
        assert 0.990 <= record.final.test_accuracy <= 0.993


@pytest.mark.parametrize("folder", sorted(path.name for path in RESULTS.iterdir()))
def test_every_folder_says_what_was_found_and_how_to_do_it_again(folder):
    told = summary(folder)
    assert told["version"]
    assert told["command"].startswith(("mnistlab ", "python ", "make "))
    for recipe in told.get("recipes", []):
        assert len(recipe["seeds"]) == len(recipe["test_accuracy"])
        assert recipe["mean"] == pytest.approx(np.mean(recipe["test_accuracy"]), abs=1e-4)
        if len(recipe["seeds"]) > 1:
            assert recipe["standard_deviation"] == pytest.approx(
                np.std(recipe["test_accuracy"], ddof=1), abs=1e-4
            )
            assert recipe["interval"][0] <= recipe["mean"] <= recipe["interval"][1]


@pytest.mark.parametrize(
    ("folder", "recipes", "seeds", "epochs"),
    [("compare", 2, 20, 50), ("ablate", 8, 10, 50), ("fashion", 2, 8, 50), ("fit", 2, 8, 12)],
)
def test_a_study_follows_from_the_records_beside_it(folder, recipes, seeds, epochs):
    result = read_comparison(RESULTS / folder)
    archive = json.loads((RESULTS / folder / "comparison.json").read_text(encoding="utf-8"))
    assert json.loads(result.comparison.model_dump_json()) == archive["comparison"]
    assert (RESULTS / folder / "table.md").read_text(encoding="utf-8") == markdown(
        result.groups, result.comparison
    )
    assert len(result.groups) == recipes
    for group in result.groups:
        assert group.seeds == tuple(range(seeds))
        for record in group.records:
            assert (len(record.history), record.data.train_images, record.data.test_images) == (
                epochs,
                60_000,
                10_000,
            )
    assert not result.failures


def test_every_figure_is_told_as_its_record_has_it():
    assert [figure for figure in figures() if not figure.told] == []
    assert PAGE.read_text(encoding="utf-8") == page()


def test_a_figure_that_its_page_does_not_tell_is_noticed():
    (told,) = (one for one in figures() if (one.record, one.page) == ("best62k", "README.md"))
    assert told.told
    assert not told._replace(text=told.text.replace("99.", "98.")).told


def test_the_tables_of_speed_are_those_of_the_records():
    for file, content in pages():
        assert file.read_text(encoding="utf-8") == content


def test_the_ratios_of_speed_follow_from_the_seconds_beside_them():
    found = read(SPEED)
    for recipe, ways in found.seconds.items():
        ours = ways["this package"].median
        plain = min(times.median for way, times in ways.items() if way in LAYOUTS)
        assert found.ratio[recipe] == pytest.approx(plain / ours)
        for what, ratio in found.of_bound[recipe].items():
            assert ratio == pytest.approx(ours / ways[f"bound: {what}"].median)


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_says_of_itself_what_its_record_says(name):
    file = shipped_models()[name]
    record = RunRecord.from_json(file.with_suffix(".json").read_bytes(), name)
    about = Recogniser(name).network.metadata
    assert file.stat().st_size < 1_000_000
    assert (about["seed"], about["parameters"]) == (record.seed, record.parameters)
    assert Recipe.parse(about["recipe"]).digest == record.recipe.digest
    assert (
        about["calibrated_on"] == f"{record.data.test_images:,} held-out training images of mnist"
    )


@pytest.mark.parametrize(
    ("name", "budget", "least"), [("best62k", 62_158, 99.65), ("small10k", 10_000, 99.50)]
)
def test_a_record_follows_from_the_runs_beside_it(name, budget, least):
    """The claim of docs/records.md: chosen without the test set, 20 seeds, final epochs, within the
    budget."""
    records = [
        RunRecord.model_validate_json(
            (RESULTS / name / "records" / f"seed-{seed}.json").read_text("utf-8")
        )
        for seed in range(20)
    ]
    shares = []
    for seed, record in enumerate(records):
        assert (record.seed, record.recipe.digest) == (seed, built_in(name).digest)
        assert (record.data.train_images, record.data.test_images, record.recipe.validation) == (
            60_000,
            10_000,
            0,
        )
        assert record.parameters <= budget
        assert len(record.history) <= 50
        shares.append(100 * record.final.test_accuracy)
        assert len(record.predictions.mistakes) == round(10_000 * (1 - record.final.test_accuracy))
    assert np.mean(shares) >= least
    assert summary(name)["seeds"] == list(range(20))


def test_what_is_told_of_robusts_search_stands_in_its_log():
    page = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    told = page[page.index("**It was chosen by its errors") : page.index("## Sources")]
    log = (RESULTS / "robustness" / "search.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(log.splitlines()))
    measured = {
        f"{float(value):g}"
        for row in rows
        for name, value in row.items()
        if name.startswith("error_")
    }
    shares = re.findall(r"(\d+\.\d+)", told)
    assert len(shares) > 8
    assert {f"{float(share):g}" for share in shares} <= measured
    assert min(float(row["error_mean"]) for row in rows) == 4.98


def test_robusts_figures_are_those_of_its_records():
    names = sorted((RESULTS / "robust" / "records").glob("seed-*.json"))
    records = [RunRecord.from_json(path.read_bytes(), path.name) for path in names]
    assert [record.seed for record in records] == list(range(8))
    assert {record.recipe.digest for record in records} == {built_in("robust").digest}
    assert summary("robust")["test_accuracy"] == [
        round(100 * record.final.test_accuracy, 6) for record in records
    ]
    told = next(
        model for model in summary("robustness")["models"] if model["model"] == "Robust, 8 seeds"
    )
    assert told["clean"]["errors"] == np.mean([record.final.test_errors for record in records])
    assert told["runs"] == 8


def test_the_robustness_report_follows_from_its_summary(tmp_path):
    source, made = RESULTS / "robustness", tmp_path / "made"
    files = read_robustness(source).write(made)
    assert json.loads((made / "summary.json").read_text("utf-8")) == summary("robustness") | {
        "version": version("mnistlab")
    }
    for name in ("table.md", "table.csv"):
        assert (made / name).read_bytes() == (source / name).read_bytes()
    kept = {path.name for path in source.rglob("*") if path.is_file()} - {"search.csv", "made.json"}
    assert {path.name for path in files} == kept


def test_the_robust_recipe_errs_at_most_half_as_often_as_lenet5():
    found = {model["model"]: model for model in summary("robustness")["models"]}
    lenet5, robust = (
        next(model for name, model in found.items() if name.startswith(start))
        for start in ("LeNet-5", "Robust")
    )
    assert robust["mean_error"] <= lenet5["mean_error"] / 2
    recipe = built_in("robust")
    assert (recipe.rotation, recipe.translation, recipe.scale, recipe.shear, recipe.blur) == (
        0,
        0,
        0,
        0,
        (0, 0),
    )


def test_a_small_network_on_photographs_reaches_what_the_page_says():
    text = (RESULTS / "cifar_small" / "records" / "seed-0.json").read_text("utf-8")
    record = RunRecord.from_json(text, "seed-0.json")
    recipe = built_in("cifar_small")
    assert record.recipe.replace(data=recipe.data).trains_as(recipe)
    assert (record.data.train_images, record.data.test_images) == (50_000, 10_000)
    assert (record.data.channels, record.model_input.shape) == (3, (3, 36, 36))
    assert record.parameters == 61_770 <= 62_158
    assert len(record.history) == 10


@pytest.mark.parametrize(
    ("name", "seeds", "shape", "images", "parameters"),
    [
        ("cifar62k", 3, (3, 32, 32), 50_000, 62_110),
        ("fashion62k", 20, (1, 28, 28), 60_000, 60_098),
    ],
)
def test_a_network_of_ones_own_is_the_recipe_beside_it_and_within_the_budget(
    name, seeds, shape, images, parameters
):
    recipe = read_recipe(RESULTS / name / f"{name}.toml")
    files = list((RESULTS / name / "records").glob("*.json"))
    assert {file.name for file in files} == {f"seed-{seed}.json" for seed in range(seeds)}
    for file in files:
        record = RunRecord.from_json(file.read_bytes(), file.name)
        assert record.recipe.replace(data=recipe.data, model=recipe.model).trains_as(recipe)
        assert (record.data.train_images, record.data.test_images) == (images, 10_000)
        assert record.model_input.shape == shape
        assert record.parameters == parameters <= 62_158
        assert record.source == read_source(recipe.model).digest
    module = build_model(recipe, shape, 10)
    assert count_parameters(module) == parameters


def test_shifted_copies_are_of_the_published_runs():
    found = json.loads((RESULTS / "fashion62k" / "shifts.json").read_text("utf-8"))
    for seed, accuracy in found["once"]["accuracies"].items():
        file = RESULTS / "fashion62k" / "records" / f"seed-{seed}.json"
        record = RunRecord.from_json(file.read_bytes(), file.name)
        assert record.final.test_accuracy == accuracy
        assert found["averaged"]["accuracies"][seed] > accuracy
    assert len(found["once"]["accuracies"]) == 20
