"""Experiments on this machine: real processes, real kills."""

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mnistlab import MnistlabError, Recipe, built_in
from mnistlab.experiments import ExperimentOptions, InProcessExecutor, LocalExecutor
from mnistlab.experiments.experiment_runs import plan_trials, run_trials
from mnistlab.runs import RunStore
from mnistlab.runs.options import never
from tests.experiments.conftest import SLOW
from tests.experiments.listening import Notes, leftovers, results
from tests.forks import PATIENCE, started


@pytest.fixture(scope="module")
def undisturbed(few, tmp_path_factory):
    """What the slow recipes come to with seeds 0 and 1 when nothing happens to them."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run(
        [built_in(n).replace(**SLOW, data=str(few)) for n in ("lenet5", "custom_mlp")],
        folder,
        LocalExecutor(2),
    )
    found = results(folder)
    return lambda seeds: {key: value for key, value in found.items() if key[1] in seeds}


def run(recipes, folder, executor, seeds=(0, 1), notes=None, should_stop=never):
    notes = Notes() if notes is None else notes
    trials = plan_trials(recipes, seeds, RunStore(folder))
    return (
        run_trials(
            trials,
            ExperimentOptions(folder, executor, on_event=notes, should_stop=should_stop),
        ),
        notes,
    )


def children(of):
    try:
        begun = Path(f"/proc/{of}/task/{of}/children").read_text().split()
        return [int(pid) for pid in begun if "Z (" not in Path(f"/proc/{pid}/status").read_text()]
    except OSError:
        return []


def workers(of=None):
    """Process numbers of the runs that go on under a process, the last begun at the end."""
    # A run is a child of the fork server, which is a child of the driver. `ps` would take so long
    # on a busy machine that the runs have ended meanwhile.
    return sorted(pid for server in children(of or os.getpid()) for pid in children(server))


def test_processes_give_the_records_of_one_process(quick, tmp_path):
    one, _ = run(quick, tmp_path / "one", InProcessExecutor())
    many, notes = run(quick, tmp_path / "many", LocalExecutor(2))
    assert one.complete
    assert many.complete
    assert results(tmp_path / "one") == results(tmp_path / "many")
    assert len(results(tmp_path / "many")) == len(notes.of("finished")) == 4
    assert not leftovers(tmp_path)


def test_finished_runs_are_not_trained_again(quick, tmp_path):
    run(quick, tmp_path, LocalExecutor(2), seeds=(0,))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    experiment, notes = run(
        [recipe.replace(name="x" + recipe.name) for recipe in quick], tmp_path, LocalExecutor(2)
    )
    assert experiment.complete
    assert {seed for _, seed in notes.of("started")} == {1}
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_a_killed_worker_goes_on_from_its_checkpoint_and_the_others_do_not_notice(
    slow, tmp_path, undisturbed
):
    killed = []

    def kill(event):
        finished = len(notes.of("finished"))
        # A worker that had already reported its end is no loss: another one is then killed.
        due = event.metrics.epoch >= 3 and not notes.of("died") and finished not in killed
        if due and (begun := workers()):
            killed.append(finished)
            os.kill(begun[-1], signal.SIGKILL)

    notes = Notes(kill)
    experiment, _ = run(slow, tmp_path / "killed", LocalExecutor(2), notes=notes)
    assert experiment.complete
    assert not experiment.failures
    assert notes.of("died")
    assert sorted(notes.of("finished")) == sorted(
        (recipe.name, seed) for recipe in slow for seed in (0, 1)
    )
    assert results(tmp_path / "killed") == undisturbed((0, 1))
    assert not leftovers(tmp_path)


def test_a_run_whose_process_always_dies_is_given_up_and_the_others_finish(quick, tmp_path):
    model = tmp_path / "deadly.py"
    model.write_text(
        "import os, signal\ndef build(shape, classes):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    deadly = Recipe(name="deadly", model=f"{model}:build", epochs=1)
    experiment, notes = run([deadly, quick[0]], tmp_path / "runs", LocalExecutor(2), seeds=(0,))
    assert experiment.complete
    assert experiment.errors == ["deadly, seed 0: its process was killed by SIGKILL, 3 times over"]
    assert notes.of("died") == [("deadly", 0)] * 2
    assert notes.of("finished") == [("lenet5", 0)]


def test_a_run_that_fails_says_why_and_does_not_stop_the_others(quick, tmp_path):
    wild = quick[0].replace(name="wild", learning_rate=100.0)
    experiment, notes = run([wild, quick[1]], tmp_path, LocalExecutor(2))
    assert experiment.complete
    assert sorted(notes.of("failed")) == [("wild", 0), ("wild", 1)]
    assert (
        experiment.errors[0]
        == "wild, seeds 0, 1: epoch 1: the loss is not finite; lower learning_rate (it is 100)"
    )
    assert len(experiment.of(quick[1])) == 2


def test_a_stop_keeps_checkpoints_from_which_the_same_call_goes_on(slow, tmp_path, undisturbed):
    seen = []
    notes = Notes(seen.append)
    experiment, _ = run(
        slow, tmp_path / "stopped", LocalExecutor(2), (0,), notes, should_stop=lambda: len(seen) > 4
    )
    assert not experiment.complete
    assert len(list((tmp_path / "stopped").rglob("checkpoint.safetensors"))) == 2
    notes = Notes()
    experiment, _ = run(slow, tmp_path / "stopped", LocalExecutor(2), (0,), notes)
    assert experiment.complete
    assert results(tmp_path / "stopped") == undisturbed((0,))


DRIVER = f"""
import sys
from pathlib import Path
from mnistlab import compare, built_in
from mnistlab.experiments import LocalExecutor
slow = {SLOW} | {{"data": sys.argv[2]}}
recipes = [built_in(name).replace(**slow) for name in ("lenet5", "custom_mlp")]
study = compare(*recipes, seeds=2, runs=sys.argv[1], executor=LocalExecutor(2))
print(study.verdict, "torch" in sys.modules)
"""


def kill_once_there_is(left, few, folder):
    """Kill the driver once there is such a file; return its workers."""
    driver = started().start("driver.py", "runs", few, cwd=folder, call="tests.forks:run_script")
    deadline = time.monotonic() + PATIENCE
    while not next(folder.rglob(left), None):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    begun = workers(driver.number)
    assert begun
    driver.send(signal.SIGKILL)
    assert driver.wait().returncode == -signal.SIGKILL
    return begun


def test_kill_9_of_the_driver_ends_the_workers_and_loses_nothing(few, tmp_path, undisturbed):
    (tmp_path / "driver.py").write_text(DRIVER)  # without a guard around what it does
    begun = []
    for left in ("checkpoint.safetensors", "record.json"):
        begun += kill_once_there_is(left, few, tmp_path)
    finished = {record.seed: record for record in RunStore(tmp_path / "runs").records()}
    # As a new interpreter.
    command = [sys.executable, "driver.py", "runs", few]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("too few seeds to tell (2;")
    assert again.stdout.endswith("False\n")  # the driver needs no PyTorch
    assert not any(Path(f"/proc/{pid}").exists() for pid in begun)
    assert results(tmp_path / "runs") == undisturbed((0, 1))
    for record in finished.values():
        assert record in list(RunStore(tmp_path / "runs").records())
    assert not leftovers(tmp_path)


def test_other_images_under_the_same_name_are_not_passed_off_as_the_same(few, tmp_path):
    data = shutil.copytree(few, tmp_path / "data")
    recipe = built_in("lenet5").replace(epochs=1, data=str(data))
    run([recipe], tmp_path / "runs", InProcessExecutor(), seeds=(0,))
    labels = next(data.glob("t10k-labels*"))
    content = bytearray(gzip.decompress(labels.read_bytes()))
    content[-1] = (content[-1] + 1) % 10
    labels.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(MnistlabError, match=r"was trained on other images than .* holds now"):
        run([recipe], tmp_path / "runs", InProcessExecutor(), seeds=(0,))


def test_memory_of_a_worker_is_bounded_and_images_are_shared(quick, tmp_path):
    """Of a worker's memory, what is its own: neither PyTorch's code nor the 55 MB of images, which
    it shares."""
    own = []

    def measure(event):
        for pid in workers():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            fields = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
            own.append((fields["Private_Clean"] + fields["Private_Dirty"]) / 1024)

    recipes = [recipe.replace(data="mnist", train_limit=600) for recipe in quick]
    run(recipes, tmp_path, LocalExecutor(2), notes=Notes(measure))
    assert own
    assert max(own) < 350, own
