"""Batch sizes: whether a model does the same with many images as with the few that are traced."""

import copy
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from mnistlab.errors import KernelError

_FEW = 2, 3
_VALUES = 2**19
"""Of the images that a model is tried with, at most, so that it takes little time."""


class _Call(NamedTuple):
    """A call of a function of PyTorch, and its arguments without tensors."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def refuse_other_calls(model: nn.Module, image_shape: tuple[int, ...], images: int) -> None:
    """Refuse a model whose forward pass is another one for so many images than for a few.

    Where something tells it their number, it is tried with so many, or with as many as have half a
    million values. The model and the random states are left unchanged.

    Args:
        model: can be called with 2 and with 3 images, in both modes.
        image_shape: ``(channels, height, width)``.
        images: at most so many at once are given to the model.

    Raises:
        KernelError: it is, or it fails.
    """
    images = min(images, max(_FEW[1], _VALUES // math.prod(image_shape)))
    modes = {module: module.training for module in model.modules()}
    try:
        for training in (True, False):
            _refuse_in_this_mode(model.train(training), image_shape, images)
    finally:
        for module, mode in modes.items():
            module.training = mode


def _refuse_in_this_mode(model: nn.Module, image_shape: tuple[int, ...], images: int) -> None:
    few = _calls(model, image_shape, _FEW[0])
    if not few.tell_sizes:
        return
    more, many = (_calls(model, image_shape, n) for n in (_FEW[1], images))
    if not len(few.made) == len(more.made) == len(many.made) or not all(
        _follows(one, two, three, images)
        for one, two, three in zip(few.made, more.made, many.made, strict=True)
    ):
        raise KernelError(f"its forward pass is another one for {images} images than for 2")


def _calls(model: nn.Module, image_shape: tuple[int, ...], images: int) -> "_Calls":
    calls = _Calls()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            model = copy.deepcopy(model)
            pixels = torch.randn((images, *image_shape))
            with calls:
                model(pixels)
        except Exception as error:  # of the user's code
            raise KernelError(f"its forward pass cannot be tried with {images} images") from error
    return calls


class _Calls(TorchFunctionMode):
    """Notes what a forward pass calls, and whether anything tells it how many images there are."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[_Call] = []
        self.tell_sizes = False

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        leaves = pytree.tree_leaves((args, kwargs))
        self.made.append(
            _Call(function, tuple(one for one in leaves if not isinstance(one, Tensor)))
        )
        result = function(*args, **kwargs)
        # Such as a shape, or parts of a tensor, which can be counted.
        self.tell_sizes |= not (isinstance(result, Tensor | bool) or function is Tensor.dim)
        return result


def _follows(few: _Call, more: _Call, many: _Call, images: int) -> bool:
    """Whether a call for many images follows from those for 2 and for 3: numbers are the same, or
    grow with the number of images.
    """
    if not few.function == more.function == many.function:
        return False
    if not len(few.arguments) == len(more.arguments) == len(many.arguments):
        return False
    arguments = zip(few.arguments, more.arguments, many.arguments, strict=True)
    return all(_grows(one, two, three, images) for one, two, three in arguments)


def _grows(few: Any, more: Any, many: Any, images: int) -> bool:
    if isinstance(few, slice):
        parts = zip(*((one.start, one.stop, one.step) for one in (few, more, many)), strict=True)
        return all(_grows(one, two, three, images) for one, two, three in parts)
    if not all(isinstance(one, int | float) for one in (few, more, many)):
        return True
    if few == more or math.isnan(few):
        return bool(many == few) or (math.isnan(few) and math.isnan(many))
    return math.isclose(many, few + (more - few) * (images - _FEW[0]), rel_tol=1e-9)
