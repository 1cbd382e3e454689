"""Photographs of MNIST's training digits are read; how well is measured elsewhere, this guards
against breakage."""

import pytest

from benchmarks.photographs import photographs
from tests.recogniser.readings import shared


@pytest.mark.parametrize(("count", "length", "least"), [(50, 1, 0.88), (12, 5, 0.4)])
def test_most_photographs_are_read_and_most_boxes_are_right(reader, mnist, count, length, least):
    pictures = list(
        photographs(mnist.train.images, mnist.train.labels, count=count, length=length, seed=20)
    )
    readings = [reader.read(picture.content) for picture in pictures]
    right = [(p, r) for p, r in zip(pictures, readings) if r.digits == p.digits]
    assert len(right) >= least * count
    shares = [shared(digit.box, box) for p, r in right for digit, box in zip(r.characters, p.boxes)]
    assert sum(share > 0.6 for share in shares) > 0.9 * len(shares)
