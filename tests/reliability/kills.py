"""Killing processes with SIGKILL at drawn moments, and what a run's folder must hold after each
kill."""

import os
import time
from pathlib import Path

from safetensors.numpy import load

from mnistlab import RunFolder
from mnistlab.training.checkpoint import read_header
from tests.forks import PATIENCE
from tests.reliability.bits import history_of

KEPT = {
    ".lock",
    "checkpoint.safetensors",
    "model.safetensors",
    "test_logits.npy",
    "record.json",
    "curves.png",
    "history.csv",
}


def temporaries(folder):
    """Names of the files that were being written."""
    try:
        with os.scandir(folder) as files:
            return {file.name for file in files if file.name.endswith(".tmp")}
    except FileNotFoundError:
        return set()


def loaded(folder, history):
    """Load whatever a run has left, and hold it against an undisturbed run's history.

    Returns:
        How many epochs are kept.
    """
    run = RunFolder(folder)
    assert {file.name for file in folder.glob("*")} - temporaries(folder) <= KEPT
    if run.finished:
        record = run.read_record()
        assert load(run.read_model())
        assert len(run.read_logits()) == record.data.test_images
        assert history_of(record) == history
        return len(history)
    if not run.begun:
        return 0
    content = run.read_checkpoint()
    header = read_header(content, str(run.checkpoint_file))
    assert load(content)
    assert history_of(header) == history[: len(header.history)]
    return len(header.history)


def parents():
    """By the number of each process that has not ended that of its parent."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may hold anything; behind it are state and parent.
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            found[int(status.parent.name)] = int(parent)
    return found


def offspring(number):
    """Numbers of a process's children, their children, and so on."""
    tree, found = parents(), [number]
    for eldest in found:
        found += [child for child, parent in tree.items() if parent == eldest]
    return found[1:]


def workers(driver):
    """Numbers of the processes that train for an experiment's: children of its child, which has
    loaded everything."""
    tree = parents()
    return [number for number, parent in tree.items() if tree.get(parent) == driver]


def wait_until_gone(numbers):
    """Wait until none of some processes is there any more."""
    deadline = time.monotonic() + PATIENCE
    while left := sorted(parents().keys() & set(numbers)):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)
