"""Selection: which way of training fits a model, a device and the user's wish."""

import torch
from torch import Tensor, nn

from mnistlab.errors import KernelError
from mnistlab.kernels import make_plan
from mnistlab.recipe import Recipe
from mnistlab.training.graphed import GraphedSteps
from mnistlab.training.steps import PlainSteps, PlannedSteps, Steps


def make_steps(
    model: nn.Module,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    averages: list[Tensor],
    image_shape: tuple[int, int, int],
    classes: int,
    device: torch.device,
    kernels: str,
) -> Steps:
    """Return the fast layers where the model has such a form and the device is the CPU, else PyTorch."""
    reason = "" if device.type == "cpu" else f"the fast layers are for the CPU, not {device.type}"
    if kernels == "torch":
        reason = "asked for"
    if not reason:
        try:
            plan = make_plan(model, image_shape, classes, mean=recipe.mean, deviation=recipe.deviation)
            return PlannedSteps(plan, model, recipe, optimizer, averages)
        except KernelError as error:
            reason = str(error)
    if device.type == "cuda":
        return GraphedSteps(model, recipe, optimizer, averages, device, reason)
    return PlainSteps(model, recipe, optimizer, averages, device, reason)
