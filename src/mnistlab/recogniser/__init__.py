"""Image → numbers: finds the ink in any ordinary picture, prepares it as MNIST was prepared, and
reads it. No torch.
"""

from mnistlab.recogniser.parts import Box, Cell, Character, Group, Line, Table
from mnistlab.recogniser.reading import Reading
from mnistlab.recogniser.recogniser import Recogniser, reads_digits, shipped_models

__all__ = [
    "Box",
    "Cell",
    "Character",
    "Group",
    "Line",
    "Reading",
    "Recogniser",
    "Table",
    "reads_digits",
    "shipped_models",
]
