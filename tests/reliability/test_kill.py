"""Training killed with SIGKILL at random moments, over and over: nothing kept is lost, the end is
the same."""

import shutil
import signal
import time
from dataclasses import dataclass
from itertools import count

import numpy as np
import pytest

from mnistlab import RunFolder
from tests.cli.processes import MNISTLAB
from tests.experiments.listening import leftovers
from tests.forks import Command, end_commands, started
from tests.reliability.bits import bits_of, history_of
from tests.reliability.kills import loaded, temporaries

ARMS = {
    ("lenet5", "auto"): (2, 900),
    ("custom_mlp", "auto"): (1, 600),
    ("best62k", "auto"): (0, 250),
    ("lenet5", "torch"): (1, 250),
}
"""How often each is killed, in a hurry and at leisure."""
BEGUN = "parameters"


@dataclass
class Undisturbed:
    """A run that nobody killed, and how many seconds it took until it trained, and from then on."""

    bits: tuple
    history: list
    start: float
    training: float


def undisturbed(start, folder):
    began = time.monotonic()
    process = start(folder)
    process.wait_for(BEGUN)
    begun = time.monotonic()
    while not RunFolder(folder).finished:
        assert time.monotonic() < begun + 300
        time.sleep(0.01)
    finished = time.monotonic()
    assert process.wait().returncode == 0
    run = RunFolder(folder)
    return Undisturbed(bits_of(run), history_of(run.read_record()), begun - began, finished - begun)


def wait_for_moment(random, process, folder, whole):
    """Wait for a drawn moment: while the process starts, while it trains, or as soon as it
    saves."""
    kind = random.choice(["start", "training", "save"], p=[0.15, 0.25, 0.6])
    if kind == "start":
        time.sleep(random.uniform(0, whole.start))
        return
    process.wait_for(BEGUN)
    time.sleep(random.uniform(0, whole.training))
    deadline = time.monotonic() + 60
    while kind == "save" and not temporaries(folder) and not RunFolder(folder).finished:
        assert time.monotonic() < deadline
    time.sleep(random.uniform(0, 0.002))


def kill_again_and_again(start, place, wanted, random):
    """Kill a run so often, at drawn moments, and begin another whenever one is finished; hold each
    against the whole.

    Args:
        start: starts or goes on with the run of a folder.
        place: where the folders of the runs are made.
        wanted: kills.
        random: the generator of the moments.

    Returns:
        The figures of the account.
    """
    whole = undisturbed(start, place / "undisturbed")
    kills = in_a_save = runs = epochs = 0
    folder, written = place / "0", set()
    while kills < wanted:
        process = start(folder)
        wait_for_moment(random, process, folder, whole)
        process.send(signal.SIGKILL)
        ended = process.wait()
        assert ended.returncode in (0, -signal.SIGKILL), ended
        kills += ended.returncode != 0
        left = temporaries(folder)
        assert len(left) <= 1, "the next start has not cleared away what a kill left"
        in_a_save += bool(left - written)
        written, before, epochs = left, epochs, loaded(folder, whole.history)
        assert epochs >= before, "epochs that were kept are lost"
        if RunFolder(folder).finished:
            finish(start, folder, whole)
            runs, epochs, written = runs + 1, 0, set()
            folder = place / str(runs)
    finish(start, folder, whole, always=True)
    return {"in_a_save": in_a_save, "runs_finished": runs + 1}


def finish(start, folder, whole, *, always=False):
    """Let a run come to its end, if it needs that or always, and hold it against the whole."""
    if always or leftovers(folder):
        ended = start(folder).wait()
        assert ended.returncode == 0, ended
        assert not leftovers(folder)
        assert (folder / "curves.png").is_file()
    assert bits_of(RunFolder(folder)) == whole.bits
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def forks():
    return started()


@pytest.mark.parametrize(("name", "kernels"), ARMS)
def test_a_run_killed_again_and_again_ends_in_the_same_bits(
    tmp_path, few, forks, name, kernels, effort, account
):
    arguments = [
        "train",
        name,
        "--data",
        few,
        "--epochs",
        effort(3, 6),
        "--threads",
        1,
        "--kernels",
        kernels,
        "--resume",
    ]
    wanted = effort(*ARMS[name, kernels])
    if not wanted:
        pytest.skip("takes long; tests/reliability/test_resume.py stops and resumes it")
    figures = kill_again_and_again(
        lambda folder: forks.start(*arguments, "--run", folder, cwd=tmp_path),
        tmp_path,
        wanted,
        np.random.default_rng([wanted, len(name), len(kernels)]),
    )
    layers = "plain PyTorch" if kernels == "torch" else "native kernels"
    account(
        f"{name}, {layers}: training killed by SIGKILL, then --resume",
        tried=wanted,
        outcome=(
            "every folder loaded, no epoch lost; weights, logits and history as undisturbed, bit"
            " for bit"
        ),
        **figures,
    )


def test_the_command_itself_killed_again_and_again_ends_in_the_same_bits(
    tmp_path, few, torture, account, request
):
    if not torture:
        pytest.skip("takes seconds a kill; tests/cli/test_stopping.py kills it once")
    command = [
        *MNISTLAB,
        "train",
        "custom_mlp",
        "--data",
        few,
        "--epochs",
        12,
        "--threads",
        1,
        "--resume",
    ]
    request.addfinalizer(end_commands)
    numbers, wanted = count(), 20
    figures = kill_again_and_again(
        lambda folder: Command(
            [*command, "--run", folder], tmp_path, tmp_path / f"command{next(numbers)}"
        ),
        tmp_path,
        wanted,
        np.random.default_rng(wanted),
    )
    account(
        "python -m mnistlab train, start-up and all: killed by SIGKILL, then --resume",
        tried=wanted,
        outcome=(
            "every folder loaded, no epoch lost; weights, logits and history as undisturbed, bit"
            " for bit"
        ),
        **figures,
    )
