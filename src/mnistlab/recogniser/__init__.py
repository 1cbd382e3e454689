"""Image → numbers: finds the characters of any ordinary picture, and reads them. No torch."""

from mnistlab.recogniser.models import reading_models, reads_digits, shipped_models
from mnistlab.recogniser.parts import Box, Cell, Character, Group, Line, Table
from mnistlab.recogniser.reading import Reading
from mnistlab.recogniser.recogniser import Recogniser

__all__ = [
    "Box",
    "Cell",
    "Character",
    "Group",
    "Line",
    "Reading",
    "Recogniser",
    "Table",
    "reading_models",
    "reads_digits",
    "shipped_models",
]
