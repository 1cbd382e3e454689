"""Recogniser: reads numbers, lines and tables of any picture."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistlab.arguments import probability
from mnistlab.characters import DIGITS, OTHER
from mnistlab.data.decode import FIRST_OF_SEVERAL, MOST_PIXELS
from mnistlab.data.picture_inputs import load
from mnistlab.errors import ModelError, PictureError
from mnistlab.files import read_file
from mnistlab.recogniser.assembly import (
    FoundCells,
    FoundCharacters,
    assemble,
    digit_probabilities,
)
from mnistlab.recogniser.engine import Engine, Result
from mnistlab.recogniser.models import (
    READER,
    about_reader,
    find_model,
    is_own_form,
    refuse_other_images,
)
from mnistlab.recogniser.pattern import Patterns, parse_patterns
from mnistlab.recogniser.reading import Reading

if TYPE_CHECKING:
    from mnistlab.recogniser.network import Network

THRESHOLD = 0.9
"""Probability below which a character is unsure, unless told otherwise."""
LONGEST = 2000
"""Pixels of the longer side that the core makes use of, at most."""
_NONE = -1
_MOST_GIVEN = 1 << 24
"""Pixels above which a picture is reduced before the core has it, whose memory has an end."""


class Seen(NamedTuple):
    """What the core saw in a picture, whose characters another network may name.

    Attributes:
        found: in pixels of the picture as it was decoded.
        size: width and height of the picture itself.
        scale: pixels of the picture for one of the decoded picture.
        remarks: what of the file was left out.
    """

    found: Result
    size: tuple[int, int]
    scale: float
    remarks: tuple[str, ...] = ()


class Recogniser:
    """Reads what someone wrote: digits and the signs ``. , - + / : ( ) %``, in lines and tables.

    Args:
        model: ``reader``, which finds all characters and names them; or a network that names the
            digits that the reader has found: the name of another shipped model, or the path of a
            file that ``mnistlab export`` wrote; or another reader: the ``reader.bin`` of a training
            run, or the run's folder.
        threshold: probability from 0 to 1 below which a character is called unsure.
        max_pixels: files of more pixels are refused, before they are decoded; more than the default
            never are read.
        pattern: what a number may be, see :meth:`mnistlab.recogniser.reading.Reading.matching`.
        beside: a recogniser to share the core with, if both need the same one; the two then take
            turns.

    Attributes:
        network: what names the digits; ``None`` if the core does.
        about: what is known of the model, ready for JSON.
        notes: what has to be said of its file.

    Raises:
        ModelError: no such model, not one of mnistlab's, damaged, or ``threshold`` out of range.
        PatternError: a pattern cannot be understood.

    Examples:
        >>> import mnistlab
        >>> seven = mnistlab.load_dataset("mnist").test.images[0]
        >>> reading = mnistlab.Recogniser().read(seven)
        >>> reading.text, reading.sure
        ('7', True)
    """

    def __init__(
        self,
        model: Path | str = READER,
        *,
        threshold: float = THRESHOLD,
        max_pixels: int = MOST_PIXELS,
        pattern: Patterns | None = None,
        beside: "Recogniser | None" = None,
    ) -> None:
        threshold = probability("threshold", threshold, ModelError)
        file = find_model(model)
        self.network: Network | None = None if is_own_form(file) else _open_network(file, model)
        self._core = file if self.network is None else find_model(READER)
        self.about = about_reader(file) if self.network is None else self.network.metadata
        self.notes: tuple[str, ...] = () if self.network is None else self.network.notes
        shared = beside is not None and beside._core == self._core
        self._engine: Engine
        self._engine = beside._engine if beside and shared else _open_engine(self._core)
        self.threshold = threshold
        self.max_pixels = max_pixels
        self.patterns = tuple(parse_patterns(pattern or ()).values())

    def read(self, source: Any, *, pattern: Patterns | None = None) -> Reading:
        """Read one picture: a digit, lines of numbers, tables.

        Args:
            source: a file's path, its content or a file object, an array, a tensor, a Pillow image
                or a drawing pad's dictionary, see
                :func:`mnistlab.data.picture_inputs.open_picture`.
            pattern: what a number may be in this picture, instead of the recogniser's own.

        Raises:
            PictureError: not a picture, of a format not read, damaged, or too large.
            PatternError: a pattern cannot be understood.
        """
        patterns = tuple(parse_patterns(pattern).values()) if pattern else self.patterns
        reading = self.name(self.look(source))
        return reading.matching(patterns) if patterns else reading

    def look(self, source: Any) -> Seen:
        """Find the characters of a picture.

        Raises:
            PictureError: see :meth:`read`.
        """
        pixels, size, remarks = open_pixels(source, self.max_pixels)
        try:
            found = self._engine.read(pixels, self.threshold)
        except RuntimeError as error:
            raise PictureError(f"picture: cannot be read: {error}") from error
        return Seen(found, size, size[0] / pixels.shape[1], remarks)

    def name(self, seen: Seen) -> Reading:
        """Return the reading of a picture in which a recogniser with the same core looked, see
        :meth:`looks_as`.
        """
        found, scale = seen.found, seen.scale
        rows = np.concatenate([found.characters, found.left_out]).astype(np.float64)
        presence = rows[:, 4:24].sum(axis=1)
        probabilities = rows[:, 4:24] / np.maximum(presence, 1e-9)[:, None]
        if self.network is not None:
            digits = probabilities[:, :OTHER].argmax(axis=1) < DIGITS
            named = self.network.named(found.images[digits])
            total = probabilities[digits, :DIGITS].sum(axis=1, keepdims=True)
            probabilities[digits, :DIGITS] = 0
            probabilities[digits] += total * digit_probabilities(named)
        line, group, cell = rows[:, 27:30].astype(int).T
        line[len(found.characters) :] = _NONE
        cells = found.cells.astype(np.float64)
        table, row = cells[:, :2].astype(int).T
        reading = assemble(
            FoundCharacters(
                boxes=rows[:, :4] * scale,
                probabilities=probabilities,
                presence=presence,
                cut=rows[:, 26] > 0,
                line=line,
                group=group,
                cell=cell,
                pixels=list(found.images),
            ),
            FoundCells(table, row, cells[:, 3:7] * scale, cells[:, 7] > 0),
            seen.size,
            self.threshold,
        )
        return replace(reading, remarks=seen.remarks)

    def looks_as(self, other: "Recogniser") -> bool:
        """Tell whether another recogniser finds the same characters."""
        return self._core == other._core


def open_pixels(
    source: Any, max_pixels: int = MOST_PIXELS
) -> tuple[NDArray[np.uint8], tuple[int, int], tuple[str, ...]]:
    """Return what the core is given of a picture, the picture's own width and height, and what of
    the file was left out.

    Args:
        source: see :func:`mnistlab.data.picture_inputs.open_picture`.
        max_pixels: files of more are refused, before they are decoded.

    Returns:
        uint8, ``(height, width)`` or ``(height, width, 3)``, upright, as training images are
        decoded; transparency laid on white or black, whichever the ink stands out from. Larger
        pictures are reduced where that saves time or memory.

    Raises:
        PictureError: not a picture, of a format not read, damaged, or too large.
    """
    picture = load(source, ground="contrast", max_pixels=max_pixels, longest=LONGEST)
    image = picture.image
    if image.width * image.height > _MOST_GIVEN:
        image = image.reduce(math.isqrt(image.width * image.height // _MOST_GIVEN) + 1)
    remarks = tuple(note for note in picture.notes if note == FIRST_OF_SEVERAL)
    return np.asarray(image), picture.size, remarks


def _open_network(file: Path, model: Path | str) -> "Network":
    # Only here, since ONNX Runtime takes longer to load than all the rest.
    from mnistlab.recogniser.network import Network

    network = Network(file)
    shape = (network.channels, *network.image_size)
    refuse_other_images(model, shape, network.classes)
    return network


def _open_engine(file: Path) -> Engine:
    try:
        return Engine(read_file(file))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
