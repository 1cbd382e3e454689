"""The published results follow from the records beside them."""

import csv
import json
import re
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pages import SPEED, pages, read
from mnistlab import Recipe, Recogniser, RunFolder, RunRecord, built_in, read_comparison
from mnistlab.evaluation import read_robustness
from mnistlab.recogniser import shipped_models
from mnistlab.report import course_table
from mnistlab.report.comparison_report import markdown
from mnistlab.statistics.verdict import points

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


def figures(folder):
    return json.loads((RESULTS / folder / "summary.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", sorted(path.name for path in RESULTS.iterdir()))
def test_every_folder_says_what_was_found_and_how_to_do_it_again(folder):
    summary = figures(folder)
    assert summary["version"]
    assert summary["command"].startswith(("mnistlab ", "python ", "make "))
    for recipe in summary.get("recipes", []):
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


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_the_readmes_tell_what_the_studies_found(page):
    text = (RESULTS.parent / page).read_text(encoding="utf-8")
    for folder, data in (("compare", "MNIST"), ("fashion", "Fashion-MNIST")):
        for name, seeds, *cells, _time in read_comparison(RESULTS / folder).table("short").rows:
            row = f"| {data} | {name} | {seeds} | {' | '.join(cells)} |"
            assert (row if page == "README.md" else row.replace(" to ", "~")) in text
    if page == "README.md":
        for folder in ("compare", "fashion"):
            verdict = figures(folder)["verdict"]
            assert verdict in " ".join(text.split())


@pytest.mark.parametrize(
    ("page", "folder"), [("comparing.md", "compare"), ("tutorial.md", "dropout")]
)
def test_the_examples_of_the_documents_are_real(page, folder):
    text = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
    result = read_comparison(RESULTS / folder)
    assert result.verdict in text
    if page == "tutorial.md":
        for name, seeds, *cells, _time in result.table("short").rows:
            assert f"{name} {seeds} {' '.join(cells)}" in text
        assert all(remark in text for remark in result.comparison.remarks)


def test_runs_of_one_recipe_lie_as_far_apart_as_the_readme_says():
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    found = []
    for group in read_comparison(RESULTS / "compare").groups:
        pairs = list(combinations(group.right.tolist(), 2))
        found.append(round(100 * sum(abs(one - other) >= 20 for one, other in pairs) / len(pairs)))
    told = f"{found[0]} and {found[1]} % of all pairs of runs of the *same* model differ by 0.20"
    assert told in text


def test_the_finding_on_fit_is_that_of_its_records():
    (difference,) = read_comparison(RESULTS / "fit").comparison.differences
    assert (difference.first, difference.second) == ("pad", "resize")
    page = " ".join((RESULTS.parent / "docs" / "training.md").read_text(encoding="utf-8").split())
    low, high = points(-difference.interval.high), points(-difference.interval.low)
    assert (
        f"{points(difference.mean)} points behind `pad`, with a 95 % interval of {low} to {high}"
        in page
    )


def test_the_throughput_told_is_the_one_measured():
    page = (RESULTS.parent / "docs" / "comparing.md").read_text(encoding="utf-8")
    assert f"{figures('throughput')['ratio']:.1f} times as fast" in " ".join(page.split())


def test_the_tables_of_speed_are_those_of_the_records():
    for file, page in pages():
        assert file.read_text(encoding="utf-8") == page


def test_the_ratios_of_speed_follow_from_the_seconds_beside_them():
    found = read(SPEED)
    for recipe, ways in found.seconds.items():
        ours = ways["this package"].median
        plain = min(times.median for way, times in ways.items() if way in LAYOUTS)
        assert found.ratio[recipe] == pytest.approx(plain / ours)
        for what, ratio in found.of_bound[recipe].items():
            assert ratio == pytest.approx(ours / ways[f"bound: {what}"].median)


def test_the_recognisers_page_shows_what_was_measured():
    page = (ROOT / "docs" / "recogniser.md").read_text(encoding="utf-8")
    measured = figures("reading")
    assert f"--seed {measured['seed']} " in page
    for one in measured["readers"]["mnistlab"]:
        score = one["score"]
        right, sure = score["right"] / score["pictures"], score["sure"]
        low, high = (f"{100 * bound:.1f}" for bound in score["interval"])
        assert (
            f"| {score['pictures']} | {100 * right:.1f} % | {low} to {high} | {sure} |"
            f" {score['sure_and_wrong']} | {1000 * score['seconds']:.0f} ms |" in page
        ), score["name"]


def test_the_servers_page_shows_what_was_measured():
    measured, page = figures("serving"), (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    for load in ("alone", "capacity", "nominal", "overload"):
        seen = measured[load]
        assert f"| {seen['asked']:.1f} | {seen['answered']:.1f} | {seen['refused']:.1f} |" in page
        assert f"| {seen['median']:.1f} ms | {seen['p99']:.1f} ms |" in page


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
    page = (ROOT / "docs" / "recogniser.md").read_text(encoding="utf-8")
    assert (
        f"| `{name}` | {100 * about['test']['accuracy']:.2f} % | {about['temperature']:.2f} |"
        in page
    )


@pytest.mark.parametrize(
    ("name", "budget", "least"), [("best62k", 62_158, 99.65), ("small10k", 10_000, 99.50)]
)
def test_a_record_follows_from_the_runs_beside_it(name, budget, least):
    """The claim of docs/records.md: chosen without the test set, 20 seeds, final epochs, within the
    budget."""
    summary = figures(name)
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
    assert summary["seeds"] == list(range(20))
    cells = f"{np.mean(shares):.2f} % | {np.std(shares, ddof=1):.2f} | "
    for page in ("README.md", "README.ko.md"):
        assert f"| {name} | {records[0].parameters:,} | {cells}" in (ROOT / page).read_text(
            encoding="utf-8"
        )
    assert cells in (ROOT / "docs" / "records.md").read_text(encoding="utf-8")


def test_sprint99_is_told_as_it_was_measured():
    summary = figures("sprint99")
    low, high = (100 * bound for bound in summary["interval"])
    mean, std = 100 * summary["mean"], 100 * summary["std"]
    took, ratio = f"{summary['seconds']['median']:.1f}", f"{summary['ratio']:.2f}"
    for page, to in (("README.md", " to "), ("README.ko.md", "~")):
        text = (ROOT / page).read_text(encoding="utf-8")
        cells = f"| sprint99 | 12,702 | {mean:.2f} % | {std:.2f} | {low:.2f}{to}{high:.2f} | {took}"
        (row,) = (line for line in text.splitlines() if line.startswith(cells))
        assert ratio in row


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
    assert figures("robust")["test_accuracy"] == [
        round(100 * record.final.test_accuracy, 6) for record in records
    ]
    told = next(
        model for model in figures("robustness")["models"] if model["model"] == "Robust, 8 seeds"
    )
    assert told["clean"]["errors"] == np.mean([record.final.test_errors for record in records])
    assert told["runs"] == 8
    for page in ("README.md", "README.ko.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert f"{100 * told['mean_error']:.2f} %" in text
        assert all(f"{100 * end:.2f}" in text for end in told["mean_interval"])


def test_the_robustness_report_follows_from_its_summary(tmp_path):
    source, made = RESULTS / "robustness", tmp_path / "made"
    files = read_robustness(source).write(made)
    assert json.loads((made / "summary.json").read_text("utf-8")) == figures("robustness") | {
        "version": version("mnistlab")
    }
    for name in ("table.md", "table.csv"):
        assert (made / name).read_bytes() == (source / name).read_bytes()
    kept = {path.name for path in source.rglob("*") if path.is_file()} - {"search.csv"}
    assert {path.name for path in files} == kept


def test_the_robust_recipe_errs_at_most_half_as_often_as_lenet5():
    found = {model["model"]: model for model in figures("robustness")["models"]}
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
    table = (RESULTS / "robustness" / "table.md").read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if line.startswith("|")]
    page = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    assert "\n".join(rows) in page


def test_a_small_network_on_photographs_reaches_what_the_page_says():
    text = (RESULTS / "cifar_small" / "records" / "seed-0.json").read_text("utf-8")
    record = RunRecord.from_json(text, "seed-0.json")
    recipe = built_in("cifar_small")
    assert record.recipe.replace(data=recipe.data).trains_as(recipe)
    assert (record.data.train_images, record.data.test_images) == (50_000, 10_000)
    assert (record.data.channels, record.model_input.shape) == (3, (3, 36, 36))
    assert record.parameters == 61_770 <= 62_158
    assert len(record.history) == 10
    accuracy = f"{100 * record.final.test_accuracy:.2f} %"
    assert accuracy == "81.32 %"
    assert f"[{accuracy}](../results/cifar_small/table.md)" in (
        ROOT / "docs" / "records.md"
    ).read_text("utf-8")
