"""Reading: what a picture says, digit by digit."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistlab.answer import Answer

_DECIMALS = 6


class Box(NamedTuple):
    """A rectangle in pixels of the picture as one sees it, EXIF rotation done; right and bottom are
    outside.
    """

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a picture.

    Attributes:
        box: where its ink is.
        probabilities: float64, ``(10,)``, calibrated, summing to 1, less the probability that it is
            no digit where the network tells that.
        pixels: uint8, ``(28, 28)``, light on black: what the network saw.
        sure: whether the highest probability reaches the recogniser's threshold.
    """

    box: Box
    probabilities: NDArray[np.float64]
    pixels: NDArray[np.uint8]
    sure: bool

    @property
    def label(self) -> int:
        """The most probable digit, 0 to 9."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """Its probability."""
        return float(self.probabilities.max())


@dataclass(frozen=True)
class Reading:
    """The digits of one picture: left to right, rows from top to bottom; none if there is no ink.

    In a notebook it shows what the network saw of each digit, and how sure it is.

    Attributes:
        digits: in reading order.
        size: width and height of the picture in pixels, as one sees it.
    """

    digits: tuple[Digit, ...]
    size: tuple[int, int]

    @property
    def text(self) -> str:
        """The digits as a text, such as ``"407"``; empty if there are none. Unsure ones count: see
        :attr:`sure`.
        """
        return "".join(str(digit.label) for digit in self.digits)

    @property
    def sure(self) -> bool:
        """Whether there are digits and all of them reach the threshold."""
        return bool(self.digits) and all(digit.sure for digit in self.digits)

    @property
    def confidence(self) -> float:
        """The probability that the whole text is right if digits err independently: the product; 0
        without digits.
        """
        return float(np.prod([digit.confidence for digit in self.digits])) if self.digits else 0.0

    @property
    def answer(self) -> Answer:
        """What programs get of it, with probabilities rounded to six decimals."""
        return Answer(
            digits=self.text,
            sure=self.sure,
            confidence=round(self.confidence, _DECIMALS),
            boxes=[list(digit.box) for digit in self.digits],
            probabilities=[
                [round(float(p), _DECIMALS) for p in digit.probabilities] for digit in self.digits
            ],
            unsure=[place for place, digit in enumerate(self.digits) if not digit.sure],
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of :attr:`answer`, ready for JSON: ``digits``, ``sure``,
        ``confidence``, ``boxes``, ``probabilities`` and ``unsure``.
        """
        return self.answer.model_dump()

    def _repr_html_(self) -> str:
        from mnistlab.recogniser.card import reading_card

        return reading_card(self)

    def __str__(self) -> str:
        return self.text or "no digit"
