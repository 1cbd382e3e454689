"""repeat, as a user starts it."""

import json
import os
import re
import shutil
import signal

import numpy as np
import pytest

from mnistlab.runs import RunRecord, RunStore
from tests.cli.processes import MNISTLAB, await_checkpoint, in_a_terminal, refusal, run
from tests.forks import started

SHORT = ["--epochs", "1", "--train-limit", "300"]
REPEAT = [*MNISTLAB, "repeat", "lenet5", "--seeds", "3", *SHORT, "--set", "learning_rate=0.1"]


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repeated")
    result = run(*REPEAT, "--out", "DIR", cwd=folder, drawn=True)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_it_says_its_sentence_and_leaves_its_files(repeated):
    folder, result = repeated
    figure = r"\d+\.\d\d"
    assert re.search(
        rf"^lenet5: {figure} % of test images on average over 3 seeds \(95 % interval −?{figure} to"
        rf" {figure}; "
        rf"single runs {figure} to {figure}\), 61,706 parameters, \d+\.\d s per run\.$",
        result.stdout,
        re.MULTILINE,
    )
    assert re.search(
        r"^without the 15 images whose labels are disputed the accuracy is ",
        result.stdout,
        re.MULTILINE,
    )
    assert result.stdout.endswith("\nwrote DIR/report.html and 13 more files beside it\n")
    assert result.stderr == ""
    for name in (
        "report.html",
        "table.md",
        "summary.json",
        "plots/accuracies.png",
        "plots/confusion.svg",
        "plots/confusion.png",
        "tables/class_scores.csv",
        "tables/confusion.csv",
        "plots/accuracies.svg",
    ):
        assert (folder / "DIR" / name).stat().st_size > 300


def test_the_summary_follows_from_the_runs(repeated):
    folder, _ = repeated
    said = json.loads((folder / "DIR/summary.json").read_text(encoding="utf-8"))
    records = list(RunStore(folder / "DIR/runs").records())
    accuracies = [100 * record.final.test_accuracy for record in records]
    assert (
        said["command"]
        == "mnistlab repeat lenet5 --seeds 3 --epochs 1 --train-limit 300 --set learning_rate=0.1"
        " --out DIR"
    )
    assert said["seeds"] == [0, 1, 2]
    assert said["test_accuracy"] == pytest.approx(accuracies)
    assert said["mean"] == pytest.approx(np.mean(accuracies), abs=1e-4)
    assert said["standard_deviation"] == pytest.approx(np.std(accuracies, ddof=1), abs=1e-4)
    # The 97.5 % point of t with two degrees of freedom.
    margin = 4.302653 * np.std(accuracies, ddof=1) / 3**0.5
    assert said["interval"] == pytest.approx(
        [np.mean(accuracies) - margin, np.mean(accuracies) + margin], abs=2e-4
    )
    assert said["recipe"]["learning_rate"] == 0.1
    assert len(said["disputed"]["images"]) == 15
    rows = (folder / "DIR/tables/runs.csv").read_text(encoding="utf-8").splitlines()
    assert [[float(cell) for cell in row.split(",")[:2]] for row in rows[1:]] == [
        [n, pytest.approx(value)] for n, value in enumerate(accuracies)
    ]


def test_records_are_copies_of_the_runs_own(repeated):
    folder, _ = repeated
    for seed in range(3):
        (own,) = (folder / "DIR/runs").glob(f"*-seed{seed}/record.json")
        assert (folder / f"DIR/records/seed-{seed}.json").read_bytes() == own.read_bytes()


def test_repeated_it_trains_nothing_and_writes_the_same(repeated):
    folder, first = repeated
    files = {path: path.read_bytes() for path in (folder / "DIR").rglob("*") if path.is_file()}
    before = {
        path: path.stat().st_mtime_ns for path in (folder / "DIR/runs").rglob("*") if path.is_file()
    }
    again = run(*REPEAT, "--out", "DIR", cwd=folder, drawn=True)
    assert "0 runs to train, 3 finished before" in again.stdout
    assert again.stdout.splitlines()[-4:] == first.stdout.splitlines()[-4:]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert {
        path: path.read_bytes() for path in (folder / "DIR").rglob("*") if path.is_file()
    } == files


def test_report_makes_it_again_from_the_records_alone(repeated, tmp_path):
    folder, first = repeated
    shutil.copytree(folder / "DIR", tmp_path / "DIR", ignore=shutil.ignore_patterns("runs"))
    files = {path: path.read_bytes() for path in (tmp_path / "DIR").rglob("*") if path.is_file()}
    for path in files:
        if path.suffix in (".html", ".png", ".svg", ".csv", ".md"):
            path.unlink()
    again = run(*MNISTLAB, "report", "DIR", cwd=tmp_path, drawn=True)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines()[-4:] == first.stdout.splitlines()[-4:]
    assert {
        path: path.read_bytes() for path in (tmp_path / "DIR").rglob("*") if path.is_file()
    } == files


def test_report_refuses_records_of_two_recipes_in_one_line(repeated, tmp_path):
    folder, _ = repeated
    shutil.copytree(folder / "DIR/records", tmp_path / "DIR/records")
    shutil.copy(folder / "DIR/summary.json", tmp_path / "DIR")
    file = tmp_path / "DIR/records/seed-1.json"
    record = RunRecord.from_json(file.read_bytes(), file.name)
    other = record.model_copy(update={"recipe": record.recipe.replace(dropout=0.5)})
    file.write_text(other.to_json(), encoding="utf-8")
    said = refusal(run(*MNISTLAB, "report", "DIR", cwd=tmp_path, drawn=True))
    assert "needs records of one recipe" in said


