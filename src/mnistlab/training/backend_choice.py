"""Selection: which way of training fits a model, a device and the user's wish."""

import torch
from torch import Tensor, nn

from mnistlab.errors import KernelError
from mnistlab.kernels import make_plan
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations import without_fast_form
from mnistlab.training.backend import Backend, NativeBackend, TorchBackend
from mnistlab.training.cuda_graph import CudaGraphBackend


def choose_backend(
    model: nn.Module,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    averages: list[Tensor],
    image_shape: tuple[int, int, int],
    classes: int,
    device: torch.device,
    kernels: str,
) -> Backend:
    """Return the fast layers where the model has such a form and the device is the CPU, else
    PyTorch.
    """
    reason = "" if device.type == "cpu" else f"the fast layers are for the CPU, not {device.type}"
    if kernels == "torch":
        reason = "asked for"
    if not reason and (kinds := without_fast_form(recipe)):
        reason = f"augmentation {', '.join(kinds)} has no fast form"
    if not reason:
        try:
            plan = make_plan(model, image_shape, classes, mean=recipe.mean, std=recipe.std)
            return NativeBackend(plan, model, recipe, optimizer, averages)
        except KernelError as error:
            reason = str(error)
    if device.type == "cuda":
        return CudaGraphBackend(model, recipe, optimizer, averages, device, reason)
    return TorchBackend(model, recipe, optimizer, averages, device, reason)
