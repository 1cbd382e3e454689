"""Training of the detector on an endless stream of rendered crops."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mnistlab.acceleration import accelerate
from mnistlab.detector.loss import Batch, losses
from mnistlab.detector.network import CLASSES, MIDDLE, Detector, prepare
from mnistlab.detector.state import State
from mnistlab.detector.targets import make_target
from mnistlab.rendering.character_bank import CharacterBank
from mnistlab.rendering.crops import SIDE, render_crops

PAGES, VIEWS = 16, 2
"""Pages of a batch, and photographs of each."""
RATE, WARM_UP, DECAY = 2e-3, 500, 0.15
"""Learning rate, steps until it is reached, and share of the steps in which it falls to zero."""
_CLIP = 5.0
SAVED_EVERY = 200
"""Steps."""
STATE = "state.safetensors"
"""The file of a run's state."""


class Progress(NamedTuple):
    """Means since the last one: losses, and the shares of characters found and named right."""

    step: int
    seconds: float
    middle: float
    kind: float
    box: float
    maps: float
    found: float
    named: float


class Crops(torch.utils.data.IterableDataset[Batch]):
    """Batches of rendered crops, the same in any number of worker processes."""

    def __init__(self, bank: CharacterBank, seed: int, first: int, last: int) -> None:
        self._bank, self._seed, self._first, self._last = bank, seed, first, last

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        torch.set_num_threads(1)
        start, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for number in range(self._first + start, self._last, step):
            yield self.batch(number)

    def batch(self, number: int) -> Batch:
        """Render one batch."""
        crops = [
            crop
            for page in range(number * PAGES, (number + 1) * PAGES)
            for crop in render_crops(self._seed, page, self._bank, VIEWS)
        ]
        targets = [make_target(crop) for crop in crops]
        images = torch.from_numpy(np.stack([crop.image for crop in crops]))[:, None]
        return Batch(
            images, *(torch.from_numpy(np.stack(part)) for part in zip(*targets, strict=True))
        )


def train(  # noqa: PLR0913 - all that may be said of a run
    folder: Path,
    bank: CharacterBank,
    *,
    steps: int,
    seed: int = 0,
    workers: int = 1,
    rate: float = RATE,
    decay: float = DECAY,
    start: Callable[[Detector], None] = lambda _: None,
    report: Callable[[Progress], None] = lambda _: None,
    after_step: Callable[[int], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Detector | None:
    """Train a detector, or go on where a run in ``folder`` was interrupted.

    Args:
        folder: keeps the run's state.
        bank: of training characters.
        steps: batches in all.
        seed: of the weights and the crops.
        workers: processes that render.
        rate: the highest learning rate.
        decay: share of the steps, at the end, in which the learning rate falls.
        start: called with the network before its first step, to give it other weights.
        report: called every hundred steps.
        after_step: called after each, with their number so far; what it raises ends the training.
        should_stop: asked after each; if true, the state is kept for another time.

    Returns:
        The network with its averaged weights, in evaluation mode; ``None`` if it was stopped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    net = Detector()
    start(net)
    state = State(net, rate=rate, weight_decay=1e-3, sums=6)
    detector = accelerate(net)
    # Kernels are made at the first call, which PyTorch computes: not one of the run's.
    detector(torch.zeros(2, 1, SIDE, SIDE))
    net.load_state_dict(state.average)
    state.restore(folder / STATE)
    loader = torch.utils.data.DataLoader(
        Crops(bank, seed, state.step, steps),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=8 if workers else None,
    )
    began = time.perf_counter()
    for step, batch in enumerate(loader, state.step):
        out = detector(prepare(batch.images))
        parts = losses(out, batch)
        state.descend(sum(parts), _schedule(step, steps, decay), _CLIP)  # type: ignore[arg-type]
        scores = _scores(out.detach(), batch)
        state.sums += torch.tensor([*(float(part.detach()) for part in parts), *scores])
        if (step + 1) % 100 == 0:
            means = (state.sums / 100).tolist()
            report(Progress(step + 1, time.perf_counter() - began, *means))
            state.sums.zero_()
        if (step + 1) % SAVED_EVERY == 0 or step + 1 == steps:
            state.save(folder / STATE)
        after_step(step + 1)
        if should_stop() and step + 1 < steps:
            state.save(folder / STATE)
            return None
    net.load_state_dict(state.average)
    net.eval()
    return net


def _schedule(step: int, steps: int, decay: float) -> float:
    left = (steps - step) / max(decay * steps, 1)
    return min(1.0, (step + 1) / WARM_UP) * (math.sin(math.pi / 2 * left) ** 2 if left < 1 else 1)


def _scores(out: Tensor, batch: Batch) -> tuple[float, float]:
    peak = batch.middle == 1
    count = max(int(peak.sum()), 1)
    found = float((out[:, MIDDLE][peak] > 0).sum()) / count
    rows = out.permute(0, 2, 3, 1)[peak][:, CLASSES:]
    return found, float((rows.argmax(1) == batch.kind[peak]).sum()) / count
