"""Photographs of MNIST's training digits are read; how well is measured elsewhere, this guards
against breakage."""

import pytest

from benchmarks.photographs import photographs


def shared(one, other):
    """What two boxes share of all that they cover."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0, width) * max(0, height)
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (sum(areas) - both)


@pytest.mark.parametrize(("count", "length", "least"), [(50, 1, 0.88), (12, 5, 0.6)])
def test_most_photographs_are_read_and_most_boxes_are_right(reader, mnist, count, length, least):
    pictures = list(
        photographs(mnist.train.images, mnist.train.labels, count=count, length=length, seed=20)
    )
    readings = [reader.read(picture.content) for picture in pictures]
    right = [(p, r) for p, r in zip(pictures, readings) if r.digits == p.digits]
    assert len(right) >= least * count
    shares = [shared(digit.box, box) for p, r in right for digit, box in zip(r.characters, p.boxes)]
    assert sum(share > 0.7 for share in shares) > 0.9 * len(shares)
