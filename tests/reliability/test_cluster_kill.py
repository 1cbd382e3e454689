"""A Ray cluster whose workers, nodes and drivers are killed with SIGKILL: the same records in the
end."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from mnistlab import built_in
from mnistlab.experiments import ExperimentOptions, InProcessExecutor
from mnistlab.experiments.experiment_runs import plan_trials, run_trials
from mnistlab.runs import RunStore
from tests.experiments.listening import leftovers, results
from tests.forks import PATIENCE, started
from tests.reliability.bits import history_of
from tests.reliability.kills import (
    loaded,
    offspring,
    wait_until_gone,
)

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'mnistlab[ray]'")
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"
    ),
    pytest.mark.long,
]
SEEDS = (0, 1)
SLOW = {"epochs": 8, "train_limit": 2000}
"""Slow enough to be killed in the middle, more than once."""
DRIVER = f"""
import sys
from mnistlab import built_in, compare
from mnistlab.experiments.ray_executor import RayExecutor
recipes = [built_in(name).replace(**{SLOW}) for name in ("lenet5", "custom_mlp")]
executor = RayExecutor(sys.argv[1], slice_seconds=1)
compare(*recipes, seeds={len(SEEDS)}, runs="runs", executor=executor,
        on_event=lambda event: print(event, flush=True))
