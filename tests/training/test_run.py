"""Whole runs: stopped anywhere and resumed, they end in the very same bits."""

import functools
from itertools import pairwise

import numpy as np
import pytest
import torch

from mnistlab import Recipe, RunFolder, make_dataset, train
from mnistlab.data import Split
from mnistlab.errors import BusyError, DeviceError, KernelError, RunError
from mnistlab.training import BatchDone, EpochDone, RunFinished, RunStarted, RunStopped
from mnistlab.training.device import choose_device, torch_threads

KERNELS = ["auto", "torch"]
MIXED = {"flip_horizontal": 0.5, "crop": 2, "colour_jitter": 0.3, "mixup": 0.4, "cutmix": 1.0}
STOPS = (1, 7, 10, 13, 20, 29)
"""Batches after which a run is stopped: in the middle of an epoch of ten, and at its end."""
CHANGES = [
    {},
    {"optimizer": "adamw", "averaging": 0.9, "schedule": "onecycle"},
    {"swa": 2, "flip_vertical": 0.5, "cutout": 7, **MIXED},
]
TIMES = {"train_seconds", "test_seconds", "images_per_second"}


@pytest.fixture(scope="module")
def small_mnist(mnist):
    """160 training and 60 test images: ten batches per epoch."""
    parts = [(mnist.train, 160), (mnist.test, 60)]
    return make_dataset("small", *(Split(s.images[:n], s.labels[:n]) for s, n in parts))


@pytest.fixture
def plain(plain):
    return plain.replace(batch_size=16)


@pytest.fixture
def regularised(regularised):
    return regularised.replace(batch_size=16)


@pytest.fixture(scope="module")
def undisturbed(small_mnist):
    """A function that trains a recipe without interruption, once per set of arguments."""

    @functools.cache
    def run(recipe, threads, kernels):
        return train(recipe, small_mnist, seed=1, threads=threads, kernels=kernels)

    return run


def without_times(record):
    return [metrics.model_dump(exclude=TIMES) for metrics in record.history]


class StopAfter:
    """Stops a run after the given number of batches."""

    def __init__(self, batches):
        self.left = batches

    def __call__(self):
        return self.left <= 0

    def listen(self, event):
        self.left -= isinstance(event, BatchDone)


def assert_same(first, second):
    assert without_times(first.record) == without_times(second.record)
    assert np.array_equal(first.test_logits, second.test_logits)
    ours, theirs = first.model.state_dict(), second.model.state_dict()
    assert ours.keys() == theirs.keys()
    for key in ours:
        assert torch.equal(ours[key], theirs[key]), key


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kernels", KERNELS)
def test_the_same_seed_gives_the_same_bits(regularised, small_mnist, undisturbed, threads, kernels):
    again = train(regularised, small_mnist, seed=1, threads=threads, kernels=kernels)
    assert_same(undisturbed(regularised, threads, kernels), again)


def test_native_kernels_give_the_same_bits_on_any_threads_and_in_calls_of_any_length(
    regularised, small_mnist, undisturbed, monkeypatch
):
    first = undisturbed(regularised, 1, "auto")
    assert first.record.environment.kernels != "torch"
    for threads in (2, 3, 5):
        assert_same(first, train(regularised, small_mnist, seed=1, threads=threads))
    monkeypatch.setattr("mnistlab.training.backend.IMAGES_PER_CALL", 250)
    assert_same(first, train(regularised, small_mnist, seed=1, threads=2))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_run_stopped_again_and_again_ends_as_if_it_had_never_stopped(
    regularised, small_mnist, undisturbed, tmp_path, threads, kernels, changes
):
    recipe = regularised.replace(**changes)
    whole = undisturbed(recipe, threads, kernels)
    arguments = {"seed": 1, "folder": tmp_path / "run", "kernels": kernels}
    given = {"threads": threads}
    for before, after in pairwise([0, *STOPS]):
        stop = StopAfter(after - before)
        stopped = train(
            recipe, small_mnist, **arguments, **given, on_event=stop.listen, should_stop=stop
        )
        assert stopped is None
        assert RunFolder(tmp_path / "run").begun
        given = {"resume": True}
    # In PyTorch, the number of threads is that of the checkpoint.
    resumed = train(recipe, small_mnist, **arguments, resume=True)
    assert resumed.record.environment.threads == (
        threads if kernels == "torch" else torch.get_num_threads()
    )
    assert_same(whole, resumed)
    assert not RunFolder(tmp_path / "run").begun


