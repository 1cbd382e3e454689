"""Training of the classifier on cut-outs: what each shows, and how far its box's edges are off."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor
from torch.nn import functional

from mnistlab.acceleration import accelerate
from mnistlab.detector.classifier import CLASSES, SIDE, VIEWS, Classifier
from mnistlab.detector.cut_outs import CutOuts
from mnistlab.detector.network import prepare
from mnistlab.detector.state import State
from mnistlab.runs import EpochMetrics
from mnistlab.training.randomness import derive_seed

RATE, WARM_UP = 2e-3, 0.05
"""The highest learning rate, and the share of the steps until it is reached; then it falls as a
half cosine."""
BATCH = 512
SAVED_EVERY = 500
"""Steps."""
_SMOOTHING = 0.02
_OFF, _BOXES = 0.12, 1.0
"""How far edges usually are off, in sides of the box: smaller errors of that count squared, larger
ones as they are. And the weight of boxes beside names."""
_AT_ONCE = 4096
_History = TypeAdapter(list[EpochMetrics])


def classifier_loss(out: Tensor, kinds: Tensor, offsets: Tensor) -> Tensor:
    """Return the loss of a batch: cross-entropy of the names, and of the boxes the smooth L1 loss
    of Fast R-CNN (Girshick, 2015, arXiv:1504.08083).

    Args:
        out: float32, ``(n, 25)``, of the network.
        kinds: int64, ``(n,)``, as :class:`.CutOuts` has them.
        offsets: float32, ``(n, 4)``, likewise; NaN where there is none to be learnt.
    """
    named = functional.cross_entropy(out[:, :CLASSES], kinds, label_smoothing=_SMOOTHING)
    known = ~offsets.isnan().any(1)
    off = functional.smooth_l1_loss(
        out[:, CLASSES:], offsets.nan_to_num(), reduction="none", beta=_OFF
    ).mean(1)
    return named + _BOXES / _OFF * (off * known).sum() / known.sum().clamp(min=1)


def train_classifier(  # noqa: PLR0913 - all that may be said of a run
    net: Classifier,
    file: Path,
    shown: CutOuts,
    held_out: CutOuts,
    *,
    epochs: int,
    seed: int = 0,
    rate: float = RATE,
    device: torch.device | None = None,
    report: Callable[[EpochMetrics], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[EpochMetrics] | None:
    """Train a classifier, or go on where it was interrupted.

    Args:
        net: with its first weights; at the end with the averaged ones, in evaluation mode.
        file: keeps the state.
        shown: to train on.
        held_out: to measure on after each epoch.
        epochs: how often each cut-out is shown.
        seed: of the order and of dropout.
        rate: the highest learning rate.
        device: to train on; ``None`` is the CPU.
        report: called after each epoch.
        should_stop: asked after each step; if true, the state is kept for another time.

    Returns:
        What was measured; ``None`` if it was stopped.
    """
    device = device or torch.device("cpu")
    state = State(net.to(device).train(), rate=rate, weight_decay=1e-2, sums=3)
    run: Callable[[Tensor], Tensor] = net
    if device.type == "cpu":
        run = accelerate(net)
        # Kernels are made at the first call, which PyTorch computes: not one of the run's.
        run(torch.zeros(2, VIEWS, SIDE, SIDE))
        net.load_state_dict(state.average)
    state.restore(file)
    history = _History.validate_json(state.notes or "[]")
    images, kinds, offsets = (
        torch.from_numpy(part).to(device) for part in (shown.images, shown.kinds, shown.offsets)
    )
    batch = min(BATCH, len(kinds))
    of_epoch = len(kinds) // batch
    order, ordered = torch.empty(0), -1
    began = time.perf_counter()
    while state.step < epochs * of_epoch:
        epoch, at = divmod(state.step, of_epoch)
        if epoch != ordered:
            drawn = np.random.default_rng([seed, epoch]).permutation(len(kinds))
            order, ordered = torch.from_numpy(drawn).to(device), epoch
        rows = order[at * batch : (at + 1) * batch]
        torch.manual_seed(derive_seed(seed, "dropout", state.step))
        out = run(prepare(images[rows]))
        loss = classifier_loss(out, kinds[rows], offsets[rows])
        state.descend(loss, _schedule(state.step, epochs * of_epoch))
        right = (out.detach()[:, :CLASSES].argmax(1) == kinds[rows]).float().mean()
        state.sums[:2] += torch.stack([loss.detach(), right])
        stops = should_stop() and state.step < epochs * of_epoch
        if at + 1 == of_epoch or stops or state.step % SAVED_EVERY == 0:
            means = (state.sums[:2] / of_epoch).tolist()  # waits for the device
            state.sums[2] += time.perf_counter() - began
            began = time.perf_counter()
            if at + 1 == of_epoch:
                trained = float(state.sums[2])
                tested = Classifier()
                tested.load_state_dict(state.average)
                loss_there, right_there = measure(tested.to(device), held_out)
                done = EpochMetrics(
                    epoch=epoch + 1,
                    train_loss=means[0],
                    train_accuracy=means[1],
                    test_loss=loss_there,
                    test_accuracy=right_there,
                    train_seconds=trained,
                    test_seconds=time.perf_counter() - began,
                    images_per_second=batch * of_epoch / trained,
                )
                began = time.perf_counter()
                history.append(done)
                report(done)
                state.notes = _History.dump_json(history).decode()
                state.sums.zero_()
            state.save(file)
        if stops:
            return None
    net.load_state_dict(state.average)
    net.cpu().eval()
    return history


@torch.no_grad()
def measure(net: Classifier, held_out: CutOuts) -> tuple[float, float]:
    """Return the mean cross-entropy in nats and the share of names that are right, 0 to 1.

    Args:
        net: is put into evaluation mode.
        held_out: what it is shown.
    """
    place = next(net.eval().parameters()).device
    loss = right = 0.0
    for at in range(0, len(held_out.kinds), _AT_ONCE):
        images, kinds = (
            torch.from_numpy(part[at : at + _AT_ONCE]).to(place)
            for part in (held_out.images, held_out.kinds)
        )
        logits = net(prepare(images))[:, :CLASSES]
        loss += float(functional.cross_entropy(logits, kinds, reduction="sum"))
        right += float((logits.argmax(1) == kinds).sum())
    return loss / len(held_out.kinds), right / len(held_out.kinds)


def _schedule(step: int, steps: int) -> float:
    """Return the share of the learning rate."""
    warm = (step + 1) / max(WARM_UP * steps, 1)
    return min(1.0, warm) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
