"""Agreement: a plan is compared with PyTorch once, before it is used.

A model's ``forward`` can do things that tracing does not show, such as turning gradients off. A few
random images reveal them, since the results then differ by far more than rounding.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.epoch import AugmentationParams, EpochBatches
from mnistlab.kernels.plan import Plan

_IMAGES = 20
_TOLERANCE = 0.05
"""Relative; where pooling has near ties, a few gradients may go to another pixel."""


def make_plan(
    model: nn.Module,
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    mean: float | Sequence[float],
    std: float | Sequence[float],
) -> Plan:
    """Make a plan of a model, and compare it with PyTorch on random images.

    The model, its gradients and the random states are left unchanged.

    Args:
        model: see :func:`mnistlab.kernels.trace.trace`.
        image_shape: ``(channels, height, width)``.
        classes: number of logits.
        mean: subtracted from pixels in 0..1: one number, or one for each channel.
        std: divides them then; as ``mean``.

    Raises:
        KernelError: as :class:`Plan` does, and if the results differ.
    """
    _require_agreement(Plan(model, image_shape, classes, mean=mean, std=std, dropout=False), model)
    return Plan(model, image_shape, classes, mean=mean, std=std)


def _require_agreement(plan: Plan, model: nn.Module) -> None:
    with _unchanged(model), _without_dropout(model):
        random = torch.Generator().manual_seed(0)
        images = torch.randint(
            0, 256, (_IMAGES, *plan.image_shape), dtype=torch.uint8, generator=random
        )
        labels = torch.arange(_IMAGES) % plan.classes
        pixels = plan.normalise(images)
        model.eval()
        with torch.no_grad():
            logits = model(pixels)
        if not logits.isfinite().all():
            return
        same = _near(plan.logits(images), logits, logits.norm().item())
        model.train()
        with torch.enable_grad():
            functional.cross_entropy(model(pixels), labels).backward()  # type: ignore[no-untyped-call]
        expected = [_gradient(parameter) for parameter in model.parameters()]
        model.zero_grad()
        plan.train(_one_batch(images, labels), 0, 1, None)
        found = [_gradient(parameter) for parameter in model.parameters()]
        whole = torch.stack([gradient.norm() for gradient in expected]).norm().item()
        if not math.isfinite(whole):
            return
        if not same or not all(_near(*pair, whole) for pair in zip(found, expected, strict=True)):
            raise KernelError("its results differ from PyTorch's")


def _near(found: Tensor, expected: Tensor, whole: float) -> bool:
    """Return whether they differ by little, relative to ``expected`` or to the whole."""
    difference = (found - expected).norm().item()
    return bool(difference <= _TOLERANCE * expected.norm().item() + 1e-4 * whole + 1e-9)


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()


def _one_batch(images: Tensor, labels: Tensor) -> EpochBatches:
    return EpochBatches(
        images=images,
        labels=labels,
        order=torch.arange(_IMAGES),
        bounds=torch.tensor([0, _IMAGES]),
        augmentation=AugmentationParams(),
        rates=torch.zeros(1, dtype=torch.float64),
        dropout_seeds=torch.zeros(1, dtype=torch.int64),
        losses=torch.zeros(1),
        correct=torch.zeros(1, dtype=torch.int32),
    )


@contextlib.contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    state = {name: value.clone() for name, value in model.state_dict().items()}
    gradients = [parameter.grad for parameter in model.parameters()]
    modes = {module: module.training for module in model.modules()}
    try:
        with torch.random.fork_rng(devices=[]):
            for parameter in model.parameters():
                parameter.grad = None
            yield
    finally:
        model.load_state_dict(state)
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
        for module, mode in modes.items():
            module.training = mode


@contextlib.contextmanager
def _without_dropout(model: nn.Module) -> Iterator[None]:
    shares = {module: module.p for module in model.modules() if isinstance(module, nn.Dropout)}
    try:
        for module in shares:
            module.p = 0.0
        yield
    finally:
        for module, share in shares.items():
            module.p = share
