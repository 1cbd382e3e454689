"""mnistlab bench --networks: training steps of small networks."""

import json
import statistics

import pytest
import torch
from torch import nn

from mnistlab.benchmark import network_steps
from mnistlab.benchmark.networks import NETWORKS, Network
from mnistlab.cli.app import app, run
from mnistlab.models.build import count_parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_tells_ten_classes_apart(name):
    network = NETWORKS[name]
    assert network.build()(torch.randn(2, *network.shape)).shape == (2, 10)


# As published for MNIST and CIFAR-10: LeCun et al. (1998); 0.27 million in He et al. (2016).
@pytest.mark.parametrize(("name", "count"), [("lenet5", 61_706), ("ResNet-20", 269_722)])
def test_published_networks_have_as_many_parameters_as_published(name, count):
    assert count_parameters(NETWORKS[name].build()) == count


def test_ratios_are_to_the_fastest_pytorch_and_what_is_refused_says_why(
    monkeypatch, tmp_path, capsys
):
    flat = nn.Flatten()
    few = {
        "planned": Network(lambda: nn.Sequential(flat, nn.Linear(64, 10)), (1, 8, 8), 2),
        "refused": Network(
            lambda: nn.Sequential(nn.FractionalMaxPool2d(2, 4), flat, nn.Linear(16, 10)),
            (1, 8, 8),
            1,
        ),
    }
    monkeypatch.setattr(network_steps, "NETWORKS", few)
    file = tmp_path / "bench.json"
    assert run(app, ["bench", "--networks", "--quick", "--threads", "1", "--json", str(file)]) == 0
    shown = capsys.readouterr().out
    found = json.loads(file.read_text(encoding="utf-8"))
    assert list(found["seconds"]) == ["planned", "refused"]
    for name, ways in found["seconds"].items():
        bound = ["bound: GEMM"] if name == "planned" else []
        layouts = ["PyTorch, NCHW", "PyTorch, channels_last"]
        assert list(ways) == ["this package", *layouts, *bound]
        best = min(ways[layout]["median"] for layout in layouts)
        assert found["ratio"][name] == best / ways["this package"]["median"]
        assert f"{1000 * ways['this package']['median']:.2f}" in shown
    assert found["median_ratio"] == statistics.median(found["ratio"].values())
    assert list(found["reasons"]) == ["refused"]
    assert "refused trains on PyTorch: 0 (FractionalMaxPool2d)" in shown
    assert found["environment"]["threads"] == 1
    assert found["environment"]["kernels"] != "torch"
