"""Following a model's forward pass, and fusing what it does into layers of a plan."""

import operator
from collections import Counter
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.layers import MODULES, Layers, PlannedLayer, Value
from mnistlab.kernels.structures import ADDITION, MAX_POOL, NO_POOL, STAGE

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_ADDITIONS = {operator.add, operator.iadd, torch.add}
_RECTIFIERS = {torch.relu, functional.relu}


def trace(model: nn.Module, image_shape: tuple[int, int, int], classes: int) -> list[PlannedLayer]:
    """Turn a model into layers of a plan.

    Args:
        model: of which every step is known: an ``nn.Sequential``, or a ``forward`` that calls such layers.
        image_shape: ``(channels, height, width)``.
        classes: number of logits.

    Raises:
        KernelError: a layer has no fast form; the message names it and the reason.
    """
    _refuse_unusual(model)
    graph = _graph(model)
    modules = dict(model.named_modules())
    layers = Layers()
    values: dict[fx.Node, Value] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            values[node] = Value(0, image_shape)
        elif node.op == "output":
            return _fuse(layers.layers, _logits(node, values, classes))
        elif not _is_batch_size(node):
            try:
                values[node] = _append(layers, node, values, modules)
            except KernelError as error:
                raise KernelError(f"{_name(node, modules)}: {error}") from None
    raise KernelError("the model returns nothing")


def _refuse_unusual(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if any(getattr(module, hooks) for hooks in _HOOKS):
            raise KernelError(f"{name or 'the model'}: has hooks")
    if len(list(model.named_parameters(remove_duplicate=False))) > len(list(model.parameters())):
        raise KernelError("layers share parameters")
    for name, parameter in model.named_parameters():
        if parameter.dtype != torch.float32 or parameter.device.type != "cpu" or not parameter.is_contiguous():
            raise KernelError(f"{name}: not contiguous float32 on the CPU")


def _graph(model: nn.Module) -> fx.Graph:
    """Trace the forward pass, in both modes, which must agree."""
    was_training = model.training
    graphs = []
    try:
        for training in (True, False):
            model.train(training)
            graphs.append(fx.Tracer().trace(model))
    except Exception as error:
        reason = " ".join(str(error).split())
        raise KernelError(f"its forward pass cannot be followed: {reason}") from error
    finally:
        model.train(was_training)
    if str(graphs[0]) != str(graphs[1]):
        raise KernelError("its forward pass differs between training and evaluation")
    if sum(node.op == "placeholder" for node in graphs[0].nodes) != 1:
        raise KernelError("its forward pass takes more than the images")
    used = Counter(node.target for node in graphs[0].nodes if node.op == "call_module")
    repeated = next((name for name, count in used.items() if count > 1 and _has_state(model, str(name))), None)
    if repeated:
        raise KernelError(f"{repeated}: used more than once")
    return graphs[0]


def _has_state(model: nn.Module, name: str) -> bool:
    return bool(model.get_submodule(name).state_dict())


def _append(layers: Layers, node: fx.Node, values: dict[fx.Node, Value], modules: dict[str, nn.Module]) -> Value:
    inputs = [values[argument] for argument in node.all_input_nodes if argument in values]
    if node.op == "call_module":
        module = modules[str(node.target)]
        if type(module) not in MODULES:
            raise KernelError("has no fast form")
        if getattr(module, "inplace", False) and len(node.all_input_nodes[0].users) > 1:
            raise KernelError("changes in place what others use")
        return MODULES[type(module)](layers, module, inputs[0])
    name = str(node.target)
    if (node.target in _RECTIFIERS and not node.kwargs.get("inplace") and len(node.args) == 1) or name == "relu":
        return layers.rectifier(inputs[0])
    if node.target in _ADDITIONS and len(node.args) == 2 and len(inputs) == 2 and not node.kwargs:
        return layers.addition(*inputs)
    if node.target in _ADDITIONS and len(node.args) == 2 and len(inputs) == 1 and node.args[0] is node.args[1]:
        return layers.addition(inputs[0], inputs[0])
    if (node.target is torch.flatten or name == "flatten") and (*node.args[1:], *node.kwargs.values()) == (1,):
        return layers.flat(inputs[0])
    if name in ("view", "reshape") and _flattens(node, inputs[0]):
        return layers.flat(inputs[0])
    if node.target is functional.max_pool2d and _is_two(node):
        return layers.pooling(MAX_POOL, inputs[0])
    raise KernelError("has no fast form")


def _is_two(node: fx.Node) -> bool:
    """Whether a pooling call asks for 2x2 and nothing else; PyTorch's own wrapper fills in the rest."""
    usual: dict[str, Any] = {"padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False}
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
    """``x.size(0)``, or ``x.shape[0]`` in two steps."""
    if node.op == "call_method" and node.target == "size" and node.args[1:] == (0,):
        return True
    if node.op != "call_function":
        return False
    if node.target is getattr:
        return node.args[1] == "shape"
    return bool(node.target is operator.getitem and isinstance(node.args[0], fx.Node) and node.args[1] == 0)


def _flattens(node: fx.Node, value: Value) -> bool:
    """``view(batch, -1)``, ``view(-1, n)`` or ``view(batch, n)``."""
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
        raise KernelError("the model returns more than logits")
    logits = values[result]
    if not logits.flat or logits.shape != (classes, 1, 1) or logits.number == 0:
        raise KernelError("the model's result is not one vector of logits an image")
    return logits


def _name(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    if node.op == "call_module":
        return f"{node.target} ({type(modules[str(node.target)]).__name__})"
    target = getattr(node.target, "__name__", str(node.target))
    return f"{target}()" if node.op in ("call_function", "call_method") else target


def _fuse(layers: list[PlannedLayer], logits: Value) -> list[PlannedLayer]:
    """Join normalisation, ReLU and pooling that follow one another, and drop what the logits do not need."""
    needed = {logits.number}
    for layer in reversed(layers):
        if layer.output.number in needed:
            needed |= {value.number for value in (layer.input, layer.other) if value}
    fused: list[PlannedLayer] = []
    now: dict[int, int] = {0: 0}  # number of a value before and after
    uses = Counter(v.number for k in layers if k.output.number in needed for v in (k.input, k.other) if v)
    for layer in layers:
        if layer.output.number not in needed:
            raise KernelError("a layer's result is not used")
        before = fused[-1] if fused else None
        if (
            before
            and now[layer.input.number] == len(fused)
            and uses[layer.input.number] == 1
            and _fusible(before, layer)
        ):
            fused[-1] = replace(
                before,
                output=replace(layer.output, number=len(fused)),
                rectified=before.rectified or layer.rectified,
                pool=before.pool or layer.pool,
            )
        else:
            other = layer.other and replace(layer.other, number=now[layer.other.number])
            renumbered = replace(layer.input, number=now[layer.input.number])
            output = replace(layer.output, number=len(fused) + 1)
            fused.append(replace(layer, input=renumbered, other=other, output=output))
        now[layer.output.number] = len(fused)
    if now[logits.number] != len(fused) or uses[logits.number]:
        raise KernelError("the logits are not the last thing computed")
    return fused


def _fusible(before: PlannedLayer, layer: PlannedLayer) -> bool:
    """Whether two stages make one: in the order normalise, rectify, pool; rectifying a maximum is the same."""
    if before.kind != STAGE or layer.kind != STAGE or layer.normalised:
        return False
    if layer.pool:
        return before.pool == NO_POOL
    return before.pool != ADDITION and before.pool in (NO_POOL, MAX_POOL)
