"""What runs are tested on, the test set or held-out training images, and what to call it."""

from collections.abc import Mapping
from typing import Literal

TestedOn = Literal["test", "validation"]
"""Also the word before accuracy and loss: ``validation`` if a recipe holds out training images."""
TESTED_IMAGES: Mapping[TestedOn, str] = {
    "test": "test images",
    "validation": "validation images",
}
TESTED_SET: Mapping[TestedOn, str] = {
    "test": "the test set",
    "validation": "the validation images",
}


def tested_on(validation: int | str, folds: int) -> TestedOn:
    """Return what runs are tested on whose recipe has this ``validation`` and ``folds``."""
    return "validation" if validation or folds else "test"
