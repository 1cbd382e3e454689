"""Prerequisites: what a recipe names beside its data, looked for before they are loaded."""

import re
from contextlib import suppress

from mnistlab.errors import ModelError
from mnistlab.recipe import Recipe, Source, read_code, read_definitions, read_source
from mnistlab.runs.weights_file import read_initial_weights
from mnistlab.text import listed

_UNWRITTEN = re.compile(rb"import *\*|__getattr__|globals|setattr|exec")
"""How a module may come to names that are not written in it."""


def check_prerequisites(recipe: Recipe, *, in_memory: bool = False) -> bytes:
    """Refuse code and initial weights that are not there; no code is run.

    Args:
        recipe: its ``model``, ``loss``, ``optimizer`` and ``init`` are looked at.
        in_memory: whether the model is there, so that its code is not needed.

    Returns:
        The initial weights, see :func:`read_initial_weights`.

    Raises:
        ModelError: a file or module of the user's own is missing, or what is named in it.
        RunError: the initial weights cannot be read.
    """
    sources = [] if in_memory else [read_source(recipe.model, follow=False)]
    for source in (*sources, *read_code(recipe).values()):
        _refuse_missing(source)
    return read_initial_weights(recipe.init)


def _refuse_missing(source: Source) -> None:
    if source.fault:
        raise ModelError(f"{source.model}: {source.fault}")
    if source.main is None or source.main.installed:
        return
    content, name = source.main.content or b"", source.model.rpartition(":")[2]
    if re.search(rb"\b%b\b" % re.escape(name.encode()), content) or _UNWRITTEN.search(content):
        return
    # A file that Python cannot read is told of by running it.
    with suppress(SyntaxError, ValueError):
        there = listed(read_definitions(content)) or "none"
        raise ModelError(f"{source.model}: no function {name!r}; it defines {there}")
