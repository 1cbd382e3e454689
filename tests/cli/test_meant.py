"""What a user may well have meant, and what every platform lets happen: a line that helps, or no
trouble at all."""

import sys

import pytest

from tests.cli.processes import MNISTLAB, refusal, run


def test_a_model_in_a_module_of_the_current_folder_is_gone_on_with_by_another_process(
    few, tmp_path
):
    (tmp_path / "mynets").mkdir()
    (tmp_path / "mynets" / "__init__.py").write_text("")
    (tmp_path / "mynets" / "small.py").write_text(
        "from torch import nn\n"
        "def build(shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(1024, classes))\n"
    )
    command = ["train", "mynets.small:build", "--data", few, "--epochs", 1, "--run", "here"]
    # Python itself looks in no current folder here, as for the installed program.
    program = [sys.executable, "-P", "-m", "mnistlab"]
    assert run(*program, *command, cwd=tmp_path).returncode == 0
    # Nor does a process that was forked.
    again = run(*MNISTLAB, *command, "--resume", cwd=tmp_path)
    assert again.returncode == 0, again
    assert "finished before" in again.stdout
    (tmp_path / "mynets" / "small.py").write_text("raise RuntimeError('changed')")
    assert "has changed since" in refusal(run(*MNISTLAB, *command, "--resume", cwd=tmp_path))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["train", "net.py"],
            "net.py: name the function in it that builds the model, too, for example net.py:build",
        ),
        (["train", "nets.py"], "builds the model, too, for example nets.py:wide"),
        (["train", "lenet5", "--data", "~nobody-of-this-name/x"], "cannot be read"),
        (["train", "~nobody-of-this-name/net.py:build"], "there is no file"),
        (
            ["compare", "lenet5", "~nobody-of-this-name/net.py:build", "--seeds", "1"],
            "there is no file",
        ),
        (["train", "lenet5", "--lr", "0.1"], "did you mean --set learning_rate=VALUE?"),
        (["repeat", "lenet5", "--resume"], "repeat always resumes: leave it out"),
        (["train", "lenet5", "--learning-rate", "0.1"], "did you mean --set learning_rate=VALUE?"),
        (["compare", "lenet5", "mlp", "--num-epoch", "3"], "did you mean --num-epochs?"),
        (["train", "lenet5", "--set", "lr=0.1"], "did you mean learning_rate?"),
        (["train", "lenet5", "--set", "optimizer=adma"], "did you mean adam?"),
        (["train", "lenet5", "--set", "activation=relu"], "it is a part of the model"),
        (["evaluate", "lenet5", "--dataset", "mnist"], "did you mean --data?"),
        (["runs", "--nothing-like-it"], "--help lists those there are"),
        (["train", "sweep.toml"], "sweep.toml: is the file of a sweep: mnistlab sweep sweep.toml"),
        (
            ["sweep", "recipe.toml"],
            "recipe.toml: is a recipe and no sweep: mnistlab train recipe.toml",
        ),
        (
            ["predict", "x.png", "--model", "."],
            ".: is a folder; if it is a run's, make a model of it",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_was_meant_is_told(arguments, said, tmp_path):
    (tmp_path / "net.py").write_text("")
    (tmp_path / "nets.py").write_text("class _Base: ...\n\n\ndef wide(): ...\n")
    (tmp_path / "sweep.toml").write_text('recipe = "lenet5"\n[grid]\ndropout = [0.1, 0.2]\n')
    (tmp_path / "recipe.toml").write_text("dropout = 0.5\n")
    assert said in refusal(run(*MNISTLAB, *arguments, cwd=tmp_path))


def test_a_standard_output_that_lacks_letters_ends_no_command(few, tmp_path):
    """As on Windows, where what goes to a file is in the old code page."""
    old = {"PYTHONIOENCODING": "cp1252:strict"}
    trained = run(
        *MNISTLAB,
        "train",
        "lenet5",
        "--data",
        few,
        "--epochs",
        1,
        "--run",
        "r",
        cwd=tmp_path,
        env=old,
    )
    assert trained.returncode == 0, trained
    told = run(*MNISTLAB, "evaluate", "r", cwd=tmp_path, env=old)
    assert told.returncode == 0, told
    assert "Reject below" in told.stdout
    assert "?" in told.stdout
