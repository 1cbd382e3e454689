"""The graph of a model's forward pass, if it is the same at every call."""

import random
from collections import Counter

import torch
from torch import fx, nn

from mnistlab.errors import KernelError

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
