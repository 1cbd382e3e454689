"""Output: text for people, figures for programs.

With ``--json`` a command writes one JSON value to standard output and its text for people to
standard error. Everything that the program prints goes through this module or through
:class:`mnistlab.cli.screen.Screen`, which let no control character from a name through.
"""

import functools
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mnistlab.text import printable, to_json

if TYPE_CHECKING:
    from mnistlab.cli.screen import Screen

Command = TypeVar("Command", bound=Callable[..., Any])

_WANTED = "mnistlab.json"
_ARGUMENT = re.compile(r"`(\w+)=([^`]*)`")


def json_option(command: Command) -> Command:
    """Give a command ``--json``, with which it prints what it passes to :func:`echo_json`."""

    @click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print the figures as JSON, and everything else on stderr.",
    )
    @functools.wraps(command)
    def with_json(*arguments: Any, as_json: bool, **options: Any) -> Any:
        click.get_current_context().meta[_WANTED] = as_json
        return command(*arguments, **options)

    return with_json  # type: ignore[return-value]


def echo(*lines: str) -> None:
    """Print lines for people, one if none are given; a line feed within one is shown as an
    escape.
    """
    _say(lines or ("",), error=json_wanted())


def warn(*lines: str) -> None:
    """Print lines for people on standard error."""
    _say(lines, error=True)


def echo_json(figures: Any) -> None:
    """Print figures, anything that JSON holds, if the user asked for them."""
    if json_wanted():
        write(f"{to_json(figures)}\n")


def write(text: str) -> None:
    """Print text for programs byte for byte, in UTF-8; :mod:`mnistlab.text` makes it free of
    control characters.
    """
    click.echo(text.encode(), nl=False)


def terminal_width() -> int:
    """Return the columns of the terminal; 100 if the output goes elsewhere."""
    return shutil.get_terminal_size((100, 24)).columns


def console(*, quiet: bool = False) -> "Screen":
    """Return where progress is drawn."""
    from mnistlab.cli.screen import Screen

    return Screen(quiet=quiet, stderr=json_wanted())


def _say(lines: tuple[str, ...], *, error: bool) -> None:
    for line in lines:
        # Not click's own standard error: while a progress bar is drawn, sys.stderr puts lines above
        # it.
        click.echo(printable(line), file=sys.stderr if error else None, err=error)


def with_options(message: str, program: click.Command | None = None) -> str:
    """Return a message of a Python function with the options of the command line in place of its
    arguments: "give --resume" for "give `resume=True`".

    Args:
        message: names arguments as :class:`mnistlab.errors.MnistlabError` says.
        program: whose options are shown, with those of its commands; ``None`` is the present one.
    """
    program = program or click.get_current_context().find_root().command
    options = _options(program)

    def shown(found: re.Match[str]) -> str:
        name, value = found.groups()
        value = "" if value == "True" else value.strip("'")
        return " ".join(filter(None, (options[name], value))) if name in options else found[0]

    return _ARGUMENT.sub(shown, message)


def _options(command: click.Command) -> dict[str, str]:
    """Return the long names of a command's and its subcommands' options, by argument."""
    found = {
        str(option.name): next((name for name in option.opts if name[:2] == "--"), option.opts[0])
        for option in command.params
        if isinstance(option, click.Option)
    }
    for other in command.commands.values() if isinstance(command, click.Group) else ():
        found |= _options(other)
    return found


def json_wanted() -> bool:
    """Return whether the user asked for JSON."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_WANTED))


def command_line() -> str:
    """Return the command that the user gave, for reports, in one printable line."""
    program = ["python", "main.py"] if Path(sys.argv[0]).name == "main.py" else ["mnistlab"]
    return printable(shlex.join([*program, *sys.argv[1:]]))
