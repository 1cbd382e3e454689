"""User models: a model of the user's own code, ``file.py:build`` or ``package.module:build``."""

import copy
import importlib
import os
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, cast

from torch import nn

from mnistlab.errors import (
    ImageShapeError,
    MnistlabError,
    ModelError,
    TrainingError,
    told,
)
from mnistlab.models.build_arguments import bind_arguments
from mnistlab.recipe.installed import OURS, is_installed
from mnistlab.recipe.source import Module, Source
from mnistlab.text import listed

TRUST = "MNISTLAB_TRUST_CODE"
"""Environment variable: with 1, reading a run may execute any Python file that its record names."""

_OTHER_SHAPE = (0, 0, 0)


def is_user_model(model: str) -> bool:
    """Return whether a recipe's ``model`` names a user's own code."""
    return ":" in model


@contextmanager
def user_errors(
    model: str, where: str, kind: type[MnistlabError] = TrainingError
) -> Iterator[None]:
    """Turn whatever a user model raises, ``SystemExit`` included, into a one-line error.

    Args:
        model: the recipe's ``model``. Errors of a built-in one are bugs, and pass unchanged.
        where: what was being done, for the message.
        kind: type of the error that is raised.

    Raises:
        MnistlabError: the code inside raised.
    """
    try:
        yield
    except (MnistlabError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if not is_user_model(model):
            raise
        raise kind(f"{model}: failed in {where}: {told(error)}{_line_of(error)}") from error


def _line_of(error: BaseException) -> str:
    """Say in which line of the user's own files an error arose; nothing if in none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_file() and not is_installed(file.resolve()):
            return f" (line {frame.lineno} of {file.name})"
    return ""


def user_model(
    source: Source,
    image_shape: tuple[int, int, int],
    classes: int,
    arguments: Mapping[str, Any] | None = None,
    *,
    strict: bool = False,
) -> nn.Module:
    """Execute the code in ``source``, and call the function that builds the model.

    The bytes that were read into ``source`` are executed, whatever the files contain by now.

    Args:
        source: the code. Its reference is the path of a Python file or the name of a module, a
            colon, and the name of a function or class; see
            :func:`mnistlab.models.build_arguments.bind_arguments` for what it is called with.
        image_shape: ``(channels, height, width)`` of the input.
        classes: number of outputs.
        arguments: further keyword arguments for the function.
        strict: for the lifetime of the model, refuse imports of files that are neither in
            ``source`` nor installed.

    Raises:
        ModelError: no such file, module or function, it does not take the arguments, it failed, or
            it returned no ``nn.Module``.
    """
    reference, function_name = source.model, source.model.rpartition(":")[2]
    with _FINDER.importing_from(source, strict=strict):
        build = _named(source)
        if isinstance(build, nn.Module):
            raise ModelError(
                f"{reference}: is a module, already built; name its class, or a function that"
                " returns it"
            )
        given = copy.deepcopy(dict(arguments or {}))
        # Called in the same way for any shape, it does not fail for this one.
        same = bind_arguments(build, _OTHER_SHAPE, classes, given, reference)
        own, given = bound = bind_arguments(build, image_shape, classes, given, reference)
        call = ", ".join([*map(str, own), *(f"{name}={value!r}" for name, value in given.items())])
        kind = ModelError if bound == same else ImageShapeError
        with user_errors(reference, f"{function_name}({call})", kind):
            model = build(*own, **given)
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"{reference}: returned {type(model).__name__}; it must return a torch.nn.Module"
        )
    if strict:
        _FINDER.keep_strict(model)
    return model


def user_object(source: Source) -> Callable[..., Any]:
    """Execute the code in ``source``, and return the function or class that it names.

    Raises:
        ModelError: no such file, module or function, or executing it failed.
    """
    with _FINDER.importing_from(source, strict=False):
        return _named(source)


def _named(source: Source) -> Callable[..., Any]:
    if source.main is None:
        raise ModelError(f"{source.model}: {source.fault}")
    return _function(_module(source, source.main), source.model.rpartition(":")[2], source.model)


class _Loader(SourceFileLoader):
    """Loads a module from the bytes that were read, not from its file or compiled form."""

    def __init__(self, module: Module) -> None:
        super().__init__(module.name, str(module.path))
        self.module = module

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self.source_to_code(self.module.content or b"", self.path)


class _Finder(MetaPathFinder):
    """Finds the modules that were read, also for later imports inside functions."""

    def __init__(self) -> None:
        self._modules: dict[str, Module] = {}
        self._strict = 0
        """Number of models, being built or alive, whose code may not import other user files."""
        self._audited = False

    @contextmanager
    def importing_from(self, source: Source, *, strict: bool) -> Iterator[None]:
        """Let imports find the modules in ``source`` and, unless ``strict``, its folders."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        self._unload_others(source)
        self._modules |= {module.name: module for module in source.modules if not module.installed}
        added = [root for root in source.roots if root not in sys.path]
        if strict:
            self._begin_strict()
        else:
            # Appended, so that these folders cannot shadow installed modules.
            sys.path += added
        try:
            yield
        finally:
            if strict:
                self._end_strict()
            sys.path[:] = [folder for folder in sys.path if strict or folder not in added]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module that was read; else what Python finds, if it may be imported."""
        if name in self._modules:
            return _specify(self._modules[name])
        if not self._strict:
            return None
        others = (
            finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self
        )
        spec = next(filter(None, others), None)
        if spec and spec.has_location and spec.origin:
            self._refuse(spec.origin)
        return spec

    def keep_strict(self, model: nn.Module) -> None:
        """Stay strict until the model is garbage-collected."""
        self._begin_strict()
        weakref.finalize(model, self._end_strict).atexit = False

    def _begin_strict(self) -> None:
        self._strict += 1
        if not self._audited:
            # Also sees code that is executed without sys.meta_path. A hook cannot be removed.
            sys.addaudithook(self._audit)
            self._audited = True

    def _end_strict(self) -> None:
        self._strict -= 1

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "exec" or not self._strict:
            return
        code = arguments[0]
        file = getattr(code, "co_filename", "<")
        if file.startswith("<"):
            return
        read = (
            module
            for module in self._modules.values()
            if module.content and str(module.path) == file
        )
        if not any(_Loader(module).get_code(module.name) == code for module in read):
            self._refuse(file)

    @staticmethod
    def _refuse(file: str) -> None:
        """Raise an error if a file is not installed and is not imported by the main program."""
        if os.environ.get(TRUST) == "1" or is_installed(Path(file).resolve()) or _is_main_program():
            return
        raise ImportError(
            f"{file} is imported in a way that static analysis does not find, so it may have"
            f" changed since training; set {TRUST}=1 if you trust it"
        )

    @staticmethod
    def _unload_others(source: Source) -> None:
        """Unload modules of other user code that have the same names as modules in ``source``."""
        here: dict[Module, Any] = {
            module: sys.modules[module.name] for module in source.modules if _is_loaded(module)
        }
        held = {
            module: there.__spec__.loader.module
            for module, there in here.items()
            if _is_ours(there)
        }
        if any(module != old for module, old in held.items()):
            for module in held:
                del sys.modules[module.name]
        for module in here.keys() - held.keys():
            place = getattr(here[module], "__file__", None)
            if place and Path(place).resolve() != module.path:
                raise ModelError(
                    f"{source.model}: imports {module.name} from {module.path}, but in this process"
                    f" that name is already {place}"
                )


_FINDER = _Finder()


def _is_main_program() -> bool:
    """Return whether the main program, such as a notebook, imports directly.

    Directly means that neither a user model nor mnistlab is on the call stack in between.
    """
    frame: FrameType | None = sys._getframe()
    while frame and frame.f_globals is globals():
        frame = frame.f_back
    found = False
    while frame:
        name = str(frame.f_globals.get("__name__"))
        if name.startswith(f"{OURS}.") or isinstance(frame.f_globals.get("__loader__"), _Loader):
            return False
        found = found or name == "__main__"
        frame = frame.f_back
    return found


def _is_loaded(module: Module) -> bool:
    return not module.installed and module.name in sys.modules


def _is_ours(module: Any) -> bool:
    return isinstance(getattr(getattr(module, "__spec__", None), "loader", None), _Loader)


def _specify(module: Module) -> ModuleSpec | None:
    if module.content is None:
        spec = ModuleSpec(module.name, None, is_package=True)
        spec.submodule_search_locations = list(module.folders or ())
        return spec
    folders = list(module.folders) if module.folders is not None else None
    return spec_from_file_location(
        module.name, module.path, loader=_Loader(module), submodule_search_locations=folders
    )


def _module(source: Source, main: Module) -> ModuleType:
    try:
        if not source.model.rpartition(":")[0].endswith(".py"):
            return importlib.import_module(main.name)
        spec = cast("ModuleSpec", _specify(main))
        module = module_from_spec(spec)
        # Data classes look their module up in sys.modules.
        sys.modules[spec.name] = module
        cast("_Loader", spec.loader).exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ModelError(f"{source.model}: importing it failed: {told(error)}") from error
    return module


def _function(module: ModuleType, name: str, reference: str) -> Callable[..., Any]:
    with user_errors(reference, f"getattr {name!r}", ModelError):
        function = getattr(module, name, None)
    if not callable(function):
        there = [
            key
            for key, value in vars(module).items()
            if callable(value) and not key.startswith("_")
        ]
        raise ModelError(f"{reference}: no function {name!r}; it defines {listed(there) or 'none'}")
    return cast("Callable[..., Any]", function)
