"""What the code imports, compared with what pyproject.toml declares."""

import ast
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
OURS = {"mnistlab", "benchmarks", "tests", "docs"}
ROOMS = {
    "server": "serve",
    "exporting": "export",
    "cli/loggers/tensorboard.py": "tensorboard",
    "cli/loggers/mlflow.py": "mlflow",
    "data_frame.py": "dataframe",
    "experiments/ray_executor.py": "ray",
    "data/hdf5_reader.py": "hdf5",
    "data/forms/parquet.py": "parquet",
    "recogniser/xlsx.py": "xlsx",
    "benchmark/jax_steps.py": "jax",
}
"""Where an extra may be imported."""


ABSENT = {
    "mlflow": ["mlflow-skinny"],
    "pytorch_lightning": ["pytorch-lightning"],
    "skorch": ["skorch"],
    "xlsxwriter": ["xlsxwriter"],
}
"""Distributions of modules that need not be installed for the tests."""


def declared(*lists):
    return {canonicalize_name(Requirement(one).name) for names in lists for one in names}


@cache
def modules(file):
    """The top-level modules that a file imports, in functions too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return found - OURS - set(sys.stdlib_module_names)


known = cache(packages_distributions)


def imported(path):
    """The distributions that a file or a folder imports."""
    files = [path] if path.is_file() else path.rglob("*.py")
    return {
        canonicalize_name(known().get(name, ABSENT.get(name))[0])
        for file in files
        for name in modules(file)
    }


BASE = declared(PROJECT["project"]["dependencies"])


def test_the_package_imports_what_it_declares_and_nothing_else():
    everything = imported(ROOT / "src" / "mnistlab")
    extras = declared(*(EXTRAS[extra] for extra in set(ROOMS.values())))
    assert everything == BASE | extras


@pytest.mark.parametrize("room", ROOMS)
def test_an_extra_is_imported_in_its_room_and_in_no_other(room):
    extra = declared(EXTRAS[ROOMS[room]])
    package = ROOT / "src" / "mnistlab"
    inside = package / room
    assert extra <= imported(inside)
    others = [
        path
        for path in package.rglob("*.py")
        if path != inside and inside not in path.parents and imported(path) & (extra - BASE)
    ]
    assert others == []


def test_tests_and_measurements_import_what_is_declared_for_development():
    dev = declared([name for name in EXTRAS["dev"] if not name.startswith("mnistlab[")])
    extras = declared(*(EXTRAS[extra] for extra in ROOMS.values()))
    needed = imported(ROOT / "tests") | imported(ROOT / "benchmarks")
    assert needed <= BASE | extras | dev
