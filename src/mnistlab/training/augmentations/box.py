"""A box in an image: its top, left, height and width in pixels, all 0 for no box."""

import torch
from torch import Tensor


def boxes_around(rows: Tensor, columns: Tensor, sides: Tensor, size: tuple[int, int]) -> Tensor:
    """Return boxes centred at pixels, cut off at the image's edges.

    Args:
        rows: int64, ``(n,)``, of the centres, within the image.
        columns: the same.
        sides: int64, ``(n, 2)``: height and width before they are cut off. An even side reaches
            one pixel further up, or left, than down, or right.
        size: height and width of the image in pixels.

    Returns:
        int32, ``(n, 4)``.
    """
    starts = torch.stack([rows, columns], dim=1) - sides // 2
    ends = torch.minimum(starts + sides, torch.tensor(size))
    starts = starts.clamp(min=0)
    return torch.cat([starts, ends - starts], dim=1).to(torch.int32)


def within(boxes: Tensor, images: Tensor) -> Tensor:
    """Return which pixels are in an image's box.

    Args:
        boxes: int32, ``(n, 4)``.
        images: ``(n, c, h, w)``, on the same device.

    Returns:
        bool, ``(n, 1, h, w)``.
    """
    top, left, tall, wide = boxes.view(-1, 4, 1).unbind(1)  # (n, 1) each
    rows, columns = (torch.arange(side, device=images.device) for side in images.shape[2:])
    inside_rows, inside_columns = (
        (at >= start) & (at < start + side)
        for at, start, side in ((rows, top, tall), (columns, left, wide))
    )
    return (inside_rows.unsqueeze(2) & inside_columns.unsqueeze(1)).unsqueeze(1)
