"""docs/export.md's lines that put a run's weights into plain PyTorch give the record's logits."""

import re
from pathlib import Path

import numpy as np
import pytest

import mnistlab

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
SECTION = PAGE.read_text(encoding="utf-8").split("\n## The weights in plain PyTorch\n")[1]
LOAD, READ = re.findall(r"```python\n(.*?)```", SECTION.split("\n## ")[0], re.DOTALL)


def read_by_the_documents_lines(names):
    for block in (LOAD, READ):
        exec(compile(block.replace("[:100]", ""), PAGE.name, "exec"), names)
    return names["logits"].numpy()


@pytest.fixture
def trained(few, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = mnistlab.load_dataset(str(few))
    # The lines' test images are those of the run.
    monkeypatch.setattr(mnistlab, "load_dataset", lambda name: dataset)

    def train(recipe, **changes):
        return mnistlab.train(recipe, dataset, folder="runs/my-run", epochs=1, **changes)

    return train


@pytest.mark.parametrize("recipe", ["lenet5", "custom_mlp"])
def test_the_lines_give_the_runs_logits(trained, recipe):
    run = trained(recipe)
    expected = np.load("runs/my-run/test_logits.npy")
    assert np.array_equal(expected, run.test_logits)
    found = read_by_the_documents_lines({})
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4


def test_a_module_of_ones_own_takes_them_without_the_package(trained, tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef build(shape, classes):\n    return nn.Sequential("
        "nn.Conv2d(1, 3, 5), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3 * 28 * 28, classes))\n"
    )
    trained("net.py:build", size=32, fit="pad")
    own = {}
    exec((tmp_path / "net.py").read_text(), own)
    lines = "\n".join(
        line if not line.startswith("net = build_model") else "net = build((1, 32, 32), 10)"
        for line in LOAD.splitlines()
    )
    for block in (lines, READ.replace("[:100]", "")):
        exec(block, own)
    assert np.abs(own["logits"].numpy() - np.load("runs/my-run/test_logits.npy")).max() < 1e-4
