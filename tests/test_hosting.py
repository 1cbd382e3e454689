"""Workflows and hooks: what they call is there."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PYTHONS = ["3.11", "3.12", "3.13"]


def parsed(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_tests_run_on_three_systems_and_every_python():
    jobs = parsed(".github/workflows/test.yml")["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]
    assert matrix["python"] == jobs["windows"]["strategy"]["matrix"]["python"] == PYTHONS
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert "make test PYTHON=python" in runs
    locks = [word for run in runs for word in run.split() if word.endswith((".lock", ".txt"))]
    assert locks == ["requirements.lock", "dev.lock", "constraints.txt"]
    assert all((ROOT / lock).is_file() for lock in locks)


def test_the_hooks_run_what_the_tests_run():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    *_, local = parsed(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        program, *words = hook["entry"].split()
        name = Path(program).name
        assert f"$(BIN)/{' '.join([name, *words[:1]])}" in makefile
