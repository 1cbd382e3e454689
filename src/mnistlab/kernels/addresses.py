"""Tensors and optimisers, as the compiled library takes them: by address."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mnistlab.errors import KernelError
from mnistlab.kernels.library import Addresses

_NONE, _SGD, _ADAM, _ADAMW = range(4)  # of Optimizer::Kind in source/update.h
_FUSED = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)


def address(tensor: Tensor | None, dtype: torch.dtype) -> int | None:
    """Return the address of a tensor's values; ``None`` for ``None``.

    Raises:
        ValueError: another dtype, another device, or not contiguous.
    """
    if tensor is None:
        return None
    if tensor.dtype != dtype or tensor.device.type != "cpu" or not tensor.is_contiguous():
        raise ValueError(
            f"{tensor.dtype} on {tensor.device}; must be contiguous {dtype} on the CPU"
        )
    return tensor.data_ptr()


def optimizer_arguments(
    optimizer: torch.optim.Optimizer | None, parameters: Sequence[Tensor], steps: int
) -> dict[str, int | float | Addresses]:
    """Return an optimiser's constants and state as arguments of ``mnistlab_train``; creates its
    state for every trained parameter if missing.
    """
    if optimizer is None:
        return {"optimizer": _NONE}
    if reason := why_not_fused(optimizer):
        raise KernelError(reason)
    (group,) = optimizer.param_groups
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    shared: dict[str, int | float | Addresses] = {"weight_decay": float(group["weight_decay"])}
    if isinstance(optimizer, torch.optim.SGD):
        if group["momentum"]:
            for parameter in trained:
                # Created once, also because filling it would wake PyTorch's own threads, which then
                # spin on our cores.
                if "momentum_buffer" not in optimizer.state[parameter]:
                    optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return shared | {
            "optimizer": _SGD,
            "nesterov": int(group["nesterov"]),
            "momentum": float(group["momentum"]),
            "first_moments": _state(optimizer, parameters, "momentum_buffer"),
        }
    decoupled = isinstance(optimizer, torch.optim.AdamW) or group.get("decoupled_weight_decay")
    done = 0
    for parameter in trained:
        state = optimizer.state[parameter]
        if not state:
            state |= {"step": torch.zeros(()), "exp_avg": torch.zeros_like(parameter)}
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        done = int(state["step"])
        state["step"] += steps
    return shared | {
        "optimizer": _ADAMW if decoupled else _ADAM,
        "beta1": float(group["betas"][0]),
        "beta2": float(group["betas"][1]),
        "epsilon": float(group["eps"]),
        "steps_done": done,
        "first_moments": _state(optimizer, parameters, "exp_avg"),
        "second_moments": _state(optimizer, parameters, "exp_avg_sq"),
    }


def _state(optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor], name: str) -> Addresses:
    states = (optimizer.state.get(parameter, {}) for parameter in parameters)
    return Addresses(address(state.get(name), torch.float32) for state in states)


def why_not_fused(optimizer: torch.optim.Optimizer) -> str:
    """Say why an optimiser's step is not one of the kernels'; nothing if it is."""
    name = type(optimizer).__name__
    if type(optimizer) not in _FUSED:
        return f"{name}: has no native kernel; {', '.join(kind.__name__ for kind in _FUSED)} have"
    if len(optimizer.param_groups) != 1:
        return f"{name}: parameters in several groups have no native kernel"
    for option in ("dampening", "maximize", "amsgrad", "differentiable"):
        if optimizer.param_groups[0].get(option):
            return f"{name}: {option} has no native kernel"
    return ""
