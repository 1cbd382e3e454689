"""Early stopping: when training ends, whose weights are kept, and that no test image has a say."""

import numpy as np
import pytest
import torch
from safetensors.torch import load as load_tensors

from mnistlab import EpochMetrics, Recipe, RunFolder, RunRecord, load, make_dataset, train
from mnistlab.data import Split
from mnistlab.errors import RecipeError, RunError
from mnistlab.runs import best_epoch, out_of_patience
from mnistlab.training import EpochDone
from tests.training.test_run import StopAfter, assert_same, without_times

EAGER = Recipe(
    model="mlp", epochs=12, batch_size=16, learning_rate=0.15, patience=2, train_limit=320
)
"""It is stopped within its epochs, some epochs after its best one."""


@pytest.fixture(scope="module")
def small(mnist):
    parts = [(mnist.train, 400), (mnist.test, 60)]
    return make_dataset("small", *(Split(s.images[:n], s.labels[:n]) for s, n in parts))


def history(losses, accuracies=None):
    accuracies = accuracies or [0.5] * len(losses)
    return [
        EpochMetrics(
            epoch=epoch,
            train_loss=1,
            train_accuracy=0,
            test_loss=1,
            test_accuracy=0,
            train_seconds=1,
            test_seconds=1,
            images_per_second=1,
            watched_loss=loss,
            watched_accuracy=accuracy,
        )
        for epoch, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("losses", "fields", "best", "over"),
    [
        ([1.0], {}, 1, False),
        ([1.0, 0.9, 0.9, 0.8], {}, 4, False),
        ([1.0, 0.9, 0.95], {}, 2, False),
        ([1.0, 0.9, 0.95, 0.9], {}, 2, True),
        ([1.0, 0.9, 0.8, 0.7], {"min_delta": 0.15}, 3, False),
        ([1.0, 0.9, 0.88], {"min_delta": 0.15}, 1, True),
        ([1.0, 2.0], {"patience": 1}, 1, True),
    ],
)
def test_hand_worked_examples(losses, fields, best, over):
    recipe = Recipe(**{"patience": 2} | fields)
    assert best_epoch(recipe, history(losses)) == best
    assert out_of_patience(recipe, history(losses)) is over


def test_accuracy_is_better_the_higher():
    found = history([0.1, 0.2, 0.3, 0.4], [0.5, 0.7, 0.7, 0.6])
    assert best_epoch(Recipe(patience=2, monitor="accuracy"), found) == 2
    assert out_of_patience(Recipe(patience=2, monitor="accuracy"), found)


@pytest.mark.parametrize("kernels", ["auto", "torch"])
@pytest.mark.parametrize("changes", [{}, {"averaging": 0.7, "batch_norm": True, "shifts": 1}])
def test_the_weights_are_those_of_the_best_epoch(small, tmp_path, kernels, changes):
    recipe = EAGER.replace(**changes)
    trained = train(recipe, small, folder=tmp_path / "run", kernels=kernels)
    record = trained.record
    best, last = record.kept.epoch, len(record.history)
    assert record.stopped_early
    assert (last, last < recipe.epochs) == (best + 2, True)
    assert record.kept == min(record.history, key=lambda epoch: epoch.watched_loss)
    # A run that is asked for no more epochs than the best keeps the same weights.
    shorter = train(recipe, small, epochs=best, kernels=kernels)
    assert without_times(shorter.record) == without_times(record)[:best]
    for key, value in shorter.model.state_dict().items():
        assert torch.equal(value, trained.model.state_dict()[key])
    assert np.array_equal(shorter.test_logits, trained.test_logits)
    # The figures to quote, the predictions and what is read back are theirs.
    assert record.final.epoch == best
    assert record.final.test_accuracy == record.history[best - 1].test_accuracy
    assert len(record.predictions.mistakes) == record.final.test_errors
    assert record.ending == f"stopped at epoch {last}, weights of epoch {best}"
    assert np.array_equal(
        load(tmp_path / "run").logits(small.test.images).argmax(1), trained.test_logits.argmax(1)
    )
    assert RunFolder(tmp_path / "run").read_record() == record


def test_other_test_images_change_nothing_but_their_own_figures(small, mnist):
    other = make_dataset(
        "small", small.train, Split(mnist.test.images[60:90], mnist.test.labels[:30])
    )
    first, second = train(EAGER, small), train(EAGER, other)
    assert first.record.kept.epoch == second.record.kept.epoch
    for one, two in zip(first.record.history, second.record.history, strict=True):
        assert (one.train_loss, one.watched_loss) == (two.train_loss, two.watched_loss)
    for key, value in first.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[key])


