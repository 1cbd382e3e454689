"""Training of the detector on an endless stream of rendered crops."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from mnistlab.acceleration import accelerate
from mnistlab.detector.loss import Batch, losses
from mnistlab.detector.network import CLASSES, MIDDLE, Detector, prepare
from mnistlab.detector.targets import make_target
from mnistlab.rendering.character_bank import CharacterBank
from mnistlab.rendering.crops import SIDE, render_crops
from mnistlab.runs.atomic import write_atomically

PAGES, VIEWS = 16, 2
"""Pages of a batch, and photographs of each."""
RATE, WARM_UP, DECAY = 2e-3, 500, 0.15
"""Learning rate, steps until it is reached, and share of the steps in which it falls to zero."""
AVERAGING = 0.999
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
    average = {name: value.clone() for name, value in net.state_dict().items()}
    detector = accelerate(net)
    # Kernels are made at the first call, which PyTorch computes: not one of the run's.
    detector(torch.zeros(2, 1, SIDE, SIDE))
    net.load_state_dict(average)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-3, foreach=True)
    sums = torch.zeros(6)
    first = _restore(folder, net, optimizer, average, sums)
    loader = torch.utils.data.DataLoader(
        Crops(bank, seed, first, steps),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=8 if workers else None,
    )
    began = time.perf_counter()
    for step, batch in enumerate(loader, first):
        for group in optimizer.param_groups:
            group["lr"] = rate * _schedule(step, steps, decay)
        out = detector(prepare(batch.images))
        parts = losses(out, batch)
        optimizer.zero_grad(set_to_none=True)
        sum(parts).backward()  # type: ignore[union-attr]
        torch.nn.utils.clip_grad_norm_(net.parameters(), _CLIP)
        optimizer.step()
        _follow(average, net, min(AVERAGING, (step + 1) / (step + 10)))
        scores = _scores(out.detach(), batch)
        sums += torch.tensor([*(float(part.detach()) for part in parts), *scores])
        if (step + 1) % 100 == 0:
            report(Progress(step + 1, time.perf_counter() - began, *(sums / 100).tolist()))
            sums.zero_()
        if (step + 1) % SAVED_EVERY == 0 or step + 1 == steps:
            _save(folder, net, optimizer, average, sums, step + 1)
        after_step(step + 1)
        if should_stop() and step + 1 < steps:
            _save(folder, net, optimizer, average, sums, step + 1)
            return None
    net.load_state_dict(average)
    net.eval()
    return net


def _schedule(step: int, steps: int, decay: float) -> float:
    left = (steps - step) / max(decay * steps, 1)
    return min(1.0, (step + 1) / WARM_UP) * (math.sin(math.pi / 2 * left) ** 2 if left < 1 else 1)


@torch.no_grad()
def _follow(average: dict[str, Tensor], net: nn.Module, share: float) -> None:
    state = net.state_dict()
    for name, value in average.items():
        if value.is_floating_point():
            value.lerp_(state[name], 1 - share)


def _scores(out: Tensor, batch: Batch) -> tuple[float, float]:
    peak = batch.middle == 1
    count = max(int(peak.sum()), 1)
    found = float((out[:, MIDDLE][peak] > 0).sum()) / count
    rows = out.permute(0, 2, 3, 1)[peak][:, CLASSES:]
    return found, float((rows.argmax(1) == batch.kind[peak]).sum()) / count


def _save(
    folder: Path,
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: dict[str, Tensor],
    sums: Tensor,
    step: int,
) -> None:
    state = {f"net.{name}": value for name, value in net.state_dict().items()}
    state |= {f"average.{name}": value for name, value in average.items()} | {"sums": sums}
    for index, held in optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{index}.{name}": value for name, value in held.items()}
    write_atomically(folder / STATE, save(state, {"step": str(step)}))


def _restore(
    folder: Path,
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: dict[str, Tensor],
    sums: Tensor,
) -> int:
    """Load a run's state, if there is one; return its step."""
    file = folder / STATE
    if not file.exists():
        return 0
    state = load(file.read_bytes())
    sums.copy_(state.get("sums", sums))
    net.load_state_dict(_under(state, "net."))
    for name, value in _under(state, "average.").items():
        average[name].copy_(value)
    held: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(state, "optimizer.").items():
        index, part = name.split(".")
        held.setdefault(int(index), {})[part] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": held})
    return int(held[0]["step"])


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }
