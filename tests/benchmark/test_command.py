"""benchmarks.command: the measurements, called as the documents say."""

import importlib
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.command import command
from mnistlab.errors import ServerError

ROOT = Path(__file__).parents[2]
MEASUREMENTS = ("browser", "gpu", "loops", "serving", "sprint", "throughput")


@dataclass(frozen=True)
class Found:
    quick: bool
    interval: tuple[float, float]


def measure(*, quick, on_turn):
    """Measure nothing."""
    on_turn("the first turn")
    return Found(quick, (0.1, 0.3))


def refuse(*, quick, on_turn):
    raise ServerError("the server did not start")


def documented():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.py")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    # Without those whose arguments are for whoever calls them to choose.
    name = r"(?!NAME|simulations|readers|rendered|shifts)[\w.]+"
    lines = re.findall(rf"python -m benchmarks\.({name}(?: --[\w./ -]+\b)?)", text)
    return sorted(set(lines))


@pytest.mark.parametrize("line", documented())
def test_a_documented_measurement_is_a_command(line):
    name, *options = shlex.split(line)
    importlib.import_module(f"benchmarks.{name}").main.make_context(name, options)


def test_every_measurement_is_documented_with_the_record_it_made():
    lines = documented()
    for name in MEASUREMENTS:
        records = {line.split()[-1] for line in lines if line.startswith(f"{name} --json")}
        # `make records` measures into a folder of its own first.
        (record,) = {record for record in records if not record.startswith("build/")}
        assert (ROOT / record).is_file()


def test_what_is_measured_is_printed_and_written_with_its_command(tmp_path):
    file = tmp_path / "found.json"
    main = command("nothing", measure, lambda found: [f"{found.interval[0]} is found"])
    result = CliRunner().invoke(main, ["--quick", "--json", str(file)])
    assert (result.exit_code, result.stdout) == (0, f"0.1 is found\nwrote {file}\n")
    assert "the first turn" in result.stderr
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written.pop("version")
    assert written == {
        "command": f"python -m benchmarks.nothing --quick --json {file}",
        "quick": True,
        "interval": [0.1, 0.3],
    }


@pytest.mark.parametrize("case", ["refused", "not to be written"])
def test_what_goes_wrong_is_one_line(case, tmp_path):
    main = command("nothing", refuse if case == "refused" else measure, lambda found: [])
    result = CliRunner().invoke(main, ["--json", str(tmp_path / "none" / "file")])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert isinstance(result.exception, SystemExit)


def test_it_runs_as_a_module_from_the_checkout():
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: " in ran.stdout
    assert "--quick" in ran.stdout


@pytest.mark.parametrize("flag", ["--sweep", "--reading", "--serving", "--sprint"])
def test_the_package_measures_training_alone(flag):
    from mnistlab.cli.app import app, run

    assert flag not in {name for one in app.commands["bench"].params for name in one.opts}
    assert run(app, ["bench", flag]) == 2
