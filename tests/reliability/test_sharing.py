"""Folders and files that many write at once: all load, and nobody disturbs anybody."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnistlab import RunFolder
from mnistlab.runs import RunStore, write_atomically
from tests.cli.processes import refusal
from tests.forks import started
from tests.reliability.bits import bits_of
from tests.reliability.writers import content


@pytest.fixture(scope="module")
def forks():
    return started()


@pytest.fixture(scope="module")
def finished(forks, few, tmp_path_factory):
    place = tmp_path_factory.mktemp("finished")
    arguments = ["train", "lenet5", "--data", few, "--epochs", 1, "--run", "r"]
    assert forks.run(*arguments, cwd=place).returncode == 0
    return place / "r"


def test_a_second_process_on_a_runs_folder_is_refused_and_the_first_undisturbed(
    forks, few, tmp_path, effort, account
):
    command = ["train", "lenet5", "--data", few, "--epochs", 12, "--threads", 1]
    assert forks.run(*command, "--run", "alone", cwd=tmp_path).returncode == 0
    tries = effort(2, 10)
    first = forks.start(*command, "--run", "shared", cwd=tmp_path)
    first.wait_for("epoch  1/12")
    # The first sleeps meanwhile, lest it be done before all others have tried.
    first.pause()
    said = set()
    for option in ("--resume", "--overwrite") * (tries // 2):
        said.add(refusal(forks.run(*command, "--run", "shared", option, cwd=tmp_path)))
    first.go_on()
    assert said == {
        "mnistlab: shared: in progress: another process is training in this folder;"
        " wait, or name another"
    }
    assert first.wait().returncode == 0
    assert bits_of(RunFolder(tmp_path / "shared")) == bits_of(RunFolder(tmp_path / "alone"))
    account(
        "a second process on a run's folder, to resume or to overwrite",
        tried=tries,
        outcome="refused in one line; the first ends in the bits that it would have ended in alone",
    )


def test_runs_kept_in_one_store_by_many_processes_at_once_all_load(
    forks, finished, tmp_path, effort, account
):
    runs = effort(20, 100)
    call = "tests.reliability.writers:write_run"
    processes = [
        forks.start(finished, tmp_path / "store", seed, cwd=tmp_path, call=call)
        for seed in range(runs)
    ]
    assert [process.wait().stderr for process in processes] == [""] * runs
    store = RunStore(tmp_path / "store")
    records = {record.seed: record for record in store.records()}
    assert sorted(records) == list(range(runs))
    for seed, record in records.items():
        folder = store.folder(record.recipe, seed)
        assert (folder.read_logits() == seed).all()
        assert {path.name for path in folder.path.iterdir()} == {
            ".lock",
            "history.csv",
            "model.safetensors",
            "record.json",
            "test_logits.npy",
        }
    account(
        "runs kept in one store by as many processes at once",
        tried=runs,
        outcome="all load; no stray file",
    )


def test_one_file_saved_by_many_processes_at_once_is_whole_whenever_it_is_read(
    forks, tmp_path, effort, account
):
    writers, reads = effort(20, 100), 0
    file = tmp_path / "file"
    write_atomically(file, content(0))
    whole = {content(number) for number in range(writers)}
    call = "tests.reliability.writers:write_file"
    processes = [forks.start(file, number, cwd=tmp_path, call=call) for number in range(writers)]
    with ThreadPoolExecutor(1) as pool:
        ends = pool.submit(lambda: [process.wait().stderr for process in processes])
        while not ends.done():
            assert file.read_bytes() in whole
            reads += 1
    assert ends.result() == [""] * writers
    assert file.read_bytes() in whole
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    account(
        "saves of one file by many processes at once, read meanwhile",
        tried=3 * writers,
        outcome="whole at every reading; no stray file",
        readings=reads,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_saves_by_many_threads_leave_the_umask_alone(tmp_path, effort, account):
    threads, each = 16, effort(25, 250)
    before = os.umask(0o027)
    try:
        start = threading.Barrier(threads)

        def save(number):
            start.wait()
            for turn in range(each):
                write_atomically(tmp_path / f"{number}-{turn % 5}", content(number)[:400])

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(save, range(threads)))
    finally:
        after = os.umask(before)
    assert after == 0o027
    files = list(tmp_path.iterdir())
    assert len(files) == 5 * threads
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o640}
    account(
        "saves by sixteen threads at once",
        tried=threads * each,
        outcome="all there, with the modes of the umask",
    )


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="whether a process stands still is read from /proc"
)
def test_what_a_killed_process_left_of_a_file_is_cleared_but_not_what_another_is_writing(
    tmp_path, forks, account
):
    stray = tmp_path / ".file.0123456789abcdef.tmp"
    others = {tmp_path / ".report.html.0123456789abcdef.tmp", tmp_path / ".notes.tmp"}
    for file in (stray, *others):
        file.write_bytes(b"half")
    call = "tests.reliability.writers:write_file"
    fault = {"file": "file", "occurrence": 1, "step": "before fsync", "kind": "pause"}
    writer = forks.start(tmp_path / "file", 7, cwd=tmp_path, call=call, fault=fault)
    writer.wait_for_pause()
    assert not stray.exists()
    (writing,) = tmp_path.glob(".file.*.tmp")
    assert forks.run(tmp_path / "other", 8, cwd=tmp_path, call=call).stderr == ""
    assert writing.exists()
    writer.go_on()
    assert writer.wait().stderr == ""
    assert (tmp_path / "file").read_bytes() == content(7)
    assert set(tmp_path.iterdir()) == {tmp_path / "file", tmp_path / "other", *others}
    account(
        "a save beside one that stands still in mid-write",
        tried=1,
        outcome="strays cleared, both files whole",
    )
