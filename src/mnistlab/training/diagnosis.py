"""Diagnosis for ``mnistlab doctor``: what trains here, and whether native kernels fit a model."""

from dataclasses import dataclass

import torch

from mnistlab.data import Dataset
from mnistlab.errors import KernelError, ModelError
from mnistlab.kernels import Obstacle, ObstacleError, installed, load_library, make_plan
from mnistlab.models import build_model
from mnistlab.models.user_model import user_errors
from mnistlab.recipe import ModelInput, Recipe
from mnistlab.runs import Environment, describe_environment
from mnistlab.training.device import choose_device, describe_device
from mnistlab.training.inference import images_at_once
from mnistlab.training.input import build_to_fit
from mnistlab.training.outputs import output_notes
from mnistlab.training.randomness import fork_rng


@dataclass(frozen=True)
class Diagnosis:
    """The environment in which models would be trained.

    Attributes:
        environment: versions and hardware; ``kernels`` is the build in use.
        builds: names of the builds of the native kernels that are installed.
        reason: why none of them is in use; empty if one is.
    """

    environment: Environment
    builds: tuple[str, ...]
    reason: str


def diagnose() -> Diagnosis:
    """Examine the environment of this process."""
    kernels, reason = "torch", ""
    try:
        kernels = load_library().build
    except KernelError as error:
        reason = str(error)
    device = describe_device(choose_device())
    return Diagnosis(
        describe_environment(device, torch.get_num_threads(), kernels), tuple(installed()), reason
    )


@dataclass(frozen=True)
class Examination:
    """Whether the native kernels train a model.

    Attributes:
        reason: why they do not; empty if they do.
        obstacles: all calls of its forward pass that prevent it, as far as they are known.
        input: that suits it.
        notes: what else is to be said of it.
    """

    reason: str
    obstacles: tuple[Obstacle, ...]
    input: ModelInput
    notes: tuple[str, ...]


def examine_model(recipe: Recipe, dataset: Dataset) -> Examination:
    """Find out whether the native kernels can train a recipe's model.

    Raises:
        ModelError: the model cannot be built.
    """
    classes = len(dataset.classes)
    with fork_rng(torch.device("cpu")):
        model, found = build_to_fit(
            recipe, dataset, lambda shape: build_model(recipe, shape, classes)
        )
    with user_errors(recipe.model, "its forward pass", ModelError):
        notes = output_notes(model, recipe, found)
    try:
        with user_errors(recipe.model, "tracing it for the native kernels", ModelError):
            make_plan(
                model,
                found.shape,
                classes,
                mean=found.mean,
                std=found.std,
                images=images_at_once(recipe.batch_size),
            )
    except ObstacleError as error:
        return Examination(str(error.obstacles[0]), error.obstacles, found, notes)
    except KernelError as error:
        return Examination(str(error), (), found, notes)
    return Examination("", (), found, notes)
