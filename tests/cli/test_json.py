"""``--json``: standard output holds the figures and nothing else."""

import json

import pytest

from tests.cli.processes import MAIN, MNISTLAB, run

SHORT = ["--epochs", "1", "--train-limit", "600"]


def told(result):
    """The figures on standard output, and the words on standard error."""
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    return json.loads(result.stdout), result.stderr


def test_a_run_and_the_list_of_runs(few, tmp_path):
    record, words = told(
        run(*MNISTLAB, "train", "mlp", "--data", few, "--epochs", "2", "--json", cwd=tmp_path)
    )
    assert (record["recipe"]["name"], len(record["history"])) == ("mlp", 2)
    assert (tmp_path / record["folder"] / "record.json").exists()
    assert "kept in" in words
    (only,), _ = told(run(*MNISTLAB, "runs", "--json", cwd=tmp_path))
    assert only["final"]["test_accuracy"] == pytest.approx(record["final"]["test_accuracy"])
    result = run(*MNISTLAB, "runs", "--json", "--csv", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")


def test_the_courses_command(few, tmp_path):
    summary, words = told(run(*MAIN, "--data", few, "--num_epochs", "1", "--json", cwd=tmp_path))
    assert summary == json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert "LeNet-5" in words


def test_experiments_give_their_summaries(few, tmp_path):
    options = ["--data", few, "--epochs", "1", "--seeds", "2", "--json"]
    compared, words = told(run(*MNISTLAB, "compare", "mlp", "lenet5", *options, "-q", cwd=tmp_path))
    assert compared == json.loads(
        (tmp_path / "comparison" / "summary.json").read_text(encoding="utf-8")
    )
    assert compared["verdict"] in words
    again, _ = told(run(*MNISTLAB, "report", "comparison", "--json", cwd=tmp_path))
    assert again["verdict"] == compared["verdict"]
    repeated, words = told(
        run(
            *MNISTLAB,
            "repeat",
            "mlp",
            *options,
            "--runs",
            "comparison/runs",
            cwd=tmp_path,
        )
    )
    assert repeated == json.loads(
        (tmp_path / "repetition" / "summary.json").read_text(encoding="utf-8")
    )
    grid = (
        f'recipe = "mlp"\nvalidation = 100\n[set]\ndata = "{few}"\nepochs = 1\n[grid]\nmomentum ='
        " [0.8, 0.9]\n"
    )
    (tmp_path / "grid.toml").write_text(grid, encoding="utf-8")
    swept, _ = told(run(*MNISTLAB, "sweep", "grid.toml", "--json", cwd=tmp_path))
    assert len(swept["candidates"]) == 2


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (["doctor", "lenet5"], {"versions", "cores", "builds", "model"}),
        (["data", "verify", "FEW"], {"name", "classes", "training", "test", "fingerprint"}),
        (["recipe", "show", "custom_mlp"], {"dropout", "batch_norm"}),
    ],
)
def test_what_there_is(command, keys, few, tmp_path):
    command = [few if word == "FEW" else word for word in command]
    figures, words = told(run(*MNISTLAB, *command, "--json", cwd=tmp_path))
    assert keys <= figures.keys()
    assert words


@pytest.mark.parametrize("group", ["recipe", "data"])
def test_lists_are_lists(group, tmp_path):
    figures, _ = told(run(*MNISTLAB, group, "list", "--json", cwd=tmp_path))
    assert all(known["name"] for known in figures)
    assert len(figures) > 3


NET = """from torch import nn
def build(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(1024, 8), nn.{}(), nn.Linear(8, classes))
"""


@pytest.mark.parametrize(("layer", "fast"), [("ReLU", True), ("Hardshrink", False)])
def test_whether_a_model_is_fast_is_told_as_its_words_are(layer, fast, tmp_path):
    (tmp_path / "net.py").write_text(NET.format(layer), encoding="utf-8")
    figures, words = told(run(*MNISTLAB, "doctor", "net.py:build", "--json", cwd=tmp_path))
    assert ("trains on the native kernels" in words) == fast == figures["model"]["fast"]
    assert bool(figures["model"]["reason"]) != fast
