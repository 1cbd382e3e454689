"""Tracing: from a model's forward pass to the layers of a plan."""

import operator
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.fusion import fuse
from mnistlab.kernels.graph import Graph
from mnistlab.kernels.layers import MODULES, Layers, PlannedLayer, Value
from mnistlab.kernels.layers import MAX_POOL

_ADDITIONS = {operator.add, operator.iadd, torch.add}
_RELUS = {torch.relu, functional.relu}


def trace(model: nn.Module, image_shape: tuple[int, int, int], classes: int) -> Graph:
    """Turn a model into the layers of a plan.

    Args:
        model: an ``nn.Sequential``, or a module whose ``forward`` calls layers and functions that
            have native kernels.
        image_shape: ``(channels, height, width)``.
        classes: number of logits.

    Raises:
        KernelError: a layer has no native kernel; the message names it and the reason.
    """
    graph = follow(model)
    modules = dict(model.named_modules())
    layers = Layers()
    values: dict[fx.Node, Value] = {}
    changed: dict[int, str] = {}  # values that are changed in place, and the layer that does it
    for node in graph.nodes:
        if node.op == "placeholder":
            values[node] = Value(0, image_shape)
        elif node.op == "output":
            logits = _logits(node, values, classes)
        elif not _is_batch_size(node):
            try:
                values[node] = _append(layers, node, values, modules)
            except KernelError as error:
                raise KernelError(f"{_name(node, modules)}: {error}") from None
            if _is_in_place(node, modules):
                changed[values[node.all_input_nodes[0]].number] = _name(node, modules)
    uses = Counter(
        value.number for layer in layers.layers for value in (layer.input, layer.other) if value
    )
    for number, name in changed.items():
        if number == 0 or uses[number] > 1:
            raise KernelError(f"{name}: changes in place a value that other layers use")
    return to_graph(model, image_shape, fuse(layers.layers, logits))


def _append(
    layers: Layers, node: fx.Node, values: dict[fx.Node, Value], modules: dict[str, nn.Module]
) -> Value:
    inputs = [values[argument] for argument in node.all_input_nodes if argument in values]
    if node.op == "call_module" and type(modules[str(node.target)]) in MODULES and len(inputs) == 1:
        module = modules[str(node.target)]
        return MODULES[type(module)](layers, module, inputs[0])
    if node.op == "call_method" and inputs:
        return _append_method(layers, node, inputs[0])
    if node.op != "call_function" or not inputs:
        raise KernelError("has no native kernel")
    if node.target in _RELUS and len(node.args) == 1 and set(node.kwargs) <= {"inplace"}:
        return layers.relu(inputs[0])
    if node.target in _ADDITIONS and len(node.args) == 2 and not node.kwargs:
        if all(argument in values for argument in node.args):
            return layers.addition(inputs[0], inputs[-1])
    elif node.target is torch.flatten and _is_flatten(node):
        return layers.flat(inputs[0])
    elif node.target is functional.max_pool2d and _is_two(node):
        return layers.pooling(MAX_POOL, inputs[0])
    raise KernelError("has no native kernel")


def _append_method(layers: Layers, node: fx.Node, value: Value) -> Value:
    if node.target == "relu" and not node.kwargs:
        return layers.relu(value)
    if node.target == "flatten" and _is_flatten(node):
        return layers.flat(value)
    if node.target in ("view", "reshape") and _flattens(node, value):
        return layers.flat(value)
    raise KernelError("has no native kernel")


