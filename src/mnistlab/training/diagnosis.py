"""Diagnosis: what trains here and how fast a form a model has, for ``mnistlab doctor``."""

from dataclasses import dataclass

import torch

from mnistlab.data import Dataset
from mnistlab.errors import KernelError, ModelError
from mnistlab.kernels import installed, load_library, make_plan
from mnistlab.models import build_model
from mnistlab.models.user_errors import user_errors
from mnistlab.recipe import Recipe
from mnistlab.runs import Environment, describe_environment
from mnistlab.training.device import choose_device, describe_device
from mnistlab.training.input import input_shape
from mnistlab.training.randomness import isolated


@dataclass(frozen=True)
class Diagnosis:
    """What is here.

    Attributes:
        environment: versions and hardware; ``kernels`` is the build in use.
        builds: of the fast layers that are installed.
        reason: why none is in use; empty if one is.
    """

    environment: Environment
    builds: tuple[str, ...]
    reason: str


def diagnose() -> Diagnosis:
    """Look at what trains here."""
    kernels, reason = "torch", ""
    try:
        kernels = load_library().build
    except KernelError as error:
        reason = str(error)
    device = describe_device(choose_device())
    return Diagnosis(
        describe_environment(device, torch.get_num_threads(), kernels), tuple(installed()), reason
    )


def obstacle(recipe: Recipe, dataset: Dataset) -> str:
    """Say what keeps a recipe's model off the fast layers; empty if nothing does.

    Raises:
        ModelError: the model cannot be built.
    """
    shape, classes = input_shape(dataset.train, recipe), len(dataset.classes)
    with isolated(torch.device("cpu")):
        model = build_model(recipe, shape, classes)
    try:
        with user_errors(recipe.model, "looking for its fast form", ModelError):
            make_plan(model, shape, classes, mean=recipe.mean, std=recipe.std)
    except KernelError as error:
        return str(error)
    return ""
