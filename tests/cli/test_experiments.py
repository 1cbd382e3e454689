"""compare, ablate, sweep, report and runs, as a user starts them."""

import csv
import inspect
import json
import os
import re
import shutil
import signal

import pytest

import mnistlab
from mnistlab.cli.app import app
from mnistlab.cli.options import parse_seeds
from mnistlab.errors import ExperimentError
from mnistlab.report import duration
from mnistlab.runs import RunStore
from tests.cli.processes import MNISTLAB, await_checkpoint, in_a_terminal, refusal, run
from tests.forks import Command, started

SHORT = ["--epochs", "1", "--train-limit", "600"]
COMPARE = [*MNISTLAB, "compare", "lenet5", "custom_mlp", "--seeds", "3", *SHORT]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    result = run(*COMPARE, "--out", "DIR", cwd=folder, drawn=True)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_compare_leaves_report_comparison_and_table(compared):
    folder, result = compared
    assert "too few seeds to tell (3; at least 6 are needed)" in result.stdout
    assert result.stderr == ""
    drawn = "600 of 60,000 training images, drawn once at random"
    assert result.stdout.count(drawn) == 1
    assert drawn in (folder / "DIR/report.html").read_text(encoding="utf-8")
    for name in ("report.html", "comparison.json", "table.md", "summary.json"):
        assert (folder / "DIR" / name).stat().st_size > 300
    summary = json.loads((folder / "DIR/summary.json").read_text())
    assert (
        summary["command"]
        == "mnistlab compare lenet5 custom_mlp --seeds 3 --epochs 1 --train-limit 600 --out DIR"
    )
    assert [recipe["seeds"] for recipe in summary["recipes"]] == [[0, 1, 2]] * 2


