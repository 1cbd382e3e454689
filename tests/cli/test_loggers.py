"""``--tensorboard`` in every command that trains, and ``--mlflow`` with its local file store."""

import json
import os
import signal
from pathlib import Path

import pytest

from mnistlab.runs import RunFolder
from tests.cli.processes import MNISTLAB, await_checkpoint, refusal, run
from tests.forks import started

FIVE = ["--epochs", "5", "--train-limit", "200", "--quiet"]


def curve(folder, tag="accuracy/test"):
    """The steps of a curve that TensorBoard reads from a folder, and its values."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    points = log.Tensors(tag)
    return [(point.step, point.tensor_proto.float_val[0]) for point in points]


def history(folder, part="test_accuracy"):
    return [
        (epoch.epoch, pytest.approx(getattr(epoch, part)))
        for epoch in RunFolder(folder).read_record().history
    ]


def mlruns(folder):
    """What MLflow itself reads from its file store: run, and epochs by metric, oldest run first."""
    mlflow = pytest.importorskip("mlflow")
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    client = mlflow.MlflowClient(tracking_uri=(folder / "mlruns").absolute().as_uri())
    experiment = client.get_experiment_by_name("mnistlab")
    found = client.search_runs([experiment.experiment_id], order_by=["start_time ASC"])
    return client, found


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "mlp", "lenet5", "--seeds", "1", *FIVE],
        ["repeat", "mlp", "--seeds", "2", *FIVE],
        ["sweep", "grid.toml", "--quiet"],
        ["reproduce", "--epochs", "1", "--train-limit", "200", "--quiet"],
    ],
    ids=lambda command: command[0],
)
def test_every_run_of_every_command_has_its_curves_and_its_history(few, tmp_path, command):
    grid = f'recipe = "mlp"\nseeds = 1\nvalidation = 100\nfinal_seeds = 1\n[set]\ndata = "{few}"\n'
    grid += "epochs = 2\n[grid]\nlearning_rate = [0.1, 0.01]\n"
    (tmp_path / "grid.toml").write_text(grid, encoding="utf-8")
    data = [] if command[0] == "sweep" else ["--data", few]
    done = run(*MNISTLAB, *command, *data, "--tensorboard", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    records = list(tmp_path.rglob("runs/*/record.json"))
    assert len(records) >= 2
    for record in records:
        run_folder, on = record.parent, "test"
        if RunFolder(run_folder).read_record().recipe.validation:
            on = "validation"
        assert curve(run_folder / "tensorboard", f"accuracy/{on}") == history(run_folder)
        rows = (run_folder / "history.csv").read_text(encoding="utf-8").splitlines()
        assert rows[0] == (
            "epoch,train_loss,train_accuracy,test_loss,test_accuracy,train_seconds,test_seconds,"
            "images_per_second"
        )
        assert len(rows) == 1 + len(history(run_folder))


def test_runs_that_were_finished_before_are_logged_and_none_twice(few, tmp_path):
    command = [*MNISTLAB, "repeat", "mlp", "--seeds", "2", *FIVE, "--data", few]
    assert run(*command, cwd=tmp_path).returncode == 0
    for _ in range(2):
        assert run(*command, "--tensorboard", cwd=tmp_path).returncode == 0
    for record in (tmp_path / "repetition" / "runs").glob("*/record.json"):
        assert curve(record.parent / "tensorboard") == history(record.parent)


def killed_and_resumed(few, tmp_path, option, between=lambda: None):
    """Kill a run after an epoch, call ``between``, and resume it."""
    command = ["train", "lenet5", "--data", few, "--run", "run", option]
    command += ["--epochs", "60", "--quiet"]
    process = started().start(*command, cwd=tmp_path)
    await_checkpoint(tmp_path / "run")
    process.send(signal.SIGKILL)
    assert process.wait().returncode == -signal.SIGKILL
    assert not (tmp_path / "run" / "record.json").exists()
    between()
    done = run(*MNISTLAB, *command, "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"


def test_a_resumed_run_goes_on_with_its_curves_and_one_begun_anew_replaces_them(few, tmp_path):
    pytest.importorskip("tensorboard")
    folder = killed_and_resumed(few, tmp_path, "--tensorboard")
    assert sorted(curve(folder / "tensorboard")) == history(folder)
    command = [*MNISTLAB, "train", "mlp", "--data", few, "--run", "run", "--tensorboard", *FIVE]
    assert run(*command, "--overwrite", cwd=tmp_path).returncode == 0
    assert curve(folder / "tensorboard") == history(folder)


def test_mlflow_holds_each_run_with_its_fields_figures_and_files(few, tmp_path):
    pytest.importorskip("mlflow")
    command = [*MNISTLAB, "compare", "mlp", "lenet5", "--seeds", "1", *FIVE, "--data", few]
    done = run(*command, "--mlflow", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    client, found = mlruns(tmp_path)
    assert {one.data.params["name"] for one in found} == {"mlp", "lenet5"}
    for one in found:
        record = RunFolder(Path(one.data.tags["folder"])).read_record()
        assert (one.data.tags["digest"], one.data.tags["seed"]) == (record.recipe.digest, "0")
        assert one.info.status == "FINISHED"
        fields = record.recipe.model_dump(mode="json")
        assert one.data.params == {name: str(value) for name, value in fields.items()}
        steps = client.get_metric_history(one.info.run_id, "test_loss")
        assert [(metric.step, metric.value) for metric in steps] == [
            (epoch.epoch, epoch.test_loss) for epoch in record.history
        ]
        assert one.data.metrics["final_test_accuracy"] == record.final.test_accuracy
        assert one.data.metrics["final_macro_f1"] == record.macro_f1
        kept = {file.path for file in client.list_artifacts(one.info.run_id)}
        assert kept == {"record.json", "history.csv", "model.safetensors"}


def test_a_resumed_run_goes_on_with_its_mlflow_entry(few, tmp_path):
    pytest.importorskip("mlflow")

    def half_an_epoch():
        # As if it had been killed between two metrics of an epoch, and as it began another.
        for folder in tmp_path.glob("mlruns/*/*/metrics"):
            (folder / "train_seconds").write_text("")
            (folder / "final_macro_f1").write_text("")
        for file in tmp_path.glob("mlruns/*/*/metrics/test_accuracy"):
            *earlier, _ = file.read_text().splitlines(keepends=True)
            file.write_text("".join(earlier)) if earlier else file.unlink()

    folder = killed_and_resumed(few, tmp_path, "--mlflow", half_an_epoch)
    client, (one,) = mlruns(tmp_path)
    steps = client.get_metric_history(one.info.run_id, "test_accuracy")
    assert sorted((metric.step, metric.value) for metric in steps) == history(folder)
    again = [*MNISTLAB, "train", "lenet5", "--data", few, "--run", "run", "--mlflow"]
    assert run(*again, "--epochs", "60", "--resume", "--quiet", cwd=tmp_path).returncode == 0
    client, (same,) = mlruns(tmp_path)
    for name, count in (("test_accuracy", 60), ("train_seconds", 60), ("final_macro_f1", 1)):
        assert len(client.get_metric_history(same.info.run_id, name)) == count


@pytest.mark.parametrize("command", [["train", "mlp"], ["compare", "mlp", "lenet5"]])
@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_without_it_the_install_command_is_printed_before_training(few, tmp_path, name, command):
    arguments = [name, *command, "--data", few, f"--{name}"]
    told = started().run(*arguments, cwd=tmp_path, call="tests.forks:run_without")
    line = refusal(told)
    assert line == f"mnistlab: --{name} needs an extra: pip install 'mnistlab[{name}]'"
    assert not list(tmp_path.rglob("record.json"))


def test_json_stays_json(few, tmp_path):
    pytest.importorskip("mlflow")
    command = [*MNISTLAB, "train", "mlp", "--data", few, *FIVE, "--mlflow", "--json"]
    done = run(*command, cwd=tmp_path)
    assert json.loads(done.stdout)["scores"]["macro_f1"] > 0
