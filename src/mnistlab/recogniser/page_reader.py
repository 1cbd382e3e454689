"""Page reader: reads numbers, lines and tables of any picture with the core, see
:mod:`mnistlab.recogniser.engine`.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.picture_inputs import load
from mnistlab.errors import ModelError
from mnistlab.files import read_file
from mnistlab.recogniser.assembly import FoundCells, FoundCharacters, assemble
from mnistlab.recogniser.engine import Engine, Result
from mnistlab.recogniser.pattern import Patterns, parse_patterns
from mnistlab.recogniser.picture import MAX_PIXELS
from mnistlab.recogniser.reading import Reading

THRESHOLD = 0.9
"""Probability below which a character is unsure, unless told otherwise."""
LONGEST = 2560
"""Pixels of the longer side that the core makes use of, at most."""
MODEL = Path(__file__).with_name("shipped") / "reader.bin"
_NONE = -1


class PageReader:
    """Reads what someone wrote: digits and the signs ``. , - + / : ( ) %``, in lines and tables.

    Args:
        model: path of the file that :func:`mnistlab.detector.run.train_reader` wrote; by default
            the one in the package, whose training is not at its end.
        threshold: probability from 0 to 1 below which a character is called unsure.
        max_pixels: files of more pixels are refused, before they are decoded.
        pattern: what a number may be, see :meth:`mnistlab.recogniser.reading.Reading.matching`.

    Raises:
        ModelError: the file cannot be read or is damaged, or ``threshold`` is out of range.
        PatternError: a pattern cannot be understood.
    """

    def __init__(
        self,
        model: Path | str = MODEL,
        *,
        threshold: float = THRESHOLD,
        max_pixels: int = MAX_PIXELS,
        pattern: Patterns | None = None,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ModelError(f"threshold is {threshold}; it is a probability, from 0 to 1")
        try:
            self._engine = Engine(read_file(model))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{model}: cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from error
        self.threshold = threshold
        self.max_pixels = max_pixels
        self.patterns = tuple(parse_patterns(pattern or ()).values())

    def read(self, source: Any, *, pattern: Patterns | None = None) -> Reading:
        """Read one picture.

        Args:
            source: a file's path, its content or a file object, an array, a tensor, a Pillow image
                or a drawing pad's dictionary, see
                :func:`mnistlab.data.picture_inputs.open_picture`.
            pattern: what a number may be in this picture, instead of the reader's own.

        Raises:
            PictureError: not a picture, of a format not read, damaged, or too large.
            PatternError: a pattern cannot be understood.
        """
        patterns = tuple(parse_patterns(pattern).values()) if pattern else self.patterns
        picture = load(source, ground="contrast", max_pixels=self.max_pixels, longest=LONGEST)
        pixels = np.asarray(picture.image.convert("RGB"))
        found = self._engine.read(pixels, self.threshold)
        scale = picture.size[0] / pixels.shape[1]
        reading = self._assemble(found, pixels, picture.size, scale)
        return reading.matching(patterns) if patterns else reading

    def _assemble(
        self, found: Result, pixels: NDArray[np.uint8], size: tuple[int, int], scale: float
    ) -> Reading:
        rows = np.concatenate([found.characters, found.left_out]).astype(np.float64)
        presence = rows[:, 4:24].sum(1)
        line, group, cell = rows[:, 27:30].astype(int).T
        table, row, column = found.cells[:, :3].astype(int).T
        line[len(found.characters) :] = _NONE
        return assemble(
            FoundCharacters(
                boxes=rows[:, :4] * scale,
                probabilities=rows[:, 4:24] / np.maximum(presence, 1e-9)[:, None],
                presence=presence,
                cut=rows[:, 26] > 0,
                line=line,
                group=group,
                cell=cell,
                pixels=[_cut(pixels, row) for row in rows[:, :4]],
            ),
            FoundCells(table, row, column, found.cells[:, 3:7] * scale, found.cells[:, 7] > 0),
            size,
            self.threshold,
        )


def _cut(pixels: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a small grey picture of what a box holds, light on black."""
    height, width = pixels.shape[:2]
    left, top = max(int(box[0]), 0), max(int(box[1]), 0)
    right, bottom = min(int(np.ceil(box[2])), width), min(int(np.ceil(box[3])), height)
    step = max((right - left) // 56, (bottom - top) // 56, 1)
    part = pixels[top:bottom:step, left:right:step].mean(axis=2)
    if not part.size:
        return np.zeros((1, 1), np.uint8)
    edge = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    ink = np.abs(part - np.median(edge))
    light: NDArray[np.uint8] = (ink * (255 / max(ink.max(), 1))).astype(np.uint8)
    return light
