"""Saves that fail at any step, or die there, on disks that are full, broken or read-only: nothing
is lost."""

import os
import shutil
import subprocess
import sys

import pytest

from mnistlab import RunFolder
from mnistlab.training.checkpoint import read_header
from tests.cli.processes import refusal
from tests.forks import started
from tests.reliability.bits import bits_of
from tests.reliability.faults import DIED, KINDS, STEPS

SAVES = [("checkpoint.safetensors", 1), ("checkpoint.safetensors", 2)]
SAVES += [
    (name, 1)
    for name in (
        "model.safetensors",
        "test_logits.npy",
        "history.csv",
        "record.json",
        "curves.png",
    )
]
SAID = {"EIO": "Input/output error", "ENOSPC": "No space left on device"}
OWN = {
    ".lock",
    "checkpoint.safetensors",
    "curves.png",
    "history.csv",
    "model.safetensors",
    "record.json",
    "test_logits.npy",
}
linux = pytest.mark.skipif(sys.platform != "linux", reason="the limits and mounts are Linux's")


@pytest.fixture(scope="module")
def forks():
    return started()


@pytest.fixture(scope="module")
def command(few):
    return ["train", "custom_mlp", "--data", few, "--epochs", 2, "--threads", 1]


@pytest.fixture(scope="module")
def undisturbed(forks, command, tmp_path_factory):
    place = tmp_path_factory.mktemp("undisturbed")
    assert forks.run(*command, "--run", "r", cwd=place).returncode == 0
    return bits_of(RunFolder(place / "r"))


def names(folder):
    return {path.name for path in folder.iterdir()}


def check(folder):
    """Load what is there: whole, if there is anything."""
    if folder.begun:
        header = read_header(folder.read_checkpoint(), "checkpoint")
        assert 1 <= len(header.history) <= 2
    if folder.finished:
        assert bits_of(folder)[2]


def assert_goes_on(forks, command, place, undisturbed):
    """Resume, and end like the undisturbed run, with no file too many."""
    ended = forks.run(*command, "--run", "r", "--resume", cwd=place)
    assert ended.returncode == 0, ended
    assert bits_of(RunFolder(place / "r")) == undisturbed
    assert names(place / "r") == OWN


