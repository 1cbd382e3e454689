"""Operations of the tests' own, and what a graph of them computes, by PyTorch.

With them the tests of tracing do not depend on which operations have native kernels.
"""

from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.kernels.graph import Owned, Value
from mnistlab.kernels.operations import Handler, handlers
from mnistlab.kernels.recording import name_of

RUN_AS_THEY_ARE = [
    *(Tensor.exp, Tensor.roll, torch.stack, torch.sigmoid, torch.sub),
    *(
        torch.conv2d,
        functional.linear,
        functional.layer_norm,
        functional.group_norm,
    ),
    *(torch.relu, Tensor.relu, torch.relu_, Tensor.relu_, functional.relu, torch.tanh),
    *(functional.gelu, functional.softmax, functional.log_softmax, torch.mean, Tensor.mean),
    *(functional.max_pool2d, functional.avg_pool2d, functional.adaptive_avg_pool2d),
    *(
        torch.add,
        Tensor.add,
        Tensor.add_,
        torch.mul,
        Tensor.mul,
        Tensor.mul_,
        Tensor.neg,
        Tensor.sub_,
    ),
    *(
        torch.matmul,
        Tensor.matmul,
        torch.cat,
        Tensor.unbind,
        Tensor.chunk,
        Tensor.__getitem__,
        Tensor.softmax,
    ),
]


@dataclass(frozen=True)
class _Given:
    kind: str
    index: int


_PROGRAMS = {}


@pytest.fixture
def operations(monkeypatch):
    """Give functions of PyTorch, by themselves, operations of which :func:`compute` knows more."""
    for function in RUN_AS_THEY_ARE:
        monkeypatch.setitem(handlers(), function, Handler(_runs(function), takes_batch=False))
    monkeypatch.setitem(handlers(), functional.batch_norm, Handler(_batch_norm, takes_batch=False))


def compute(graph, images):
    """Return the outputs of a graph, in training, for images ``(batch, *shape)``."""
    values = {0: images}

    def of(value):
        found = values[value.number].reshape(-1, *value.shape)
        return found[0] if value.batch_axis is None else found.movedim(0, value.batch_axis)

    for node in graph.nodes:
        given = {
            "input": [of(value) for value in node.inputs],
            "parameter": [None if one is None else _tensor(one) for one in node.parameters],
            "buffer": [_tensor(one) for one in node.buffers],
        }
        found, value = _run(node, given, len(images)), node.output
        if value.batch_axis is not None:
            found = found.movedim(value.batch_axis, 0)
        assert found.shape[found.dim() - len(value.shape) :] == value.shape, node
        values[value.number] = found.expand(len(images), *value.shape)
    return [of(value) for value in graph.outputs]


def _run(node, given, count):
    if node.operation == "tensor":
        (tensor,) = given["parameter"] or given["buffer"]
        return tensor
    if node.operation == "batch_norm":
        means = [buffer.clone() for buffer in given["buffer"]]
        return functional.batch_norm(
            *given["input"],
            *(means or (None, None)),
            *given["parameter"],
            bool(node.integers[0]),
            *node.floats,
        )
    if node.operation in ("slice", "permute", "gather"):
        # By images: the batch in front.
        axis = node.inputs[0].batch_axis
        (x,) = given["input"]
        x = x.unsqueeze(0) if axis is None else x.movedim(axis, 0)
        if node.operation == "permute":
            y = x.permute(0, *(one + 1 for one in node.integers))
        elif node.operation == "gather":
            y, places = x, iter(node.integers)
            for k, size in enumerate(node.output.shape):
                y = y.index_select(k + 1, torch.tensor([next(places) for _ in range(size)]))
        else:
            axis, start, step = node.integers
            index = start + step * torch.arange(
                x.shape[axis + 1] * _numel(node.output.shape) // _numel(x.shape[1:])
            )
            y = x.index_select(axis + 1, index).reshape(-1, *node.output.shape)
        axis = node.output.batch_axis
        return y[0] if axis is None else y.movedim(0, axis)
    function, args, kwargs, place = _PROGRAMS[node.operation]
    args, kwargs = _replace((args, kwargs), lambda one: given[one.kind][one.index], _Given)
    result = function(*args, **kwargs)
    return result[place] if isinstance(result, tuple | list) else result


def _runs(function):
    def lower(graph, *args, **kwargs):
        found = {"input": [], "parameter": [], "buffer": []}

        def note(one):
            kind = "input" if isinstance(one, Value) else "buffer"
            kind = "parameter" if isinstance(one, nn.Parameter) else kind
            found[kind].append(one)
            return _Given(kind, len(found[kind]) - 1)

        noted = _replace((args, kwargs), note, (Value, Tensor))
        one, two = (
            _results(function, *_replace((args, kwargs), partial(_sample, batch), Value))
            for batch in (3, 5)
        )
        values = []
        for place, shapes in enumerate(zip(one, two, strict=True)):
            different = [
                k for k, sizes in enumerate(zip(*shapes, strict=True)) if len({*sizes}) > 1
            ]
            axis = different[0] if different else None
            name = f"{name_of(function)} {place} {noted}"
            _PROGRAMS[name] = (function, *noted, place)
            shape = [size for k, size in enumerate(shapes[0]) if k != axis]
            values.append(
                graph.append(
                    name,
                    found["input"],
                    shape,
                    parameters=found["parameter"],
                    buffers=found["buffer"],
                    batch_axis=axis,
                )
            )
        return values if len(values) > 1 else values[0]

    return lower


def _batch_norm(  # noqa: PLR0913 - PyTorch's signature
    graph,
    images,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    training=False,
    momentum=0.1,
    eps=1e-5,
):
    return graph.append(
        "batch_norm",
        [images],
        images.shape,
        integers=[training],
        floats=[momentum, eps],
        parameters=[weight, bias],
        buffers=[] if running_mean is None else [running_mean, running_var],
    )


def _sample(batch, value):
    shape = list(value.shape)
    if value.batch_axis is not None:
        shape.insert(value.batch_axis, batch)
    return torch.zeros(shape)


def _results(function, args, kwargs):
    result = function(*args, **kwargs)
    return [tuple(one.shape) for one in (result if isinstance(result, tuple | list) else [result])]


def _replace(given, change, kind):
    if isinstance(given, kind):
        return change(given)
    if isinstance(given, dict):
        return {name: _replace(one, change, kind) for name, one in given.items()}
    if isinstance(given, tuple | list):
        return type(given)(_replace(one, change, kind) for one in given)
    return given


def _numel(shape):
    return torch.Size(shape).numel()


def _tensor(source):
    return source.tensor if isinstance(source, Owned) else source
