"""Recogniser: reads the digits in a picture."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import ModelError, OtherClassesError, did_you_mean
from mnistlab.recogniser.assembly import (
    FoundCells,
    FoundCharacters,
    assemble,
    digit_probabilities,
)
from mnistlab.recogniser.cutting import Cutter, Glyph
from mnistlab.recogniser.layout import arrange, part
from mnistlab.recogniser.network import NONE, Network
from mnistlab.recogniser.pattern import Patterns, parse_patterns
from mnistlab.recogniser.picture import MAX_PIXELS, Picture, open_picture
from mnistlab.recogniser.reading import Reading
from mnistlab.recogniser.writing import Writing, find_writing, reconsider
from mnistlab.text import listed

THRESHOLD = 0.5
"""Probability below which a digit is unsure, unless told otherwise."""
_MOST_SPLIT = 60
"""Characters of a picture up to which each may be several that touch; a picture of more is a page,
or no writing."""
_TEXTURE, _LEAST_CONFIDENCE = 24, 0.75
"""Digits from which on, and mean confidence below which, a picture shows texture and no writing."""
_FEW, _DOUBTFUL = 12, 0.85
"""Digits up to which, and mean confidence below which, a picture is looked at again."""
_DIGITS = tuple(map(str, range(10)))
_SHIPPED = Path(__file__).parent / "shipped"


def shipped_models() -> dict[str, Path]:
    """Return the models inside the package, by name; ``reader`` is the one to read with."""
    return {
        file.stem: file
        for file in sorted(_SHIPPED.glob("*.onnx"), key=lambda file: file.stem != "reader")
    }


class Recogniser:
    """Reads digits that someone wrote.

    Args:
        model: name of a shipped model, or path of a file that ``mnistlab export`` wrote.
        threshold: probability from 0 to 1 below which a digit is called unsure.
        max_pixels: files of more pixels are refused, before they are decoded; more than the default
            never are read.
        pattern: what a number may be, see :meth:`mnistlab.recogniser.reading.Reading.matching`.

    Raises:
        ModelError: no such model, not one of mnistlab's, or ``threshold`` out of range.
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
        model: Path | str = "reader",
        *,
        threshold: float = THRESHOLD,
        max_pixels: int = MAX_PIXELS,
        pattern: Patterns | None = None,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ModelError(f"threshold is {threshold}; it is a probability, from 0 to 1")
        self.network = Network(_find_model(model))
        self.threshold = threshold
        self.max_pixels = max_pixels
        self.patterns = tuple(parse_patterns(pattern or ()).values())
        shape = (self.network.channels, *self.network.image_size)
        _refuse_other_images(model, shape, self.network.classes)

    def read(self, source: Any, *, pattern: Patterns | None = None) -> Reading:
        """Read one picture: a digit, a line of several, or several lines.

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
        picture = open_picture(source, self.max_pixels)
        cutter = Cutter(self.network.logits, self.network.typical_logit)
        ways = find_writing(picture)
        best, digits = self._read_best(ways, cutter)
        if 0 < len(digits.glyphs) <= _FEW and digits.confidence < _DOUBTFUL:
            others = [other for way in ways for other in reconsider(way)]
            evidence, found = self._read_best(others, cutter)
            digits = found if evidence > best else digits
        reading = self._assemble(digits, picture)
        return reading.matching(patterns) if patterns else reading

    def _read_best(self, ways: list[Writing], cutter: Cutter) -> tuple[float, "_Digits"]:
        """Return how much speaks for the likeliest way to see a picture, and what it then says."""
        best, digits = 0.0, _Digits([], [], np.empty((0, 10)))
        for writing in ways:
            found = self._read_writing(writing, cutter)
            evidence = _evidence(writing, found)
            if evidence > best:
                best, digits = evidence, found
        return best, digits

    def _read_writing(self, writing: Writing, cutter: Cutter) -> "_Digits":
        glyphs: list[Glyph] = []
        numbers: list[int] = []
        lines = arrange(writing.marks)
        several = sum(map(len, lines)) <= _MOST_SPLIT
        for number, line in enumerate(lines):
            tall = float(np.median([character.height for character in line]))
            for character in line:
                glyphs += cutter.glyphs(character, tall, writing.ink, several=several)
            numbers += [number] * (len(glyphs) - len(numbers))
        return _Digits(glyphs, numbers, self._probabilities(glyphs))

    def _assemble(self, digits: "_Digits", picture: Picture) -> Reading:
        count, lines = len(digits.glyphs), np.array(digits.lines, int)
        boxes = np.array([_box(glyph, picture) for glyph in digits.glyphs]).reshape(-1, 4)
        group = np.zeros(count, int)
        for line in range(1 + max(digits.lines, default=-1)):
            (members,) = np.nonzero(lines == line)
            group[members] = 1 + group.max(initial=0) + np.array(part(boxes[members]), int)
        none = np.empty(0, int)
        return assemble(
            FoundCharacters(
                boxes=boxes,
                probabilities=digit_probabilities(digits.rows),
                presence=np.ones(count),
                cut=np.zeros(count, bool),
                line=lines,
                group=group,
                cell=np.full(count, -1),
                pixels=[glyph.pixels for glyph in digits.glyphs],
            ),
            FoundCells(none, none, none, none.reshape(0, 4), none > 0),
            picture.size,
            self.threshold,
        )

    def _probabilities(self, glyphs: list[Glyph]) -> NDArray[np.float64]:
        if not glyphs:
            return np.empty((0, 10))
        return self.network.named(np.stack([glyph.pixels for glyph in glyphs]))


def _find_model(model: Path | str) -> Path:
    shipped = shipped_models()
    if isinstance(model, str) and model in shipped:
        return shipped[model]
    path = Path(model)
    # Not Path's, which raise if a name is too long for a file.
    if os.path.isdir(path):  # noqa: PTH112
        _refuse_run_of_other_images(path)
    if path.suffix == ".onnx" or os.path.exists(path):  # noqa: PTH110
        return path
    known = f"shipped are {', '.join(shipped)}; or name an .onnx file"
    raise ModelError(f"{model}: no such model; {did_you_mean(str(model), shipped) or known}")


def reads_digits(shape: tuple[int, int, int], classes: tuple[str, ...]) -> bool:
    """Tell whether a model is one of the ten digits, as they are cut out of pictures.

    Args:
        shape: channels, height and width of the images that it takes.
        classes: names of its classes; the last may be ``none``.
    """
    return shape == (1, 28, 28) and classes[:10] == _DIGITS and classes[10:] in ((), (NONE,))


def _refuse_other_images(
    model: Path | str, shape: tuple[int, int, int], classes: tuple[str, ...]
) -> None:
    """Refuse a model that is not one of digits as they are cut out of pictures.

    Raises:
        ModelError: it is not; the message says what it is, what is needed, and the remedy.
    """
    if reads_digits(shape, classes):
        return
    channels, height, width = shape
    colour = " colour" if channels > 1 else ""
    raise OtherClassesError(
        f"{model}: classifies{colour} images of {height}x{width} pixels into {len(classes)} classes"
        f" ({listed(classes, 5)}), but pictures are read with a model of the ten digits in 28x28"
        " grey pixels; leave the model out to read digits, or test this one on labelled images with"
        " mnistlab evaluate"
    )


def _refuse_run_of_other_images(folder: Path) -> None:
    """Refuse a run that could read no digits even if it were exported, as it has to be.

    Raises:
        ModelError: it could not.
    """
    from mnistlab.runs import RunFolder

    if (run := RunFolder(folder)).finished:
        about = run.read_record().data
        _refuse_other_images(folder, (about.channels, *about.image_size), about.classes)


class _Digits(NamedTuple):
    """What a picture says, seen in one way: glyphs, the line of each, and its ten
    probabilities, ``(n, 10)``.
    """

    glyphs: list[Glyph]
    lines: list[int]
    rows: NDArray[np.float64]

    @property
    def confidence(self) -> float:
        """The mean of the highest probabilities."""
        return float(self.rows.max(axis=1).mean())


def _evidence(writing: Writing, digits: _Digits) -> float:
    """Return how much speaks for a way to see a picture: it looks written, and what it says can be
    read.
    """
    if not digits.glyphs:
        return 0.0
    if len(digits.glyphs) >= _TEXTURE and digits.confidence < _LEAST_CONFIDENCE:
        return 0.0
    return writing.likelihood * digits.confidence**4


def _box(glyph: Glyph, picture: Picture) -> list[int]:
    limits = 2 * picture.size
    return [
        min(max(round(p / picture.scale), 0), limit)
        for p, limit in zip(glyph.box, limits, strict=True)
    ]
