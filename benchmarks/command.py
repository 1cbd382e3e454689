"""The command line of every measurement: ``python -m benchmarks.NAME [--quick] [--json FILE]``."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from mnistlab.errors import MnistlabError
from mnistlab.runs import write_atomically
from mnistlab.text import to_json

Result = TypeVar("Result", covariant=True)


class Measure(Protocol[Result]):
    """What measures: quickly or in full, saying what comes next."""

    def __call__(self, *, quick: bool, on_turn: Callable[[str], None]) -> Result:
        """Measure, and return a dataclass."""


def command(
    name: str, measure: Measure[Any], lines: Callable[[Any], Iterable[str]]
) -> click.Command:
    """Return the command of one measurement.

    Args:
        name: of the module in this folder.
        measure: returns a dataclass whose fields go into JSON.
        lines: writes its result for people.
    """

    @click.command(name, help=(measure.__doc__ or "").partition("\n\n")[0])
    @click.option("--quick", is_flag=True, help="Measure less, in a fraction of the time.")
    @click.option(
        "--json",
        "file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Also write every figure to FILE.",
    )
    def run(*, quick: bool, file: Path | None) -> None:
        try:
            result = measure(quick=quick, on_turn=lambda what: click.echo(f"{what} ...", err=True))
        except MnistlabError as error:
            raise click.ClickException(str(error)) from error
        for line in lines(result):
            click.echo(line)
        if file is None:
            return
        called = ["python", "-m", f"benchmarks.{name}", *(["--quick"] if quick else [])]
        content = {
            "version": version("mnistlab"),
            "command": shlex.join([*called, "--json", str(file)]),
        }
        try:
            write_atomically(file, f"{to_json(content | asdict(result))}\n")
        except OSError as error:
            raise click.FileError(str(file), error.strerror) from error
        click.echo(f"wrote {file}")

    return run
