"""The oracle: what a model computes, and its gradients, compared with PyTorch's in float64."""

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import nn

from mnistlab.kernels.fusion import fuse
from mnistlab.kernels.program import Program
from mnistlab.kernels.trace import trace
from tests.kernels.models import Model
from tests.kernels.reference import twin_of

BATCHES = st.sampled_from([1, 2, 5, 16, 17, 31, 33, 50])
SEEDS = st.integers(0, 10_000)
THREADS = (2, 3, 7)
modest = settings(deadline=None, max_examples=10)


def sizes(least, most, dimensions):
    """Shapes of a number of dimensions, each from ``least`` to ``most``."""
    return st.tuples(*[st.integers(least, most)] * dimensions)


def normal(batch, shape, *, seed=0, spread=1.0):
    """Inputs: float32, ``(batch, *shape)``, normally distributed."""
    random = torch.Generator().manual_seed(seed)
    return torch.randn(batch, *shape, generator=random) * spread


def check(model, values, *, slack=3.0, floor=3e-6, threads=THREADS):
    """Compare outputs and all gradients with PyTorch's in float64, and require of the fast layers
    no more than ``slack`` times the error of PyTorch in float32.

    Args:
        model: a module, or a function of the images; it may return several tensors.
        values: float32, ``(batch, *shape)``.
        slack: see above.
        floor: an error that is always allowed, relative to the tensor's usual largest value.
        threads: each number must give the same bits as one thread.
    """
    module = _module(model)
    program = _program(module, values)
    outputs, *gradients = found = _fast(program, module, values)
    for number in threads:
        for one, other in zip(found, _fast(program, module, values, number), strict=True):
            for first, second in zip(one, other, strict=True):
                assert torch.equal(first.view(torch.int32), second.view(torch.int32)), number
    wide, narrow = (_eager(module, values, dtype) for dtype in (torch.float64, torch.float32))
    for kind, (ours, right, theirs) in enumerate(
        zip([outputs, *gradients], wide, narrow, strict=True)
    ):
        for place, (a, b, c) in enumerate(zip(ours, right, theirs, strict=True)):
            assert a.shape == b.shape
            error, expected = largest(a - b), slack * largest(c - b)
            if error <= expected + floor * largest(b):
                continue
            # The terms of a sum may cancel each other by chance, but not their rounding errors, so
            # that it matters how large the sum is with other gradients of the outputs.
            others = (_eager(module, values, torch.float64, seed) for seed in range(1, 5))
            allowed = expected + floor * max(largest(other[kind][place]) for other in others)
            assert error <= allowed, (error, allowed)


def check_extremes(model, values):
    """Require infinities and NaN of outputs and of the input's gradient where PyTorch's are."""
    module = _module(model)
    ours = _fast(_program(module, values), module, values)
    theirs = _eager(module, values, torch.float32)
    for one, other in zip((*ours[0], *ours[1]), (*theirs[0], *theirs[1]), strict=True):
        torch.testing.assert_close(one, other, equal_nan=True, rtol=1e-5, atol=1e-6)


def compute(model, values):
    """Return the outputs of the fast layers in evaluation mode."""
    return _program(_module(model), values).evaluate(values)


def largest(tensor):
    """Return the largest magnitude; NaN if there is one."""
    return tensor.abs().max().item() if tensor.numel() else 0.0


def _module(model):
    return model if isinstance(model, nn.Module) else Model(lambda _, x: model(x))


def _program(module, values):
    graph = fuse(trace(module, tuple(values.shape[1:])))
    return Program(graph, input_gradient=True)


def _fast(program, module, values, threads=1):
    """Return the outputs, the input's gradient, and those of the parameters, as lists."""
    outputs, context = program.forward(values, seed=1, threads=threads)
    wanted = [parameter.requires_grad for parameter in program.parameters]
    gradients, of_input = program.backward(context, list(_pulls(outputs)), wanted)
    by_parameter = {id(p): gradient for p, gradient in zip(program.parameters, gradients)}
    return outputs, [of_input], [by_parameter[id(p)] for p in module.parameters()]


def _eager(module, values, dtype, seed=0):
    twin, inputs = twin_of(module, dtype), values.to(dtype, copy=True).requires_grad_()
    outputs = twin(inputs)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    torch.autograd.backward(outputs, [pull.to(dtype) for pull in _pulls(outputs, seed)])
    return [o.detach() for o in outputs], [inputs.grad], [p.grad for p in twin.parameters()]


def _pulls(outputs, seed=0):
    """Yield a gradient for each output, the same for every dtype."""
    random = torch.Generator().manual_seed(seed)
    for output in outputs:
        yield torch.randn(output.shape, generator=random)
