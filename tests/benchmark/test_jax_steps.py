"""The networks' steps in JAX: the same weights as PyTorch's after the same steps."""

import jax
import pytest
import torch
from torch import nn
from torch.nn import functional

from mnistlab.benchmark.jax_steps import JaxSteps
from mnistlab.benchmark.networks import NETWORKS

# Compiling takes longer than computing.
jax.config.update("jax_disable_most_optimizations", True)

# Together they have every operation.
SOME = ("LeNet, tanh", "32-64 channels", "ResNet-8", "squeeze-excite", "transformer", "ConvNeXt")


@pytest.mark.parametrize("name", SOME)
def test_steps_are_those_of_pytorch(name, monkeypatch):
    # Its draws are JAX's own.
    monkeypatch.setattr(functional, "dropout", lambda values, *_: values)
    network = NETWORKS[name]
    torch.manual_seed(0)
    model = network.build().train()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.normal_(layer.bias)
    pixels, labels = torch.randn(6, *network.shape), torch.arange(6)
    steps = JaxSteps(model, pixels, labels, [torch.arange(6)])
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        losses.append(functional.cross_entropy(model(pixels), labels))
        losses[-1].backward()
        optimizer.step()
    assert set(steps.parameters) == {found for found, _ in model.named_parameters()}
    steps()
    assert steps.loss == pytest.approx(losses[-1].item(), rel=1e-4)
    for found, parameter in model.named_parameters():
        got = torch.tensor(steps.parameters[found].__array__())
        torch.testing.assert_close(got, parameter.detach(), rtol=1e-3, atol=1e-4, msg=found)
    for found, buffer in model.named_buffers():
        if not found.endswith("num_batches_tracked"):  # which nothing reads
            got = torch.tensor(steps.buffers[found].__array__())
            torch.testing.assert_close(got, buffer, rtol=1e-3, atol=1e-4, msg=found)


def test_dropout_drops_its_share_and_keeps_the_mean():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(1000, 10, bias=False))
    nn.init.zeros_(model[2].weight)
    steps = JaxSteps(model, torch.ones(64, 1, 10, 100), torch.zeros(64).long(), [torch.arange(64)])
    # From zero weights the first step is a multiple of the mean of what was kept, over the images.
    first = torch.tensor(steps.parameters["2.weight"].__array__())[0]
    kept = first / (0.01 * 0.9)
    assert float(kept.mean()) == pytest.approx(1, abs=0.01)
    assert float(kept.std()) == pytest.approx((0.25 / 0.75 / 64) ** 0.5, rel=0.15)
