"""Experiments whose driver and workers are killed with SIGKILL: the same command ends in the same
records."""

import contextlib
import os
import shutil
import signal
import time
from itertools import count

import numpy as np
import pytest
from safetensors.numpy import load

from mnistlab.runs import RunFolder, RunStore
from tests.cli.processes import MNISTLAB
from tests.experiments.listening import leftovers, results
from tests.forks import PATIENCE, Command, end_commands
from tests.reliability.bits import history_of
from tests.reliability.kills import (
    loaded,
    offspring,
    wait_until_gone,
    workers,
)

GRID = """seeds = 2
validation = 300
final_seeds = 2
[set]
epochs = 8
train_limit = 1500
[grid]
learning_rate = [0.001, 0.01]
"""
LIKE_GRID = ["--epochs", "8", "--train-limit", "1500"]
COMMANDS = {
    "sweep": ["sweep", "grid.toml", "--workers", "2", "--out", "kept"],
    "compare": [
        "compare",
        "lenet5",
        "custom_mlp",
        "--seeds",
        "3",
        *LIKE_GRID,
        "--workers",
        "2",
        "--out",
        "kept",
    ],
    "endless": [
        "compare",
        "lenet5",
        "mlp",
        "--seeds",
        "2",
        "--epochs",
        "9999",
        "--workers",
        "2",
        "--out",
        "kept",
    ],
}
GIVEN_UP = "its process was killed by SIGKILL, 3 times over"


class Experiment:
    """An experiment in a folder of its own, which may be started again and again."""

    def __init__(self, name, folder):
        self._command, self._numbers, self.folder = [*MNISTLAB, *COMMANDS[name]], count(), folder
        self.runs = folder / "kept" / "runs"
        folder.mkdir()
        (folder / "grid.toml").write_text(GRID)

    def start(self):
        return Command(self._command, self.folder, self.folder / f"start{next(self._numbers)}")

    def finished(self):
        """When the record of each finished run was written."""
        return {file: file.stat().st_mtime_ns for file in self.runs.glob("*/record.json")}


class Undisturbed:
    """What an experiment comes to when nobody kills anything, and how many seconds it takes."""

    def __init__(self, name, folder):
        experiment, began = Experiment(name, folder), time.monotonic()
        ended = experiment.start().wait()
        assert ended.returncode == 0, ended
        self.seconds = time.monotonic() - began
        self.results = results(experiment.runs)
        assert len(self.results) == 6
        self.histories = {
            f"{record.recipe.name}-{record.recipe.digest}-seed{record.seed}": history_of(record)
            for record in RunStore(experiment.runs).records()
        }

    def check(self, experiment, finished):
        """Hold what a killed experiment has left to be sound, and the runs finished before to be as
        they were."""
        for folder in experiment.runs.glob("*"):
            loaded(folder, self.histories[folder.name])
        assert finished.items() <= experiment.finished().items(), (
            "finished runs have been trained again"
        )
        return experiment.finished()

    def finish(self, experiment, ended, finished):
        """Hold an experiment that has come to its end against this one."""
        assert ended.returncode == 0, ended
        assert "Traceback" not in ended.stderr
        self.check(experiment, finished)
        assert results(experiment.runs) == self.results
        assert not leftovers(experiment.folder)
        shutil.rmtree(experiment.folder)


@pytest.fixture(autouse=True)
def _nothing_stays():
    yield
    end_commands()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """``whole(name)``: an experiment undisturbed, run once."""
    known = {}

    def run(name):
        if name not in known:
            known[name] = Undisturbed(name, tmp_path_factory.mktemp("whole") / name)
        return known[name]

    return run


class Killer:
    """Kills drivers and workers at drawn moments, so that no run dies so often that it is given
    up."""

    def __init__(self, whole, random):
        self.whole, self.random = whole, random
        self.drivers = self.workers = 0

    def strike(self, driver, wanted):
        """Kill until the driver is killed or ends, or as often as is wanted."""
        struck = 0
        while driver.running and self.drivers + self.workers < wanted:
            time.sleep(self.random.uniform(0, 0.4 * self.whole.seconds))
            # Taken in turn, so that few kills are of both.
            if self.drivers <= self.workers:
                family = offspring(driver.number)
                driver.send(signal.SIGKILL)
                if driver.wait().returncode == -signal.SIGKILL:
                    self.drivers += 1
                    return family
            elif struck < 2 and (found := workers(driver.number)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.random.choice(found), signal.SIGKILL)
                    self.workers, struck = self.workers + 1, struck + 1
        return []


