"""Classifiers as files, written without training: small networks of random weights, and whatever
names, sizes and ways to fit a test needs."""

import json

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from mnistlab.exporting.onnx_graph import make_graph, pack
from mnistlab.recipe import ModelInput, Recipe
from mnistlab.recogniser.network import METADATA_KEY
from mnistlab.runs import DataSummary, RunRecord

TEMPERATURE = 1.5


class Residual(nn.Module):
    """A block of the kind that own networks are made of: it branches."""

    def __init__(self, channels):
        super().__init__()
        self.depth = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1), nn.Sigmoid()
        )

    def forward(self, pixels):
        found = nn.functional.silu(self.norm(self.depth(pixels)))
        return torch.cat([pixels + found * self.squeeze(found), pixels], 1)


def network(channels, classes):
    """A network of many kinds of layers."""
    torch.manual_seed(4)
    layers = nn.Sequential(
        *(nn.Conv2d(channels, 8, 3, stride=2, padding=1), nn.GELU(), nn.MaxPool2d(3, 1, 1)),
        *(Residual(8), nn.Conv2d(16, 12, (3, 1), dilation=2, padding=(2, 0)), nn.LeakyReLU(0.2)),
        *(nn.AvgPool2d(2), nn.BatchNorm2d(12), nn.Hardswish(), nn.PReLU(12), nn.ELU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, classes)),
    )
    for layer in layers.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    with torch.no_grad():
        # Probabilities that differ between pictures.
        layers[-1].weight *= 30
    return layers


def write(
    file, classes, image_size=(24, 32), channels=3, size=20, colour="auto", fit="pad", model=None
):
    """Write an exported classifier of random weights."""
    recipe = Recipe(name=file.stem, fit=fit, size=size, colour=colour)
    inside = 1 if colour == "grey" else channels
    side = image_size if fit == "none" else (size, size)
    chosen = ModelInput(
        channels=inside,
        height=side[0],
        width=side[1],
        fit=fit,
        mean=(0.4,) * inside,
        std=(0.25,) * inside,
    )
    record = RunRecord.model_construct(
        recipe=recipe,
        input=chosen,
        data=DataSummary.model_construct(
            image_size=image_size, channels=channels, classes=tuple(classes)
        ),
    )
    made = model or network(inside, len(classes))
    file.write_bytes(pack(make_graph(made, record, TEMPERATURE), _notes(file.stem, classes, fit)))
    return file


def write_linear(file, classes, shape=(3, 24, 32)):
    """Write a classifier that is one linear layer, in a moment: without PyTorch's exporter."""
    random = np.random.default_rng(3)
    sides = shape if shape[0] == 3 else shape[1:]
    weights = random.normal(0, 1e-4, (int(np.prod(shape)), len(classes))).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["pixels"], ["row"]),
        helper.make_node("MatMul", ["row", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", *sides])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", len(classes)])
            for name in ("logits", "probabilities")
        ],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, _notes(file.stem, classes, "pad"))
    onnx.save(model, file)
    return file


def _notes(name, classes, fit):
    about = {
        "format": 1,
        "name": name,
        "title": name,
        "classes": list(classes),
        "recipe": {"fit": fit},
        "parameters": 1234,
        "mean": [0.4],
        "temperature": TEMPERATURE,
        "calibrated_on": "7 images",
    }
    return {METADATA_KEY: json.dumps(about)}
