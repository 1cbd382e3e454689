"""The examples in docstrings of training, models, corruptions and glyphs run as they are shown."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "corruptions.corruption",
    "glyphs.glyph",
    "glyphs.negatives",
    "models.build",
    "training.augmentations.registry",
    "training.trained",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name):
    results = doctest.testmod(import_module(f"mnistlab.{name}"))
    assert results.attempted
    assert results.failed == 0
