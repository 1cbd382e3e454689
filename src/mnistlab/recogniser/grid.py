"""Grid: what was read, in the cells of a grid whose rows and columns are known."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import MnistlabError
from mnistlab.recogniser.reading import Box, Cell, Character, Group, Line, Reading, Table

MOST_CELLS = 10_000
_CENTRAL = "the outer rows or columns of the grid are empty: it is taken to be in the picture's middle"


def to_grid(reading: Reading, rows: int, columns: int) -> Reading:
    """See :meth:`mnistlab.recogniser.reading.Reading.grid`."""
    if rows < 1 or columns < 1 or rows * columns > MOST_CELLS:
        raise MnistlabError(
            f"a grid of {rows}x{columns}: it has at least one row and one column, and at most"
            f" {MOST_CELLS:,} cells"
        )
    found = [
        one for group in reading.groups for one in group.candidates or group.characters
    ]
    if not found and not reading.tables:
        return replace(reading, tables=())
    remarks: tuple[str, ...] = ()
    if reading.tables and any(cell.ruled for table in reading.tables for row in table.rows for cell in row):
        whole = Box.around(table.box for table in reading.tables)
