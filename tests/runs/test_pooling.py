"""Pooling the runs of a cross-validation's folds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import MnistlabError, Recipe, RunRecord
from mnistlab.report.data_lines import note_lines
from mnistlab.runs import MIXED, CodeDigest, pool_complete, pool_fingerprints, pool_folds
from tests.statistics.records import made_record

RECIPE = Recipe(name="one", folds=3)


def fold_record(fold, at, wrong, *, seed=0, recipe=RECIPE, trained=5000, **data):
    """The run of a fold with the images at these places, of which those ``wrong`` are misread."""
    inside = [number for number, place in enumerate(at) if place in wrong]
    plain = made_record(recipe.replace(fold=0, folds=0), seed, inside, images=len(at))
    content = plain.model_dump(exclude={"final", "seconds"})
    content["recipe"] = plain.recipe.replace(folds=recipe.folds, fold=fold)
    content["data"] |= {"places": tuple(at), "train_images": trained} | data
    return RunRecord.model_validate(content)


def divided(count, wrong, seed=0, **data):
    """Records of three folds of ``count`` images."""
    order = np.random.default_rng(seed).permutation(count)
    return [
        fold_record(fold, sorted(order[fold - 1 :: 3].tolist()), wrong, **data)
        for fold in (1, 2, 3)
    ]


def test_a_hand_worked_example():
    records = [
        fold_record(1, [0, 3, 4], {3}, trained=100, fingerprint="a", note="all; fold's own"),
        fold_record(2, [2, 5], {2, 5}, trained=200, fingerprint="b", note="all"),
        fold_record(3, [1], {3}, trained=300, fingerprint="c", note="all"),
    ]
    changed = [0.5, 0.25, 0.125]
    records = [
        record.model_copy(
            update={
                "history": tuple(
                    epoch.model_copy(update={"test_loss": loss, "train_loss": loss})
                    for epoch in record.history
                )
            }
        )
        for record, loss in zip(records, changed, strict=True)
    ]
    pooled = pool_folds(records[::-1])
    assert pooled.recipe == RECIPE.replace(epochs=2)
    assert (pooled.data.test_images, pooled.data.train_images) == (6, 600)
    assert pooled.data.note == "all; fold 1: fold's own"
    assert pooled.data.places == ()
    assert pooled.data.fingerprint == pool_fingerprints("abc")
    # Of a fold's images 0, 1, 2 the labels are 0, 1, 2, each misread as the next class.
    assert pooled.predictions.mistakes == ((2, 0, 1), (3, 1, 2), (5, 1, 2))
    assert pooled.predictions.test_labels == (3, 2, 1, *[0] * 7)
    last = pooled.history[-1]
    assert last.test_accuracy == 3 / 6
    assert last.test_loss == pytest.approx((3 * 0.5 + 2 * 0.25 + 0.125) / 6)
    assert last.train_loss == pytest.approx((100 * 0.5 + 200 * 0.25 + 300 * 0.125) / 600)
    assert last.train_accuracy == pytest.approx(0.95)
    assert (last.train_seconds, last.test_seconds) == (3.0, 1.5)
    assert last.images_per_second == 200
    assert pooled.final.test_errors == 3
    assert pooled.seconds == 9


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 60), st.sets(st.integers(0, 59)), st.integers(0, 99))
def test_a_pooled_record_is_a_sound_record(count, wrong, seed):
    records = divided(count, wrong, seed)
    pooled = pool_folds(records)
    assert [image for image, _, _ in pooled.predictions.mistakes] == sorted(
        image for image in wrong if image < count
    )
    assert pooled == RunRecord.from_json(pooled.to_json(), "pooled")
    for record in records:
        assert record == RunRecord.from_json(record.to_json(), "fold")


def test_seeds_and_recipes_are_pooled_apart_and_what_lacks_a_fold_is_named():
    other = RECIPE.replace(name="other", dropout=0.5)
    plain = made_record(images=9)
    records = [
        *divided(9, {1}, recipe=RECIPE),
        *divided(9, {1, 2}, seed=1, recipe=other),
        *divided(9, (), recipe=RECIPE.replace(dropout=0.1))[1:2],
    ]
    found = pool_complete([*records, plain])
    assert [(one.recipe.name, one.final.test_errors) for one in found.records] == [
        ("one", 1),
        ("other", 2),
    ]
    digest = RECIPE.replace(dropout=0.1, epochs=2).digest
    assert found.lacking == {(digest, 0): "one, seed 0: lacks folds 1, 3 of 3"}


def test_folds_that_do_not_belong_together_are_refused():
    first, second, third = divided(9, {1})
    elsewhere = third.model_copy(update={"data": third.data.model_copy(update={"places": (0,)})})
    other_seed = third.model_copy(update={"seed": 1})
    changed = third.model_copy(update={"source": "changed"})
    other_loss = third.model_copy(update={"code": {"loss": CodeDigest(source="changed")}})
    for last, message in (
        (second, "one, seed 0: needs one run of each of its 3 folds"),
        (elsewhere, "one, seed 0: its folds are not parts of the same images"),
        (other_seed, "one, seed 0: its folds are runs of different data or models"),
        (changed, "one, seed 0: its folds are runs of different data or models"),
        (other_loss, "one, seed 0: its folds are runs of different data or models"),
    ):
        with pytest.raises(MnistlabError, match=message):
            pool_folds([first, second, last])


def test_class_weights_are_the_folds_mean_and_the_code_is_theirs():
    code = {"loss": CodeDigest(source="0123")}
    rows = [(1.0, 2.0), (1.5, 2.0), (2.0, 2.0)]
    pooled = pool_folds(
        [
            record.model_copy(update={"class_weights": weights, "code": code})
            for record, weights in zip(divided(9, {1}), rows, strict=True)
        ]
    )
    assert pooled.class_weights == (1.5, 2.0)
    assert pooled.code == code
    assert pool_folds(divided(9, {1})).class_weights == ()


def test_versions_and_devices_of_all_folds_are_named():
    first, second, third = divided(9, {1})
    older = third.environment.model_copy(
        update={"device": "cuda", "versions": third.environment.versions | {"torch": "0.1"}}
    )
    pooled = pool_folds([first, second, third.model_copy(update={"environment": older})])
    torch = first.environment.versions["torch"]
    assert pooled.environment.versions["torch"] == f"{torch}{MIXED}0.1"
    assert pooled.environment.device == f"cpu{MIXED}cuda"
    assert pooled.environment.cores == first.environment.cores


def test_a_record_without_places_is_written_as_before():
    assert '"places"' not in made_record().to_json()


def test_a_folds_record_needs_its_places():
    with pytest.raises(ValueError, match=r"data\.places: not of the fold's 3 images"):
        fold_record(1, [0, 1, 2], (), places=(0, 1))


def stopped(fold, at, wrong, losses, *, patience=1, epochs=9):
    """A fold whose watched images came to these losses."""
    recipe = RECIPE.replace(patience=0)
    content = fold_record(fold, at, wrong, recipe=recipe).model_dump(exclude={"final", "seconds"})
    first = content["history"][0]
    history = [
        first | {"epoch": epoch, "watched_loss": loss, "watched_accuracy": 0.5, "test_loss": loss}
        for epoch, loss in enumerate(losses, 1)
    ]
    content["recipe"] |= {"patience": patience, "epochs": epochs}
    kept = history[losses.index(min(losses))]
    content["data"] |= {"watched_images": 10 * fold}
    return RunRecord.model_validate(content | {"history": history, "kept": kept})


def test_folds_that_stop_early_count_with_the_weights_that_they_kept():
    records = [
        stopped(1, [0, 1], {0}, [0.4, 0.6]),
        stopped(2, [2, 3], {2, 3}, [0.5, 0.3, 0.2, 0.8]),
        stopped(3, [4, 5], {4}, [0.9, 0.6, 0.7]),
    ]
    pooled = pool_folds(records)
    assert [epoch.epoch for epoch in pooled.history] == [1, 2, 3, 4]
    assert [epoch.test_loss for epoch in pooled.history] == pytest.approx(
        [1.8 / 3, (0.6 + 0.3 + 0.6) / 3, (0.4 + 0.2 + 0.7) / 3, (0.4 + 0.8 + 0.6) / 3]
    )
    assert pooled.outcome.test_loss == pytest.approx((0.4 + 0.2 + 0.6) / 3)
    # By their number of watched images.
    assert pooled.outcome.watched_loss == pytest.approx((10 * 0.4 + 20 * 0.2 + 30 * 0.6) / 60)
    assert pooled.kept.epoch == 3
    assert pooled.data.watched_images == 60
    assert (pooled.final.test_errors, len(pooled.predictions.mistakes)) == (4, 4)
    assert pooled.seconds == pytest.approx(sum(record.seconds for record in records))
    (note,) = note_lines({"one": [pooled]})
    assert note == (
        "early stopping: training ended for each fold by itself, after epoch 4 at the latest, and"
        " the figures are of the weights of its best epoch on the watched images, epoch 3 at the"
        " latest"
    )
