"""Recipes judged by macro F1 or balanced accuracy, on classes of unequal size."""

import numpy as np
import pytest
from scipy.stats import t

from mnistlab import Recipe
from mnistlab.experiments import ComparisonResult
from mnistlab.experiments.look_history import PastLook, judge, past_looks, remember
from mnistlab.statistics import METRICS, Comparison, RunGroup, class_means, compare, summarise
from tests.statistics.records import made_group, made_record

COMMON, RARE = 900, 100


def group(label, common, rare, metric="accuracy"):
    """Runs that misclassify so many of 900 images of class 0 and of 100 of class 1."""
    records = []
    for seed, (many, few) in enumerate(zip(common, rare)):
        record = made_record(Recipe(name=label, dropout=len(label) / 10), seed)
        wrong = [*((i, 0, 1) for i in range(many)), *((COMMON + i, 1, 0) for i in range(few))]
        accuracy = 1 - len(wrong) / 1000
        last = record.history[-1].model_copy(update={"test_accuracy": accuracy})
        predictions = record.predictions.model_copy(
            update={
                "test_labels": (COMMON, RARE, *[0] * 8),
                "mistakes": tuple(wrong),
                "reliability": ((0, 0.0, 0),) * 14 + ((1000, 990.0, 1000 - len(wrong)),),
            }
        )
        records.append(
            record.model_copy(
                update={"predictions": predictions, "history": (*record.history[:-1], last)}
            )
        )
    return RunGroup.of(label, records, metric)


# The first misclassifies fewer images, the second serves the rare class better.
MANY = [10, 12, 11, 9, 10, 13, 11, 12]
FAIR = [40, 38, 41, 37, 42, 39, 40, 38]


def pair(metric):
    return (
        group("a", MANY, [40, 42, 41, 39, 40, 43, 44, 38], metric),
        group("bb", FAIR, [20, 18, 21, 23, 19, 20, 22, 17], metric),
    )


def test_the_metric_decides_which_is_better():
    assert compare(pair("accuracy")).verdict.startswith("a is better than bb by ")
    found = compare(pair("balanced_accuracy"))
    assert found.verdict.startswith("bb is better than a by ")
    assert " points of balanced accuracy (95 % interval" in found.verdict
    assert found.anchor == "bb"
    (difference,) = found.differences
    assert difference.new_images is None
    assert any("McNemar's test are left out" in remark for remark in found.remarks)


def test_figures_are_those_worked_out_by_hand():
    (one, other), seeds = pair("balanced_accuracy"), len(MANY)
    values = [
        100 * (2 - m / COMMON - r / RARE) / 2
        for m, r in zip(MANY, [40, 42, 41, 39, 40, 43, 44, 38])
    ]
    summary = summarise(one)
    assert summary.judged.values == pytest.approx(values, abs=1e-6)
    assert summary.judged.mean == pytest.approx(np.mean(values))
    reach = t.ppf(0.975, seeds - 1) * np.std(values, ddof=1) / seeds**0.5
    assert summary.judged.interval.ends() == pytest.approx(
        [np.mean(values) - reach, np.mean(values) + reach]
    )
    assert summary.accuracies == summarise(pair("accuracy")[0]).accuracies
    (difference,) = compare((one, other)).differences
    assert difference.mean == pytest.approx(100 * (one.values - other.values).mean())
    assert difference.p == 2 / 2**seeds
    assert summarise(pair("accuracy")[0]).macro_f1 == summary.macro_f1


def test_accuracy_is_judged_as_ever():
    one, other = pair("accuracy")
    found = compare((one, other)).differences[0]
    assert found.mean == pytest.approx(100 * (one.accuracies - other.accuracies).mean())
    assert found.new_images is not None
    alike = compare([made_group("a", [3, 4, 5]), made_group("b", [6, 7, 9])])
    assert not {"metric", "macro_f1", "spread"} & alike.summaries[0].model_dump().keys()
    assert "metric" not in alike.differences[0].model_dump()


@pytest.mark.parametrize("metric", METRICS)
def test_what_was_written_is_read_back(metric):
    found = compare(pair(metric))
    assert Comparison.model_validate_json(found.model_dump_json()) == found


def test_a_class_that_is_never_predicted_counts_0():
    missed = group("a", [0, 0, 0], [RARE] * 3)
    assert missed.values_of("macro_f1") == pytest.approx(2 * 900 / (900 + 1000) / 2)
    assert missed.values_of("balanced_accuracy") == pytest.approx(0.5)
    common, rare, *others = class_means(missed)
    assert common.precision[0] == pytest.approx(90)
    assert (rare.precision[0], rare.recall[0], rare.f1[0]) == (0, 0, 0)
    assert {one.f1 for one in others} == {None}


def test_odd_runs_are_those_of_the_metric():
    rare = [40, 42, 41, 39, 40, 43, 44, 99]
    assert summarise(group("a", MANY, rare, "balanced_accuracy")).odd_seeds == (7,)
    assert summarise(group("a", MANY, [*rare[:7], 45], "balanced_accuracy")).odd_seeds == ()


def test_another_metric_is_another_look(tmp_path):
    seeds = tuple(range(8))
    first = PastLook(recipes=("a", "b"), seeds=seeds, margin=0.1)
    assert judge((first,), ("a", "b"), seeds).level == 0.05
    later = judge((first,), ("a", "b"), seeds, metric="macro_f1")
    assert (later.number, later.earlier) == (2, (8,))
    assert later.level < 0.05
    known = (first, first.model_copy(update={"metric": "macro_f1"}))
    assert judge(known, ("a", "b"), seeds).level == 0.05
    assert judge(known, ("a", "b"), seeds, metric="macro_f1") == later

    for metric in ("accuracy", "macro_f1", "macro_f1"):
        remember(tmp_path, pair(metric), 0.1, 0, 1)
    assert [look.metric for look in past_looks(tmp_path)] == ["accuracy", "macro_f1"]
    result = ComparisonResult("it", pair("macro_f1"), runs=tmp_path)
    assert result.comparison.differences[0].look.number == 2
    assert result.remarks[0] == (
        "the first look was by accuracy; choosing the metric after a look proves nothing"
    )
    assert (
        ComparisonResult("it", pair("accuracy"), runs=tmp_path)
        .comparison.informative[0]
        .look.number
        == 1
    )


@pytest.mark.parametrize("metric", METRICS)
def test_reports_show_every_metric_and_class(tmp_path, metric):
    result = ComparisonResult("it", pair(metric), runs=tmp_path / "runs")
    (tmp_path / "runs").mkdir()
    result.write(tmp_path)
    rows = (tmp_path / "tables" / "metrics.csv").read_text("utf-8").splitlines()
    assert rows[0] == (
        "recipe,seeds,accuracy,accuracy_low,accuracy_high,macro_f1,macro_f1_low,macro_f1_high,"
        "balanced_accuracy,balanced_accuracy_low,balanced_accuracy_high"
    )
    assert f'"metric": "{metric}"' in (tmp_path / "comparison.json").read_text("utf-8")
    confusion = (tmp_path / "tables" / "confusion.csv").read_text("utf-8").splitlines()
    assert confusion[1] == "0,0,a,889,98.77777778"
    assert "Macro F1 (%)" in (tmp_path / "table.md").read_text("utf-8")
    pairs = (tmp_path / "tables" / "pairs.csv").read_text("utf-8").splitlines()[0]
    assert ("new_images" in pairs) == (metric == "accuracy")
