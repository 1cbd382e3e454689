"""Digits as a person writes them: strokes of a few points, between which the hand moves
smoothly."""

import math

# Each digit's strokes, parted by a slash; points are x,y in hundredths of its height, y downwards.
_WRITTEN = {
    "0": "38,4  14,20  6,55  20,90  42,97  62,78  66,40  52,10  34,5",
    "1": "12,20  22,12  32,0  31,35  29,70  28,100",
    "2": "8,24  20,6  42,2  58,18  52,42  30,70  6,97  34,94  66,97",
    "3": "8,12  30,0  54,12  50,34  26,46  50,54  60,76  40,98  6,88",
    "4": "36,2  22,30  5,60  34,60  66,57 / 50,30  48,60  47,100",
    "5": "18,4  14,24  12,44  34,38  56,52  58,78  36,98  6,90 / 18,4  38,3  60,0",
    "6": "50,2  24,22  8,56  12,88  36,99  56,84  52,60  30,54  12,70",
    "7": "6,6  34,5  62,3  48,32  36,64  28,100 / 20,50  38,48  56,46",
    "8": "52,14  32,1  14,16  26,40  50,60  58,82  36,99  12,84  24,60  48,36  54,14",
    "9": "56,18  34,3  12,20  20,44  42,42  57,18  55,50  50,76  42,100",
}
STROKES = {
    digit: [
        [tuple(int(n) / 100 for n in point.split(",")) for point in stroke.split()]
        for stroke in strokes.split("/")
    ]
    for digit, strokes in _WRITTEN.items()
}
STEPS = 3


def write(text, left, top, height, spacing=0.95):
    """Return strokes, lists of points, of a number that starts at the place given, in the same
    units."""
    return [
        _smooth([(left + height * (spacing * place + x), top + height * y) for x, y in stroke])
        for place, digit in enumerate(text)
        for stroke in STROKES[digit]
    ]


def _smooth(points):
    """Return points on the Catmull-Rom curve through those given."""
    ends = [points[0], *points, points[-1]]
    curve = [points[0]]
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:]):
        for step in range(1, STEPS + 1):
            t = step / STEPS
            curve.append(tuple(_between(a[axis], b[axis], c[axis], d[axis], t) for axis in (0, 1)))
    return [
        point
        for point, before in zip(curve, [None, *curve])
        if before is None or math.dist(point, before) > 0
    ]


def _between(a, b, c, d, t):
    return 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
