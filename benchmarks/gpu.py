"""Training on a GPU, captured as a CUDA graph or not, beside the same machine's processor.

``python -m benchmarks.gpu --json results/gpu/summary.json`` made the record, where there is a GPU.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from benchmarks.command import command
from mnistlab import built_in, load_dataset, train
from mnistlab.errors import RunError
from mnistlab.recipe import Recipe
from mnistlab.runs import describe_environment
from mnistlab.text import counted
from mnistlab.training import backend
from mnistlab.training.device import choose_device, describe_device

RECIPES = (
    *(built_in(name).replace(epochs=3) for name in ("lenet5", "custom_mlp", "best62k")),
    Recipe(
        name="lenet5_adamw",
        optimizer="adamw",
        schedule="onecycle",
        averaging=0.99,
        clip_norm=1.0,
        label_smoothing=0.1,
        epochs=2,
    ),
)
THREADS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Row:
    """The last epoch of a short run.

    Attributes:
        recipe: its name.
        way: ``graph``, ``eager``, or the CPU and its threads.
        images_per_second: trained on.
        test_accuracy: from 0 to 1.
        train_loss: mean of the epoch's batches, in nats.
    """

    recipe: str
    way: str
    images_per_second: float
    test_accuracy: float
    train_loss: float


@dataclass(frozen=True)
class GpuSpeed:
    """What was measured.

    Attributes:
        rows: by recipe and way.
        gpu: its product name.
        processor: and how many cores it has.
        torch: version of PyTorch.
    """

    rows: list[Row]
    gpu: str
    processor: str
    torch: str


@contextmanager
def eager() -> Iterator[None]:
    """Train without a CUDA graph."""
    with patch.object(backend, "why_not_captured", lambda _: "measured without"):
        yield


def last_epoch(recipe: Recipe, way: str, **options: Any) -> Row:
    """Train on MNIST and return the last epoch."""
    trained = train(recipe, load_dataset("mnist"), **options)
    if trained is None:
        raise RunError("stopped, though nobody asked for it")
    last = trained.record.history[-1]
    return Row(recipe.name, way, last.images_per_second, last.test_accuracy, last.train_loss)


def measure(*, quick: bool, on_turn: Callable[[str], None]) -> GpuSpeed:
    """Measure training on this machine's GPU and processor.

    Raises:
        DeviceError: there is no CUDA device.
    """
    gpu = describe_device(choose_device("cuda"))
    rows = []
    for threads in THREADS[:1] if quick else THREADS:
        way = f"CPU, {counted(threads, 'thread')}"
        on_turn(f"lenet5 on the {way}")
        rows.append(last_epoch(RECIPES[0], way, device="cpu", threads=threads, epochs=2))
    for recipe in RECIPES[:1] if quick else RECIPES:
        on_turn(f"{recipe.name} on the GPU")
        rows.append(last_epoch(recipe, "graph", device="cuda"))
        with eager():
            rows.append(last_epoch(recipe, "eager", device="cuda"))
    machine = describe_environment(gpu, max(THREADS), "auto")
    processor = f"{machine.processor}, {machine.cores} cores"
    return GpuSpeed(rows, gpu, processor, machine.versions["torch"])


def lines(speed: GpuSpeed) -> Iterator[str]:
    """Yield a line for each run."""
    for row in speed.rows:
        yield (
            f"{row.recipe:<12}  {row.way:<15} {row.images_per_second:>9,.0f} images/s,"
            f" test {row.test_accuracy:.2%}, training loss {row.train_loss:.6f}"
        )
    yield f"{speed.gpu}; {speed.processor}; PyTorch {speed.torch}"


main = command("gpu", measure, lines)

if __name__ == "__main__":
    main()
