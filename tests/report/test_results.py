"""The published results follow from the records beside them."""

import json
from pathlib import Path

import numpy as np

from mnistlab import RunFolder
from mnistlab.report import course_table

RESULTS = Path(__file__).parents[2] / "results"
COURSE = RESULTS / "course"


def records():
    folders = [next((COURSE / "runs").glob(f"{name}-*")) for name in ("lenet5", "custom_mlp")]
    return [RunFolder(folder).read_record() for folder in folders]


def test_the_course_table_is_that_of_its_records():
    assert (COURSE / "table.md").read_text(encoding="utf-8") == course_table(records()).markdown()
    assert (COURSE / "table.txt").read_text(encoding="utf-8") == course_table(records()).text()


def test_both_models_land_where_the_course_did():
    for record in records():
        assert (record.seed, len(record.history), record.recipe.batch_size) == (0, 50, 128)
        assert (record.data.name, record.data.train_images, record.data.test_images) == ("mnist", 60_000, 10_000)
        assert 0.990 <= record.final.test_accuracy <= 0.993


def test_the_finding_on_fit_is_that_of_its_records():
    found = {
        fit: [RunFolder(RESULTS / "fit" / "runs" / f"{fit}-seed{seed}").read_record() for seed in range(8)]
        for fit in ("pad", "resize")
    }
    for fit, runs in found.items():
        assert [(run.recipe.fit, run.seed, len(run.history)) for run in runs] == [(fit, seed, 12) for seed in range(8)]
    pad, resize = (np.array([100 * run.final.test_accuracy for run in runs]) for runs in found.values())
    difference = resize - pad
    # 2.3646 is the 97.5 % quantile of the t distribution with 7 degrees of freedom.
    margin = 2.3646 * difference.std(ddof=1) / np.sqrt(8)
    low, high = difference.mean() - margin, difference.mean() + margin
    page = (RESULTS / "fit" / "README.md").read_text(encoding="utf-8")
    for values in (pad, resize):
        assert f"| {values.mean():.2f} % | {values.std(ddof=1):.2f} |" in page
    text = f"is {difference.mean():.2f} points (95 % interval {low:.2f} to {high:.2f}, t".replace("-", "−")
    assert text in page


def test_the_benchmarks_page_shows_its_record():
    table = (RESULTS / "bench" / "table.txt").read_text(encoding="utf-8")
    page = (RESULTS.parent / "docs" / "kernels.md").read_text(encoding="utf-8")
    assert "\n".join(f"    {line}".rstrip() for line in table.splitlines()) in page
    figures = json.loads((RESULTS / "bench" / "bench.json").read_text(encoding="utf-8"))
    for model, ways in figures["seconds"].items():
        for times in ways.values():
            assert f"{times['median']:.2f}" in table
        assert f"{figures['ratio'][model]:.1f} times" in page
    assert f"{figures['of_bound']['lenet5']:.2f} times the bound" in page
