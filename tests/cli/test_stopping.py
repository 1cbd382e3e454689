"""Interrupted runs and their terminals: real signals, a real pseudo-terminal."""

import os
import re
import signal

import pytest

from mnistlab import RunFolder
from mnistlab.cli import stopping
from mnistlab.cli.stopping import listening_for_stop
from tests.cli.processes import MNISTLAB, in_a_terminal, run
from tests.forks import Command, started

STOPPED = ["train", "custom_mlp", "--epochs", 40, "--set", "batch_size=32"]


@pytest.fixture(scope="module")
def whole(few, tmp_path_factory):
    """What a run comes to that is not stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run(*MNISTLAB, *STOPPED, "--data", few, "--run", "whole", cwd=folder)
    return folder / "whole"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_with_a_checkpoint_from_which_resume_ends_in_the_same_bits(
    few, whole, tmp_path, number
):
    arguments = [*STOPPED, "--data", few]
    command = [*arguments, "--run", "stopped"]
    # One of the two as a new interpreter.
    process = (
        Command([*MNISTLAB, *command], tmp_path, tmp_path / "command", session=True)
        if number == signal.SIGINT
        else started().start(*command, cwd=tmp_path, session=True)
    )
    process.wait_for("epoch  2/40")
    process.send(number)
    stopped = process.wait()
    assert stopped.returncode == 128 + number, stopped
    assert re.search(r"stopped in epoch \d+, after batch \d+ of 19", stopped.stdout)
    assert "run the same command with --resume to continue" in stopped.stderr
    assert RunFolder(tmp_path / "stopped").begun
    assert run(*MNISTLAB, *arguments, "--run", "stopped", "--resume", cwd=tmp_path).returncode == 0
    for file in ("model.safetensors", "test_logits.npy"):
        assert (tmp_path / "stopped" / file).read_bytes() == (whole / file).read_bytes()


def test_only_a_later_ctrl_c_interrupts_at_once(monkeypatch):
    """`timeout` signals a process, and then its group."""
    now = [100.0]
    monkeypatch.setattr(stopping, "monotonic", lambda: now[0])
    with listening_for_stop() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        now[0] += 0.2
        os.kill(os.getpid(), signal.SIGINT)
        assert (stop(), stop.exit_status) == (True, 130)
        now[0] += 0.1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_kill_9_loses_no_finished_epoch(few, tmp_path):
    arguments = ["train", "lenet5", "--data", few, "--epochs", 30, "--run", "r"]
    process = started().start(*arguments, cwd=tmp_path, session=True)
    process.wait_for("epoch  3/30")
    process.send(signal.SIGKILL)
    assert process.wait().returncode == -signal.SIGKILL
    result = run(*MNISTLAB, *arguments, "--resume", cwd=tmp_path)
    assert result.returncode == 0, result
    done = int(re.search(r"resumed after epoch (\d+)", result.stdout)[1])
    assert done >= 3
    run(*MNISTLAB, *arguments[:-1], "whole", cwd=tmp_path)
    assert (tmp_path / "r/model.safetensors").read_bytes() == (
        tmp_path / "whole/model.safetensors"
    ).read_bytes()


def test_a_terminal_sees_a_bar_with_the_time_left(few, tmp_path):
    command = ["train", "lenet5", "--data", few, "--epochs", 5]
    screen, ended = in_a_terminal(*command, cwd=tmp_path)
    assert ended.returncode == 0
    assert "━" in screen
    assert "5/5" in screen
    assert re.search(r"\d:\d\d", screen)
    assert "train loss" not in screen
