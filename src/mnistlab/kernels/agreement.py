"""Agreement: a plan is compared with PyTorch once, before it is used.

A model's ``forward`` can do things that a recording does not show. A few random images reveal them,
since the results then differ by far more than rounding.
"""

import contextlib
import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from mnistlab.errors import KernelError
from mnistlab.kernels.advantage import why_slower
from mnistlab.kernels.batch_sizes import refuse_other_calls
from mnistlab.kernels.epoch import AugmentationParams, EpochBatches
from mnistlab.kernels.plan import Plan

_IMAGES = 20
_TOLERANCE = 0.05
"""Relative; where pooling has near ties, a few gradients may go to another pixel."""
_ROUNDING = 2.0
"""Times PyTorch's own distance from float64, which may be larger than the tolerance."""


def make_plan(
    model: nn.Module,
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    mean: float | Sequence[float],
    std: float | Sequence[float],
    images: int = 3,
) -> Plan:
    """Make a plan of a model, and compare it with PyTorch on random images.

    The model, its gradients and the random states are left unchanged.

    Args:
        model: see :func:`mnistlab.kernels.trace.trace`.
        image_shape: ``(channels, height, width)``.
        classes: number of logits.
        mean: subtracted from pixels in 0..1: one number, or one for each channel.
        std: divides them then; as ``mean``.
        images: at most so many at once would PyTorch give to the model; it is tried with 3 anyway.

    Raises:
        KernelError: as :class:`Plan` does, if PyTorch is faster, and if the results differ.
    """
    plan = Plan(model, image_shape, classes, mean=mean, std=std, dropout=False)
    if reason := why_slower(plan.graph):
        raise KernelError(reason)
    refuse_other_calls(model, image_shape, images)
    _require_agreement(plan, model)
    return Plan(model, image_shape, classes, mean=mean, std=std)


@dataclass(frozen=True)
class _Results:
    """What a model gives for a few images."""

    outputs: Tensor
    gradients: list[Tensor]


def _require_agreement(plan: Plan, model: nn.Module) -> None:
    with _unchanged(model):
        random = torch.Generator().manual_seed(0)
        images = torch.randint(
            0, 256, (_IMAGES, *plan.image_shape), dtype=torch.uint8, generator=random
        )
        pixels = plan.normalise(images)
        rounded = _run(model, pixels)
        labels = torch.arange(rounded.outputs[:, 0].numel()) % plan.classes
        labels = labels.view(rounded.outputs[:, 0].shape)
        rounded = _run(model, pixels, labels)
        exact = _run_exactly(model, pixels, labels) or rounded
        found_outputs = plan.logits(images)
        model.train()
        plan.train(_one_batch(images, labels), 0, 1, None)
        found = [_gradient(parameter) for parameter in model.parameters()]
        whole = torch.stack([gradient.norm() for gradient in exact.gradients]).norm().item()
        if not math.isfinite(whole) or not exact.outputs.isfinite().all():
            return
        same = _near(found_outputs, rounded.outputs, exact.outputs, 0.0) and all(
            _near(*gradients, whole)
            for gradients in zip(found, rounded.gradients, exact.gradients, strict=True)
        )
        if not same:
            raise KernelError("its results differ from PyTorch's")


def _run(model: nn.Module, pixels: Tensor, labels: Tensor | None = None) -> _Results:
    """Return outputs in evaluation, and gradients as in training, but without dropout."""
    model.eval()
    with torch.no_grad():
        outputs = model(pixels)
    if labels is None:
        return _Results(outputs, [])
    model.zero_grad()
    with torch.enable_grad(), _BatchStatistics():
        functional.cross_entropy(model(pixels), labels).backward()  # type: ignore[no-untyped-call]
    gradients = [_gradient(parameter) for parameter in model.parameters()]
    model.zero_grad()
    return _Results(outputs, gradients)


def _run_exactly(model: nn.Module, pixels: Tensor, labels: Tensor) -> _Results | None:
    """Return what a model gives in float64; nothing if it only works in float32."""
    try:
        with _DoublePrecision():
            return _run(copy.deepcopy(model).double(), pixels.double(), labels)
    except Exception:  # of the user's code
        return None


class _BatchStatistics(TorchFunctionMode):
    """Lets batch norm use the batch's statistics in a model that is in evaluation mode."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function is functional.batch_norm:
            kwargs |= dict(zip(_BATCH_NORM, args, strict=False)) | {"training": True}
            args = ()
        return function(*args, **kwargs)


class _DoublePrecision(TorchFunctionMode):
    """Gives float64 wherever a model asks for float32, as ``x.float()`` does."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if function is Tensor.float:
            function = Tensor.double
        args = tuple(torch.float64 if value is torch.float32 else value for value in args)
        kwargs = {
            name: torch.float64 if value is torch.float32 else value
            for name, value in (kwargs or {}).items()
        }
        return function(*args, **kwargs)


_BATCH_NORM = (
    "input",
    "running_mean",
    "running_var",
    "weight",
    "bias",
    "training",
    "momentum",
    "eps",
)


def _near(found: Tensor, rounded: Tensor, exact: Tensor, whole: float) -> bool:
    """Return whether ``found`` is as near to ``exact`` as can be expected: by little relative to it
    or to the whole, or not much further than PyTorch's own result.
    """
    distance = (found.double() - exact).norm().item()
    usual = (rounded.double() - exact).norm().item()
    allowed = _TOLERANCE * exact.norm().item() + 1e-4 * whole + 1e-9
    return bool(distance <= max(allowed, _ROUNDING * usual))


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
