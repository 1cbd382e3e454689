"""Strokes: figures of connected regions of ink, by which writing is told from shadows, texture and
rulings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnistlab.recogniser.ink import Ink

EVERY_NEIGHBOUR = np.ones((3, 3), bool)
_THICKEST = 0.25
"""Of the picture's shorter side: wider regions are not strokes."""
_ROUNDEST = 1.45
"""Square root of a stroke's area over its thickness is more; of a disc's it is 1.33."""
_SPAN, _THIN = 0.97, 0.04
"""Of the picture's width or height, and of its shorter side: what goes further and is thinner is
ruling."""
_LONGEST = 1.0
"""Of the picture's shorter side: length of strokes beyond which more of it does not count for
more."""
_RULED, _STRAIGHT, _FINE = 0.4, 1.2, 40
"""A ruling spans so much of the picture's side, is hardly longer than it spans, and spans so many
thicknesses."""
_LEAST_AREA = 6
_CRISP, _SOFTEST, _LEAST_SOFT = 0.5, 0.1, 4.0
"""Thicknesses of a stroke over the width of its edge, at least; that width, of the picture's
shorter side, at most, or in pixels if that is more: what is softer is shading."""
_SHAPELESS, _BULKY = 0.02, 0.72
"""What regions count for that have not the shape of strokes, if drawn, or if they fill less of the
rectangle around them: they are taken if there is nothing else."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """Regions of a picture, one an entry of each array.

    Attributes:
        labels: int32, ``(height, width)``: 0 outside, else the region's number from 1.
        places: each region's rows and columns.
        contrast: of the middles of strokes.
        sharpness: of edges: contrast gained a pixel, over the whole contrast.
        thickness: mean, in pixels.
        length: of strokes, in pixels.
        weight: how much of the writing each is: long, dark and sharp; hardly anything if not shaped
            like strokes.
        shaped: whether it is.
    """

    labels: NDArray[np.int32]
    places: list[tuple[slice, slice]]
    contrast: NDArray[np.float64]
    sharpness: NDArray[np.float64]
    thickness: NDArray[np.float64]
    length: NDArray[np.float64]
    weight: NDArray[np.float64]
    shaped: NDArray[np.bool_]

    def typical(self, figure: NDArray[np.float64]) -> float:
        """Return the median of a figure over the writing, of which there must be some."""
        order = np.argsort(figure)
        total = np.cumsum(self.weight[order])
        return float(figure[order][np.searchsorted(total, 0.5 * total[-1])])


def measure(ink: Ink, solid: NDArray[np.bool_], slope: NDArray[np.float32]) -> Strokes | None:
    """Measure the connected regions of a mask; ``None`` if it is empty.

    Args:
        ink: the picture's.
        solid: bool, ``(height, width)``.
        slope: magnitude of the contrast's gradient, ``(height, width)``.
    """
    labels, count = ndimage.label(solid, EVERY_NEIGHBOUR)
    if not count:
        return None
    rows, columns = np.nonzero(labels)
    names = labels[rows, columns] - 1
    darkness = ink.contrast[rows, columns]
    # Chessboard distance: a tenth of the Euclidean one's time, and at worst three tenths less.
    distance = ndimage.distance_transform_cdt(solid)[rows, columns]
    area = np.bincount(names, minlength=count).astype(float)
    mean = np.bincount(names, distance, count) / area
    core = distance >= mean[names]
    contrast = np.bincount(names[core], darkness[core], count) / np.bincount(
        names[core], minlength=count
    )
    rim = distance < 1.5
    edge = np.bincount(names[rim], slope[rows, columns][rim], count) / np.bincount(
        names[rim], minlength=count
    )
    sharpness = edge / np.maximum(contrast, 1e-6)
    thickness = np.maximum(4 * mean - 2, 1)
    length = area / thickness
    places = ndimage.find_objects(labels)
    weight = np.minimum(length, _LONGEST * min(solid.shape)) * contrast**2 * sharpness
    ruled = _is_ruled(area, thickness, places, solid.shape)
    slim = (np.sqrt(area) >= _ROUNDEST * thickness) & (thickness <= _THICKEST * min(solid.shape))
    widest = max(_LEAST_SOFT, _SOFTEST * min(solid.shape))
    crisp = (sharpness * thickness >= _CRISP) & (sharpness * widest >= 1)
    shaped = slim & crisp & ~ruled & (area >= _LEAST_AREA)
    extents = np.array(
        [(rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in places]
    )
    weight[~shaped] *= np.where(ink.drawn | (crisp & (area < _BULKY * extents)), _SHAPELESS, 0)[
        ~shaped
    ]
    weight[ruled] = 0
    return Strokes(labels, places, contrast, sharpness, thickness, length, weight, shaped)


def _is_ruled(
    area: NDArray[np.float64],
    thickness: NDArray[np.float64],
    places: list[tuple[slice, slice]],
    size: tuple[int, int],
) -> NDArray[np.bool_]:
    extents = np.array([(r.stop - r.start, c.stop - c.start) for r, c in places])
    span = np.hypot(*extents.T)
    straight = (span > _FINE * thickness) & (area < _STRAIGHT * span * thickness)
    long = (extents > _RULED * np.array(size)).any(axis=1)
    across = (extents >= _SPAN * np.array(size)).any(axis=1)
    return np.asarray((long & straight) | (across & (thickness < _THIN * min(size))), bool)


def slope_of(ink: Ink) -> NDArray[np.float32]:
    """Return the magnitude of the contrast's gradient, float32, ``(height, width)``."""
    if min(ink.contrast.shape) < 2:
        return np.zeros_like(ink.contrast)
    down, across = np.gradient(ink.contrast)
    return np.asarray(np.hypot(down, across), np.float32)
