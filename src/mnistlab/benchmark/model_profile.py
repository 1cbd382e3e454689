"""Model profile: where the time of a training step goes, operation by operation."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mnistlab.benchmark.contenders import CPU
from mnistlab.benchmark.images import images_for
from mnistlab.benchmark.network_steps import network_backend, noise_batches
from mnistlab.benchmark.networks import NETWORKS
from mnistlab.errors import KernelError, RecipeError, did_you_mean
from mnistlab.kernels import EpochBatches, Profile
from mnistlab.recipe import BUILT_IN, Recipe, resolve_recipe
from mnistlab.runs import describe_environment
from mnistlab.training.backend import Backend, NativeBackend
from mnistlab.training.device import torch_threads
from mnistlab.training.randomness import fork_rng
from mnistlab.training.trainer import Trainer

_BATCHES = 4
_SECONDS, _QUICK_SECONDS = 10.0, 2.0
_LEAST, _MOST = 3, 100


@dataclass
class ModelProfile:
    """What was measured.

    Attributes:
        model: its name.
        images: of a batch.
        rounds: over which the least was taken.
        profile: seconds a batch.
        notes: what is to be said of it.
        environment: versions and hardware.
    """

    model: str
    images: int
    rounds: int
    profile: Profile
    notes: tuple[str, ...]
    environment: dict[str, Any]


def profile_model(
    name: str, *, quick: bool, threads: int | None = None, on_turn: Callable[[str], None]
) -> ModelProfile:
    """Measure where the time of a model's training step goes.

    A recipe is trained as it says, with its augmentation, on the first images of its data or on
    noise of their shape; a network of the benchmark on noise, with PyTorch's SGD.

    Args:
        name: of a recipe, or a model of one's own, as :func:`mnistlab.recipe.resolve_recipe` takes
            it; or of a network of :data:`mnistlab.benchmark.networks.NETWORKS`.
        quick: two seconds of training instead of ten.
        threads: CPU threads; ``None`` is one per core.
        on_turn: called with what is measured next.

    Raises:
        KernelError: PyTorch trains the model, or computes its loss.
        RecipeError: there is no such recipe or network.
    """
    with torch_threads(threads) as used, fork_rng(CPU):
        on_turn(name)
        backend, batches, notes = _named(name)
        if not isinstance(backend, NativeBackend):
            raise KernelError(
                f"{name} trains on PyTorch, of which there is no profile: {backend.reason}"
            )
        if not backend.takes_step:
            notes += ("PyTorch takes the optimiser's step, which is not part of this",)
        backend.profile(batches, 1)
        began = time.perf_counter()
        backend.profile(batches, 1)
        wanted = (_QUICK_SECONDS if quick else _SECONDS) / (time.perf_counter() - began)
        rounds = max(_LEAST, min(int(wanted), _MOST))
        return ModelProfile(
            name,
            int(batches.bounds[1]),
            rounds,
            backend.profile(batches, rounds),
            notes,
            describe_environment("cpu", used, backend.kernels).model_dump(),
        )


def _named(name: str) -> tuple[Backend, EpochBatches, tuple[str, ...]]:
    """Return what trains, on which batches, and what is to be said of them."""
    if name in NETWORKS and name not in BUILT_IN:
        network = NETWORKS[name]
        return network_backend(network), noise_batches(network), ("on noise",)
    return _of_recipe(_recipe(name))


def _recipe(name: str) -> Recipe:
    named = ":" not in name and not name.endswith((".toml", ".py"))
    if named and name not in BUILT_IN:
        known = [*BUILT_IN, *(network for network in NETWORKS if network not in BUILT_IN)]
        hint = did_you_mean(name, known) or f"known: {'; '.join(known)}"
        raise RecipeError(f"{name}: no such recipe or network; {hint}")
    return resolve_recipe(name)


def _of_recipe(recipe: Recipe) -> tuple[Backend, EpochBatches, tuple[str, ...]]:
    dataset = images_for(recipe, _BATCHES * recipe.batch_size)
    # Whole batches, since seconds are those a batch.
    count = len(dataset.train)
    count = min(_BATCHES, max(count // recipe.batch_size, 1)) * min(recipe.batch_size, count)
    part = replace(dataset, train=dataset.train.take(np.arange(count)))
    trainer = Trainer(recipe, part, 0, CPU)
    notes = (dataset.note,) if dataset.note else ()
    return trainer.backend, trainer.epoch_batches(trainer.epoch), notes
