"""Sheet: the piece of paper in a picture that shows the table around it as well."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

_STROKE = 0.12
"""Of the shorter side: window that closes over strokes of ink, dark or light."""
_LEAST_DIFFERENCE = 22.0
"""Steps of 255 between paper and table."""
SMALLEST_SHEET, _LARGEST = 0.07, 0.92
"""Of the picture's area."""
_HULL, _RECTANGLE = 0.9, 0.82
"""Of its convex hull, and of the least rectangle around it, that a sheet fills."""
_SHARP = 0.6
"""Of the difference between paper and table: so much lies within a few pixels of the edge; shadows
are soft."""
_BORDER = 0.45
"""Of the picture's edge that the table takes at least."""
_MARGIN = 0.012
"""Of the longer side: so much of a sheet's rim is left out, for its edge and the shadow there."""


def find_sheets(colours: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """Return where a sheet of paper may be, the table being the rest: at most two masks, ``(height,
    width)``.

    Two colours are looked for that explain the picture once strokes are closed over; a sheet is a
    region of one of them that is convex and leaves the picture's edge to the other.

    Args:
        colours: uint8, ``(height, width, 3)``, a reduced picture of some hundred pixels.
    """
    height, width = colours.shape[:2]
    window = max(3, 2 * round(_STROKE * min(height, width) / 2) + 1)
    ground = np.stack(
        [
            ndimage.grey_opening(
                ndimage.grey_closing(colours[..., c], (window, window)), (window, window)
            )
            for c in range(3)
        ],
        axis=-1,
    ).astype(np.float32)
    light = _two_classes(ground)
    if light is None:
        return []
    return [sheet for mask in (light, ~light) if (sheet := _sheet(mask, ground)) is not None]


def paint_table(colours: NDArray[np.uint8], sheet: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the picture with the table painted over in the colour of the nearest paper.

    Args:
        colours: uint8, ``(height, width, 3)``.
        sheet: bool, ``(height, width)``.
    """
    window = max(3, 2 * round(_STROKE * min(sheet.shape) / 2) + 1)
    nearest = ndimage.distance_transform_edt(~sheet, return_distances=False, return_indices=True)
    painted = np.empty_like(colours)
    for channel in range(3):
        plane = colours[..., channel]
        # The median of the rim's surroundings, since a stroke may end there.
        calm = ndimage.uniform_filter(np.where(sheet, plane, 0).astype(np.float32), window)
        share = ndimage.uniform_filter(sheet.astype(np.float32), window)
        smooth = calm / np.maximum(share, 1e-3)
        painted[..., channel] = np.where(sheet, plane, smooth[nearest[0], nearest[1]])
    return painted


def _two_classes(ground: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Split by Otsu's threshold (1979) along the main direction of the colours; ``None`` if there
    is no split.
    """
    values = ground.reshape(-1, 3)
    centred = values - values.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    direction = directions[:, -1] * np.sign(directions[:, -1].sum() or 1)
    line = centred @ direction
    counts, edges = np.histogram(line, 64)
    middles = (edges[1:] + edges[:-1]) / 2
    below, total = np.cumsum(counts), counts.sum()
    sums = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (sums[-1] * below / total - sums) ** 2 / (below * (total - below))
    threshold = edges[1:][np.nanargmax(np.where(np.isfinite(between), between, -1))]
    above = line > threshold
    if (
        not above.any()
        or above.all()
        or line[above].mean() - line[~above].mean() < _LEAST_DIFFERENCE
    ):
        return None
    return np.asarray(above.reshape(ground.shape[:2]), bool)


def _sheet(mask: NDArray[np.bool_], ground: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    labels, count = ndimage.label(mask)
    if not count:
        return None
    areas = np.bincount(labels.ravel())[1:]
    found = ndimage.binary_fill_holes(labels == areas.argmax() + 1)
    share = found.mean()
    rim = np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])
    if not SMALLEST_SHEET <= share <= _LARGEST or 1 - rim.mean() < _BORDER:
        return None
    rows, columns = np.nonzero(found & ~ndimage.binary_erosion(found))
    try:
        hull = ConvexHull(np.stack([rows, columns], axis=1))
    except QhullError:
        return None
    corners = hull.points[hull.vertices]
    if found.sum() < max(
        _HULL * hull.volume, _RECTANGLE * _least_rectangle(corners)
    ) or not _is_sharp(found, ground):
        return None
    margin = max(2, round(_MARGIN * max(mask.shape)))
    # Erosion that takes the picture's own edge for paper.
    inner = ndimage.distance_transform_edt(np.pad(found, 1, mode="edge"))[1:-1, 1:-1] > margin
    return inner if inner.any() else None


def _least_rectangle(corners: NDArray[np.float64]) -> float:
    """Return the area of the smallest rectangle around a convex polygon, ``(n, 2)``; it shares a
    side with it.
    """
    sides = np.diff(corners, axis=0, append=corners[:1])
    angles = np.arctan2(sides[:, 1], sides[:, 0])
    turned = np.stack(
        [np.cos(angles), np.sin(angles), -np.sin(angles), np.cos(angles)], axis=-1
    ).reshape(-1, 2, 2)
    extents = np.ptp(np.einsum("nij,kj->nik", turned, corners), axis=2)
    return float(extents.prod(axis=1).min())


def _is_sharp(found: NDArray[np.bool_], ground: NDArray[np.float32]) -> bool:
    near = (
        ndimage.binary_dilation(found, iterations=3) & ~found,
        found & ~ndimage.binary_erosion(found, iterations=3),
    )
    step = ground[near[1]].mean(axis=0) - ground[near[0]].mean(axis=0)
    whole = ground[found].mean(axis=0) - ground[~found].mean(axis=0)
    return bool(np.linalg.norm(step) >= _SHARP * np.linalg.norm(whole))
