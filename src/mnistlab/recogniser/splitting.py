"""Splitting: digits that touch, told apart by what reads best (over-segmentation; LeCun et al.,
1998, section VII).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnistlab.recogniser.network import READ_AT_ONCE

_STEP, _NEAREST = 0.08, 0.15
"""Of the line's height: from one seam looked for to the next, and from a character's side to the
first."""
_REACH = 0.12
"""Of the line's height: how far a seam strays to either side from where it was looked for."""
_WIDEST = 1.7
"""Of the line's height: no digit is wider."""
_NARROWEST = 0.7
"""Of its height: narrower characters are single digits."""
_MOST_SEAMS, _MOST_PIXELS = 40, 64_000_000
"""Seams, and pixels of all pieces between them, up to which a character may be several digits; more
is texture."""
_CUT, _CROSSING = 0.2, 0.5
"""Nats against each cut, and against each thickness of ink that it crosses beyond the first."""
_SURE_CUT, _RARE = 2.2, 1.0
"""Nats against each cut, and against no digit, where the network tells: few digits touch, few
shapes are none."""
_LEAST = -7.0
"""Logarithms of probabilities below it count as it."""
_DOUBTED, _SPREAD = 0.77, 0.13
"""Highest logit over that of a typical digit at which a shape is as likely none, and how fast that
changes.

Networks are sure of what they never saw (Hendrycks and Gimpel, 2017), but say it less loudly. One
that was shown what is none says so itself.
"""
_FRAGMENT = 0.12
"""Of a piece's ink: what the seam leaves apart from it and is smaller belongs to the neighbour."""
_WIDTHS = np.array([-0.11, -0.97, -0.08, -0.24, -0.25, -0.08, -0.34, -0.27, -0.29, -0.41])
_WIDTH_SPREADS = np.array([0.2, 0.47, 0.23, 0.22, 0.22, 0.27, 0.22, 0.22, 0.23, 0.21])
"""Logarithms of width over height of MNIST's first 50,000 training digits, by digit: means and
standard deviations."""

Read = Callable[[list[NDArray[np.bool_]]], NDArray[np.float32]]
Key = tuple[int, int]
"""Of a piece: the numbers of the seams to its left and right."""


@dataclass(frozen=True, eq=False)
class _Seam:
    """A way from top to bottom.

    Attributes:
        columns: int, ``(height,)``: the first column right of it, row by row.
        crossed: thicknesses of ink that it cuts.
    """

    columns: NDArray[np.int64]
    crossed: float


def split(
    mask: NDArray[np.bool_], tall: float, thickness: float, read: Read, typical: float | None
) -> list[NDArray[np.bool_]]:
    """Split a character into the digits that it most probably is: itself, if it is one.

    Args:
        mask: bool, ``(height, width)``: its ink.
        tall: height of the line's digits in pixels.
        thickness: of its strokes in pixels.
        read: from masks of the same shape to logits, ``(n, 10)``, or ``(n, 11)``, the last that of
            no digit at all.
        typical: highest logit of a typical digit, by which to tell what is none; ``None`` with
            eleven logits.

    Returns:
        Masks of the same shape, left to right.
    """
    height, width = mask.shape
    if width < _NARROWEST * height or width < _NARROWEST * 0.6 * tall:
        return [mask]
    dear = _CUT if typical is not None else _SURE_CUT
    # No cut costs less than what would be won.
    if _score(mask, read([mask])[0].astype(np.float64), typical) >= -dear:
        return [mask]
    seams = _find_seams(mask, tall, thickness)
    if not seams:
        return [mask]
    ends = [_Seam(np.zeros(height, int), 0.0), *seams, _Seam(np.full(height, width), 0.0)]
    if len(ends) * (len(ends) - 1) // 2 * mask.size > _MOST_PIXELS:
        return [mask]
    pieces: dict[Key, NDArray[np.bool_]] = {}
    columns = np.arange(width)
    for first in range(len(ends) - 1):
        for last in range(first + 1, len(ends)):
            within = slice(ends[first].columns.min(), ends[last].columns.max())
            between = (columns[within] >= ends[first].columns[:, None]) & (
                columns[within] < ends[last].columns[:, None]
            )
            part = _main_part(mask[:, within] & between)
            if part is not None and _is_possible(
                part, tall, whole=(first, last) == (0, len(ends) - 1)
            ):
                piece = np.zeros_like(mask)
                piece[:, within] = part
                pieces[first, last] = piece
    cuts = np.array([dear + _CROSSING * max(0.0, seam.crossed - 1) for seam in ends])
    cuts[-1] = 0.0
    return [pieces[key] for key in _best_path(pieces, cuts, read, typical)] or [mask]


def _find_seams(mask: NDArray[np.bool_], tall: float, thickness: float) -> list[_Seam]:
    """Return ways from top to bottom that cross little ink, left to right."""
    height, width = mask.shape
    near, reach = max(2, round(_NEAREST * tall)), max(1, round(_REACH * tall))
    starts = np.arange(near, width - near + 1, max(1, round(_STEP * tall)))
    if len(starts) > _MOST_SEAMS:
        return []
    # Ink is dear, its middle dearest; going sideways costs a little, so that seams are straight
    # where they can be.
    cost = np.where(mask, 1 + ndimage.distance_transform_edt(mask) / thickness, 0.0) + 0.01
    seams: dict[bytes, _Seam] = {}
    # All ways at once; outside the character there is none.
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(cost, ((0, 0), (reach, reach)), constant_values=np.inf), 2 * reach + 1, axis=1
    )[:, starts]
    for path in (starts - reach)[:, None] + _cheapest_paths(windows):
        crossed = mask[np.arange(height), path].sum() / thickness
        seams.setdefault(path.tobytes(), _Seam(path + (0 if crossed else 1), float(crossed)))
    return sorted(seams.values(), key=lambda seam: seam.columns.mean())


