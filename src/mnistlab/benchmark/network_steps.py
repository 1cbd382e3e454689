"""Training steps of small networks: this package against PyTorch in every form, and JAX."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from mnistlab.benchmark.benchmark import BOUNDS, GEMM
from mnistlab.benchmark.contenders import CPU, Product, step
from mnistlab.benchmark.networks import CLASSES, NETWORKS, Network
from mnistlab.benchmark.timing import Times, in_turns
from mnistlab.kernels import AugmentationParams, EpochBatches
from mnistlab.recipe import ModelInput, Recipe
from mnistlab.runs import available_cores, describe_environment
from mnistlab.training.backend import Backend, choose_backend
from mnistlab.training.device import torch_threads
from mnistlab.training.loss import Loss
from mnistlab.training.optimizers import Update, make_optimizer
from mnistlab.training.randomness import fork_rng, seed_global

BATCH = 128
OURS = "this package"
_LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}
PYTORCH, _COMPILED, JAX = "PyTorch, ", "PyTorch, compiled", "JAX"


@dataclass
class NetworkBenchmark:
    """What was measured.

    Attributes:
        seconds: of a training step of 128 images, by network and way; the bound is what the
            convolutions' and linear layers' floating-point operations alone would take at the speed
            of a large matrix product.
        ratio: by network, the fastest PyTorch's median time divided by ours.
        median_ratio: of all networks.
        reasons: why PyTorch trains in this package, too, by network; only of those where it does.
        environment: versions and hardware.
    """

    seconds: dict[str, dict[str, Times]] = field(default_factory=dict)
    ratio: dict[str, float] = field(default_factory=dict)
    median_ratio: float = 0.0
    reasons: dict[str, str] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)


def measure_networks(
    *, quick: bool, threads: int | None = None, on_turn: Callable[[str], None]
) -> NetworkBenchmark:
    """Measure training steps of ten networks.

    Args:
        quick: three turns instead of nine, and without ``torch.compile`` and JAX, whose preparation
            takes most of the time. JAX is also left out where it is not installed, and on fewer
            threads than there are cores, since it takes all.
        threads: CPU threads; ``None`` is one per core.
        on_turn: called with what is measured next.
    """
    result, turns = NetworkBenchmark(), 3 if quick else 9
    kernels = "torch"
    with torch_threads(threads) as used, fork_rng(CPU):
        for name, network in NETWORKS.items():
            ours = _Ours(network)
            ways: dict[str, Callable[[], None]] = {OURS: ours}
            for layout, form in _LAYOUTS.items():
                ways[f"{PYTORCH}{layout}"] = _Eager(network, form)
            compiled = None if quick else _compiled(network)
            if compiled:
                ways[_COMPILED] = compiled
            if not quick and used == available_cores() and (jax := _jax(network)):
                ways[JAX] = jax
            bound, product = BOUNDS[GEMM], Product(used)
            measured = in_turns({**ways, bound: product}, turns, partial(_tell, on_turn, name))
            times = {way: measured[way].scaled(1 / network.steps) for way in ways}
            if ours.flops:
                times[bound] = measured[bound].scaled(BATCH * ours.flops / product.flops)
            result.seconds[name] = times
            best = min(time.median for way, time in times.items() if way.startswith(PYTORCH))
            result.ratio[name] = best / times[OURS].median
            if ours.reason:
                result.reasons[name] = ours.reason
            else:
                kernels = ours.kernels
        result.environment = describe_environment("cpu", used, kernels).model_dump()
    result.median_ratio = statistics.median(result.ratio.values())
    return result


class _Ours:
    """Steps as a run takes them, from images of whole numbers."""

    def __init__(self, network: Network) -> None:
        self._backend, self._batches = network_backend(network), noise_batches(network)
        self.kernels, self.reason = self._backend.kernels, self._backend.reason
        self.flops = self._backend.flops

    def __call__(self) -> None:
        """Take the steps of one turn."""
        self._backend.train(self._batches, 0, len(self._batches.rates))


class _Eager:
    """Steps in PyTorch, from images that are normalised already."""

    def __init__(
        self,
        network: Network,
        layout: torch.memory_format = torch.contiguous_format,
    ) -> None:
        model, batches = _build(network), noise_batches(network)
        model.to(memory_format=layout)  # type: ignore[call-overload]
        self._optimizer = make_optimizer(model, Recipe())
        self.model: Any = model
        self._layout, self._labels = layout, batches.labels
        self._pixels = (batches.images / 255 - 0.5) / 0.25
        self._steps = torch.split(batches.order, BATCH)

    def __call__(self) -> None:
        """Take the steps of one turn."""
        for chosen in self._steps:
            pixels = self._pixels[chosen].contiguous(memory_format=self._layout)
            step(self.model, self._optimizer, pixels, self._labels[chosen])


def _compiled(network: Network) -> _Eager | None:
    """Return steps with ``torch.compile``, compiled already; ``None`` where it has no compiler or
    fails.
    """
    torch.compiler.reset()
    steps = _Eager(network)
    # Not model.compile(), which leaves an nn.Sequential as it is.
    steps.model = torch.compile(steps.model, dynamic=False)
    try:
        steps()
    except Exception:
        return None
    return steps


def _jax(network: Network) -> Callable[[], None] | None:
    """Return steps in JAX, compiled already; ``None`` where it is not installed."""
    try:
        from mnistlab.benchmark.jax_steps import JaxSteps
    except ImportError:
        return None
    batches = noise_batches(network)
    pixels = (batches.images / 255 - 0.5) / 0.25
    chosen = list(torch.split(batches.order, BATCH))
    return JaxSteps(_build(network), pixels, batches.labels, chosen)


def _build(network: Network) -> nn.Module:
    seed_global(0, CPU)
    return network.build()


def network_backend(network: Network) -> Backend:
    """Return what trains a network in a run, on the kernels if they support it."""
    recipe, model = Recipe(batch_size=BATCH), _build(network)
    channels, height, width = network.shape
    model_input = ModelInput(
        channels=1 if channels == 1 else 3,
        height=height,
        width=width,
        fit="pad",
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
    )
    update = Update(model, recipe, make_optimizer(model, recipe), [])
    return choose_backend(model, recipe, update, Loss(), model_input, CLASSES, CPU, "auto")


def noise_batches(network: Network) -> EpochBatches:
    """Return the batches of one turn, of noise."""
    random, count = torch.Generator().manual_seed(0), BATCH * network.steps
    return EpochBatches(
        images=torch.randint(0, 256, (count, *network.shape), dtype=torch.uint8, generator=random),
        labels=torch.randint(0, CLASSES, (count,), generator=random),
        order=torch.randperm(count, generator=random),
        bounds=torch.arange(0, count + 1, BATCH),
        augmentation=AugmentationParams(),
        rates=torch.full((network.steps,), 0.01, dtype=torch.float64),
        dropout_seeds=torch.arange(network.steps),
        losses=torch.zeros(network.steps),
        correct=torch.zeros(network.steps, dtype=torch.int32),
    )


def _tell(on_turn: Callable[[str], None], network: str, way: str) -> None:
    on_turn(f"{network}: {way}")
