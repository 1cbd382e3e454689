"""Parameters, buffers and constants that are computed with."""

import torch
from hypothesis import given
from torch import nn

from mnistlab.kernels.program import Program
from mnistlab.kernels.trace import trace
from tests.kernels.models import Model
from tests.kernels.operations.oracle import BATCHES, SEEDS, check, modest, normal, sizes


@given(batch=BATCHES, shape=sizes(1, 9, 3), seed=SEEDS)
@modest
def test_a_parameter_used_twice(batch, shape, seed):
    w = nn.Parameter(normal(1, shape, seed=seed)[0])
    check(Model(lambda m, x: x * m.w + m.w.exp(), w=w), normal(batch, shape, seed=seed))


def test_buffers_and_constants():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.tensor([0.5, -1.0, 2.0]).view(3, 1, 1))
            self.weight = nn.Parameter(torch.tensor(1.5))

        def forward(self, x):
            return (x - self.mean) * self.weight / torch.full((1, 3, 1, 1), 2.0).to(x)

    check(Scaled(), normal(17, (3, 4, 5)))


def test_a_frozen_parameter_gets_no_gradient():
    w = nn.Parameter(normal(1, (3, 4))[0], requires_grad=False)
    program = Program(trace(Model(lambda m, x: x * m.w, w=w), (3, 4)), input_gradient=True)
    values = normal(17, (3, 4))
    outputs, context = program.forward(values, seed=1)
    gradients, of_input = program.backward(context, [torch.ones_like(values)], [False])
    assert gradients == [None]
    assert torch.equal(outputs[0], values * w)
    assert torch.equal(of_input, w.expand_as(values))
