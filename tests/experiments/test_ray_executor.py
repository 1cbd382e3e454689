"""Experiments on a real Ray cluster on this machine; tests/reliability kills its nodes."""

import sys

import pytest

from mnistlab import MnistlabError, Recipe, compare
from mnistlab.experiments import ExperimentOptions, LocalExecutor
from mnistlab.experiments.experiment_runs import plan_trials, run_trials
from mnistlab.experiments.look_history import FILE
from mnistlab.experiments.ray_executor import RayExecutor
from mnistlab.runs import RunOptions, RunStore
from mnistlab.runs.options import never
from tests.experiments.listening import Notes, leftovers, results

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'mnistlab[ray]'")
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"
    ),
    pytest.mark.long,
]


def run(recipes, folder, executor, notes=None, seeds=(0, 1)):
    notes = Notes() if notes is None else notes
    return run_trials(
        plan_trials(recipes, seeds, RunStore(folder)),
        ExperimentOptions(folder, executor, on_event=notes),
    ), notes


def test_several_runs_in_a_task_and_a_failing_one(quick, tmp_path, monkeypatch):
    # The driver's folder may be a stranger's: what lies there under the names of packages is not
    # imported.
    (tmp_path / "here").mkdir()
    for name in ("numpy", "torch", "pydantic"):
        (tmp_path / "here" / f"{name}.py").write_text(
            "import pathlib; pathlib.Path(__file__ + '.sprung').touch()"
        )
    monkeypatch.chdir(tmp_path / "here")
    wild = quick[0].replace(name="wild", learning_rate=100.0)
    experiment, notes = run(
        [wild, *quick], tmp_path / "ray", RayExecutor(None, runs_per_task=3), seeds=(0, 1)
    )
    assert experiment.complete
    assert sorted(notes.of("failed")) == [("wild", 0), ("wild", 1)]
    assert (
        experiment.errors[0]
        == "wild, seeds 0, 1: epoch 1: the loss is not finite; lower learning_rate (it is 100)"
    )
    run(quick, tmp_path / "local", LocalExecutor(2), seeds=(0, 1))
    assert results(tmp_path / "ray") == results(tmp_path / "local")
    again, notes = run(quick, tmp_path / "ray", RayExecutor(None), seeds=(0, 1))
    assert again.complete
    assert not notes
    assert not list(tmp_path.rglob("*.sprung"))


def test_no_cluster_at_the_address(tmp_path):
    with pytest.raises(MnistlabError, match=r"127\.0\.0\.1:1: no Ray cluster there"):
        run([Recipe(epochs=1)], tmp_path, RayExecutor("127.0.0.1:1"))
    with pytest.raises(MnistlabError, match=r"ray://x:1: Ray's client does not stream results"):
        run([Recipe(epochs=1)], tmp_path, RayExecutor("ray://x:1"))


def test_without_ray_the_install_command_is_printed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        MnistlabError, match=r"the ray executor needs Ray: pip install 'mnistlab\[ray\]'"
    ):
        RayExecutor()


@pytest.fixture(scope="module")
def started():
    """A cluster of this machine's that is there before an experiment, for all of its looks; those
    tests that need one come last."""
    ray.init(address="local", num_cpus=1, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.mark.usefixtures("started")
def test_a_study_until_settled_ends_on_ray_as_it_does_here(quick, tmp_path):
    short = quick[0].replace(name="a", model="mlp", epochs=1, train_limit=300)
    recipes = [short, short.replace(name="b", learning_rate=1e-6)]
    on_ray, here = (
        compare(*recipes, max_seeds=8, runs=tmp_path / name, executor=executor)
        for name, executor in (("ray", RayExecutor(None)), ("local", LocalExecutor(2)))
    )
    assert on_ray.verdict == here.verdict
    assert on_ray.verdict.startswith("a is better than b")
    assert on_ray.seeds == here.seeds == tuple(range(8))
    assert (tmp_path / "ray" / FILE).read_text() == (tmp_path / "local" / FILE).read_text()


@pytest.mark.usefixtures("started")
def test_what_another_driver_has_finished_meanwhile_is_taken_as_it_is(quick, tmp_path):
    trials = plan_trials(quick[:1], (0, 1), RunStore(tmp_path / "ray"))
    run_trials(trials, ExperimentOptions(tmp_path, LocalExecutor(2)))
    before, notes = results(tmp_path / "ray"), Notes()
    RayExecutor(None, runs_per_task=2).run(trials, RunOptions(threads=1), notes, never)
    assert sorted(notes.of("finished")) == [(quick[0].name, 0), (quick[0].name, 1)]
    assert not notes.of("started")
    assert results(tmp_path / "ray") == before
    assert not leftovers(tmp_path)
