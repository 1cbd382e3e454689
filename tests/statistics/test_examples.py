"""The examples in the docstrings run, and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import mnistlab.statistics

MODULES = [name for _, name, _ in pkgutil.iter_modules(mnistlab.statistics.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name):
    module = importlib.import_module(f"mnistlab.statistics.{name}")
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
