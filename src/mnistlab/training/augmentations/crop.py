"""Random crop of an image padded with black (Krizhevsky, 2009; torchvision's ``RandomCrop``)."""

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.kernels import AugmentationParams
from mnistlab.recipe import Recipe
from mnistlab.training.augmentations.registry import Augmentation, ParamSampler


def draw(recipe: Recipe, sampler: ParamSampler) -> dict[str, Tensor]:
    """Draw ``crops``, int32 ``(n, 2)``: the row and the column of an image, from ``-recipe.crop``
    to ``recipe.crop``, at which its crop starts.
    """
    return {
        "crops": torch.randint(
            -recipe.crop,
            recipe.crop + 1,
            (sampler.count, 2),
            generator=sampler.generator,
            dtype=torch.int32,
        )
    }


def crop(images: Tensor, crops: Tensor) -> Tensor:
    """Cut from each image a part as large as itself; outside the image everything is 0.

    Args:
        images: float32, ``(n, c, h, w)``.
        crops: int32, ``(n, 2)``, see :func:`draw`.

    Returns:
        Images of the same shape.
    """
    count, channels, height, width = images.shape
    # A frame of one black pixel, from which all that lies outside is taken.
    framed = functional.pad(images, (1, 1, 1, 1))
    rows, columns = (
        (torch.arange(1, side + 1, device=images.device) + starts.unsqueeze(1)).clamp(0, side + 1)
        for side, starts in zip((height, width), crops.unbind(1), strict=True)
    )  # (n, h) and (n, w)
    rows = rows.view(count, 1, height, 1).expand(-1, channels, -1, width + 2)
    columns = columns.view(count, 1, 1, width).expand(-1, channels, height, -1)
    return framed.gather(2, rows).gather(3, columns)


def _apply(images: Tensor, params: AugmentationParams) -> Tensor:
    return crop(images, params["crops"])


AUGMENTATION = Augmentation(
    name="crop",
    fields=("crop",),
    apply_order=6,
    tensors=("crops",),
    draw=draw,
    apply=_apply,
)
