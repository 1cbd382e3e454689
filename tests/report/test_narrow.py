"""Reports on a phone and on a desk: nothing is cut off without a cue, and an ablation's table
fits."""

import io

import numpy as np
import pytest
from PIL import Image

from mnistlab import built_in
from mnistlab.recipe import ablate
from mnistlab.report.comparison_report import write_comparison_report
from mnistlab.report.evaluation_report import write_evaluation_report
from mnistlab.report.repetition_report import write_repetition_report
from mnistlab.statistics import compare, evaluate, summarise
from tests.browser import cut_off, opened, show
from tests.report.test_robustness_report import made as robust_models
from tests.report.test_robustness_report import write as write_robustness
from tests.statistics.records import IMAGES, made_group

COMMAND = "mnistlab compare " + "a-long-name.toml " * 12
RESULTS = "Figures after the last epoch, means over seeds"


def comparison(folder, count):
    variants = ablate(built_in("custom_mlp"))[:count]
    draws = np.random.default_rng(0)
    groups = [made_group(recipe.name, [9, 8, 12, 10], recipe, random=draws) for recipe in variants]
    images = np.zeros((IMAGES, 28, 28), np.uint8)
    found = compare(groups, baseline="custom_mlp" if count > 2 else "")
    write_comparison_report(folder, "t", groups, found, command=COMMAND, test_images=images)


def evaluation(folder):
    draws = np.random.default_rng(0)
    found = evaluate(
        draws.normal(size=(300, 10)).astype(np.float32),
        draws.integers(0, 10, 300),
        tuple("0123456789"),
    )
    write_evaluation_report(
        found, folder, title="t", images=np.zeros((300, 28, 28), np.uint8), command=COMMAND
    )


def repetition(folder):
    group = made_group("mine", [10, 12, 17, 13])
    write_repetition_report(folder, group, summarise(group, [0, 999]), command=COMMAND)


REPORTS = {
    "two recipes": lambda folder: comparison(folder, 2),
    "an ablation": lambda folder: comparison(folder, 8),
    "an evaluation": evaluation,
    "a repetition": repetition,
    "robustness": lambda folder: write_robustness(
        robust_models(*(f"A model's long name, seed {n}" for n in range(8)), images=500),
        folder,
        command=COMMAND,
    ),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, write in REPORTS.items():
        write(folder / name)
    return {name: folder / name / "report.html" for name in REPORTS}


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_cut_off_without_a_cue(browser, pages, name):
    with opened(browser, pages[name]) as (page, _):
        page.eval_on_selector_all("details", "all => all.forEach(e => e.open = true)")
        for width in (360, 1100):
            show(page, width)
            assert cut_off(page) == []


def edge(region):
    """The colour that most of the last pixels on the right of a region have."""
    with Image.open(io.BytesIO(region.screenshot())) as picture:
        strip = np.asarray(picture.convert("L"))[:, -3:-1]
    return int(np.median(strip))


@pytest.fixture(scope="module")
def ablation(browser, pages):
    with opened(browser, pages["an ablation"]) as (page, _):
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("selector", [f'[aria-label="{RESULTS}"]', "figure", "pre"])
def test_the_cue_is_seen_while_there_is_more_to_see(ablation, scheme, selector):
    show(ablation, 360, scheme)
    region = ablation.locator(selector).first
    region.evaluate("e => e.scrollLeft = 0")
    before = edge(region)
    region.evaluate("e => e.scrollLeft = e.scrollWidth")
    after = edge(region)
    assert abs(before - after) >= 40


def test_an_ablations_table_fits_a_desk(ablation):
    show(ablation, 1100)
    table = ablation.locator(f'[aria-label="{RESULTS}"]')
    assert table.locator("tbody tr").count() == 8
    assert table.locator("thead th").count() == 12
    assert table.evaluate("e => e.scrollWidth <= e.clientWidth")
    # As it does with the longest names of an ablation and times of over a minute.
    assert ablation.locator('[aria-label="Recipes compared, paired by seed"]').evaluate(
        "e => e.scrollWidth <= e.clientWidth"
    )
