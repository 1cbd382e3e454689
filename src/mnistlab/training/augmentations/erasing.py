"""Random erasing: a box is filled with one grey (Zhong et al., 2020, arXiv:1708.04896)."""

import numpy as np
import torch
from torch import Tensor

from mnistlab.elementary import exp
from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.box import within
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler

_AREA = (0.02, 0.2)
"""Share of the image that a box covers."""
_LOG_ASPECT = (-1.2039728, 1.2039728)
"""Logarithm of a box's height by its width, which is 0.3 to 1/0.3."""


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``erasures``, int32 ``(n, 4)``, and ``fills``, float32 ``(n,)``, 0 to 1.

    A row of ``erasures`` is the top, left, height and width in pixels of a box within the image,
    all 0 for no box.
    """
    # Their logarithms are uniform.
    aspects = torch.from_numpy(exp(sampler.uniform(*_LOG_ASPECT).numpy()))
    chosen = sampler.uniform(0, 1) < recipe.erasing
    areas, tops, lefts = (sampler.uniform(*ends) for ends in (_AREA, (0, 1), (0, 1)))
    return {
        "erasures": _boxes(areas, aspects, tops, lefts, sampler) * chosen.unsqueeze(1),
        "fills": sampler.uniform(0, 1),
    }


def _boxes(
    areas: Tensor, aspects: Tensor, tops: Tensor, lefts: Tensor, sampler: ParamSampler
) -> Tensor:
    height, width = sampler.height, sampler.width
    pixels = areas * height * width
    heights, widths = (
        # NumPy's roots are exact; PyTorch's are MKL's, which follow the processor.
        torch.from_numpy(np.sqrt(squares.numpy())).round().clamp(1, side)
        for squares, side in ((pixels * aspects, height), (pixels / aspects, width))
    )
    tops, lefts = (tops * (height - heights + 1)).floor(), (lefts * (width - widths + 1)).floor()
    boxes = torch.stack(
        [tops.minimum(height - heights), lefts.minimum(width - widths), heights, widths], dim=1
    )
    return boxes.to(torch.int32)


def erase(images: Tensor, boxes: Tensor, fills: Tensor | None = None) -> Tensor:
    """Fill a box in each image.

    Args:
        images: float32, ``(n, c, h, w)``.
        boxes: int32, ``(n, 4)``: top, left, height and width in pixels.
        fills: float32, ``(n,)``, in 0..1; ``None`` is black.

    Returns:
        Images of the same shape.
    """
    filling = 0 if fills is None else fills.view(-1, 1, 1, 1)
    return torch.where(within(boxes, images), filling, images)


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return erase(images, params["erasures"], params.get("fills"))


AUGMENTATION = Augmentation(
    name="erasing",
    fields=("erasing",),
    apply_order=50,
    tensors=("erasures", "fills"),
    draw=draw,
    apply=_apply,
    draw_order=3,
)