@pytest.mark.parametrize("kind", KINDS)
def test_a_save_that_fails_or_dies_at_any_step_leaves_the_old_file_or_the_new(
    forks, command, undisturbed, tmp_path, kind, effort, account
):
    cases = [(save, step) for save in SAVES for step in STEPS]
    # Six that meet every save and every step, another six for each kind.
    few = [(SAVES[i], STEPS[(i + KINDS.index(kind)) % len(STEPS)]) for i in range(len(SAVES))]
    cases = effort(few[KINDS.index(kind) % 2 :: 2], cases)
    for number, ((file, occurrence), step) in enumerate(cases):
        place = tmp_path / f"{number}"
        place.mkdir()
        fault = {"file": file, "occurrence": occurrence, "step": step, "kind": kind}
        ended = forks.run(*command, "--run", "r", cwd=place, fault=fault)
        check(RunFolder(place / "r"))
        if kind in SAID:
            assert refusal(ended) == f"mnistlab: r/{file}: cannot be written: {SAID[kind]}", fault
            assert not any(name.endswith(".tmp") for name in names(place)), fault
        else:
            assert ended.returncode == {"exit": DIED, "kill": -9}[kind], fault
            assert ended.stderr == ""
        assert_goes_on(forks, command, place, undisturbed)
        shutil.rmtree(place)
    account(
        "a save fails or its process dies: " + kind,
        tried=len(cases),
        outcome=(
            "the old file or the new loads; no stray file behind the next start; --resume ends as"
            " undisturbed"
        ),
        saves=len(SAVES),
        steps=len(STEPS),
    )


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no disk may be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@linux
@pytest.mark.skipif(not shutil.which("mount"), reason="there is no mount")
def test_on_a_full_disk_the_last_checkpoint_stays_and_with_space_the_run_ends_as_ever(
    forks, command, undisturbed, small_disk, effort, account
):
    checkpoint = 4096 * -(-_size_of_checkpoint(forks, command, small_disk) // 4096)
    free = os.statvfs(small_disk).f_bavail * 4096
    # From no space at all to a second checkpoint all but the last page.
    spaces = [4096 * page for page in range(0, 2 * checkpoint // 4096, effort(100, 8))]
    for space in spaces:
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(free - space))
        ended = forks.run(*command, "--run", "r", cwd=small_disk)
        message = refusal(ended)
        assert message.startswith("mnistlab: r")
        assert message.endswith("No space left on device")
        folder = RunFolder(small_disk / "r")
        assert (
            folder.begun == (space > checkpoint + 4096 * 2) or abs(space - checkpoint) <= 4096 * 2
        )
        if folder.begun:
            check(folder)
        ballast.unlink()
        assert_goes_on(forks, command, small_disk, undisturbed)
        shutil.rmtree(small_disk / "r")
    account(
        "a run on a disk that becomes full",
        tried=len(spaces),
        outcome=(
            "one line naming the file; the last checkpoint loads; with space, --resume ends as"
            " undisturbed"
        ),
    )


def _size_of_checkpoint(forks, command, place):
    fault = {"file": "model.safetensors", "occurrence": 1, "step": "open", "kind": "EIO"}
    forks.run(*command, "--run", "r", cwd=place, fault=fault)
    size = RunFolder(place / "r").checkpoint_file.stat().st_size
    shutil.rmtree(place / "r")
    return size


LEFT_ALONE = {
    "new": ([], "ro/r: cannot be used: Permission denied"),
    "begun": (["--resume"], "ro/r/checkpoint.safetensors: cannot be written: Permission denied"),
    "finished": (["--overwrite"], "ro/r/record.json: cannot be removed: Permission denied"),
}


@linux
@pytest.mark.parametrize("state", LEFT_ALONE)
def test_a_read_only_folder_is_refused_in_one_line_and_left_as_it_is(
    forks, command, tmp_path, state, account
):
    options, message = LEFT_ALONE[state]
    place = tmp_path / "ro" / "r"
    fault = {"file": "checkpoint.safetensors", "occurrence": 2, "step": "open", "kind": "kill"}
    if state == "new":
        place.parent.mkdir()
    else:
        forks.run(*command, "--run", place, cwd=tmp_path, fault=fault if state == "begun" else None)
    before = {path.name: path.read_bytes() for path in place.glob("*")}
    folder = place if place.exists() else place.parent
    folder.chmod(0o555)
    call = "tests.reliability.faults:run_without_privileges"
    ended = forks.run(*command, "--run", "ro/r", *options, cwd=tmp_path, call=call)
    folder.chmod(0o755)
    assert refusal(ended) == f"mnistlab: {message}"
    assert {path.name: path.read_bytes() for path in place.glob("*")} == before
    account(
        f"a read-only folder, the run {state}",
        tried=1,
        outcome="one line naming the file; nothing changed",
    )


def test_a_comparisons_files_are_each_old_or_new_wherever_its_report_fails(
    forks, few, tmp_path, torture, account
):
    runs = tmp_path / "runs"
    for name in ("lenet5", "mlp"):
        for seed in (0, 1):
            options = [
                "--data",
                few,
                "--epochs",
                1,
                "--seed",
                seed,
                "--run",
                runs / f"{name}-{seed}",
            ]
            assert forks.run("train", name, *options, cwd=tmp_path).returncode == 0

    def report(out, fault=None):
        return forks.run("report", runs, "--out", out, cwd=tmp_path, fault=fault)

    def files(out):
        return {
            path.relative_to(out): path.read_bytes()
            for path in sorted(out.rglob("*"))
            if path.is_file()
        }

    old = {}
    if torture:
        shutil.move(runs / "mlp-1", tmp_path / "aside")
        assert report("old").returncode == 0
        old = files(tmp_path / "old")
        shutil.move(tmp_path / "aside", runs / "mlp-1")
    cases = [
        (name, step, kind)
        for name in ("report.html", "runs.csv", "curves.png", "comparison.json")
        for step, kind in zip(STEPS, (*KINDS, *KINDS), strict=False)
    ]
    cases = cases if torture else [("runs.csv", "write", "kill")]
    left = []
    for name, step, kind in cases:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        if torture:
            shutil.copytree(tmp_path / "old", out)
        ended = report("out", {"file": name, "occurrence": 1, "step": step, "kind": kind})
        if kind in SAID:
            line = refusal(ended)
            assert name in line
            assert line.endswith(f"cannot be written: {SAID[kind]}")
        else:
            assert ended.returncode in (DIED, -9)
        left.append(files(out))
        assert any(path.suffix == ".tmp" for path in left[-1]) == (
            kind not in SAID and step != "after rename"
        )
    assert report("out").returncode == 0
    new = files(tmp_path / "out")
    assert not any(path.suffix == ".tmp" for path in new)
    for found in left:
        for path, content in found.items():
            assert path.suffix == ".tmp" or content in (old.get(path), new[path]), path
    account(
        "a comparison's report fails or dies in mid-save",
        tried=len(cases),
        outcome="each file the old one or the new, whole; the next report clears strays away",
    )
