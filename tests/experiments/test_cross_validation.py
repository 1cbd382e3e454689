"""Cross-validation from Python: pooled figures against those of the folds' own files."""

import numpy as np
import pytest

from mnistlab import MnistlabError, RunFolder, built_in, compare, read_comparison, repeat
from mnistlab.data import load_dataset
from mnistlab.evaluation import evaluate
from mnistlab.experiments import InProcessExecutor, read_repetition
from mnistlab.experiments.archive import write_archive
from mnistlab.runs import RunStore
from tests.experiments.listening import Notes, leftovers, results

IMAGES, FOLDS, SEEDS = 300, 3, 2


@pytest.fixture(scope="module")
def data(tmp_path_factory, mnist):
    """300 images without a test set."""
    file = tmp_path_factory.mktemp("data") / "some.npz"
    np.savez(file, images=mnist.train.images[:IMAGES, 0], labels=mnist.train.labels[:IMAGES])
    return file


@pytest.fixture(scope="module")
def recipes(data):
    return [
        built_in("mlp").replace(name=name, data=str(data), epochs=2, **changes)
        for name, changes in (("slow", {}), ("fast", {"learning_rate": 0.1}))
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory, recipes):
    runs = tmp_path_factory.mktemp("folds") / "runs"
    return compare(*recipes, folds=FOLDS, seeds=SEEDS, runs=runs, executor=InProcessExecutor())


def test_its_figures_are_those_of_all_images_worked_out_from_the_logits(found, mnist):
    labels = mnist.train.labels[:IMAGES]
    store = RunStore(found.runs)
    for group in found.groups:
        for seed, record in enumerate(group.records):
            logits, seconds, losses = np.full((IMAGES, 10), np.nan), 0.0, []
            for one in group.recipe.by_fold:
                folder = store.folder(one, seed)
                part = folder.read_record()
                places = list(part.data.places)
                assert np.isnan(logits[places]).all()
                logits[places] = folder.read_logits()
                seconds += part.seconds
                losses += [epoch.test_loss * len(places) for epoch in part.history]
            read = logits.argmax(axis=1)
            wrong = np.flatnonzero(read != labels)
            assert record.predictions.mistakes == tuple(
                (int(at), int(labels[at]), int(read[at])) for at in wrong
            )
            assert record.final.test_accuracy == pytest.approx(1 - len(wrong) / IMAGES)
            assert record.final.test_errors == len(wrong)
            exact = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(IMAGES), labels]
            assert record.final.test_loss == pytest.approx(exact.mean(), rel=1e-5)
            assert record.history[0].test_loss == pytest.approx(sum(losses[::2]) / IMAGES)
            assert record.seconds == pytest.approx(seconds, abs=0.01)
            assert record.data.test_images == IMAGES
    accuracies = [group.accuracies.mean() for group in found.groups]
    (difference,) = found.comparison.differences
    assert difference.mean == pytest.approx(100 * (accuracies[0] - accuracies[1]))
    assert len(list(store.records())) == 2 * SEEDS * FOLDS


def test_it_says_what_it_is(found, data):
    said = "3-fold cross-validation: each of the 300 images is classified by a model that was not"
    assert found.remarks[0].startswith(said)
    assert found.groups[0].records[0].data.note == "3-fold cross-validation of all 300 images"
    images = found._test_images()
    assert np.array_equal(images[:, 0], np.load(data)["images"])


def test_the_report_is_made_again_by_pooling_the_runs_again(found, tmp_path):
    found.write(tmp_path / "out")
    again = read_comparison(tmp_path / "out")
    assert again.comparison == found.comparison
    assert [group.records for group in again.groups] == [group.records for group in found.groups]
    for name in ("summary.json", "table.md", "report.html"):
        (tmp_path / "out" / name).rename(tmp_path / name)
    again.write(tmp_path / "out")
    for name in ("summary.json", "table.md", "report.html"):
        assert (tmp_path / "out" / name).read_text() == (tmp_path / name).read_text()
    from_runs = read_comparison(found.runs)
    assert {group.label: group.accuracies.tolist() for group in from_runs.groups} == {
        group.label: group.accuracies.tolist() for group in found.groups
    }
    assert not from_runs.failures


def test_a_missing_fold_is_named(recipes, tmp_path):
    runs = tmp_path / "out" / "runs"
    result = compare(*recipes, folds=2, seeds=2, epochs=1, runs=runs, executor=InProcessExecutor())
    write_archive(tmp_path / "out", result._archive(tmp_path / "out"))
    lost = result.groups[0].recipe.by_fold[1]
    RunStore(runs).folder(lost, 1).remove()
    with pytest.raises(MnistlabError, match=r"slow, seed 1: lacks fold 2 of 2; .*comparison\.json"):
        read_comparison(tmp_path / "out")
    again = read_comparison(runs)
    assert again.failures == ("slow, seed 1: lacks fold 2 of 2",)
    assert {group.label: group.seeds for group in again.groups} == {"slow": (0,), "fast": (0, 1)}


