"""The benchmark: every way of training measured in turns, and the ratios that follow."""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from mnistlab.benchmark.contenders import Course, Eager, Loader, Ours, Peak, Product
from mnistlab.benchmark.images import images_for
from mnistlab.benchmark.parallel_runs import pairs
from mnistlab.benchmark.timing import Times, every_turn, in_turns
from mnistlab.data import Dataset, load_dataset
from mnistlab.errors import KernelError
from mnistlab.recipe import Recipe, built_in
from mnistlab.runs import describe_environment
from mnistlab.training.device import torch_threads

EPOCHS = {"mnist": 60_000, "cifar10": 50_000}
"""Images of an epoch, by data set."""
SIZES = (10_000, 30_000, 60_000)
"""Images per epoch for which our time is measured, to show that it grows linearly."""
OURS, PYTORCH, COURSE = "this package", "PyTorch, ", "course: PNGs in a tar"
GEMM, PEAK = "GEMM", "FMA peak"
BOUNDS = {GEMM: "bound: GEMM", PEAK: "bound: FMA peak"}
"""The ways' names, by what limits them."""
_LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Extent:
    """How much is measured: images per turn by recipe, turns that count, and the recipes trained in
    two runs side by side.
    """

    images: dict[str, int]
    course_images: int
    repetitions: int
    repetitions_of_sizes: int
    epochs_for_memory: int
    parallel: tuple[str, ...]


QUICK = Extent(
    {"lenet5": 7_680, "custom_mlp": 7_680, "best62k": 896, "small10k": 896, "cifar_small": 512},
    384,
    repetitions=3,
    repetitions_of_sizes=1,
    epochs_for_memory=2,
    parallel=("lenet5",),
)
WHOLE = Extent(
    {
        "lenet5": 60_000,
        "custom_mlp": 60_000,
        "best62k": 30_720,
        "small10k": 60_000,
        "cifar_small": 7_680,
    },
    1_920,
    repetitions=5,
    repetitions_of_sizes=5,
    epochs_for_memory=10,
    parallel=("lenet5", "custom_mlp"),
)


@dataclass
class Benchmark:
    """What was measured.

    Attributes:
        images: of an epoch, by recipe.
        measured_images: of those, how many were trained on; the time is in proportion.
        seconds: per epoch, by recipe and way. The bounds are the time of the convolutions' and
            linear layers' floating-point operations at the speeds of ``gigaflops``.
        side_by_side: by recipe and way, seconds until two runs on one thread each have finished an
            epoch.
        sizes: our seconds per epoch of ``lenet5``, by number of images.
        gigaflops: 10^9 floating-point operations a second of a large matrix product and of
            multiply-adds in registers, on one thread and on all, over all turns.
        ratio: by recipe, the median time of the faster PyTorch layout divided by ours.
        of_bound: by recipe and what bounds it, our median time divided by the bound; empty where
            PyTorch trains, whose operations are not known.
        side_by_side_ratio: by recipe, PyTorch's median time divided by ours, side by side.
        memory_growth_mib: by how much further epochs raised the process's peak memory; ``None``
            where the platform does not report it.
        notes: what is to be said of a recipe's images, by recipe.
        environment: versions and hardware.
    """

    images: dict[str, int] = field(default_factory=dict)
    measured_images: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, dict[str, Times]] = field(default_factory=dict)
    side_by_side: dict[str, dict[str, Times]] = field(default_factory=dict)
    sizes: dict[int, Times] = field(default_factory=dict)
    gigaflops: dict[str, dict[int, Times]] = field(default_factory=dict)
    ratio: dict[str, float] = field(default_factory=dict)
    of_bound: dict[str, dict[str, float]] = field(default_factory=dict)
    side_by_side_ratio: dict[str, float] = field(default_factory=dict)
    memory_growth_mib: float | None = None
    notes: dict[str, str] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)