def test_a_run_may_be_stopped_at_every_batch(plain, small_mnist, tmp_path):
    whole = train(plain, small_mnist)
    rounds, result = 0, None
    while result is None:
        stop = StopAfter(1)
        result = train(
            plain,
            small_mnist,
            folder=tmp_path / "run",
            resume=True,
            on_event=stop.listen,
            should_stop=stop,
        )
        rounds += 1
    assert rounds == 20
    assert_same(whole, result)


def test_a_users_model_with_its_own_dropout_and_state_resumes_too(small_mnist, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\ndef build(shape, classes):\n    head = nn.Linear(1024, classes)\n   "
        " return nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.BatchNorm1d(1024), head,"
        " nn.Dropout(0.1))\n"
    )
    recipe = Recipe(model=f"{tmp_path / 'mine.py'}:build", epochs=2, batch_size=64)
    stop = StopAfter(13)
    train(recipe, small_mnist, folder=tmp_path / "run", on_event=stop.listen, should_stop=stop)
    assert_same(
        train(recipe, small_mnist), train(recipe, small_mnist, folder=tmp_path / "run", resume=True)
    )


def test_a_checkpoint_is_kept_at_every_epochs_end(plain, small_mnist, tmp_path):
    folder = RunFolder(tmp_path)
    kept = []
    train(
        plain,
        small_mnist,
        folder=tmp_path,
        on_event=lambda e: kept.append(folder.begun) if isinstance(e, EpochDone) else 0,
    )
    assert kept == [True, True]
    assert folder.finished
    assert not folder.begun


