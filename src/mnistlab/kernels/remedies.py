"""Remedies: what would work in place of what has no native kernel."""

from collections.abc import Callable
from typing import Any

from mnistlab.kernels.recording import name_of

_REASONS = {
    "decides by the images' values": "choose with torch.where, or by shapes and self.training",
    "gradients turned off": "set requires_grad = False on the layers that are not to learn",
    "torch.autograd.Function": "write it with PyTorch's own functions, whose gradients are known",
    "draws random numbers": "use dropout, or let the recipe augment the images",
    "overwrites a tensor in place": "build the tensor with torch.cat, torch.stack or torch.where",
    "overwritten in place since": "assign the result to a new variable: y = torch.relu(x)",
    "hooks on its gradients": "remove the hooks, or use them in a training loop of your own",
    "differs between training and evaluation": "let only dropout and batch norm depend on the mode",
    "number of images": "use means over the images' own dimensions",
    "weights in the forward pass": "remove the parametrisation, such as weight_norm",
    "numbers": "stay in float32",
    "some in evaluation": "freeze layers by requires_grad = False, and leave their mode alone",
    "is compiled": "give the module itself, as it was before it was compiled",
    "computes no values": "give the layer at least one output",
    "works across the images": "use layers that treat every image alone, or batch norm",
}
_FUNCTIONS = {
    "detach": "set requires_grad = False on the layers that are not to learn",
    "lstm": "",
}


def remedy(function: Callable[..., Any] | None, reason: str) -> str:
    """Return what would work in place of a call, in a few words; empty if nothing is known.

    Args:
        function: that is called, if any.
        reason: why it has no native kernel.
    """
    if function is not None and name_of(function) in _FUNCTIONS:
        return _FUNCTIONS[name_of(function)]
    return next((text for part, text in _REASONS.items() if part in reason), "")
