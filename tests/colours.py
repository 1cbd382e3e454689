"""Pictures that only their colour tells apart."""

import numpy as np

from mnistlab import make_dataset
from mnistlab.data import Split

CLASSES = ("red", "green", "blue")
_COLOURS = np.array([(200, 60, 60), (60, 131, 62), (60, 95, 249)])
"""Of the same brightness: a luma of 102."""


def coloured(train=240, test=90, size=(20, 26), channels=3):
    """A data set of noise in three colours; as many channels of 1 are the pictures' red."""
    random = np.random.default_rng(5)

    def split(count):
        labels = np.arange(count) % len(CLASSES)
        noise = random.normal(0, 15, (count, 3, *size))
        light = random.uniform(-40, 40, (count, 1, 1, 1))
        pixels = np.clip(_COLOURS[labels][:, :, None, None] + noise + light, 0, 255)
        return Split(pixels.astype(np.uint8)[:, :channels], labels)

    return make_dataset("coloured", split(train), split(test), classes=CLASSES)