def _is_in_place(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return bool(getattr(modules[str(node.target)], "inplace", False))
    return node.target is operator.iadd or bool(node.kwargs.get("inplace"))


def _is_flatten(node: fx.Node) -> bool:
    return (*node.args[1:], *node.kwargs.items()) in ((1,), (("start_dim", 1),))


def _is_two(node: fx.Node) -> bool:
    """Return whether a call of ``max_pool2d`` is 2x2 pooling without other options.

    PyTorch's wrapper passes the defaults of those explicitly.
    """
    usual: dict[str, Any] = {
        "padding": 0,
        "dilation": 1,
        "ceil_mode": False,
        "return_indices": False,
    }
    size, *rest = node.args[1:] if len(node.args) > 1 else [node.kwargs.get("kernel_size")]
    others = {key: value for key, value in node.kwargs.items() if key != "kernel_size"}
    stride = rest[0] if rest else others.pop("stride", None)
    return bool(
        size in (2, (2, 2))
        and stride in (None, 2, (2, 2))
        and len(rest) < 2
        and all(bool(value == usual.get(key)) for key, value in others.items())
    )


def _is_batch_size(node: fx.Node) -> bool:
    """Return whether a node is ``x.size(0)``, or a part of ``x.shape[0]``."""
    if node.op == "call_method" and node.target == "size" and node.args[1:] == (0,):
        return True
    if node.op != "call_function":
        return False
    if node.target is getattr:
        return node.args[1] == "shape"
    shape = node.args[0] if node.target is operator.getitem else None
    return bool(isinstance(shape, fx.Node) and shape.target is getattr and node.args[1] == 0)


def _flattens(node: fx.Node, value: Value) -> bool:
    """Return whether a view is ``(batch, -1)``, ``(-1, n)`` or ``(batch, n)``."""
    size = node.args[1:]
    if len(size) != 2 or node.kwargs:
        return False
    channels, height, width = value.shape
    first, second = size
    known = isinstance(first, fx.Node) or (first == -1 and second != -1)
    return bool(known and second in (-1, channels * height * width))


def _logits(node: fx.Node, values: dict[fx.Node, Value], classes: int) -> Value:
    result = node.args[0]
    if not isinstance(result, fx.Node) or result not in values:
        raise KernelError("the model returns something besides logits")
    logits = values[result]
    if not logits.flat or logits.shape != (classes, 1, 1) or logits.number == 0:
        raise KernelError("the model does not return one vector of logits per image")
    return logits


def _name(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    if node.op == "call_module":
        return f"{node.target} ({type(modules[str(node.target)]).__name__})"
    target = getattr(node.target, "__name__", str(node.target))
    return f"{target}()" if node.op in ("call_function", "call_method") else target


def to_graph(
    model: nn.Module, image_shape: tuple[int, int, int], layers: list[PlannedLayer]
) -> Graph:
    graph = Graph(model, image_shape)
    values = {0: graph.image}
    for layer in layers:
        x, module = values[layer.input.number], layer.module
        weights = [module.weight, module.bias] if module is not None else []
        shape = layer.output.shape[:1] if layer.output.flat else layer.output.shape
        if layer.kind == 0 and isinstance(module, nn.Linear):
            x = replace(x, shape=(module.in_features,))
            output = graph.append("linear", [x], [module.out_features], parameters=weights)
        elif layer.kind == 0:
            (h, w), (top, left) = layer.kernel, layer.padding
            output = graph.append(
                "convolution",
                [x],
                shape,
                integers=[h, w, 1, 1, 1, 1, top, left, top, left, 1],
                parameters=weights,
            )
        elif layer.kind == 1 and layer.batch_norm:
            output = graph.append(
                "batch_norm",
                [x],
                layer.output.shape,
                integers=[layer.relu, layer.pool],
                floats=[module.eps, module.momentum],
                parameters=weights,
                buffers=[module.running_mean, module.running_var, module.num_batches_tracked],
            )
        elif layer.kind == 1 and layer.pool:
            output = graph.append(
                "pool_2x2", [x], layer.output.shape, integers=[layer.relu, layer.pool]
            )
        elif layer.kind == 1:
            output = graph.append("relu", [x], x.shape)
        elif layer.kind == 2:
            output = graph.append("mean", [x], layer.output.shape)
        elif layer.kind == 3:
            output = graph.append("dropout", [x], x.shape, integers=[1], floats=[layer.drop])
        else:
            output = graph.append(
                "add", [x, replace(values[layer.other.number], shape=x.shape)], x.shape
            )
        values[layer.output.number] = output
    graph.outputs = [replace(output, shape=(output.shape[0],))]
    return graph


_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def follow(model: nn.Module) -> fx.Graph:
    """Trace the forward pass in training and in evaluation mode; the model is left unchanged.

    Raises:
        KernelError: it cannot be traced, it differs between the two modes or between calls, or
            something besides the layers takes part, such as hooks.
    """
    _refuse_unusual(model)
    modes = {module: module.training for module in model.modules()}
    try:
        graphs = [_follow(model, training=training) for training in (True, False)]
    finally:
        for module, mode in modes.items():
            module.training = mode
    if str(graphs[0]) != str(graphs[1]):
        raise KernelError("its forward pass differs between training and evaluation")
    inputs = [node for node in graphs[0].nodes if node.op == "placeholder"]
    if len(inputs) != 1 or str(inputs[0].target).startswith("*"):
        raise KernelError("its forward pass takes arguments besides the images")
    used = Counter(str(node.target) for node in graphs[0].nodes if node.op == "call_module")
    for name, count in used.items():
        if count > 1 and model.get_submodule(name).state_dict():
            raise KernelError(f"{name}: used more than once")
    return graphs[0]


def _refuse_unusual(model: nn.Module) -> None:
    if len({module.training for module in model.modules()}) > 1:
        raise KernelError("some of its layers are in training and some in evaluation")
    for name, module in model.named_modules():
        if any(getattr(module, hooks) for hooks in _HOOKS):
            raise KernelError(f"{name or 'the model'}: has hooks")
        if "forward" in vars(module) or type(module).__call__ is not nn.Module.__call__:
            raise KernelError(f"{name or 'the model'}: overrides how it is called")
    addresses = [
        parameter.data_ptr() for _, parameter in model.named_parameters(remove_duplicate=False)
    ]
    if len(set(addresses)) < len(addresses):
        raise KernelError("layers share parameters")
    for name, parameter in model.named_parameters():
        if (
            parameter.dtype != torch.float32
            or parameter.device.type != "cpu"
            or not parameter.is_contiguous()
        ):
            raise KernelError(f"{name}: not contiguous float32 on the CPU")
        if parameter._backward_hooks or getattr(parameter, "_post_accumulate_grad_hooks", None):
            raise KernelError(f"{name}: has hooks")


def _follow(model: nn.Module, *, training: bool) -> fx.Graph:
    model.train(training)
    if any(module.training != training for module in model.modules()):
        raise KernelError("some of its layers stay in training or in evaluation")
    before = torch.get_rng_state(), random.getstate()
    try:
        graph = fx.Tracer().trace(model)
        drew = not torch.equal(torch.get_rng_state(), before[0]) or random.getstate() != before[1]
    except Exception as error:
        raise KernelError(f"its forward pass cannot be traced: {error}") from error
    finally:
        torch.set_rng_state(before[0])
        random.setstate(before[1])
    if drew:
        raise KernelError("its forward pass draws random numbers")
    return graph
