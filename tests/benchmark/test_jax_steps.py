"""The networks' steps in JAX: the same weights as PyTorch's after the same steps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Together they have every operation.
SOME = ("LeNet, tanh", "32-64 channels", "ResNet-8", "squeeze-excite", "transformer", "ConvNeXt")


@pytest.fixture(scope="module")
def found():
    program = [sys.executable, "-m", "tests.benchmark.jax_beside_pytorch", *SOME]
    # Compiling takes longer than computing.
    quickly = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    ended = subprocess.run(
        program, cwd=ROOT, env=quickly, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("name", SOME)
def test_steps_are_those_of_pytorch(found, name):
    ours, theirs = found[name]["losses"]
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert found[name]["weights"] < 1
    assert found[name]["buffers"] < 1


def test_dropout_drops_its_share_and_keeps_the_mean(found):
    mean, std = found["dropout"]
    assert mean == pytest.approx(1, abs=0.01)
    assert std == pytest.approx((0.25 / 0.75 / 64) ** 0.5, rel=0.15)
