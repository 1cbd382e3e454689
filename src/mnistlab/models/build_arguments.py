"""Build arguments: what a user's function or class that builds a model is called with."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from mnistlab.errors import ModelError, did_you_mean
from mnistlab.text import listed

_KINDS = inspect.Parameter
_SHAPE = ("image_shape", "input_shape", "img_shape", "shape")
_CHANNELS = ("in_channels", "input_channels", "num_channels", "channels", "in_ch", "in_chans")
_CLASSES = ("classes", "num_classes", "n_classes", "nb_classes", "number_of_classes", "class_count")


def bind_arguments(
    build: Callable[..., Any],
    image_shape: tuple[int, int, int],
    classes: int,
    given: Mapping[str, Any],
    reference: str,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and the keyword arguments for a call.

    The first two parameters get the image shape and the number of classes, whatever their names.
    If the function can be called without them, only what its names ask for is given: ``Net()`` is
    called with nothing, ``Net(in_channels=3, num_classes=10)`` with both.

    Args:
        build: the function or the class.
        image_shape: ``(channels, height, width)`` of the input.
        classes: number of outputs.
        given: the recipe's ``build``.
        reference: what messages start with.

    Raises:
        ModelError: it does not take an argument of ``given``, or needs another.
    """
    own = (image_shape, classes)
    try:
        parameters = list(inspect.signature(build).parameters.values())
    # Some callables have no signature to look at; calling them shows what they take.
    except (TypeError, ValueError):
        return own, dict(given)
    by_position = [
        p for p in parameters if p.kind in (_KINDS.POSITIONAL_ONLY, _KINDS.POSITIONAL_OR_KEYWORD)
    ]
    named = {
        p.name: p
        for p in parameters
        if p.kind in (_KINDS.POSITIONAL_OR_KEYWORD, _KINDS.KEYWORD_ONLY)
    }
    meant = {name: _meant(name, image_shape, classes) for name in named}
    required = [p.name for p in by_position if p.default is _KINDS.empty]
    more = any(p.kind is _KINDS.VAR_POSITIONAL for p in parameters)
    by_name = not more and all(meant.get(name) is not None or name in given for name in required)
    taken = (
        [name for name in meant if meant[name] is not None]
        if by_name
        else [p.name for p in by_position[:2]]
    )
    if not by_name and not more and len(by_position) < len(own):
        taken = [name for name in taken if meant.get(name) is not None]
    free = [name for name in named if name not in taken]
    anything = any(p.kind is _KINDS.VAR_KEYWORD for p in parameters)
    for name in given:
        if name in taken:
            raise ModelError(
                f"{reference}: build.{name}: is the image shape or the number of classes, which it"
                " is given anyway; leave it out"
            )
        if name not in free and not anything:
            hint = did_you_mean(name, free) or f"it takes {listed(free) or 'none'}"
            raise ModelError(f"{reference}: build.{name}: no such argument; {hint}")
    for name in free:
        if named[name].default is _KINDS.empty and name not in given:
            raise ModelError(
                f"{reference}: needs a value for {name}; give one as build.{name}, for example"
                f" build.{name} = 32"
            )
    return (
        ((), {name: meant[name] for name in taken} | dict(given)) if by_name else (own, dict(given))
    )


def _meant(name: str, image_shape: tuple[int, int, int], classes: int) -> Any:
    """Return the value that a parameter's name asks for; ``None`` if it tells nothing."""
    for names, value in ((_SHAPE, image_shape), (_CHANNELS, image_shape[0]), (_CLASSES, classes)):
        if name in names:
            return value
    return None
