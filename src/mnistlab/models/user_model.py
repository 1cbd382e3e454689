"""Models written by users: ``path/to/file.py:build`` or ``package.module:build``."""

import importlib
import os
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, cast

from torch import nn

from mnistlab.errors import ModelError, told
from mnistlab.models.user_errors import user_errors
from mnistlab.recipe.installed import OURS, is_installed
from mnistlab.recipe.source import Module, Source
from mnistlab.text import listed

TRUST = "MNISTLAB_TRUST_CODE"
"""Set to 1, it lets any Python file that a run's record names be run, to read the run."""


def user_model(
    source: Source, image_shape: tuple[int, int, int], classes: int, *, strict: bool = False
) -> nn.Module:
    """Run a user's code, as it was read, and let the function that its reference names build a
    model.

    Args:
        source: of a Python file or an importable module, a colon, a function's name. The function
            takes ``image_shape`` and ``classes``.
        image_shape: ``(channels, height, width)`` of the input.
        classes: number of outputs.
        strict: refuse to import files that are neither in ``source`` nor installed, as long as the
            model lives.

    Raises:
        ModelError: no such file, module or function, or it failed, or it returned no ``nn.Module``.
    """
    reference, function_name = source.model, source.model.rpartition(":")[2]
    if source.main is None:
        raise ModelError(f"{reference}: {source.fault}")
    with _FINDER.offering(source, strict=strict):
        build = _function(_module(source, source.main), function_name, reference)
        with user_errors(reference, f"{function_name}{image_shape, classes}", ModelError):
            model = build(image_shape, classes)
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"{reference}: returned {type(model).__name__}; it must return a torch.nn.Module"
        )
    if strict:
        _FINDER.watch(model)
    return model


class _Loader(SourceFileLoader):
    """Runs the bytes that were read, not what the file, or a compiled form of it, holds by now."""

    def __init__(self, module: Module) -> None:
        super().__init__(module.name, str(module.path))
        self.module = module

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self.source_to_code(self.module.content or b"", self.path)


class _Finder(MetaPathFinder):
    """Gives Python what was read of users' code, also for imports that functions do later on."""

    def __init__(self) -> None:
        self._modules: dict[str, Module] = {}
        self._strict = 0
        """Models that are being built, or live, whose code may import no other files of users."""
        self._audited = False

    @contextmanager
    def offering(self, source: Source, *, strict: bool) -> Iterator[None]:
        """Import from a source while it lasts, and, if not ``strict``, whatever else is in its
        roots.
        """
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        self._make_way(source)
        self._modules |= {module.name: module for module in source.modules if not module.installed}
        added = [root for root in source.roots if root not in sys.path]
        if strict:
            self._begin()
        else:
            # Behind all that is installed, whose place nothing here can take.
            sys.path += added
        try:
            yield
        finally:
            if strict:
                self._end()
            sys.path[:] = [folder for folder in sys.path if strict or folder not in added]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module of users' code, if it was read; else what Python finds without us, if
        that may be run.
        """
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

    def watch(self, model: nn.Module) -> None:
        """Be strict until a model is gone."""
        self._begin()
        weakref.finalize(model, self._end).atexit = False

    def _begin(self) -> None:
        self._strict += 1
        if not self._audited:
            # Sees what is run without asking sys.meta_path; it can never be taken away again.
            sys.addaudithook(self._audit)
            self._audited = True

    def _end(self) -> None:
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
        """Raise an error if a file is somebody's own, and it is not the main program that wants
        it.
        """
        if os.environ.get(TRUST) == "1" or is_installed(Path(file).resolve()) or _is_main_program():
            return
        raise ImportError(
            f"{file} is imported in a way that cannot be told by reading the code, so nobody knows"
            f" whether it has changed; set {TRUST}=1 if you trust it"
        )

    @staticmethod
    def _make_way(source: Source) -> None:
        """Forget what was imported of other code by the names of this one's modules."""
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
                    f"{source.model}: imports {module.name} from {module.path}, but this process"
                    f" has imported {place} by that name"
                )


_FINDER = _Finder()


def _is_main_program() -> bool:
    """Return whether the main program imports, as a notebook may, with neither a model nor mnistlab
    in between.
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
        # Data classes look their module up.
        sys.modules[spec.name] = module
        cast("_Loader", spec.loader).exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ModelError(f"{source.model}: importing it failed: {told(error)}") from error
    return module


def _function(module: ModuleType, name: str, reference: str) -> Callable[..., Any]:
    with user_errors(reference, f"looking for {name!r}", ModelError):
        function = getattr(module, name, None)
    if not callable(function):
        there = [
            key
            for key, value in vars(module).items()
            if callable(value) and not key.startswith("_")
        ]
        raise ModelError(
            f"{reference}: no function {name!r} there; it has {listed(there) or 'none'}"
        )
    return cast("Callable[..., Any]", function)
