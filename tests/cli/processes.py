"""Starting the program as a user does."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.forks import PATIENCE, ROOT, started

MNISTLAB = [sys.executable, "-m", "mnistlab"]
PREDICT = [*MNISTLAB, "predict"]
MAIN = [sys.executable, str(ROOT / "main.py")]


def run(*command, cwd, env=None, **options):
    """Run a command to its end; ``mnistlab`` and ``main.py`` are forked with all modules loaded.

    With ``options`` of :func:`subprocess.run`, or variables that an interpreter reads, it is a new
    interpreter.
    """
    environment = os.environ | {"COLUMNS": "100"} | (env or {})
    starts_alike = not options and not any(key.startswith("PYTHON") for key in env or {})
    if starts_alike and Path(cwd).is_dir():
        for program, call in ((MNISTLAB, "mnistlab.cli.app:main"), (MAIN, "tests.forks:run_main")):
            if [*command[: len(program)]] == program:
                arguments = command[len(program) :]
                return started().run(*arguments, cwd=cwd, env=environment, call=call)
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


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