def test_runs_of_mnistlab_train_are_used(tmp_path):
    run(*MNISTLAB, "train", "mlp", *SHORT, "--seed", "3", cwd=tmp_path)
    result = run(
        *MNISTLAB,
        "repeat",
        "mlp",
        "--seeds",
        "3,4",
        *SHORT,
        "--runs",
        "runs",
        "--quiet",
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert sorted(path.name for path in (tmp_path / "repetition/records").iterdir()) == [
        "seed-3.json",
        "seed-4.json",
    ]


def test_one_seed_and_held_out_images(tmp_path):
    result = run(
        *MNISTLAB,
        "repeat",
        "mlp",
        "--seeds",
        "7-7",
        *SHORT,
        "--set",
        "validation=200",
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert re.search(
        r"^mlp: [\d.]+ % of validation images in one run \(seed 7; ",
        result.stdout,
        re.MULTILINE,
    )
    assert "disputed" not in result.stdout
    assert json.loads((tmp_path / "repetition/summary.json").read_text())["interval"] is None


LONG = ["repeat", "mlp", "--seeds", "2", "--epochs", "20", "--train-limit", "2000"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_with_checkpoints_and_the_same_command_goes_on(tmp_path, number):
    process = started().start(*LONG, cwd=tmp_path, session=True)
    await_checkpoint(tmp_path)
    os.killpg(process.number, number)  # as a terminal does
    stopped = process.wait()
    assert stopped.returncode == 128 + number
    assert stopped.stderr == "stopped; run the same command again to resume what repetition holds\n"
    assert list(tmp_path.rglob("checkpoint.safetensors"))
    assert not (tmp_path / "repetition/summary.json").exists()
    result = run(*MNISTLAB, *LONG, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(list(RunStore(tmp_path / "repetition/runs").records())) == 2


def test_killed_and_started_again_it_says_the_same(tmp_path):
    process = started().start(*LONG, "--out", "killed", cwd=tmp_path)
    await_checkpoint(tmp_path)
    process.send(signal.SIGKILL)
    assert process.wait().returncode == -signal.SIGKILL
    result = run(*MNISTLAB, *LONG, "--out", "killed", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    run(*MNISTLAB, *LONG, "--out", "whole", cwd=tmp_path)
    killed, whole = (
        json.loads((tmp_path / name / "summary.json").read_text()) for name in ("killed", "whole")
    )
    for key in ("test_accuracy", "loss", "disputed", "interval"):
        assert killed[key] == whole[key]


def test_failed_runs_are_named_and_the_others_counted(tmp_path):
    model = "from torch import nn\nimport torch\ndef build(shape, classes):\n"
    model += "    if torch.initial_seed() % 2: raise ValueError('odd')\n"
    model += "    return nn.Sequential(nn.Flatten(), nn.Linear(1024, classes))\n"
    (tmp_path / "moody.py").write_text(model)
    result = run(*MNISTLAB, "repeat", "moody.py:build", "--seeds", "6", *SHORT, cwd=tmp_path)
    assert result.returncode == 1
    assert re.search(r"^failed: moody, seeds? [\d, ]+: .*odd", result.stderr, re.MULTILINE)
    assert "Traceback" not in result.stderr
    said = json.loads((tmp_path / "repetition/summary.json").read_text(encoding="utf-8"))
    assert 0 < len(said["seeds"]) < 6
    assert "odd" in said["failures"][0]
    assert "- failed: moody, seed" in (tmp_path / "repetition/table.md").read_text(encoding="utf-8")


def test_a_terminal_sees_runs_done_and_the_mean_so_far(tmp_path):
    command = ["repeat", "mlp", "--seeds", "3", "--epochs", "8", "--train-limit", "2000"]
    shown, ended = in_a_terminal(*command, cwd=tmp_path)
    assert ended.returncode == 0
    screen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"\d of 3 runs done", screen)
    assert "mean so far" in screen
    assert "on average over 3 seeds" in screen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["compare", "lenet5"],
            "give at least two recipes to compare; mnistlab repeat is for one over many seeds",
        ),
        (["repeat"], "Missing argument 'RECIPE'"),
        (["repeat", "lenet5", "mlp"], "Got unexpected extra argument (mlp)"),
        (["repeat", "lenet6"], "lenet6: no such recipe; did you mean lenet5"),
        (["repeat", "none.toml"], "none.toml: cannot be read: No such file or directory"),
        (["repeat", "lenet5", "--seeds", "none"], "--seeds none: write how many (20), a range"),
        (
            ["repeat", "lenet5", "--address", "x:1"],
            "--address names a Ray cluster: give --executor ray as well",
        ),
        (["repeat", "lenet5", "--set", "dropuot=1"], "dropuot: unknown key; did you mean dropout"),
        (["repeat", "lenet5", "--data", "nowhere"], "nowhere: no such file, folder or data set"),
        (
            ["repeat", "lenet5", "--set", "learning_rate=100.0", "--seeds", "0-0"],
            "epoch 1: the loss is not finite",
        ),
    ],
)
def test_bad_input_gets_one_line(tmp_path, arguments, message):
    extra = SHORT if "learning_rate=100.0" in arguments else []
    assert message in refusal(run(*MNISTLAB, *arguments, *extra, cwd=tmp_path))
    assert not list(tmp_path.rglob("record.json"))
    assert not list(tmp_path.rglob("summary.json"))


def test_a_file_in_the_way_is_refused_before_anything_is_trained(tmp_path):
    (tmp_path / "file").write_text("")
    assert "'file' is a file" in refusal(
        run(*MNISTLAB, "repeat", "lenet5", "--out", "file", cwd=tmp_path)
    )
