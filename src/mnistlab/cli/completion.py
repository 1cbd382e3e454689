"""Completion: what a shell offers when Tab is pressed."""

from collections.abc import Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="The script that has a shell complete names.")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the script that has SHELL complete commands, options, recipes and data sets.

    bash: eval "$(mnistlab completion bash)" in ~/.bashrc; zsh the same in ~/.zshrc; fish: mnistlab
        completion fish |
    source in ~/.config/fish/config.fish.
    """
    from mnistlab.cli.app import app

    if script := get_completion_class(shell):
        click.echo(script(app, {}, "mnistlab", "_MNISTLAB_COMPLETE").source())


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
    """Offer the shipped models, or files; see :func:`recipes`."""
    from mnistlab.recogniser import shipped_models

    return _offer(shipped_models(), asked[-1])


def _offer(names: Iterable[str], begun: str) -> list[CompletionItem]:
    known = [CompletionItem(name) for name in names if name.startswith(begun)]
    return known or [CompletionItem(begun, type="file")]