@pytest.mark.parametrize("changes", [{}, {"averaging": 0.9, "optimizer": "adamw"}])
@pytest.mark.parametrize("stop_at", [3, 40, 80])
def test_a_stopped_run_ends_in_the_same_bits(small, tmp_path, changes, stop_at):
    recipe = EAGER.replace(**changes)
    stop = StopAfter(stop_at)
    train(recipe, small, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    assert RunFolder(tmp_path).begun
    assert_same(train(recipe, small), train(recipe, small, folder=tmp_path, resume=True))


def test_killed_before_its_files_are_written_it_keeps_the_best_weights(small, tmp_path):
    whole = train(EAGER, small)
    last = len(whole.record.history)

    class Killed(BaseException):
        pass

    def die(event):
        if isinstance(event, EpochDone) and event.metrics.epoch == last:
            raise Killed

    with pytest.raises(Killed):
        train(EAGER, small, folder=tmp_path, on_event=die)
    assert_same(whole, train(EAGER, small, folder=tmp_path, resume=True))


def test_a_run_that_is_not_stopped_keeps_the_best_epoch_too(small):
    record = train(EAGER.replace(patience=50), small).record
    assert len(record.history) == 12
    assert not record.stopped_early
    assert record.kept == min(record.history, key=lambda epoch: epoch.watched_loss)
    assert record.ending == f"after epoch 12, weights of epoch {record.kept.epoch}"


def test_records_that_contradict_themselves_are_refused(small):
    record = train(EAGER, small).record
    content = record.model_dump(exclude={"final", "seconds"})
    assert RunRecord.model_validate(content) == record
    for change in (
        {"kept": None},
        {"kept": content["history"][-1]},
        {"history": content["history"][:-1]},
        {"recipe": content["recipe"] | {"patience": 0}},
        {"recipe": content["recipe"] | {"patience": 1}},
    ):
        with pytest.raises(ValueError, match=r"kept: |history: "):
            RunRecord.model_validate(content | change)
    with pytest.raises(RunError, match=r"history\.0\.watched_accuracy"):
        data = record.data.model_copy(update={"watched_images": 31})
        RunRecord.from_json(record.model_copy(update={"data": data}).to_json(), "it")


def test_without_patience_a_record_has_no_new_fields(small):
    record = train(EAGER, small, patience=0, epochs=2).record
    text = record.to_json()
    assert "watched" not in text
    assert "kept" not in text
    assert record.final.epoch is None
    assert "epoch" not in record.final.model_dump()


def test_plateau_watches_and_keeps_the_last_epoch(small, tmp_path):
    recipe = EAGER.replace(patience=0, schedule="plateau", plateau_patience=0, gamma=0.5)
    stop = StopAfter(130)
    train(recipe, small, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    trained = train(recipe, small)
    assert_same(trained, train(recipe, small, folder=tmp_path, resume=True))
    assert trained.record.kept is None
    assert trained.record.data.watched_images == 32
    # With another rate after the first setback, it is another run.
    other = train(recipe, small, gamma=0.4).record
    assert without_times(other)[0] == without_times(trained.record)[0]
    assert other.history[-1].train_loss != trained.record.history[-1].train_loss


def test_a_checkpoint_holds_the_best_weights(small, tmp_path):
    train(EAGER.replace(patience=50), small, folder=tmp_path)
    tensors = load_tensors(RunFolder(tmp_path).read_checkpoint())
    kept = load_tensors(RunFolder(tmp_path).read_model())
    for name, value in kept.items():
        assert torch.equal(tensors[f"best.{name}"], value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"swa": 2, "patience": 3}, "patience: the best epoch's weights and a mean"),
        ({"min_delta": 0.1, "schedule": "plateau"}, "min_delta: has no effect without patience"),
        ({"monitor": "accuracy"}, "monitor: has no effect without patience above 0 or schedule"),
        ({"validation_fraction": 0.2}, "validation_fraction: has no effect without"),
        (
            {"plateau_patience": 2, "patience": 3},
            "plateau_patience: has no effect with schedule constant",
        ),
        ({"gamma": 0.5}, "gamma: has no effect with schedule constant"),
    ],
)
def test_what_has_no_effect_is_refused(fields, message):
    with pytest.raises(RecipeError, match=message):
        Recipe(**fields)
