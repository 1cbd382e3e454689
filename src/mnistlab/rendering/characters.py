"""The characters that are drawn: those that are read."""

from mnistlab.characters import CHARACTERS, OTHER

__all__ = ["CHARACTERS", "OTHER"]
