"""A bank of some of MNIST's digits, made once for all tests of rendered pages."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from mnistlab import load_dataset
from mnistlab.rendering.character_bank import CharacterBank, load_bank


@cache
def small_bank() -> CharacterBank:
    train = load_dataset("mnist").train
    with tempfile.TemporaryDirectory() as folder:
        images = np.asarray(train.images[:150]).reshape(-1, 28, 28)
        return load_bank(images, np.asarray(train.labels[:150]), Path(folder))