def test_what_a_line_says_of_a_runs_time_is_in_the_table(compared):
    folder, result = compared
    spent = {}
    for name, said in re.findall(r"^(\w+), seed \d: .* trained in (.*?)  \[", result.stdout, re.M):
        spent.setdefault(name, []).append(said)
    assert {name: len(found) for name, found in spent.items()} == {"lenet5": 3, "custom_mlp": 3}
    table = (folder / "DIR/tables/recipes.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(table.splitlines()):
        assert duration(float(row["seconds"])) in spent[row["recipe"]]


def test_repeated_it_trains_nothing_and_replaces_the_same_report_without_a_note(compared):
    folder, _ = compared
    before = {
        path: path.stat().st_mtime_ns for path in (folder / "DIR/runs").rglob("*") if path.is_file()
    }
    again = run(*COMPARE, "--out", "DIR", cwd=folder)
    assert again.stderr == ""
    assert "0 runs to train, 6 finished before" in again.stdout
    assert again.stdout.count("note: 600 of 60,000 training images") == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_runs_of_mnistlab_train_are_used(few, tmp_path):
    short = ["--epochs", "1", "--data", few]
    run(*MNISTLAB, "train", "lenet5", *short, "--seed", "3", cwd=tmp_path)
    result = run(
        *MNISTLAB,
        "compare",
        "lenet5",
        "mlp",
        "--seeds",
        "3,4",
        *short,
        "--runs",
        "runs",
        cwd=tmp_path,
    )
    assert "3 runs to train, 1 finished before" in result.stdout


def test_report_makes_it_again_without_pytorch_or_weights(compared, tmp_path):
    folder, first = compared
    shutil.copytree(folder / "DIR", tmp_path / "DIR")
    for path in (tmp_path / "DIR").rglob("*"):
        if path.is_file() and path.name not in ("record.json", "comparison.json"):
            path.unlink()
    result = run(*MNISTLAB, "report", "DIR", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() in first.stdout
    for name in ("report.html", "summary.json", "table.md", "comparison.json"):
        assert (tmp_path / "DIR" / name).read_bytes() == (folder / "DIR" / name).read_bytes()


def test_a_report_on_something_else_is_said_to_be_replaced_before_anything_is_trained(
    compared, tmp_path
):
    folder, _ = compared
    shutil.copytree(folder / "DIR", tmp_path / "DIR")
    nothing = ["--seeds", "3", *SHORT, "--data", "nowhere", "--out", "DIR"]
    for command in (["compare", "lenet5", "mlp"], ["ablate", "custom_mlp"], ["repeat", "mlp"]):
        note, error = run(*MNISTLAB, *command, *nothing, cwd=tmp_path).stderr.splitlines()
        assert note.startswith(
            "note: DIR holds the report 'lenet5 against custom_mlp' on other recipes or settings;"
            " this one will replace it"
        )
        assert "nowhere: no such file" in error


@pytest.mark.parametrize(
    ("name", "function"),
    [("compare", "compare"), ("ablate", "ablation"), ("repeat", "repeat"), ("sweep", "sweep")],
)
def test_python_keeps_runs_where_the_command_does(name, function):
    (out,) = (option.default for option in app.commands[name].params if option.name == "out")
    runs = inspect.signature(getattr(mnistlab, function)).parameters["runs"].default
    assert runs == f"{out}/runs"


def test_runs_are_listed(compared):
    folder, _ = compared
    listed = run(*MNISTLAB, "runs", "DIR/runs", cwd=folder)
    assert listed.returncode == 0
    lines = listed.stdout.splitlines()
    assert lines[-1] == "6 finished runs; --markdown says what sets them apart"
    assert re.match(
        r"custom_mlp +seed 0 +test +\d+\.\d\d % +\d\.\d s +20\d\d-\d\d-\d\d \d\d:\d\d +custom_mlp-",
        lines[0],
    )


def test_ablate_and_its_chart(few, tmp_path):
    short = ["--epochs", "1", "--data", few]
    result = run(
        *MNISTLAB, "ablate", "custom_mlp", "--seeds", "1", *short, "--out", "A", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "at least 9 are needed to compare 7 pairs" in result.stdout
    assert (tmp_path / "A/plots/forest.png").is_file()
    assert len(list((tmp_path / "A/runs").iterdir())) == 8


def test_sweep_and_what_it_leaves(few, tmp_path):
    (tmp_path / "grid.toml").write_text(
        f"seeds = 1\nvalidation = 300\nfinal_seeds = 1\n[set]\nepochs = 1\ndata = '{few}'\n"
        "batch_size = 32\n[grid]\nlearning_rate = [0.001, 0.05]\n"
    )
    result = run(*MNISTLAB, "sweep", "grid.toml", "--out", "S", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert re.search(
        r"chosen by \d\d\.\d\d % on 300 validation images: learning_rate=", result.stdout
    )
    assert {"report.html", "sweep.json", "best.toml"} <= {
        path.name for path in (tmp_path / "S").iterdir()
    }
    trained = run(*MNISTLAB, "train", "S/best.toml", "--quiet", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr


def test_failed_runs_are_reported_and_the_others_compared(few, tmp_path):
    short = ["--epochs", "1", "--data", few]
    (tmp_path / "wild.toml").write_text("learning_rate = 100.0\nepochs = 1\n")
    result = run(
        *MNISTLAB, "compare", "lenet5", "mlp", "wild.toml", "--seeds", "1", *short, cwd=tmp_path
    )
    said = refusal(result)
    assert "no run of wild could be finished, so that it cannot be compared; wild, seed 0" in said
    assert said.endswith("2 finished runs are kept in comparison/runs")
    model = "from torch import nn\nimport torch\ndef build(shape, classes):\n"
    model += "    if torch.initial_seed() % 2: raise ValueError('odd')\n"
    model += "    return nn.Sequential(nn.Flatten(), nn.Linear(1024, classes))\n"
    (tmp_path / "moody.py").write_text(model)
    result = run(
        *MNISTLAB,
        "compare",
        "mlp",
        "moody.py:build",
        "--seeds",
        "6",
        *short,
        "--out",
        "M",
        cwd=tmp_path,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert re.search(r"failed: moody, seeds? [\d, ]+: .*odd", result.stderr)
    assert (tmp_path / "M/report.html").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_with_checkpoints_and_the_same_command_goes_on(few, tmp_path, number):
    command = ["compare", "lenet5", "mlp", "--seeds", "1", "--epochs", "40"]
    command += ["--data", few]
    # One of the two as a new interpreter.
    process = (
        Command([*MNISTLAB, *command], tmp_path, tmp_path / "command", session=True)
        if number == signal.SIGINT
        else started().start(*command, cwd=tmp_path, session=True)
    )
    await_checkpoint(tmp_path)
    os.killpg(process.number, number)  # as a terminal does
    stopped = process.wait()
    assert stopped.returncode == 128 + number
    assert stopped.stderr == "stopped; run the same command again to resume what comparison holds\n"
    assert list(tmp_path.rglob("checkpoint.safetensors"))
    result = run(*MNISTLAB, *command, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(list(RunStore(tmp_path / "comparison/runs").records())) == 2


def test_a_terminal_sees_runs_done_running_the_time_left_and_the_mean_so_far(few, tmp_path):
    command = ["compare", "lenet5", "mlp", "--seeds", "3", "--epochs", "40", "--data", few]
    screen, ended = in_a_terminal(*command, cwd=tmp_path)
    assert ended.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)
    assert re.search(r"\d of 6 runs done, 2 running", plain)
    assert re.search(r"\d+\.\d s left", plain)
    assert "mean so far" in plain
    assert re.search(r"seed \d +epoch \d+/40", plain)
    assert "too few seeds to tell" in plain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "lenet5"], "give at least two recipes to compare"),
        (["compare", "lenet5", "lenet6"], "lenet6: no such recipe; did you mean lenet5"),
        (
            ["compare", "lenet5", "mlp", "--seeds", "none"],
            "--seeds none: write how many (20), a range",
        ),
        (["compare", "lenet5", "mlp", "--seeds", "0"], "--seeds 0: write how many (20), a range"),
        (
            ["compare", "lenet5", "mlp", "--address", "x:1"],
            "--address names a Ray cluster: give --executor ray as well",
        ),
        (
            ["compare", "lenet5", "mlp", "--executor", "ray", "--workers", "2"],
            "--workers is for this machine",
        ),
        (
            ["compare", "lenet5", "mlp", "--set", "dropuot=1"],
            "dropuot: unknown key; did you mean dropout",
        ),
        (
            ["compare", "lenet5", "mlp", "--train-limit", "-1"],
            "train_limit: must be a whole number from 0",
        ),
        (
            ["compare", "lenet5", "mlp", "--data", "nowhere"],
            "nowhere: no such file, folder or data set",
        ),
        (["ablate", "lenet5"], "lenet5: has no regulariser to remove"),
        (["sweep", "none.toml"], "none.toml: cannot be read: No such file or directory"),
        (
            ["report", "none"],
            "none: no such file or folder; name a comparison.json or a folder of runs",
        ),
        (["report", "."], ".: no finished runs there"),
        (["runs", "none"], "none: no such folder"),
    ],
)
def test_bad_input_gets_one_line(tmp_path, arguments, message):
    assert message in refusal(run(*MNISTLAB, *arguments, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", [0, 1, 2]),
        (" 3 ", [0, 1, 2]),
        ("5-7", [5, 6, 7]),
        ("1,4,7", [1, 4, 7]),
        ("2,0-1", [0, 1, 2]),
    ],
)
def test_seeds_are_read(text, seeds):
    assert parse_seeds(text) == seeds


IMPOSSIBLE = (
    "",
    "-1",
    "3-1",
    "x",
    "1,,2",
    "1e3",
    "0",
    "9999999",
    "1-2-3",
    "99999999999",
    "0-30000000",
    "1-2,5-3",
    "1,1",
    "0-3,2",
)


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_impossible_seeds_are_refused(text):
    with pytest.raises(ExperimentError, match="--seeds"):
        parse_seeds(text)
