"""Steps in JAX beside PyTorch's, as a program: JAX has threads, so that no process may be forked
where it was imported.

For each network that it is called with it prints, as JSON, the losses of both, and the largest
difference of a weight and of a buffer, relative to ``1e-4 + 1e-3 * value``.
"""

import json
import sys

import torch
from torch import nn
from torch.nn import functional

from mnistlab.benchmark.jax_steps import JaxSteps
from mnistlab.benchmark.networks import NETWORKS


def beside(name):
    """What two steps come to in both."""
    network = NETWORKS[name]
    torch.manual_seed(0)
    model = network.build().train()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.normal_(layer.bias)
    pixels, labels = torch.randn(6, *network.shape), torch.arange(6)
    steps = JaxSteps(model, pixels, labels, [torch.arange(6)])
    steps()
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(pixels), labels)
        loss.backward()
        optimizer.step()
    buffers = {
        found: buffer
        for found, buffer in model.named_buffers()
        if not found.endswith("num_batches_tracked")  # which nothing reads
    }
    return {
        "losses": [steps.loss, loss.item()],
        "weights": apart(steps.parameters, dict(model.named_parameters())),
        "buffers": apart(steps.buffers, buffers),
    }


def apart(ours, theirs):
    """The largest difference of a value."""
    return max(
        (
            float(
                ((torch.tensor(ours[name].__array__()) - value).abs() / (1e-4 + 1e-3 * value.abs()))
                .max()
                .detach()
            )
            for name, value in theirs.items()
        ),
        default=0,
    )


def dropped():
    """What a layer keeps of ones, by column: from zero weights the first step is a multiple of the
    mean of that over the images."""
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(1000, 10, bias=False))
    nn.init.zeros_(model[2].weight)
    steps = JaxSteps(model, torch.ones(64, 1, 10, 100), torch.zeros(64).long(), [torch.arange(64)])
    kept = torch.tensor(steps.parameters["2.weight"].__array__())[0] / (0.01 * 0.9)
    return [kept.mean().item(), kept.std().item()]


if __name__ == "__main__":
    kept = dropped()
    # Its draws are JAX's own.
    functional.dropout = lambda values, *_: values
    json.dump({name: beside(name) for name in sys.argv[1:]} | {"dropout": kept}, sys.stdout)
