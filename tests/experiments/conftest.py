"""Recipes that train in a moment, on real images."""

import pytest

from mnistlab import built_in

SLOW = {"epochs": 24}
"""Slow enough on 600 images to be killed in the middle."""


@pytest.fixture(autouse=True)
def _undrawn(undrawn):
    """Figures are looked at in tests/report."""


@pytest.fixture
def quick(few):
    """LeNet-5 and CustomMLP, for four short epochs."""
    return [built_in(name).replace(epochs=4, data=str(few)) for name in ("lenet5", "custom_mlp")]


@pytest.fixture
def slow(few):
    """The same, slow enough to be killed in the middle."""
    return [built_in(name).replace(**SLOW, data=str(few)) for name in ("lenet5", "custom_mlp")]
