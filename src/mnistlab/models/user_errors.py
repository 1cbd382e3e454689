"""Blame: what a model of the user's own raises becomes one line that names it."""

import contextlib
from collections.abc import Iterator

from mnistlab.errors import MnistlabError, TrainingError, told


def is_user_model(model: str) -> bool:
    """Whether a recipe's ``model`` names the user's own code."""
    return ":" in model


@contextlib.contextmanager
def user_errors(
    model: str, where: str, kind: type[MnistlabError] = TrainingError
) -> Iterator[None]:
    """Turn what a model of the user's own raises inside, ``SystemExit`` included, into one line
    that names it.

    Args:
        model: the recipe's ``model``; what a built-in one raises is our fault, and stays as it is.
        where: how far its use has come.
        kind: of the error.

    Raises:
        MnistlabError: it raised.
    """
    try:
        yield
    except (MnistlabError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if not is_user_model(model):
            raise
        raise kind(f"{model}: failed in {where}: {told(error)}") from error