"""


class Nodes:
    """A cluster of two nodes of one core each on this machine."""

    def __init__(self):
        self.start()

    def start(self):
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        self.add_second()
        self.address = self._cluster.address

    def add_second(self):
        self._second = self._cluster.add_node(num_cpus=1)
        self._cluster.wait_for_nodes()

    def kill_second(self):
        self._cluster.remove_node(self._second, allow_graceful=False)

    def second_trains(self):
        """Tell whether a process of the second node trains."""
        return bool(_workers(self._second))

    def workers(self):
        """Numbers of the processes that train."""
        return [number for node in self._cluster.list_all_nodes() for number in _workers(node)]

    def wait_until_idle(self):
        """Wait until nothing trains any more, on two looks a second apart."""
        deadline, idle = time.monotonic() + PATIENCE, 0
        while idle < 2:
            assert time.monotonic() < deadline, f"still training: {self.workers()}"
            idle = 0 if self.workers() else idle + 1
            time.sleep(1)

    def close(self):
        ray.shutdown()
        self._cluster.shutdown()


def _workers(node):
    raylet = node.all_processes["raylet"][0].process.pid
    return [number for number in offspring(raylet) if _trains(number)]


def _trains(number):
    try:
        return "train_slices" in Path(f"/proc/{number}/cmdline").read_text(
            encoding="utf-8", errors="replace"
        )
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def nodes():
    nodes = Nodes()
    yield nodes
    nodes.close()


class Undisturbed:
    """What the experiment comes to in one process when nobody kills anything."""

    def __init__(self, folder):
        recipes = [built_in(name).replace(**SLOW) for name in ("lenet5", "custom_mlp")]
        trials = plan_trials(recipes, SEEDS, RunStore(folder))
        experiment = run_trials(trials, ExperimentOptions(folder, InProcessExecutor()))
        self.results = results(folder)
        self.histories = {
            trial.folder.name: history_of(record)
            for trial, record in zip(trials, experiment.records.values(), strict=True)
        }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Undisturbed(tmp_path_factory.mktemp("whole"))


class Driver:
    """Starts the experiment, and waits for the drawn moment."""

    def __init__(self, folder, nodes, random):
        self.folder, self._nodes, self._random = folder, nodes, random
        folder.mkdir()
        (folder / "driver.py").write_text(DRIVER)

    def start(self, most=20):
        """Start the experiment, and wait until so many of its 32 epochs are done, at most."""
        self._process = started().start(
            "driver.py", self._nodes.address, cwd=self.folder, call="tests.forks:run_script"
        )
        epochs, deadline = self._random.integers(1, most), time.monotonic() + PATIENCE
        while self._process.running and self._process.stdout.count("TrialProgress") < epochs:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self):
        self._process.send(signal.SIGKILL)
        assert self._process.wait().returncode == -signal.SIGKILL

    def lose_second(self):
        """Have the second node killed at work; a kill between two slices loses nobody, so again."""
        while self._process.running and "WorkerLost" not in self._process.stdout:
            if self._nodes.second_trains():
                self._nodes.kill_second()
                deadline = time.monotonic() + 5
                while "WorkerLost" not in self._process.stdout and time.monotonic() < deadline:
                    time.sleep(0.02)
                if "WorkerLost" not in self._process.stdout:
                    self._nodes.add_second()
            time.sleep(0.02)

    def finished(self):
        """When the record of each finished run was written."""
        return {
            file: file.stat().st_mtime_ns for file in (self.folder / "runs").glob("*/record.json")
        }

    def check(self, whole):
        """Hold what is kept to be sound; return what is finished."""
        for folder in (self.folder / "runs").glob("*"):
            loaded(folder, whole.histories[folder.name])
        return self.finished()

    def finish(self, whole, finished=()):
        """Let it come to its end, and hold it against the undisturbed one; return how often a run
        had died."""
        ended = self._process.wait()
        assert ended.returncode == 0, ended
        assert "TrialFailed" not in ended.stdout
        assert set(finished) <= self.finished().items(), "finished runs have been trained again"
        self.check(whole)
        assert results(self.folder / "runs") == whole.results
        assert not leftovers(self.folder)
        self._nodes.wait_until_idle()
        return ended.stdout.count("WorkerLost")


SAME = "records as undisturbed, bit for bit; nothing left training"


def test_a_driver_killed_and_started_again_on_the_same_cluster_ends_in_the_same_records(
    nodes, whole, tmp_path, torture, effort, account
):
    tried, random = effort(1, 5), np.random.default_rng(1)
    for number in range(tried):
        driver = Driver(tmp_path / str(number), nodes, random)
        driver.start(effort(8, 20))
        orphans = nodes.workers()
        driver.kill()
        if number % 2 == 0:
            nodes.wait_until_idle()
        finished = driver.check(whole)
        driver.start(effort(4, 20))
        # A test of its own has the node killed when torturing. Here it is, early, at work.
        if not torture:
            driver.lose_second()
        deaths = driver.finish(whole, finished.items())
        assert deaths or torture
        wait_until_gone(orphans)
    account(
        "Ray: the driver killed by SIGKILL, then started again on the same cluster",
        tried=tried,
        outcome=SAME,
    )


@pytest.fixture
def tortured(torture):
    if not torture:
        pytest.skip("takes a cluster each; the driver and a node are killed once")


@pytest.mark.usefixtures("tortured")
def test_a_driver_killed_and_started_again_on_a_new_cluster_ends_in_the_same_records(
    nodes, whole, tmp_path, account
):
    random = np.random.default_rng(2)
    for number in range(5):
        driver = Driver(tmp_path / str(number), nodes, random)
        driver.start()
        orphans = nodes.workers()
        driver.kill()
        finished = driver.check(whole)
        nodes.close()
        wait_until_gone(orphans)
        nodes.start()
        driver.start()
        driver.finish(whole, finished.items())
    account(
        "Ray: driver killed by SIGKILL, cluster ended, both started again", tried=5, outcome=SAME
    )


@pytest.mark.usefixtures("tortured")
def test_workers_killed_in_mid_sweep_change_no_record(nodes, whole, tmp_path, account):
    random, deaths = np.random.default_rng(3), 0
    for number in range(5):
        driver = Driver(tmp_path / str(number), nodes, random)
        driver.start()
        if at_work := nodes.workers():
            os.kill(random.choice(at_work), signal.SIGKILL)
        deaths += driver.finish(whole)
    assert deaths
    account(
        "Ray: a worker killed by SIGKILL in mid-sweep",
        tried=5,
        outcome=SAME,
        runs_begun_again=deaths,
    )


@pytest.mark.usefixtures("tortured")
def test_nodes_killed_in_mid_sweep_change_no_record(nodes, whole, tmp_path, account):
    random, deaths = np.random.default_rng(4), 0
    for number in range(5):
        driver = Driver(tmp_path / str(number), nodes, random)
        driver.start()
        nodes.kill_second()
        deaths += driver.finish(whole)
        nodes.add_second()
    assert deaths
    account(
        "Ray: a node of two killed in mid-sweep", tried=5, outcome=SAME, runs_begun_again=deaths
    )
