"""Starting the program as a user does."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MNISTLAB = [sys.executable, "-m", "mnistlab"]
PREDICT = [*MNISTLAB, "predict"]
MAIN = [sys.executable, str(ROOT / "main.py")]


def run(*command, cwd, env=None, **options):
    environment = os.environ | {"COLUMNS": "100"} | (env or {})
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


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
