"""Task: what the models of a server do with a picture."""

from typing import Literal

Task = Literal["read", "classify"]
PATHS: dict[Task, str] = {"read": "/api/read", "classify": "/api/classify"}
"""Where a picture is sent for each."""
_DIGITS = tuple(map(str, range(10)))


def task_of(shape: tuple[int, int, int], classes: tuple[str, ...]) -> Task:
    """Return what a model is for: digits are found in a picture and read if it knows those, cut out
    as MNIST's are; else it classifies the whole picture.

    Args:
        shape: channels, height and width of the images that it takes.
        classes: names of its classes.
    """
    digits = shape == (1, 28, 28) and classes[:10] == _DIGITS and classes[10:] in ((), ("none",))
    return "read" if digits else "classify"