def measure(
    *, quick: bool, threads: int | None = None, on_turn: Callable[[str], None]
) -> Benchmark:
    """Measure how fast training is on this machine.

    Args:
        quick: three turns of small parts of an epoch, scaled up, instead of five of whole epochs or
            large parts.
        threads: CPU threads; ``None`` is one per core. Runs side by side always have one each.
        on_turn: called with what is measured next.
    """
    extent, dataset, result = QUICK if quick else WHOLE, load_dataset(), Benchmark()
    with torch_threads(threads) as used:
        speeds = _Speeds(used)
        for name in extent.images:
            _measure_model(built_in(name), extent, speeds, result, on_turn)
        result.gigaflops = speeds.summary()
        _measure_sizes(dataset, extent, result, on_turn)
        _measure_memory(dataset, extent, result, on_turn)
        kernels = Ours(built_in("lenet5"), dataset, 256).kernels
        result.environment = describe_environment("cpu", used, kernels).model_dump()
    for name in extent.parallel:
        images = extent.images[name]
        with pairs(name, images) as ways:
            times = in_turns(
                ways, extent.repetitions, partial(_tell, on_turn, f"{name} side by side")
            )
        result.side_by_side[name] = {
            way: time.scaled(result.images[name] / images) for way, time in times.items()
        }
        result.side_by_side_ratio[name] = times["eager"].median / times["ours"].median
    return result


class _Speeds:
    """The processor's, which take turns with every recipe's ways of training."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        counts = dict.fromkeys([1, threads])
        runs: dict[tuple[str, int], Product | Peak] = {
            (GEMM, count): Product(count) for count in counts
        }
        # Without the native kernels nothing is compared with it.
        with contextlib.suppress(KernelError):
            runs |= {(PEAK, count): Peak(count) for count in counts}
        self._names = {f"{what} on {_threads(count)}": (what, count) for what, count in runs}
        self.ways = {name: runs[key] for name, key in self._names.items()}
        self._seconds: dict[str, list[float]] = {name: [] for name in self.ways}

    def take(self, measured: dict[str, list[float]]) -> dict[str, Times]:
        """Keep the turns of one recipe, and return the seconds of each on all threads."""
        for name, seconds in self._seconds.items():
            seconds += measured[name]
        return {
            what: Times.of(measured[name])
            for name, (what, count) in self._names.items()
            if count == self.threads
        }

    def summary(self) -> dict[str, dict[int, Times]]:
        found: dict[str, dict[int, Times]] = {}
        for name, (what, count) in self._names.items():
            speeds = [Product.flops / seconds / 1e9 for seconds in self._seconds[name]]
            found.setdefault(what, {})[count] = Times.of(speeds)
        return found


def _measure_model(
    recipe: Recipe,
    extent: Extent,
    speeds: _Speeds,
    result: Benchmark,
    on_turn: Callable[[str], None],
) -> None:
    name, images = recipe.name, extent.images[recipe.name]
    dataset, epoch = images_for(recipe, images), EPOCHS[recipe.data]
    ours = Ours(recipe, dataset, images)
    ways: dict[str, Callable[[], float | None]] = {OURS: ours}
    for layout, form in _LAYOUTS.items():
        ways[PYTORCH + layout] = Eager(recipe, dataset, images, form)
    if name == "lenet5":
        ways["PyTorch DataLoader"] = Loader(recipe, dataset, images)
        ways[COURSE] = Course(recipe, dataset, extent.course_images)
    measured = every_turn(ways | speeds.ways, extent.repetitions, partial(_tell, on_turn, name))
    times = {
        way: Times.of(measured[way]).scaled(
            epoch / (extent.course_images if way == COURSE else images)
        )
        for way in ways
    }
    ours_median = times[OURS].median
    limits = speeds.take(measured)
    if ours.flops:
        bounds = {
            what: time.scaled(epoch * ours.flops / Product.flops) for what, time in limits.items()
        }
        times |= {BOUNDS[what]: time for what, time in bounds.items()}
        result.of_bound[name] = {what: ours_median / time.median for what, time in bounds.items()}
    result.images[name], result.measured_images[name] = epoch, images
    result.seconds[name] = times
    plain = min(times[PYTORCH + layout].median for layout in _LAYOUTS)
    result.ratio[name] = plain / ours_median
    if dataset.note:
        result.notes[name] = dataset.note


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
    run = Ours(built_in("custom_mlp"), dataset, EPOCHS["mnist"])
    run()
    before = _peak_mib()
    for _ in range(extent.epochs_for_memory):
        run()
    after = _peak_mib()
    result.memory_growth_mib = None if before is None or after is None else round(after - before, 1)


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def _tell(on_turn: Callable[[str], None], what: str, way: str) -> None:
    on_turn(f"{what}: {way}")


def _peak_mib() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