def test_momentum_of_zero_resumes(plain, small_mnist, tmp_path):
    recipe = plain.replace(momentum=0)
    stop = StopAfter(5)
    train(recipe, small_mnist, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    assert_same(
        train(recipe, small_mnist), train(recipe, small_mnist, folder=tmp_path, resume=True)
    )


def test_a_finished_run_is_read_and_not_trained_again(plain, small_mnist, tmp_path):
    first = train(plain, small_mnist, folder=tmp_path)
    events = []
    second = train(plain, small_mnist, folder=tmp_path, resume=True, on_event=events.append)
    assert events == [RunFinished(first.record, reused=True)]
    assert_same(first, second)


def test_events_frame_a_run(plain, small_mnist, tmp_path):
    events = []
    stop = StopAfter(13)
    train(
        plain,
        small_mnist,
        folder=tmp_path,
        should_stop=stop,
        on_event=lambda e: (events.append(e), stop.listen(e)),
    )
    assert isinstance(events[0], RunStarted)
    assert (events[0].parameters, events[0].batches, events[0].epochs_done) == (61_706, 10, 0)
    assert events[-1] == RunStopped(2, 3, 10)
    events.clear()
    train(plain, small_mnist, folder=tmp_path, resume=True, on_event=events.append)
    assert events[0].epochs_done == 1
    assert isinstance(events[-1], RunFinished)


def test_nothing_on_disk_is_overwritten_unasked(plain, small_mnist, tmp_path):
    stop = StopAfter(3)
    train(plain, small_mnist, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    with pytest.raises(
        RunError, match="an unfinished run; give `resume=True` to resume it, `overwrite=True`"
    ):
        train(plain, small_mnist, folder=tmp_path)
    trained = train(plain, small_mnist, folder=tmp_path, overwrite=True)
    with pytest.raises(RunError, match="holds a finished run; give `resume=True` to use it"):
        train(plain, small_mnist, folder=tmp_path)
    assert RunFolder(tmp_path).read_record() == trained.record


def test_a_run_in_progress_says_so_whatever_its_folder_holds(plain, small_mnist, tmp_path):
    stop = StopAfter(3)
    train(plain, small_mnist, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    with RunFolder(tmp_path).lock():
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(BusyError, match="in progress: another process is training"):
                train(plain, small_mnist, folder=tmp_path, **options)
    assert RunFolder(tmp_path).begun


@pytest.mark.parametrize("finished", [False, True])
def test_another_run_is_not_taken_for_this_one(plain, small_mnist, mnist, tmp_path, finished):
    stop = StopAfter(999 if finished else 3)
    train(plain, small_mnist, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    with pytest.raises(
        RunError,
        match=r"holds a run with dropout = 0\.0, not 0\.5; seed = 0, not 4; choose another",
    ):
        train(plain.replace(dropout=0.5), small_mnist, seed=4, folder=tmp_path, resume=True)
    with pytest.raises(RunError, match="other images"):
        train(plain, mnist, folder=tmp_path, resume=True)


def test_on_plain_pytorch_another_number_of_threads_is_refused_since_the_bits_would_differ(
    plain, small_mnist, tmp_path
):
    stop = StopAfter(3)
    train(
        plain,
        small_mnist,
        folder=tmp_path,
        threads=1,
        kernels="torch",
        on_event=stop.listen,
        should_stop=stop,
    )
    with pytest.raises(RunError, match="was started on 1 thread, not 2; leave `threads=` out"):
        train(plain, small_mnist, folder=tmp_path, threads=2, resume=True)


def test_a_run_is_resumed_with_the_kernels_that_it_was_started_with(plain, small_mnist, tmp_path):
    for kernels in KERNELS:
        stop, folder = StopAfter(3), tmp_path / kernels
        train(
            plain,
            small_mnist,
            folder=folder,
            kernels=kernels,
            on_event=stop.listen,
            should_stop=stop,
        )
    resumed = train(plain, small_mnist, folder=tmp_path / "torch", resume=True)
    assert resumed.record.environment.kernels == "torch"
    with pytest.raises(
        RunError,
        match=r"was started with the native kernels \w+, which do not give the same bits as torch",
    ):
        train(plain, small_mnist, folder=tmp_path / "auto", kernels="torch", resume=True)


def test_unknown_kernels_are_refused(plain, small_mnist):
    with pytest.raises(KernelError, match="fast: no such kernels; one of auto, torch"):
        train(plain, small_mnist, kernels="fast")


@pytest.mark.parametrize(
    "damage", [lambda c: b"", lambda c: c[:100], lambda c: c[:-100], lambda c: b"\xff" * 50]
)
def test_a_damaged_checkpoint_is_named(plain, small_mnist, tmp_path, damage):
    stop = StopAfter(3)
    train(plain, small_mnist, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    file = RunFolder(tmp_path).checkpoint_file
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(RunError, match=r"checkpoint\.safetensors: .*damaged"):
        train(plain, small_mnist, folder=tmp_path, resume=True)


def test_a_model_that_cannot_be_built_leaves_no_folder(small_mnist, tmp_path):
    with pytest.raises(Exception, match="too small"):
        train(Recipe(fit="none"), small_mnist, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_no_file_of_a_run_is_a_pickle(plain, small_mnist, tmp_path):
    stop = StopAfter(3)
    train(plain, small_mnist, folder=tmp_path, on_event=stop.listen, should_stop=stop)
    files = [RunFolder(tmp_path).checkpoint_file.read_bytes()]
    train(plain, small_mnist, folder=tmp_path, resume=True)
    files += [path.read_bytes() for path in tmp_path.iterdir() if path.name != ".lock"]
    assert len(files) == 6
    # A pickle of protocol 2 and later starts with 0x80, torch's archives with PK.
    assert all(not content.startswith((b"\x80", b"PK")) for content in files)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("cuda", "no CUDA device"), ("mps", "no Apple GPU"), ("tpu", "one of auto, cpu, cuda, mps")],
)
def test_a_device_that_is_not_there_is_refused(kind, message):
    if (kind == "cuda" and torch.cuda.is_available()) or (
        kind == "mps" and torch.backends.mps.is_available()
    ):
        pytest.skip("this machine has one")
    with pytest.raises(DeviceError, match=message):
        choose_device(kind)


def test_the_number_of_threads_is_restored():
    before = torch.get_num_threads()
    with torch_threads(before + 1) as used:
        assert used == torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "seed", [-1, 10**18 + 1, 10**400, "a"], ids=["below 0", "too large", "absurd", "a text"]
)
def test_a_seed_that_no_record_holds_is_refused_before_training(plain, small_mnist, tmp_path, seed):
    with pytest.raises(RunError, match=r"seed: must be a whole number from 0 to 1(,000){6}; found"):
        train(plain, small_mnist, seed=seed, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()
