"""Loops: training in loops that are not this package's, on the native kernels and on PyTorch.

``python -m benchmarks.loops --json results/loops/summary.json`` made the record.
"""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.command import command
from mnistlab import accelerate, built_in
from mnistlab.benchmark.contenders import CPU, step
from mnistlab.benchmark.timing import Times, in_turns
from mnistlab.kernels import load_library
from mnistlab.models import build_model
from mnistlab.runs import describe_environment
from mnistlab.training.device import torch_threads
from mnistlab.training.randomness import fork_rng, seed_global

_BATCH, _SHAPE, _CLASSES = 128, (1, 32, 32), 10
_IMAGES, _QUICK_IMAGES = 128 * 64, 128 * 16
_TURNS, _QUICK_TURNS = 9, 3

Change = Callable[[nn.Module], Any]


@dataclass(frozen=True)
class Loops:
    """What was measured.

    Attributes:
        images: of an epoch, in batches of 128.
        seconds: of an epoch of LeNet-5, by loop and way.
        ratio: by loop and way, PyTorch's median divided by this way's.
        environment: versions and hardware.
    """

    images: int
    seconds: dict[str, dict[str, Times]]
    ratio: dict[str, dict[str, float]]
    environment: dict[str, Any]


def measure_loops(*, quick: bool, on_turn: Callable[[str], None]) -> Loops:
    """Train LeNet-5 in a bare loop, in PyTorch Lightning and in skorch.

    In each loop all ways take turns. Compiling, and the epoch before the first that counts, are
    not timed.

    Args:
        quick: three turns of a quarter of the images instead of nine.
        on_turn: called with what is measured next.
    """
    images, turns = (_QUICK_IMAGES, _QUICK_TURNS) if quick else (_IMAGES, _TURNS)
    random = torch.Generator().manual_seed(0)
    pixels = torch.randn(images, *_SHAPE, generator=random)
    labels = torch.randint(0, _CLASSES, (images,), generator=random)
    seconds = {}
    with torch_threads(None) as used, fork_rng(CPU), _quiet():
        for loop, make in _LOOPS.items():
            ways = {way: make(change, pixels, labels) for way, change in _WAYS.items()}
            seconds[loop] = in_turns(ways, turns, partial(_tell, on_turn, loop))
        environment = describe_environment("cpu", used, load_library().build).model_dump()
    ratio = {
        loop: {way: times["PyTorch"].median / time.median for way, time in times.items()}
        for loop, times in seconds.items()
    }
    return Loops(images, seconds, ratio, environment)


_WAYS: dict[str, Change] = {
    "PyTorch": lambda model: model,
    "accelerate": accelerate,
    "torch.compile": partial(torch.compile, backend="mnistlab"),
}


def _build(change: Change) -> nn.Module:
    seed_global(0, CPU)
    model: nn.Module = change(build_model(built_in("lenet5"), _SHAPE, _CLASSES))
    return model


class _Bare:
    """Batches by indexing, a loss, a backward pass and a step."""

    def __init__(self, change: Change, pixels: Tensor, labels: Tensor) -> None:
        self._model, self._pixels, self._labels = _build(change), pixels, labels
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=0.01, momentum=0.9)

    def __call__(self) -> None:
        for chosen in torch.split(torch.arange(len(self._pixels)), _BATCH):
            step(self._model, self._optimizer, self._pixels[chosen], self._labels[chosen])


class _Lightning:
    def __init__(self, change: Change, pixels: Tensor, labels: Tensor) -> None:
        import pytorch_lightning as lightning

        class Classifier(lightning.LightningModule):  # type: ignore[misc, unused-ignore]
            def __init__(self) -> None:
                super().__init__()
                self.net = _build(change)

            def training_step(self, batch: list[Tensor], _: int) -> Tensor:
                return functional.cross_entropy(self.net(batch[0]), batch[1])

            def configure_optimizers(self) -> torch.optim.Optimizer:
                return torch.optim.SGD(self.parameters(), lr=0.01, momentum=0.9)

        self._model, self._lightning = Classifier(), lightning
        self._batches: DataLoader[Any] = DataLoader(TensorDataset(pixels, labels), _BATCH)

    def __call__(self) -> None:
        trainer = self._lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(self._model, self._batches)


class _Skorch:
    def __init__(self, change: Change, pixels: Tensor, labels: Tensor) -> None:
        import skorch

        self._net = skorch.NeuralNetClassifier(
            partial(_build, change),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.SGD,
            optimizer__momentum=0.9,
            batch_size=_BATCH,
            train_split=None,
            max_epochs=1,
            verbose=0,
        )
        self._net.initialize()
        self._data = pixels.numpy(), labels.numpy()

    def __call__(self) -> None:
        self._net.partial_fit(*self._data)


_LOOPS: dict[str, Callable[[Change, Tensor, Tensor], Callable[[], None]]] = {
    "bare": _Bare,
    "Lightning": _Lightning,
    "skorch": _Skorch,
}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's advice."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(num_workers|litlogger|many workers|LeafSpec)")
        yield


def _tell(on_turn: Callable[[str], None], loop: str, way: str) -> None:
    on_turn(f"{loop}: {way}")


def _lines(result: Loops) -> Iterator[str]:
    for loop, times in result.seconds.items():
        for way, time in times.items():
            yield (
                f"{loop:10} {way:14} {time.median:6.3f} s an epoch ({time.low:.3f} to"
                f" {time.high:.3f}), {result.ratio[loop][way]:.2f} times as fast as PyTorch"
            )


main = command("loops", measure_loops, _lines)

if __name__ == "__main__":
    main()