def _cheapest_paths(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the column in each row of the cheapest ways from top to bottom, a column aside in each
    row at most.

    Args:
        cost: ``(height, n, width)``: of ``n`` windows.

    Returns:
        ``(n, height)``
    """
    height, many, width = cost.shape
    total, came = cost[0].copy(), np.zeros(cost.shape, np.int8)
    beside = np.full((3, many, width), np.inf)
    for row in range(1, height):
        beside[0, :, 1:], beside[1], beside[2, :, :-1] = (
            total[:, :-1] + 0.02,
            total,
            total[:, 1:] + 0.02,
        )
        came[row] = beside.argmin(axis=0) - 1
        total = beside.min(axis=0) + cost[row]
    path, each = np.empty((many, height), np.int64), np.arange(many)
    path[:, -1] = total.argmin(axis=1)
    for row in range(height - 1, 0, -1):
        path[:, row - 1] = path[:, row] + came[row, each, path[:, row]]
    return path


def _main_part(piece: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    labels, count = ndimage.label(piece, np.ones((3, 3), bool))
    if not count:
        return None
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    main = np.asarray((areas >= _FRAGMENT * areas.sum())[labels] & piece)
    return main if main.any() else None


def _is_possible(piece: NDArray[np.bool_], tall: float, *, whole: bool) -> bool:
    height, width = _extent(piece)
    return whole or (0.45 * tall <= height and width <= _WIDEST * height)


def _extent(piece: NDArray[np.bool_]) -> tuple[int, int]:
    rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def _width_penalties(piece: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much speaks against a piece's being each of the digits, in nats, since it is too
    wide or narrow.
    """
    height, width = _extent(piece)
    widths = ((np.log(width / height) - _WIDTHS) / _WIDTH_SPREADS) ** 2 / 2
    return np.asarray(np.maximum(widths - 2, 0))


def _score(piece: NDArray[np.bool_], logits: NDArray[np.float64], typical: float | None) -> float:
    """Return the logarithm of how probably a piece is one digit: it reads as one, and is as wide as
    one.
    """
    digits, none = logits[: len(_WIDTHS)], logits[len(_WIDTHS) :]
    chances = digits - np.logaddexp.reduce([*digits, *(none - _RARE)])
    read = np.maximum(chances, _LEAST) - _width_penalties(piece)
    best = int(read.argmax())
    if typical is None:
        return float(read[best])
    loudness = (logits[best] / typical - _DOUBTED) / _SPREAD
    return float(read[best] - np.logaddexp(0, -loudness))


def _best_path(
    pieces: dict[Key, NDArray[np.bool_]],
    cuts: NDArray[np.float64],
    read: Read,
    typical: float | None,
) -> list[Key]:
    """Return the pieces, one after another, of the highest sum of scores less cuts; nothing if
    there is no way through.

    A piece is read only if it could belong to a better way than the best one known, were it as good
    as its width allows; of these the most promising first. The way found is that of reading all.
    """
    scores = np.full((len(cuts), len(cuts)), -np.inf)
    hopes = scores.copy()
    for key, piece in pieces.items():
        hopes[key] = -_width_penalties(piece).min()
    while True:
        through = np.where(scores > -np.inf, -np.inf, _through(hopes, cuts))
        promising = np.flatnonzero(through > _reached(scores, cuts)[-1])
        if not len(promising):
            return _way(scores, cuts)
        chosen = promising[np.argsort(-through.flat[promising], kind="stable")[:READ_AT_ONCE]]
        keys = [
            (int(first), int(last))
            for first, last in zip(*np.unravel_index(chosen, through.shape), strict=True)
        ]
        logits = read([pieces[key] for key in keys]).astype(np.float64)
        for key, row in zip(keys, logits, strict=True):
            scores[key] = hopes[key] = _score(pieces[key], row, typical)


def _reached(scores: NDArray[np.float64], cuts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest sum on the way to each seam."""
    best = np.full(len(cuts), -np.inf)
    best[0] = 0.0
    for last in range(1, len(cuts)):
        best[last] = (best[:last] + scores[:last, last]).max() - cuts[last]
    return best


def _through(scores: NDArray[np.float64], cuts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest sum of all ways that each piece belongs to."""
    rest = np.full(len(cuts), -np.inf)
    rest[-1] = 0.0
    for first in range(len(cuts) - 2, -1, -1):
        rest[first] = (scores[first, first + 1 :] - cuts[first + 1 :] + rest[first + 1 :]).max()
    return np.asarray(_reached(scores, cuts)[:, None] + scores - cuts + rest)


def _way(scores: NDArray[np.float64], cuts: NDArray[np.float64]) -> list[Key]:
    best, way, last = _reached(scores, cuts), [], len(cuts) - 1
    while last and best[last] > -np.inf:
        first = int((best[:last] + scores[:last, last]).argmax())
        way.append((first, last))
        last = first
    return way[::-1]
