"""Loss: what training minimises, one that PyTorch and the kernels share or a user's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.errors import ModelError, TrainingError
from mnistlab.models.user_model import user_errors, user_object
from mnistlab.recipe import Recipe, Source


def focal(logits: Tensor, shares: Tensor, gamma: float = 2.0) -> Tensor:
    """Return the focal loss (Lin et al., 2017, arXiv:1708.02002) of softmax probabilities.

    Args:
        logits: float32, ``(n, classes)``.
        shares: float32, ``(n, classes)``: of each class in the label, one-hot unless mixed.
        gamma: at least 0; 0 makes it cross-entropy.

    Returns:
        The mean over images.
    """
    logs = logits.log_softmax(dim=1)
    return -(shares * (1 - logs.exp()) ** gamma * logs).sum(dim=1).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
    "mse": functional.mse_loss,
    "focal": focal,
}
"""Of logits and the shares of classes in labels, one-hot unless mixed, as in the kernels."""


@dataclass(frozen=True)
class Loss:
    """The loss of a batch.

    Attributes:
        name: as the recipe has it.
        label_smoothing: of cross-entropy, 0 to below 1.
        weights: of cross-entropy's classes, float32, ``(classes,)``; ``None`` weighs all alike.
        function: of the user's own, instead of cross-entropy; or ``None``.
    """

    name: str = "cross_entropy"
    label_smoothing: float = 0.0
    weights: Tensor | None = None
    function: Callable[[Tensor, Tensor], Any] | None = None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return one number, to be differentiated.

        Args:
            logits: float32, ``(n, classes)``.
            targets: labels, int64 ``(n,)``, or distributions of mixed images, ``(n, classes)``.

        Raises:
            TrainingError: the user's function raised, or returned something else than one number.
        """
        if self.function is None and self.name == "cross_entropy":
            return functional.cross_entropy(
                logits, targets, weight=self.weights, label_smoothing=self.label_smoothing
            )
        if self.function is None:
            shares = targets
            if targets.dim() == 1:
                shares = functional.one_hot(targets, logits.shape[1]).to(logits.dtype)
            return LOSSES[self.name](logits, shares)
        with user_errors(self.name, "the loss"):
            loss = self.function(logits, targets)
        found = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
        if not isinstance(loss, Tensor) or loss.shape != () or not loss.is_floating_point():
            raise TrainingError(
                f"{self.name}: returned {found}; it must return one number as a tensor, such as"
                " the images' losses .mean()"
            )
        if not loss.requires_grad:
            raise TrainingError(
                f"{self.name}: its loss has no gradient; compute it from the logits with PyTorch's"
                " functions, without detach(), argmax() or item()"
            )
        return loss

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of the loss that a call returned."""
        with user_errors(self.name, "the gradient of the loss"):
            loss.backward()  # type: ignore[no-untyped-call]


def make_loss(
    recipe: Recipe,
    weights: tuple[float, ...],
    source: Source | None,
    classes: int,
    images: int,
    device: torch.device,
) -> Loss:
    """Return a recipe's loss; one of the user's own is tried on random logits first.

    Args:
        recipe: its ``loss`` and ``label_smoothing`` are used.
        weights: of the classes; empty weighs all alike.
        source: the code of a loss of the user's own.
        classes: number of logits.
        images: in the smallest batch.
        device: to train on.

    Raises:
        ModelError: the user's function does not exist, or fails on random logits.
    """
    if source is None:
        of_classes = torch.tensor(weights, device=device) if weights else None
        return Loss(recipe.loss, recipe.label_smoothing, of_classes)
    loss = Loss(recipe.loss, function=user_object(source))
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(images, classes, generator=random).to(device).requires_grad_()
    labels = (torch.arange(images) % classes).to(device)
    try:
        value = loss(logits, labels)
        loss.backward(value)
    except TrainingError as error:
        raise ModelError(f"{error} (tried on {images} random logits)") from error
    if not value.isfinite().all():
        raise ModelError(f"{recipe.loss}: gives {value.item()} for {images} random logits")
    if logits.grad is None:
        raise ModelError(f"{recipe.loss}: its loss does not depend on the logits")
    return loss