def wait_for_checkpoints(experiment, number):
    deadline = time.monotonic() + PATIENCE
    while len(list(experiment.runs.glob("*/checkpoint.safetensors"))) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_workers_of_a_killed_driver_stop_training_long_before_their_runs_are_over(
    tmp_path, effort, account
):
    tried, random = effort(1, 5), np.random.default_rng(5)
    for number in range(tried):
        experiment = Experiment("endless", tmp_path / str(number))
        driver = experiment.start()
        wait_for_checkpoints(experiment, 2)
        killed = random.choice(workers(driver.number))
        os.kill(killed, signal.SIGKILL)
        wait_until_gone([killed])
        time.sleep(random.uniform(0, 0.5))
        family = offspring(driver.number)
        assert len(family) >= 2
        driver.send(signal.SIGKILL)
        assert driver.wait().returncode == -signal.SIGKILL
        wait_until_gone(family)
        assert not experiment.finished()
        for folder in experiment.runs.glob("*"):
            with RunFolder(folder).lock():
                assert load(RunFolder(folder).read_checkpoint())
    account(
        "compare, runs of hours: a worker, then the driver killed by SIGKILL",
        tried=2 * tried,
        outcome="no process outlived the driver; a whole checkpoint of every run, no folder held",
    )


def test_drivers_and_workers_killed_again_and_again_end_in_the_same_records(
    tmp_path, whole, torture, account
):
    if not torture:
        pytest.skip("takes long; tests/experiments/test_local.py kills one of each")
    for name in ("sweep", "compare"):
        wanted, numbers, experiment, finished, families = 25, count(), None, {}, set()
        killer = Killer(whole(name), np.random.default_rng([wanted, len(name)]))
        while experiment or killer.drivers + killer.workers < wanted:
            experiment = experiment or Experiment(name, tmp_path / f"{name}{next(numbers)}")
            driver = experiment.start()
            family = killer.strike(driver, wanted)
            families |= {*family}
            ended = driver.wait()
            if ended.returncode == -signal.SIGKILL:
                # Every other time the next driver has to do with what the last one's workers still
                # hold.
                if killer.random.integers(2):
                    wait_until_gone(family)
                finished = killer.whole.check(experiment, finished)
            else:
                killer.whole.finish(experiment, ended, finished)
                experiment, finished = None, {}
                wait_until_gone(families)
        account(
            f"{name}: driver or worker killed by SIGKILL, then the same command",
            tried=wanted,
            outcome=(
                "none trained twice, no worker outlived its driver; records as undisturbed, bit"
                " for bit"
            ),
            drivers=killer.drivers,
            workers=killer.workers,
        )


def test_runs_given_up_since_their_workers_are_always_killed_are_told_and_trained_by_the_next_start(
    tmp_path, whole, torture, account
):
    if not torture:
        pytest.skip("takes long; tests/experiments/test_local.py has one run given up")
    experiment, killed = Experiment("compare", tmp_path / "compare"), set()
    driver = experiment.start()
    while driver.running:
        for number in {*workers(driver.number)} - killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
                killed.add(number)
        time.sleep(0.01)
    ended = driver.wait()
    assert ended.returncode in (1, 2), ended
    assert "Traceback" not in ended.stderr
    lines = ended.stderr.strip().splitlines()
    assert 1 <= len(lines) <= 2
    assert all(GIVEN_UP in line for line in lines)
    whole("compare").finish(experiment, experiment.start().wait(), experiment.finished())
    account(
        "compare: every worker killed as soon as it starts",
        tried=len(killed),
        outcome=(
            "told in a line a recipe, exit status 1 or 2; the next start gives the records of the"
            " undisturbed"
        ),
    )
