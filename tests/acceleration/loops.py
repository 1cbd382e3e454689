"""What the tests of acceleration share: a network, batches, and a loop as anyone writes it."""

import copy

import torch
from torch import nn
from torch.nn import functional

from mnistlab import accelerate
from mnistlab.acceleration.dynamo import compile_graph

SHAPE, CLASSES = (1, 10, 10), 3


class Net(nn.Module):
    def __init__(self, p=0.0):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, bias=False)  # whose gradient would be rounding alone
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(p)
        self.last = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = functional.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        return self.last(self.drop(x.view(x.size(0), -1)))


def through_compile(model):
    return torch.compile(model, backend=compile_graph)


WAYS = {"accelerate": accelerate, "compile": through_compile}


def network(p=0.0, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Net(p)


def twins(way, model=None):
    """A network that runs on the kernels, and an equal one that does not."""
    torch.compiler.reset()
    model = model or network()
    plain = copy.deepcopy(model)
    fast = WAYS[way](model)
    if way == "accelerate":
        # The first call in each mode runs on PyTorch.
        before = copy.deepcopy(model.state_dict())
        for mode in (False, True):
            fast.train(mode)(images(2))
        with torch.no_grad():
            model.load_state_dict(before)
    return fast, plain


def images(count, seed=1):
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def labels(count):
    return torch.arange(count) % CLASSES


def step(model, optimizer, count, seed=1):
    optimizer.zero_grad()
    loss = functional.cross_entropy(model(images(count, seed)), labels(count))
    loss.backward()
    optimizer.step()
    return loss.item()


def same(one, other, atol=1e-5):
    torch.testing.assert_close(one, other, atol=atol, rtol=0)


def assert_same_state(fast, plain):
    theirs = plain.state_dict()
    for name, tensor in fast.state_dict().items():
        same(tensor, theirs[name.removeprefix("_orig_mod.")])


def assert_same_gradients(fast, plain):
    for one, other in zip(fast.parameters(), plain.parameters(), strict=True):
        if other.grad is None:
            assert one.grad is None
        else:
            same(one.grad, other.grad)
