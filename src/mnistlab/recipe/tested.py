"""The images that runs are tested on: the test set's, or training images held out instead; and what
to call them.
"""

from collections.abc import Mapping
from typing import Literal

TestedOn = Literal["test", "validation"]
"""Stands before accuracy and loss as well: ``validation`` where a recipe holds out training
images."""
TESTED_IMAGES: Mapping[TestedOn, str] = {
    "test": "test images",
    "validation": "held-out training images",
}
TESTED_SET: Mapping[TestedOn, str] = {
    "test": "the test set",
    "validation": "the held-out training images",
}


def tested_on(held_out: int) -> TestedOn:
    """Say which images runs are tested on whose recipe holds out so many training images."""
    return "validation" if held_out else "test"
