"""Models written by users: ``path/to/file.py:build`` or ``package.module:build``."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from torch import nn

from mnistlab.errors import ModelError
from mnistlab.recipe import search_current_folder
from mnistlab.text import listed


def foreign(reference: str, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Import the function that the reference names and let it build a model.

    Args:
        reference: a Python file or an importable module (the current folder counts), a colon, a function's name. The
            function takes ``image_shape`` and ``classes``. Its file is executed: it is the user's own code.
        image_shape: ``(channels, height, width)`` of the input.
        classes: number of outputs.

    Raises:
        ModelError: no such file, module or function, or it failed, or it returned no ``nn.Module``.
    """
    module_name, _, function_name = reference.rpartition(":")
    build = _function(_module(module_name, reference), function_name, reference)
    try:
        model = build(image_shape, classes)
    except (Exception, SystemExit) as error:
        raise ModelError(f"{reference}{image_shape, classes}: {_told(error)}") from error
    if not isinstance(model, nn.Module):
        raise ModelError(f"{reference}: returned {type(model).__name__}; it must return a torch.nn.Module")
    return model


def _module(name: str, reference: str) -> ModuleType:
    try:
        if not name.endswith(".py"):
            search_current_folder()
            return importlib.import_module(name)
        path = Path(name).expanduser()
        if not path.is_file():
            raise ModelError(f"{reference}: there is no file {path}")
        spec = importlib.util.spec_from_file_location(f"mnistlab_model_{path.stem}", path)
        assert spec is not None  # noqa: S101 - a .py file always has one
        assert spec.loader is not None  # noqa: S101
        module = importlib.util.module_from_spec(spec)
        # Data classes look their module up.
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{reference}: importing it failed: {_told(error)}") from error
    return module


def _function(module: ModuleType, name: str, reference: str) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if not callable(function):
        there = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise ModelError(f"{reference}: no function {name!r} there; it has {listed(there) or 'none'}")
    return cast("Callable[..., Any]", function)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
