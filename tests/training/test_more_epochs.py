"""More epochs on a finished run: it ends as if it had been asked for them at first."""

import functools
import itertools
import os
import signal
import subprocess

import pytest
from safetensors.torch import load as load_tensors

from mnistlab import RunFolder, make_dataset, train
from mnistlab.data import Split
from mnistlab.errors import RunError
from mnistlab.training import EpochDone, RunFinished, RunStarted
from tests.cli.processes import MNISTLAB, run
from tests.training.test_early_stopping import EAGER
from tests.training.test_run import StopAfter, assert_same, without_times

PLAIN = EAGER.replace(patience=0, epochs=2)
CHANGES = [
    {},
    {"optimizer": "adamw", "averaging": 0.9, "warmup": 3.0},
    {"model": "lenet5", "batch_norm": True, "rotation": 9.0, "dropout": 0.3, "learning_rate": 0.01},
    {"patience": 7},
    {"schedule": "plateau", "plateau_patience": 0},
]


@pytest.fixture(scope="module")
def small(mnist):
    parts = [(mnist.train, 200), (mnist.test, 60)]
    return make_dataset("small", *(Split(s.images[:n], s.labels[:n]) for s, n in parts))


@pytest.fixture(scope="module")
def at_first(small):
    """A function that trains a recipe for that many epochs at once."""

    @functools.cache
    def trained(recipe, epochs, kernels="auto"):
        return train(recipe, small, epochs=epochs, kernels=kernels)

    return trained


def assert_same_run(one, two):
    assert_same(one, two)
    left_out = {"history", "kept", "started", "environment", "seconds"}
    assert one.record.model_dump(exclude=left_out) == two.record.model_dump(exclude=left_out)


@pytest.mark.parametrize("kernels", ["auto", "torch"])
@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_it_ends_in_the_bits_of_a_run_that_was_asked_for_them_at_first(
    small, at_first, tmp_path, changes, kernels
):
    recipe = PLAIN.replace(**changes)
    train(recipe, small, folder=tmp_path, kernels=kernels)
    for epochs in (3, 6):
        events = []
        more = train(
            recipe, small, folder=tmp_path, epochs=epochs, resume=True, on_event=events.append
        )
        assert isinstance(events[0], RunStarted)
        assert_same_run(more, at_first(recipe, epochs, kernels))
        folder = RunFolder(tmp_path)
        assert folder.read_record() == more.record
        assert len(folder.history_file.read_text().splitlines()) == epochs + 1


def test_the_optimisers_state_is_that_of_a_run_asked_at_first(small, tmp_path):
    recipe = PLAIN.replace(optimizer="adamw")
    train(recipe, small, folder=tmp_path / "more")
    train(recipe, small, folder=tmp_path / "more", epochs=4, resume=True)
    train(recipe, small, folder=tmp_path / "once", epochs=4)
    one, two = (
        load_tensors(RunFolder(tmp_path / name).read_checkpoint()) for name in ("more", "once")
    )
    assert one.keys() == two.keys()
    assert any(name.startswith("optimizer.") for name in one)
    for name, value in one.items():
        assert value.equal(two[name]), name


def test_an_unfinished_run_goes_on_to_more_epochs(small, at_first, tmp_path):
    stop = StopAfter(20)
    train(PLAIN, small, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    assert RunFolder(tmp_path).begun
    more = train(PLAIN, small, folder=tmp_path, epochs=5, resume=True)
    assert_same_run(more, at_first(PLAIN, 5))


def test_until_the_longer_run_is_finished_the_finished_one_is_there(small, at_first, tmp_path):
    first, folder = train(PLAIN, small, folder=tmp_path), RunFolder(tmp_path)
    stop = StopAfter(20)
    longer = {"folder": tmp_path, "epochs": 6, "resume": True}
    assert train(PLAIN, small, **longer, on_event=stop.listen, should_stop=stop) is None
    assert folder.read_record() == first.record
    events = []
    assert_same(first, train(PLAIN, small, folder=tmp_path, resume=True, on_event=events.append))
    assert events == [RunFinished(first.record, reused=True)]
    with pytest.raises(RunError, match="holds a run with epochs = 6, not 4"):
        train(PLAIN, small, folder=tmp_path, epochs=4, resume=True)
    assert_same_run(train(PLAIN, small, **longer), at_first(PLAIN, 6))


@pytest.mark.parametrize("written", range(5))
def test_killed_while_its_files_are_written_it_is_resumed(
    small, at_first, tmp_path, monkeypatch, written
):
    """At each moment there is a finished run, or an unfinished one with all its epochs."""
    train(PLAIN, small, folder=tmp_path)
    folder, counter = RunFolder(tmp_path), itertools.count()

    class Killed(BaseException):
        pass

    def die(write):
        def wrapped(*arguments):
            if ended and next(counter) == written:
                raise Killed
            write(*arguments)

        return wrapped

    ended = []
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "_write", die(RunFolder._write))
        patch.setattr(RunFolder, "_remove", staticmethod(die(RunFolder._remove)))
        with pytest.raises(Killed):
            train(
                PLAIN,
                small,
                folder=tmp_path,
                epochs=4,
                resume=True,
                on_event=lambda e: (
                    ended.append(e) if isinstance(e, EpochDone) and e.metrics.epoch == 4 else None
                ),
            )
    if folder.finished:
        assert len(folder.read_logits()) == 60
        assert folder.read_model()
    else:
        assert folder.begun
    assert_same_run(train(PLAIN, small, folder=tmp_path, epochs=4, resume=True), at_first(PLAIN, 4))


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"schedule": "cosine"}, "schedule cosine"),
        ({"schedule": "onecycle"}, "schedule onecycle"),
        ({"swa": 1}, "swa = 1"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_what_depends_on_the_number_of_epochs_is_refused(
    small, tmp_path, changes, because, finished
):
    recipe, stop = PLAIN.replace(**changes), StopAfter(999 if finished else 20)
    train(recipe, small, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    with pytest.raises(
        RunError,
        match=rf"of 2 epochs, which cannot go on to 3: with {because} they .*; choose another",
    ):
        train(recipe, small, folder=tmp_path, epochs=3, resume=True)
    # Its checkpoint would be of no use.
    assert RunFolder(tmp_path).has_checkpoint is not finished


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": 1}, "holds a run with epochs = 2, not 1; choose another folder"),
        ({"epochs": 3, "dropout": 0.5}, r"with dropout = 0\.0, not 0\.5; epochs = 2, not 3"),
        ({"epochs": 3, "seed": 1}, "holds a run with seed = 0, not 1"),
    ],
)
def test_fewer_epochs_and_other_runs_are_refused(small, tmp_path, fields, message):
    first = train(PLAIN, small, folder=tmp_path)
    with pytest.raises(RunError, match=message):
        train(PLAIN, small, folder=tmp_path, resume=True, **fields)
    assert RunFolder(tmp_path).read_record() == first.record


