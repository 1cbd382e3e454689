"""How the program ends: one line, the right status, and no traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.processes import MAIN, MNISTLAB, refusal, run

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


@pytest.mark.parametrize(
    "command",
    [
        [*MNISTLAB, "train", "mlp"],
        [
            *MNISTLAB,
            "predict",
            "--annotate",
            "a/",
            str(Path(__file__).parents[2] / "docs" / "images" / "page.png"),
        ],
        [*MNISTLAB, "compare", "mlp", "lenet5"],
        MAIN,
    ],
    ids=lambda command: command[-1],
)
def test_a_deleted_current_folder(command, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    # The shell is there when it is deleted; no process can be started there afterwards.
    result = run("sh", "-c", 'rmdir ../gone && exec "$@"', "sh", *command, cwd=gone)
    assert "the current folder was deleted" in refusal(result)


@needs_full
@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["data", "list"], ["data", "list", "--json"], ["runs", ".", "--csv"], []],
)
def test_a_full_disk_behind_standard_output(arguments, tmp_path):
    with FULL.open("w") as full:
        result = subprocess.run(
            [*MNISTLAB, *arguments],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
        )
    assert result.returncode == 2
    assert (
        result.stderr.splitlines()[-1]
        == "mnistlab: the output cannot be written: No space left on device"
    )
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


@needs_full
def test_a_full_disk_behind_standard_error(tmp_path):
    with FULL.open("w") as full:
        for arguments in (["nosuch"], ["data", "list", "--json"]):
            result = subprocess.run(
                [*MNISTLAB, *arguments],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=full,
                timeout=100,
            )
            assert result.returncode == 2


@needs_full
def test_a_device_is_written_to_and_stays_one(tmp_path):
    assert "/dev/full: cannot be written" in refusal(
        run(*MNISTLAB, "data", "show", "--out", FULL, cwd=tmp_path)
    )
    assert FULL.is_char_device()


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    result = run("sh", "-c", '"$@" | true', "sh", *MNISTLAB, "recipe", "show", "mlp", cwd=tmp_path)
    assert result.stderr == ""


LONG = "x" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", LONG],
        ["evaluate", LONG],
        ["report", LONG],
        ["export", LONG, "m.onnx"],
        ["export", "m", LONG, "--web"],
        ["train", "mlp", "--run", LONG],
        ["train", "mlp", "--set", f"name={LONG}"],
        ["predict", "x", "--model", LONG],
        ["predict", "--annotate", f"{LONG}.png", "x"],
        ["train", "mlp", "--out", LONG],
        ["data", "verify", LONG],
        ["sweep", LONG],
        ["train", f"{LONG}.toml"],
        ["train", f"{LONG}.py:b"],
        ["compare", "mlp", "lenet5", "--runs", LONG],
        ["data", "show", "--out", LONG],
        ["doctor", LONG],
        ["serve", "--report", LONG],
    ],
    ids=lambda arguments: " ".join(arguments).replace(LONG, "LONG"),
)
def test_names_too_long_for_a_file(arguments, tmp_path, monkeypatch, capsys):
    from mnistlab.cli.app import app
    from mnistlab.cli.app import run as call

    monkeypatch.chdir(tmp_path)
    assert call(app, arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) < 1100
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_server_whose_model_has_too_long_a_name_ends(tmp_path):
    """In a process of its own: where a browser was started, its event loop runs on."""
    result = run(*MNISTLAB, "serve", "--model", LONG, "--port", "0", cwd=tmp_path)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert len(line) < 1100


def test_one_picture_with_too_long_a_name_does_not_cost_the_others(pictures):
    result = run(*MNISTLAB, "predict", LONG, "one.png", cwd=pictures)
    assert result.returncode == 1
    assert "724" in result.stdout
    assert "File name too long" in result.stderr


BUG = (
    "import sys; from mnistlab import data; from mnistlab.cli import main; data.CATALOGUE = None\n"
    "sys.argv = ['mnistlab', 'data', 'list']; main()"
)


def test_a_bug_is_said_to_be_one_and_where_is_shown_if_asked_for(tmp_path):
    result = run(sys.executable, "-c", BUG, cwd=tmp_path)
    assert result.returncode == 70
    (line,) = result.stderr.splitlines()
    assert line.startswith("mnistlab: this is a bug, please report it: AttributeError: ")
    assert "MNISTLAB_TRACEBACK=1" in line
    shown = run(sys.executable, "-c", BUG, cwd=tmp_path, env={"MNISTLAB_TRACEBACK": "1"})
    assert shown.returncode == 70
    assert "Traceback (most recent call last):" in shown.stderr
    assert shown.stderr.splitlines()[-1] == line


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
def test_ctrl_c_while_modules_are_imported(tmp_path):
    code = (
        "import os, signal, sys, importlib.abc\n"
        "class Press(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'mnistlab.cli.app': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Press())\n"
        # A shell that runs tests in the background has them ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from mnistlab.cli import main; main()"
    )
    result = run(sys.executable, "-c", code, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (128 + signal.SIGINT, "mnistlab: interrupted\n")
