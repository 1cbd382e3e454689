"""Recipes that train in a moment, on real images."""

import pytest

from mnistlab import built_in

SLOW = {"epochs": 12, "train_limit": 2000}
"""Slow enough to be killed in the middle."""


@pytest.fixture
def quick():
    """LeNet-5 and CustomMLP, for four short epochs."""
    return [built_in(name).replace(epochs=4, train_limit=600) for name in ("lenet5", "custom_mlp")]


@pytest.fixture
def slow():
    """The same, slow enough to be killed in the middle."""
    return [built_in(name).replace(**SLOW) for name in ("lenet5", "custom_mlp")]
