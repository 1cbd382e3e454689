"""Rendering: pictures of handwritten pages with the place and the class of every character.

The reader is trained on them, and tests and benchmarks read them.
"""

from mnistlab.characters import CHARACTERS, OTHER
from mnistlab.rendering.page import Character, Page

__all__ = ["CHARACTERS", "OTHER", "Character", "Page"]
