"""Throughput: how fast an experiment runs, compared with the same runs one after another in plain
PyTorch.

``python -m benchmarks.throughput --json results/throughput/summary.json`` made the record.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.command import command
from mnistlab.benchmark.timing import Times, in_turns
from mnistlab.errors import ExperimentError
from mnistlab.experiments import Executor, ExperimentOptions, InProcessExecutor, LocalExecutor
from mnistlab.experiments.experiment_runs import plan_trials, run_trials
from mnistlab.recipe import Recipe, built_in
from mnistlab.runs import RunOptions, RunStore, available_cores, describe_environment

_RECIPES, _SEEDS, _QUICK_IMAGES = ("lenet5", "custom_mlp"), range(2), 15_000
OURS, PLAIN = "side by side, native kernels", "one after another, plain PyTorch"


@dataclass(frozen=True)
class Throughput:
    """What was measured.

    Attributes:
        runs: trained in each turn.
        images: training images of each.
        seconds: by way, for all of them, from the start of the experiment to the last record.
        ratio: plain PyTorch's median time divided by ours.
        environment: versions and hardware.
    """

    runs: int
    images: int
    seconds: dict[str, Times]
    ratio: float
    environment: dict[str, Any]


def measure_throughput(*, quick: bool, on_turn: Callable[[str], None]) -> Throughput:
    """Train two seeds of ``lenet5`` and of ``custom_mlp`` for an epoch, both ways in turns.

    One way is what ``mnistlab compare`` does: a process a core, one thread each, with the fast
    layers. The other trains the same runs one after another in plain PyTorch on all cores. Both
    test every run and keep its files.

    Args:
        quick: a quarter of the training images and one counted turn; else all of them and three.
        on_turn: called with what is measured next.
    """
    cores = available_cores()
    limit = _QUICK_IMAGES if quick else 0
    recipes = [built_in(name).replace(epochs=1, train_limit=limit) for name in _RECIPES]
    ways = {
        OURS: lambda: _train(recipes, LocalExecutor(), RunOptions(threads=1)),
        PLAIN: lambda: _train(
            recipes, InProcessExecutor(), RunOptions(kernels="torch", threads=cores)
        ),
    }
    seconds = in_turns(ways, 1 if quick else 3, on_turn)
    return Throughput(
        runs=len(recipes) * len(_SEEDS),
        images=limit or 60_000,
        seconds=seconds,
        ratio=seconds[PLAIN].median / seconds[OURS].median,
        environment=describe_environment("cpu", cores, "auto").model_dump(),
    )


def _train(recipes: list[Recipe], executor: Executor, options: RunOptions) -> None:
    folder = Path(tempfile.mkdtemp(prefix="mnistlab-"))
    try:
        finished = run_trials(
            plan_trials(recipes, _SEEDS, RunStore(folder)),
            ExperimentOptions(folder, executor, run=options),
        )
    finally:
        shutil.rmtree(folder)
    if finished.errors:
        raise ExperimentError(finished.errors[0])


def _lines(result: Throughput) -> Iterator[str]:
    yield f"{result.runs} runs of one epoch of {result.images:,} images, seconds for all of them"
    for way, times in result.seconds.items():
        yield f"  {way:<34}{times.median:6.1f}  ({times.low:.1f} to {times.high:.1f})"
    yield f"  ratio {result.ratio:.2f}"


main = command("throughput", measure_throughput, _lines)

if __name__ == "__main__":
    main()
