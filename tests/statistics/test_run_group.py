"""Samples: which runs belong together."""

import numpy as np
import pytest

from mnistlab import MnistlabError, Recipe
from mnistlab.runs import CodeDigest, InitialWeights
from mnistlab.statistics import RunGroup
from tests.statistics.records import made_group, made_record


def started_from(digest, **options):
    init = InitialWeights(sha256=digest, taken=("a",))
    return made_record(**options).model_copy(update={"init": init})


def with_loss(digest, **options):
    code = {"loss": CodeDigest(source=digest)}
    return made_record(**options).model_copy(update={"code": code})


def test_runs_are_in_the_order_of_their_seeds():
    group = RunGroup.of(
        "a",
        [made_record(seed=2, wrong=[1, 5]), made_record(seed=0), made_record(seed=1, wrong=[3])],
    )
    assert group.seeds == (0, 1, 2)
    assert group.accuracies == pytest.approx([1.0, 0.999, 0.998])
    assert group.correct.shape == (3, 1000)
    assert [np.flatnonzero(~row).tolist() for row in group.correct] == [[], [3], [1, 5]]
    assert group.on([0, 2]).seeds == (0, 2)


def of_code(source, imports, seed=0):
    return made_record(seed=seed).model_copy(update={"source": source, "imports": imports})


def test_records_that_do_not_know_what_was_imported_belong_together_with_others():
    records = [of_code("12", None), of_code("12", {"own": "3"}, 1), of_code("12", None, 2)]
    assert RunGroup.of("a", records).seeds == (0, 1, 2)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "a: no finished runs"),
        (
            [made_record(Recipe(dropout=0.1)), made_record(Recipe(dropout=0.2), 1)],
            "a: runs of different recipes",
        ),
        ([made_record(seed=3), made_record(seed=3)], "a: seed 3 is there twice"),
        ([made_record(seed=0), made_record(seed=0)], "a: seed 0 is there twice"),
        ([made_record(), made_record(seed=1, fingerprint="1")], "a: runs on different images"),
        (
            [made_record().model_copy(update={"predictions": None})],
            "a: the record of seed 0 lacks the outcome",
        ),
        (
            [made_record(), started_from("12", seed=1)],
            "a: runs that started from different weights",
        ),
        (
            [with_loss("12", seed=0), with_loss("13", seed=1)],
            "a: runs whose loss or optimiser has changed",
        ),
        *(
            ([of_code("12", {"own": "3"}), of_code(*code)], "a: runs of a model whose code has")
            for code in (("13", {"own": "3"}, 1), ("12", {"own": "4"}, 1), ("12", {}, 1))
        ),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(records, message):
    with pytest.raises(MnistlabError, match=message):
        RunGroup.of("a", records)


def test_a_label_does_not_make_another_recipe():
    assert (
        len(
            RunGroup.of(
                "a", [made_record(Recipe(name="b")), made_record(Recipe(name="c"), 1)]
            ).records
        )
        == 2
    )


def test_accuracy_is_that_of_the_misread_images():
    group = made_group("a", [7, 0, 30], random=np.random.default_rng(0))
    assert group.correct.mean(axis=1) == pytest.approx(group.accuracies)
