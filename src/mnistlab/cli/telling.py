"""Telling: words for people, figures for programs.

A command with ``--json`` gives standard output to one JSON value alone; what it tells people goes to standard error.
"""

import functools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

Command = TypeVar("Command", bound=Callable[..., Any])

_WANTED = "mnistlab.json"


def json_option(command: Command) -> Command:
    """Give a command ``--json``; what it hands to :func:`give` is then printed."""

    @click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, everything else on stderr.")
    @functools.wraps(command)
    def heeding(*arguments: Any, as_json: bool, **options: Any) -> Any:
        click.get_current_context().meta[_WANTED] = as_json
        return command(*arguments, **options)

    return heeding  # type: ignore[return-value]


def tell(words: str = "") -> None:
    """Print words for people."""
    click.echo(words, err=json_wanted())


def give(figures: Any) -> None:
    """Print figures, anything that JSON holds, if the user asked for them."""
    if json_wanted():
        click.echo(json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False).encode())


def console(*, quiet: bool = False) -> "Console":
    """Return where progress is drawn."""
    from rich.console import Console

    return Console(highlight=False, quiet=quiet, stderr=json_wanted())


def json_wanted() -> bool:
    """Return whether the user asked for JSON."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_WANTED))
