"""Records: make what is published in ``results/`` anew, one after another: ``make records``.

``records.toml`` names each with its command. It is made in ``build/records``; an interrupted one
goes on where it stopped. When it is complete, what belongs into the repository replaces the old
one, with ``made.json``: the command, the time that it took, and the hash of what the native kernels
compute. One whose command or hash is not today's is made anew.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mnistlab.files import read_file
from mnistlab.report.table import Table, duration, text
from mnistlab.runs import describe_environment, now, write_atomically
from mnistlab.text import to_json
from mnistlab.training.fingerprint import PUBLISHED, total

ROOT = Path(__file__).parents[1]
NAMED, WORK = Path(__file__).with_suffix(".toml"), ROOT / "build" / "records"
_MADE, _LOG = "made.json", "table.txt"
_OF_RUNS = "record.json", "looks.json"
_KEPT = "*.toml", "*.py", "search.csv"
"""What people wrote beside a record."""


@dataclass(frozen=True)
class Record:
    """What is published of an experiment.

    Attributes:
        name: of its folder in ``results``.
        command: that makes it, for a shell in the repository's root.
        folder: where it is published.
        work: where it is made.
    """

    name: str
    command: str
    folder: Path
    work: Path

    @property
    def made(self) -> dict[str, Any]:
        """What is known of how it was made; nothing if it was not made by this."""
        try:
            found: dict[str, Any] = json.loads(read_file(self.folder / _MADE))
        except FileNotFoundError:
            return {}
        return found

    @property
    def state(self) -> str:
        """Whether it is what today's code makes."""
        made = self.made
        if made.get("command") == self.command and made.get("bits") == total(PUBLISHED):
            return "as today's code makes it"
        begun = "begun" if self.work.exists() else "to be made"
        if not made:
            return begun
        return f"{begun}: other {'bits' if made['command'] == self.command else 'command'}"

    @property
    def current(self) -> bool:
        """Whether nothing is left to do."""
        return self.state == "as today's code makes it"

    def make(self) -> None:
        """Run the command and publish what it made.

        Raises:
            subprocess.CalledProcessError: it failed; what it did so far is kept.
        """
        bits = self.work / "bits"
        if bits.exists() and bits.read_text("utf-8") != total(PUBLISHED):
            shutil.rmtree(self.work)
        self.work.mkdir(parents=True, exist_ok=True)
        write_atomically(bits, total(PUBLISHED))
        before, began = self._seconds(), time.monotonic()
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        try:
            done = subprocess.run(  # noqa: S602 - the commands are this repository's own
                self.command,
                shell=True,
                executable="/bin/bash",
                cwd=ROOT,
                env=os.environ | {"PATH": path},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
        finally:
            seconds = before + time.monotonic() - began
            write_atomically(self.work / "seconds", f"{seconds:.1f}")
        if not list(self.work.glob("table.*")):
            write_atomically(self.work / _LOG, done.stdout)
        self._publish(seconds)

    def _seconds(self) -> float:
        """Return how long it was worked on before."""
        file = self.work / "seconds"
        return float(file.read_text("utf-8")) if file.exists() else 0

    def _publish(self, seconds: float) -> None:
        new = self.folder.with_name(f".{self.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        for file in self._published():
            target = new / file.relative_to(self.work)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        for pattern in _KEPT:
            for file in self.folder.glob(pattern):
                shutil.copyfile(file, new / file.name)
        made = {
            "command": self.command,
            "bits": total(PUBLISHED),
            "seconds": round(seconds, 1),
            "finished": now().isoformat(timespec="seconds"),
            "environment": describe_environment("cpu", os.cpu_count() or 1, "auto").model_dump(),
        }
        write_atomically(new / _MADE, f"{to_json(made)}\n")
        if self.made.get("bits") == made["bits"]:
            # Those of other records' runs that are kept beside this one's.
            for folder in self.folder.glob("runs/*"):
                if folder.is_dir() and not (kept := new / "runs" / folder.name).exists():
                    shutil.copytree(folder, kept)
        shutil.rmtree(self.folder, ignore_errors=True)
        new.rename(self.folder)
        self._publish_shared_runs()

    def _publish_shared_runs(self) -> None:
        """Publish what a comparison's runs have beside another record's, if they are kept there."""
        comparison = self.work / "comparison.json"
        runs = Path(json.loads(read_file(comparison))["runs"] if comparison.exists() else "runs")
        if runs.parts[0] != "..":
            return
        for file in (self.work / runs).rglob("*.json"):
            target = self.folder / runs / file.relative_to(self.work / runs)
            if file.name not in _OF_RUNS:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)

    def _published(self) -> Iterator[Path]:
        """Yield all but the runs' weights; where a report has its own records, not the runs'."""
        own = (self.work / "records").exists()
        for file in sorted(self.work.rglob("*")):
            inside = file.relative_to(self.work).parts
            of_a_run = inside[0] == "runs"
            if not file.is_file() or inside[-1] in ("bits", "seconds", ".lock"):
                continue
            if not of_a_run or (inside[-1] in _OF_RUNS and not own):
                yield file


def load_records(
    named: Path = NAMED, folder: Path = ROOT / "results", work: Path = WORK
) -> list[Record]:
    """Return the records that a table names, in its order."""
    commands: dict[str, str] = tomllib.loads(named.read_text("utf-8"))
    return [
        Record(
            name,
            command.replace("OUT", os.path.relpath(work / name, ROOT)),
            folder / name,
            work / name,
        )
        for name, command in commands.items()
    ]


def table(records: list[Record]) -> Table:
    """Return a row for each: whether it is made, how long that took, and the command."""
    return Table(
        [text("Record"), text("State"), text("Took"), text("Command")],
        [
            (
                one.name,
                one.state,
                duration(one.made["seconds"]) if one.made else "",
                one.command,
            )
            for one in records
        ],
    )


@click.command("records")
@click.argument("names", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Only say what there is.")
def main(names: tuple[str, ...], *, only_list: bool) -> None:
    """Make the records NAMES, or all, that are not as today's code makes them."""
    records = load_records()
    if unknown := set(names) - {one.name for one in records}:
        known = ", ".join(one.name for one in records)
        raise click.UsageError(f"no record {', '.join(sorted(unknown))}; there are {known}")
    wanted = [one for one in records if not names or one.name in names]
    click.echo(table(wanted).text(200))
    if only_list:
        return
    for one in wanted:
        if one.current:
            continue
        click.echo(f"{one.name}: {one.command}")
        try:
            one.make()
        except subprocess.CalledProcessError as error:
            raise click.ClickException(f"{one.name}: exit status {error.returncode}") from error
        click.echo(f"{one.name}: {one.state}, {duration(one.made['seconds'])}")


if __name__ == "__main__":
    main()