def test_without_its_checkpoint_it_cannot_go_on(small, tmp_path):
    train(PLAIN, small, folder=tmp_path)
    folder = RunFolder(tmp_path)
    assert folder.prune(checkpoint=True) > 0
    with pytest.raises(
        RunError, match=r"of 2 epochs, but no checkpoint\.safetensors to go on from.*overwrite=True"
    ):
        train(PLAIN, small, folder=tmp_path, epochs=3, resume=True)
    train(PLAIN, small, folder=tmp_path, resume=True)


def test_without_resume_the_message_says_what_it_would_do(small, tmp_path):
    train(PLAIN, small, folder=tmp_path)
    with pytest.raises(
        RunError, match="give `resume=True` to go on with it, from 2 to 3 epochs, `overwrite=True`"
    ):
        train(PLAIN, small, folder=tmp_path, epochs=3)


def test_a_run_that_stopped_early_has_nothing_to_go_on_with(small, tmp_path):
    first = train(EAGER, small, folder=tmp_path)
    assert first.record.stopped_early
    assert not RunFolder(tmp_path).has_checkpoint
    events = []
    again = train(EAGER, small, folder=tmp_path, epochs=99, resume=True, on_event=events.append)
    assert events == [RunFinished(first.record, reused=True)]
    # As a run of 99 epochs asked for at first would have.
    assert without_times(train(EAGER, small, epochs=99).record) == without_times(again.record)


def test_kill_9_while_it_goes_on(few, tmp_path):
    arguments = ["train", "mlp", "--data", few, "--set", "batch_size=16", "--run", "r"]
    assert run(*MNISTLAB, *arguments, "--epochs", 2, cwd=tmp_path).returncode == 0
    before = RunFolder(tmp_path / "r").read_record()
    process = subprocess.Popen(
        [*map(str, [*MNISTLAB, *arguments, "--epochs", "60", "--resume"])],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    while "epoch  5/60" not in (line := process.stdout.readline()):
        assert line
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    folder = RunFolder(tmp_path / "r")
    assert folder.read_record() == before
    assert folder.read_model()
    ended = run(*MNISTLAB, *arguments, "--epochs", 60, "--resume", cwd=tmp_path)
    assert "resumed after epoch" in ended.stdout
    assert ended.returncode == 0
    run(*MNISTLAB, *arguments[:-1], "whole", "--epochs", 60, cwd=tmp_path)
    for file in ("model.safetensors", "test_logits.npy"):
        one, two = ((tmp_path / name / file).read_bytes() for name in ("r", "whole"))
        assert one == two
    assert_same_history(folder, RunFolder(tmp_path / "whole"))


def assert_same_history(one, two):
    assert without_times(one.read_record()) == without_times(two.read_record())


@pytest.mark.parametrize(
    ("kernels", "reason"), [("auto", "as the run began"), ("torch", "requested")]
)
def test_a_run_resumed_on_pytorch_does_not_say_that_it_was_requested_unless_it_was(
    small, tmp_path, kernels, reason
):
    train(PLAIN, small, folder=tmp_path, kernels="torch")
    events = []
    train(
        PLAIN,
        small,
        folder=tmp_path,
        epochs=3,
        resume=True,
        kernels=kernels,
        on_event=events.append,
    )
    (started,) = (event for event in events if isinstance(event, RunStarted))
    assert started.reason == reason
