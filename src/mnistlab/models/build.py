"""Building a recipe's model, checked to fit the images and the classes."""

import copy

import torch
from torch import nn

from mnistlab.errors import ImageShapeError, ModelError, did_you_mean, told
from mnistlab.models.convnet import convnet
from mnistlab.models.lenet import lenet5
from mnistlab.models.perceptron import perceptron
from mnistlab.models.user_model import is_user_model, user_errors, user_model
from mnistlab.recipe import Recipe, Source, read_source

_ARCHITECTURES = {"lenet5": lenet5, "mlp": perceptron, "convnet": convnet}


def build_model(
    recipe: Recipe,
    image_shape: tuple[int, int, int],
    classes: int,
    source: Source | None = None,
    *,
    strict: bool = False,
    check: bool = True,
) -> nn.Module:
    """Build the recipe's model, with weights drawn from PyTorch's global generator.

    Args:
        recipe: its ``model``, ``batch_norm`` and ``dropout`` are used, for ``convnet`` also its
            ``channels`` and ``stem``, and for a user model ``build``.
        image_shape: ``(channels, height, width)`` of the input.
        classes: number of outputs.
        source: the code of a user model; ``None`` reads it.
        strict: refuse a user model's imports of files that are neither in ``source`` nor installed.
        check: do a forward pass on two black images; on PyTorch's ``meta`` device that would load
            its compiler, which takes seconds.

    Returns:
        A module from float32 ``(n, *image_shape)`` to logits ``(n, classes)``, in training mode.

    Raises:
        ModelError: no such model, or it does not accept these images or return these classes.

    Example:
        >>> from mnistlab import Recipe
        >>> count_parameters(build_model(Recipe(model="lenet5"), (1, 32, 32), 10))
        61706
    """
    if is_user_model(recipe.model):
        if recipe.batch_norm or recipe.dropout:
            raise ModelError(
                f"{recipe.model}: batch_norm and dropout work with {', '.join(_ARCHITECTURES)} only"
            )
        source = source or read_source(recipe.model)
        model = user_model(source, image_shape, classes, recipe.build, strict=strict)
    elif recipe.model in _ARCHITECTURES:
        architecture, own = _ARCHITECTURES[recipe.model], {}
        if recipe.model == "convnet":
            own = {"channels": recipe.channels, "stem": recipe.stem}
        model = architecture(
            image_shape, classes, batch_norm=recipe.batch_norm, dropout=recipe.dropout, **own
        )
    else:
        known = f"known: {', '.join(_ARCHITECTURES)}, or your own path/to/file.py:build"
        hint = did_you_mean(recipe.model, _ARCHITECTURES) or known
        raise ModelError(f"{recipe.model}: no such model; {hint}")
    if check:
        with user_errors(recipe.model, "a trial forward pass", ModelError):
            _check_forward(model, recipe.model, image_shape, classes)
    return model


def adopt_model(
    module: nn.Module, recipe: Recipe, image_shape: tuple[int, int, int], classes: int
) -> nn.Module:
    """Return a copy of a module that is in memory, with its weights as they are.

    Arguments, what is tried out and errors are those of :func:`build_model`; ``recipe.model`` is
    the name in messages.

    Raises:
        ModelError: it cannot be copied, or cannot take these images or give these classes.
    """
    if recipe.batch_norm or recipe.dropout:
        raise ModelError(
            f"{recipe.model}: batch_norm and dropout are for {', '.join(_ARCHITECTURES)} only"
        )
    if recipe.build:
        raise ModelError(f"{recipe.model}: is built already; build is for path/to/file.py:build")
    with user_errors(recipe.model, "copying it", ModelError):
        model = copy.deepcopy(module).cpu()
    with user_errors(recipe.model, "a trial forward pass", ModelError):
        _check_forward(model, recipe.model, image_shape, classes)
    return model


def count_parameters(model: nn.Module) -> int:
    """Count trainable parameters; batch norm's running statistics are not among them."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _check_forward(
    model: nn.Module, name: str, image_shape: tuple[int, int, int], classes: int
) -> None:
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ModelError(f"{name}: the model has no parameters to train")
    model.eval()
    try:
        with torch.enable_grad():
            logits = model(torch.zeros(2, *image_shape))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ImageShapeError(
            f"{name}: does not accept images of shape {image_shape}: {told(error)}"
        ) from error
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != (2, classes):
        raise ModelError(
            f"{name}: returns {found} for two images; it must return (2, {classes}), one logit per"
            " class"
        )
    if not logits.requires_grad:
        raise ModelError(f"{name}: its logits do not depend on any trainable parameter")
    _check_single(model, name, image_shape, classes)
    model.train()


def _check_single(
    model: nn.Module, name: str, image_shape: tuple[int, int, int], classes: int
) -> None:
    """Refuse a model that could be trained, but could not classify a single picture afterwards."""
    remedy = "flatten(1) keeps the dimension of the batch, squeeze() does not"
    try:
        with torch.no_grad():
            logits = model(torch.zeros(1, *image_shape))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ModelError(
            f"{name}: takes two images but not a single one: {told(error)}; {remedy}"
        ) from error
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != (1, classes):
        raise ModelError(
            f"{name}: returns {found} for a single image; it must return (1, {classes}); {remedy}"
        )
