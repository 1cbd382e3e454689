"""Sprint: how soon a network trained from random weights reads MNIST's test digits, compared with
one epoch in PyTorch.

``python -m benchmarks.sprint --json results/sprint99/summary.json`` made the record.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.command import command
from mnistlab.benchmark.contenders import CPU, Eager
from mnistlab.benchmark.timing import Times
from mnistlab.data import Dataset, load_dataset
from mnistlab.recipe import Recipe, built_in
from mnistlab.runs import describe_environment
from mnistlab.runs.options import ignore, never
from mnistlab.statistics.interval import mean_interval
from mnistlab.training.device import torch_threads
from mnistlab.training.trainer import Trainer

_RECIPE, _MEASURE = "sprint99", "lenet5"
_SEEDS, _QUICK_SEEDS = 20, 3


@dataclass(frozen=True)
class Sprint:
    """What was measured.

    Attributes:
        recipe: what ran.
        parameters: of its network.
        accuracies: by seed, share of the 10,000 test images classified correctly after the last
            epoch, 0 to 1.
        mean: of them.
        std: their sample standard deviation.
        interval: 95 % Student's t interval of the mean.
        runs: seconds by seed, from drawing the random weights to the last step.
        seconds: their median, the shortest and the longest.
        epoch: seconds of an eager PyTorch epoch of ``lenet5``, one between every two runs.
        ratio: the runs' median divided by the epochs'.
        environment: versions and hardware.
    """

    recipe: dict[str, Any]
    parameters: int
    accuracies: dict[int, float]
    mean: float
    std: float
    interval: tuple[float, float] | None
    runs: dict[int, float]
    seconds: Times
    epoch: Times
    ratio: float
    environment: dict[str, Any]


def measure_sprint(*, quick: bool, on_turn: Callable[[str], None]) -> Sprint:
    """Train ``sprint99`` over many seeds, with an eager epoch of ``lenet5`` between every two.

    The images are in memory before the clock starts. Drawing the weights, every augmentation and
    every step count; the test does not. Only the eager epoch is warmed up: its first turn does not
    count. Both use one thread per core.

    Args:
        quick: three seeds instead of twenty.
        on_turn: called with what is measured next.
    """
    recipe, dataset = built_in(_RECIPE), load_dataset()
    accuracies: dict[int, float] = {}
    runs: dict[int, float] = {}
    epochs = []
    with torch_threads(None) as used:
        eager = Eager(built_in(_MEASURE), dataset, len(dataset.train), torch.contiguous_format)
        on_turn("PyTorch, warming up")
        eager()
        for seed in range(_QUICK_SEEDS if quick else _SEEDS):
            on_turn(f"{_RECIPE}, seed {seed}")
            runs[seed], trainer = _run(recipe, dataset, seed)
            accuracies[seed] = trainer.history[-1].test_accuracy
            on_turn("an eager epoch")
            began = time.perf_counter()
            eager()
            epochs.append(time.perf_counter() - began)
    interval = mean_interval(np.array([*accuracies.values()]))
    seconds, epoch = (_times(list(found)) for found in (runs.values(), epochs))
    return Sprint(
        recipe=recipe.model_dump(mode="json"),
        parameters=trainer.parameters,
        accuracies=accuracies,
        mean=statistics.mean(accuracies.values()),
        std=statistics.stdev(accuracies.values()),
        interval=(interval.low, interval.high) if interval else None,
        runs={seed: round(spent, 4) for seed, spent in runs.items()},
        seconds=seconds,
        epoch=epoch,
        ratio=seconds.median / epoch.median,
        environment=describe_environment("cpu", used, trainer.backend.kernels).model_dump(),
    )


def _run(recipe: Recipe, dataset: Dataset, seed: int) -> tuple[float, Trainer]:
    """Return seconds from before the weights are drawn to after the last step, and what was
    trained.
    """
    began = time.perf_counter()
    trainer = Trainer(recipe, dataset, seed, CPU)
    made = time.perf_counter() - began
    trainer.run(ignore, never)
    return made + sum(epoch.train_seconds for epoch in trainer.history), trainer


def _times(seconds: list[float]) -> Times:
    return Times(statistics.median(seconds), min(seconds), max(seconds))


def _lines(result: Sprint) -> Iterator[str]:
    shares, span = result.accuracies.values(), ""
    if result.interval:
        low, high = (100 * end for end in result.interval)
        span = f"95 % interval {low:.2f} to {high:.2f}; "
    yield (
        f"{_RECIPE}: {100 * result.mean:.2f} % of test images on average over {len(shares)} seeds"
        f" ({span}single runs {100 * min(shares):.2f} to {100 * max(shares):.2f}),"
        f" {result.parameters:,} parameters"
    )
    for what, times in (
        ("a run, from random weights", result.seconds),
        (f"an eager epoch of {_MEASURE}", result.epoch),
    ):
        yield f"  {what:<28}{times.median:6.2f} s  ({times.low:.2f} to {times.high:.2f})"
    yield f"  ratio {result.ratio:.2f}"


main = command("sprint", measure_sprint, _lines)

if __name__ == "__main__":
    main()
