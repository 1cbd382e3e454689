"""Completion: what a shell offers when Tab is pressed."""

from collections.abc import Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print a script for Tab completion.")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, recipes and data sets.

    For bash, put eval "$(mnistlab completion bash)" into ~/.bashrc; for zsh, the same with zsh into
    ~/.zshrc; for fish, mnistlab completion fish | source into ~/.config/fish/config.fish.
    """
    program = click.get_current_context().find_root().command
    if script := get_completion_class(shell):
        click.echo(script(program, {}, "mnistlab", "_MNISTLAB_COMPLETE").source())


def recipes(*asked: Any) -> list[CompletionItem]:
    """Offer the built-in recipes, or files. ``asked`` is what click gives: context, parameter, what
    is begun.
    """
    from mnistlab.recipe import BUILT_IN

    return _offer(BUILT_IN, asked[-1])


def datasets(*asked: Any) -> list[CompletionItem]:
    """Offer the data sets known by name, or files; see :func:`recipes`."""
    from mnistlab.data import CATALOGUE

    return _offer(CATALOGUE, asked[-1])


def models(*asked: Any) -> list[CompletionItem]:
    """Offer the shipped models that read pictures, or files; see :func:`recipes`."""
    from mnistlab.recogniser import reading_models

    return _offer(reading_models(), asked[-1])


def classifiers(*asked: Any) -> list[CompletionItem]:
    """Offer the shipped models that classify images, or files; see :func:`recipes`."""
    from mnistlab.recogniser import shipped_models

    return _offer(shipped_models(), asked[-1])


def _offer(names: Iterable[str], begun: str) -> list[CompletionItem]:
    known = [CompletionItem(name) for name in names if name.startswith(begun)]
    return known or [CompletionItem(begun, type="file")]
