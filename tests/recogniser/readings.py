"""Readings as an engine would give them, without a picture."""

import numpy as np

from mnistlab.characters import CHARACTERS, OTHER
from mnistlab.recogniser.assembly import FoundCells, FoundCharacters, assemble

WIDTH, HEIGHT, ADVANCE, SPACE, LINE = 10, 20, 12, 30, 40
NO_CELLS = FoundCells(*[np.empty(0, int)] * 2, np.empty((0, 4)), np.empty(0, bool))


def known(kinds):
    """The probabilities of characters that surely are of these kinds, float32 ``(n, 20)``."""
    return np.eye(OTHER + 1, dtype=np.float32)[kinds]


def found(*lines, odd=None, confidence=0.999):
    """The characters of lines such as ``"12.50 407"``; ``odd`` has, by position, probabilities of
    characters and of ``other``, ``presence``, ``cut``, ``line``, ``cell`` and ``box``."""
    rows, group = [], 0
    for number, line in enumerate(lines):
        left = 5
        for word in line.split(" "):
            for text in word:
                row = {"line": number, "group": group, "cell": -1, "presence": 1.0, "cut": False}
                row["box"] = (left, 5 + LINE * number, left + WIDTH, 5 + LINE * number + HEIGHT)
                row |= {text: confidence, "other": 1 - confidence}
                told = (odd or {}).get(len(rows), {})
                if set(told) & set(CHARACTERS):
                    row.pop(text)
                    row["other"] = 1 - sum(told.get(one, 0) for one in CHARACTERS)
                rows.append(row | told)
                left += ADVANCE
            left += SPACE
            group += 1

    def column(name, kind):
        return np.array([row[name] for row in rows], kind)

    probabilities = np.zeros((len(rows), OTHER + 1))
    for values, row in zip(probabilities, rows):
        values[:] = [row.get(text, 0) for text in CHARACTERS] + [row["other"]]
    return FoundCharacters(
        boxes=np.array([row["box"] for row in rows], float).reshape(-1, 4),
        probabilities=probabilities,
        presence=column("presence", float),
        cut=column("cut", bool),
        line=column("line", int),
        group=column("group", int),
        cell=column("cell", int),
        pixels=[np.full((28, 28), 7, np.uint8)] * len(rows),
    )


def reading(*lines, odd=None, cells=NO_CELLS, threshold=0.5, confidence=0.999):
    """What is read in them."""
    return assemble(found(*lines, odd=odd, confidence=confidence), cells, (400, 300), threshold)


def cells(rows, columns, *, table=0, width=100, height=LINE):
    """The cells of a ruled table whose rows are lines."""
    places = [(row, column) for row in range(rows) for column in range(columns)]
    return FoundCells(
        np.full(len(places), table),
        np.array([row for row, _ in places]),
        np.array([(c * width, r * height, (c + 1) * width, (r + 1) * height) for r, c in places]),
        np.full(len(places), True),
    )


def shared(one, other):
    """What two boxes share of all that they cover."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0, width) * max(0, height)
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (sum(areas) - both)
