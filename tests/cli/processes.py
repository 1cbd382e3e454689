"""Starting the program as a user does."""

import contextlib
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

from tests.forks import PATIENCE, ROOT, started

MNISTLAB = [sys.executable, "-m", "mnistlab"]
PREDICT = [*MNISTLAB, "predict"]
MAIN = [sys.executable, str(ROOT / "main.py")]


def run(*command, cwd, env=None, stdin=None, drawn=False, **options):
    """Run a command to its end; ``mnistlab`` and ``main.py`` are forked with all modules loaded,
    can read the bytes ``stdin``, and draw figures only if they are to be ``drawn``.

    With ``options`` of :func:`subprocess.run`, or variables that tell an interpreter what to load,
    it is a new interpreter.
    """
    environment = os.environ | {"COLUMNS": "100"} | (env or {})
    variables = {key for key in env or {} if key.startswith("PYTHON")} - {"PYTHONIOENCODING"}
    starts_alike = not options and not variables
    if starts_alike and Path(cwd).is_dir():
        for program, call in ((MNISTLAB, "mnistlab.cli.app:main"), (MAIN, "tests.forks:run_main")):
            if [*command[: len(program)]] == program:
                arguments = command[len(program) :]
                return started().run(
                    *arguments, cwd=cwd, env=environment, call=call, stdin=stdin, drawn=drawn
                )
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def in_a_terminal(*arguments, cwd, columns=80, piped=False):
    """Run ``mnistlab ARGUMENTS`` in a pseudo-terminal, which takes only the errors if standard
    output is ``piped``; return what the terminal showed, and how it ended."""
    controller, terminal = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm-256color"}
    process = started().start(
        *arguments,
        cwd=cwd,
        env=environment,
        stdout=None if piped else os.ttyname(terminal),
        stderr=os.ttyname(terminal),
        piped=piped,
    )
    os.close(terminal)
    with open(controller, "rb", buffering=0) as screen:  # noqa: PTH123
        shown = b""
        # Reading fails once nobody has the terminal open any more.
        with contextlib.suppress(OSError):
            while chunk := screen.read(65536):
                shown += chunk
    return shown.decode(), process.wait()


def await_checkpoint(folder):
    """Wait until a run in a folder, or below, has written its first checkpoint."""
    deadline = time.monotonic() + PATIENCE
    while not next(folder.rglob("checkpoint.safetensors"), None):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def refusal(result):
    """The one line that a refused command leaves."""
    assert result.returncode == 2, result
    assert "Traceback" not in result.stderr
    (line,) = result.stderr.strip().splitlines()
    return line


def objects(*arguments, cwd, status=0):
    result = run(*PREDICT, *arguments, "--json", cwd=cwd)
    assert result.returncode == status, result
    return json.loads(result.stdout)