def test_finished_folds_are_kept_and_a_stopped_one_is_resumed_to_the_same_bits(
    found, recipes, tmp_path
):
    runs, notes, stop = tmp_path / "runs", Notes(), []
    notes.at_epoch = lambda event: len(notes.of("finished")) == 4 and stop.append(event)
    arguments = {"folds": FOLDS, "seeds": SEEDS, "runs": runs, "executor": InProcessExecutor()}
    stopped = compare(*recipes, **arguments, on_event=notes, should_stop=lambda: bool(stop))
    assert stopped is None
    again = Notes()
    result = compare(*recipes, **arguments, on_event=again)
    assert len(notes.of("finished")) + len(again.of("finished")) == 2 * SEEDS * FOLDS
    assert len(again.of("finished")) == 2 * SEEDS * FOLDS - 4
    assert results(runs) == results(found.runs)
    assert leftovers(runs) == []
    assert [group.accuracies.tolist() for group in result.groups] == [
        group.accuracies.tolist() for group in found.groups
    ]


def test_one_that_ends_when_it_is_settled(recipes, tmp_path):
    notes = Notes()
    result = compare(
        *recipes,
        folds=2,
        max_seeds=6,
        margin=50.0,
        epochs=1,
        runs=tmp_path / "runs",
        executor=InProcessExecutor(),
        on_event=notes,
    )
    assert result.seeds == tuple(range(6))
    assert len(notes.of("finished")) == 6 * 2 * 2
    assert result.max_seeds == 6
    (new,) = [remark for remark in result.remarks if "new images" in remark]
    assert "which leaves out that other images would also train other models)" in new
    write_archive(tmp_path, result._archive(tmp_path))
    assert read_comparison(tmp_path).comparison == result.comparison


def test_a_fold_that_cannot_be_trained_leaves_its_seed_out(recipes, tmp_path):
    runs, bad = tmp_path / "runs", recipes[0].replace(folds=2, epochs=1)
    place = RunStore(runs).folder(bad.by_fold[1], 1).path
    place.parent.mkdir()
    place.write_text("in the way")
    result = repeat(bad, seeds=3, runs=runs, executor=InProcessExecutor())
    assert result.group.seeds == (0, 2)
    (failure,) = result.failures
    assert failure.startswith("slow, fold 2 of 2, seed 1: ")


def test_a_repetition_keeps_the_record_of_every_fold(recipes, tmp_path):
    found = repeat(
        recipes[1], folds=FOLDS, seeds=SEEDS, runs=tmp_path / "runs", executor=InProcessExecutor()
    )
    found.write(tmp_path / "out")
    copies = {file.name for file in (tmp_path / "out" / "records").iterdir()}
    assert copies == {f"seed-{seed}-fold-{fold}.json" for seed in (0, 1) for fold in (1, 2, 3)}
    again = read_repetition(tmp_path / "out")
    assert again.figures == found.figures
    assert again.figures.folds == FOLDS
    assert again.remarks[0].startswith("3-fold cross-validation")
    again.write(tmp_path / "again")
    assert {file.name for file in (tmp_path / "again" / "records").iterdir()} == copies
    (tmp_path / "out" / "records" / "seed-1-fold-2.json").unlink()
    with pytest.raises(MnistlabError, match="fast, seed 1: lacks fold 2 of 3"):
        read_repetition(tmp_path / "out")


def test_a_fold_is_evaluated_on_the_images_that_it_was_not_trained_on(found):
    folder = RunStore(found.runs).folder(found.groups[1].recipe.by_fold[0], 0)
    result = evaluate(folder.path)
    record = folder.read_record()
    assert result.evaluation.images == len(record.data.places)
    assert result.evaluation.errors == record.final.test_errors


def test_runs_of_one_fold_are_compared_as_they_are(recipes, tmp_path):
    result = compare(
        *recipes,
        folds=3,
        fold=2,
        seeds=1,
        epochs=1,
        runs=tmp_path / "runs",
        executor=InProcessExecutor(),
    )
    assert result.groups[0].test_images == 100
    again = read_comparison(RunFolder(tmp_path / "runs").path)
    assert again.groups[0].test_images == 100
    assert "cross-validation" not in again.remarks


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{"folds": 3}, {"folds": 4}], "folds: differs between the recipes"),
        ([{"folds": 3, "fold": 1}, {"folds": 3}], "fold: differs between the recipes"),
        ([{"folds": 3}, {"folds": 3, "group": "_"}], "group: differs between the recipes"),
    ],
)
def test_what_cannot_be_compared_is_refused(recipes, changes, message, tmp_path):
    chosen = [one.replace(**change) for one, change in zip(recipes, changes, strict=True)]
    with pytest.raises(MnistlabError, match=message):
        compare(*chosen, seeds=1, runs=tmp_path)


def test_a_test_set_of_its_own_is_left_alone(tmp_path, mnist):
    file = tmp_path / "own.npz"
    train, test = mnist.train, mnist.test
    np.savez(
        file,
        train_images=train.images[:60, 0],
        train_labels=train.labels[:60] % 2,
        test_images=test.images[:10, 0],
        test_labels=test.labels[:10] % 2,
    )
    assert load_dataset(file).drawn is None
    result = repeat(
        built_in("mlp"),
        data=str(file),
        folds=2,
        epochs=1,
        seeds=1,
        runs=tmp_path / "runs",
        executor=InProcessExecutor(),
    )
    (record,) = result.group.records
    assert record.data.test_images == 60
    assert record.data.note == (
        "2-fold cross-validation of the 60 training images; the test set was not looked at"
    )
