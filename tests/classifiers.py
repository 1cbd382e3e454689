"""Classifiers as files, written without training: small networks of random weights, and whatever
names, sizes and ways to fit a test needs."""

import json

import torch
from torch import nn

from mnistlab.exporting.onnx_graph import make_graph
from mnistlab.recipe import ModelInput, Recipe
from mnistlab.recogniser.network import METADATA_KEY
from mnistlab.runs import DataSummary, RunRecord


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


def write(file, classes, image_size=(24, 32), channels=3, size=20, colour="auto", fit="pad", model=None):
    """Write an exported classifier of random weights."""
    recipe = Recipe(name=file.stem, fit=fit, size=size, colour=colour)
    inside = 1 if colour == "grey" else channels
    side = image_size if fit == "none" else (size, size)
    chosen = ModelInput(
        **{"channels": inside, "height": side[0], "width": side[1], "fit": fit},
        **{"mean": (0.4,) * inside, "std": (0.25,) * inside},
    )
    record = RunRecord.model_construct(
        recipe=recipe,
        input=chosen,
        data=DataSummary.model_construct(
            image_size=image_size, channels=channels, classes=tuple(classes)
        ),
    )
    about = {
        "format": 1,
        "name": file.stem,
        "title": file.stem,
        "classes": list(classes),
        "recipe": {"fit": fit},
        "parameters": 1234,
        "temperature": 1.5,
        "calibrated_on": "7 images",
        "mean": [0.4] * inside,
    }
    made = model or network(inside, len(classes))
    notes = {METADATA_KEY: json.dumps(about)}
    file.write_bytes(make_graph(made, record, 1.5, notes))
    return file
