"""The benchmark: every way of training measured in turns, and the ratios that follow."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from mnistlab.benchmark.contenders import Course, Eager, Loader, Ours, Product
from mnistlab.benchmark.parallel_runs import pairs
from mnistlab.benchmark.timing import Times, in_turns
from mnistlab.data import Dataset, load_dataset
from mnistlab.recipe import Recipe, built_in
from mnistlab.runs import describe_environment
from mnistlab.training.device import torch_threads

MODELS = ("lenet5", "custom_mlp")
EPOCH = 60_000
SIZES = (10_000, 30_000, 60_000)
"""Images per epoch for which our time is measured, to show that it grows linearly."""
_LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Extent:
    """How much is measured: images per turn, turns that count, and the models trained in two runs
    side by side.
    """

    images: int
    course_images: int
    repetitions: int
    repetitions_of_sizes: int
    epochs_for_memory: int
    parallel: tuple[str, ...]


QUICK = Extent(
    7_680, 384, repetitions=3, repetitions_of_sizes=1, epochs_for_memory=2, parallel=("lenet5",)
)
WHOLE = Extent(
    60_000, 1_920, repetitions=5, repetitions_of_sizes=5, epochs_for_memory=10, parallel=MODELS
)


@dataclass
class Benchmark:
    """What was measured.

    Attributes:
        seconds: per epoch of 60,000 images, by model and way.
        side_by_side: by model and way, seconds until two runs on one thread each have finished an
            epoch.
        sizes: our seconds per epoch of ``lenet5``, by number of images.
        ratio: by model, the median time of the faster PyTorch layout divided by ours.
        of_bound: by model, our median time divided by the bound.
        side_by_side_ratio: by model, PyTorch's median time divided by ours, side by side.
        memory_growth_mib: by how much further epochs raised the process's peak memory; ``None``
            where the platform does not report it.
        environment: versions and hardware.
    """

    seconds: dict[str, dict[str, Times]] = field(default_factory=dict)
    side_by_side: dict[str, dict[str, Times]] = field(default_factory=dict)
    sizes: dict[int, Times] = field(default_factory=dict)
    ratio: dict[str, float] = field(default_factory=dict)
    of_bound: dict[str, float] = field(default_factory=dict)
    side_by_side_ratio: dict[str, float] = field(default_factory=dict)
    memory_growth_mib: float | None = None
    environment: dict[str, Any] = field(default_factory=dict)


def measure(
    *, quick: bool, threads: int | None = None, on_turn: Callable[[str], None]
) -> Benchmark:
    """Measure how fast training is on this machine.

    Args:
        quick: three turns of an eighth of an epoch, scaled up, instead of five whole epochs.
        threads: CPU threads; ``None`` is one per core. Runs side by side always have one each.
        on_turn: called with what is measured next.
    """
    extent, dataset, result = QUICK if quick else WHOLE, load_dataset(), Benchmark()
    with torch_threads(threads) as used:
        for name in MODELS:
            _measure_model(built_in(name), dataset, extent, result, on_turn)
        _measure_sizes(dataset, extent, result, on_turn)
        _measure_memory(dataset, extent, result, on_turn)
        kernels = Ours(built_in("lenet5"), dataset, extent.images).kernels
        result.environment = describe_environment("cpu", used, kernels).model_dump()
    for name in extent.parallel:
        with pairs(name, extent.images) as ways:
            times = in_turns(
                ways, extent.repetitions, partial(_tell, on_turn, f"{name} side by side")
            )
        result.side_by_side[name] = {
            way: time.scaled(EPOCH / extent.images) for way, time in times.items()
        }
        result.side_by_side_ratio[name] = times["eager"].median / times["ours"].median
    return result


def _measure_model(
    recipe: Recipe,
    dataset: Dataset,
    extent: Extent,
    result: Benchmark,
    on_turn: Callable[[str], None],
) -> None:
    ours, product = Ours(recipe, dataset, extent.images), Product()
    ways: dict[str, Callable[[], None]] = {"this package": ours}
    for layout, form in _LAYOUTS.items():
        ways[f"PyTorch, {layout}"] = Eager(recipe, dataset, extent.images, form)
    if recipe.name == "lenet5":
        ways["PyTorch DataLoader"] = Loader(recipe, dataset, extent.images)
        ways["course: PNGs in a tar"] = Course(recipe, dataset, extent.course_images)
    ways["bound"] = product
    measured = in_turns(ways, extent.repetitions, partial(_tell, on_turn, recipe.name))
    factors = dict.fromkeys(ways, EPOCH / extent.images)
    factors["course: PNGs in a tar"] = EPOCH / extent.course_images
    factors["bound"] = EPOCH * ours.flops / product.flops
    times = {way: time.scaled(factors[way]) for way, time in measured.items()}
    plain = min(times[f"PyTorch, {layout}"].median for layout in _LAYOUTS)
    result.seconds[recipe.name] = times
    result.ratio[recipe.name] = plain / times["this package"].median
    result.of_bound[recipe.name] = times["this package"].median / times["bound"].median


def _measure_sizes(
    dataset: Dataset, extent: Extent, result: Benchmark, on_turn: Callable[[str], None]
) -> None:
    ways = {str(images): Ours(built_in("lenet5"), dataset, images) for images in SIZES}
    times = in_turns(ways, extent.repetitions_of_sizes, partial(_tell, on_turn, "lenet5, images"))
    result.sizes = {int(images): time for images, time in times.items()}


def _measure_memory(
    dataset: Dataset, extent: Extent, result: Benchmark, on_turn: Callable[[str], None]
) -> None:
    on_turn("memory")
    run = Ours(built_in("custom_mlp"), dataset, EPOCH)
    run()
    before = _peak_mib()
    for _ in range(extent.epochs_for_memory):
        run()
    after = _peak_mib()
    result.memory_growth_mib = None if before is None or after is None else round(after - before, 1)


def _tell(on_turn: Callable[[str], None], what: str, way: str) -> None:
    on_turn(f"{what}: {way}")


def _peak_mib() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
