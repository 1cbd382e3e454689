"""Reading: how well and how fast the recogniser reads photographs of handwriting whose digits are
known.

``python -m benchmarks.reading --json results/reading/summary.json`` made the record.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from benchmarks.command import command
from benchmarks.photographs import Photograph, photographs
from mnistlab.data import load_dataset
from mnistlab.recogniser import Reading, Recogniser
from mnistlab.runs import describe_environment
from mnistlab.statistics.interval import wilson_interval

_SINGLE, _LINE = 1, 5
_COUNTS, _QUICK_COUNTS = {_SINGLE: 1000, _LINE: 400}, {_SINGLE: 100, _LINE: 40}
_SEED = 2029
_MODEL = "reader"


@dataclass(frozen=True)
class Score:
    """How many pictures were read without a mistake.

    Attributes:
        pictures: how many.
        right: how many of them have every digit right, and none that is not there.
        interval: Wilson's 95 % interval of the share, 0 to 1.
    """

    pictures: int
    right: int
    interval: tuple[float, float]

    @property
    def share(self) -> float:
        """Share of pictures read without a mistake, 0 to 1."""
        return self.right / self.pictures


@dataclass(frozen=True)
class ReadingBenchmark:
    """What was measured.

    Attributes:
        model: name of the model that read.
        scores: for all pictures, by number of digits.
        conditions: by number of digits, then by the pictures' condition, worst first.
        sure: by number of digits, for the pictures without an unsure digit.
        milliseconds: median time of a reading on one thread, by number of digits.
        calibration_error: expected calibration error of a digit, 0 to 1, where the number of digits
            is right.
        environment: versions and hardware.
    """

    model: str
    scores: dict[int, Score]
    conditions: dict[int, dict[str, Score]]
    sure: dict[int, Score]
    milliseconds: dict[int, float]
    calibration_error: float
    environment: dict[str, Any]


def measure_reading(*, quick: bool, on_turn: Callable[[str], None]) -> ReadingBenchmark:
    """Render MNIST's test digits as photographs, single and in lines of five, and read them.

    Args:
        quick: a tenth of the pictures.
        on_turn: called with what is read next.
    """
    recogniser = Recogniser(_MODEL)
    read: dict[int, list[tuple[Photograph, Reading]]] = {}
    milliseconds = {}
    for length, count in (_QUICK_COUNTS if quick else _COUNTS).items():
        on_turn(f"{count} pictures of {length} digit{'s' * (length > 1)}")
        pairs, seconds = _read(recogniser, _pictures(count, length))
        read[length], milliseconds[length] = pairs, round(1000 * median(seconds), 1)
    return ReadingBenchmark(
        model=_MODEL,
        scores={length: _score(pairs) for length, pairs in read.items()},
        conditions={length: _by_condition(pairs) for length, pairs in read.items()},
        sure={
            length: _score([pair for pair in pairs if pair[1].sure])
            for length, pairs in read.items()
        },
        milliseconds=milliseconds,
        calibration_error=_calibration_error([pair for pairs in read.values() for pair in pairs]),
        environment=describe_environment("cpu", 1, "onnxruntime").model_dump(),
    )


def _pictures(count: int, length: int) -> Iterator[Photograph]:
    test = load_dataset("mnist").test
    return photographs(
        test.images[:, 0], test.labels, count=count, length=length, seed=_SEED + length
    )


def _read(
    recogniser: Recogniser, pictures: Iterator[Photograph]
) -> tuple[list[tuple[Photograph, Reading]], list[float]]:
    pairs, seconds = [], []
    for picture in pictures:
        began = time.perf_counter()
        reading = recogniser.read(picture.content)
        seconds.append(time.perf_counter() - began)
        pairs.append((picture, reading))
    return pairs, seconds


def _score(pairs: list[tuple[Photograph, Reading]]) -> Score:
    right = sum(reading.digits == picture.digits for picture, reading in pairs)
    interval = wilson_interval(right, len(pairs))
    return Score(len(pairs), right, (interval.low, interval.high))


def _by_condition(pairs: list[tuple[Photograph, Reading]]) -> dict[str, Score]:
    names = sorted({name for picture, _ in pairs for name in picture.conditions})
    scores = {
        name: _score([pair for pair in pairs if name in pair[0].conditions]) for name in names
    }
    return dict(sorted(scores.items(), key=lambda item: item[1].share))


def _calibration_error(pairs: list[tuple[Photograph, Reading]]) -> float:
    """Return the mean gap between confidence and accuracy over ten bins of equal width."""
    confidences, correct = [], []
    for picture, reading in pairs:
        characters = reading.characters
        if len(characters) == len(picture.digits):
            confidences += [one.confidence for one in characters]
            correct += [
                one.text == truth for one, truth in zip(characters, picture.digits, strict=True)
            ]
    bins = np.minimum((np.array(confidences) * 10).astype(int), 9)
    gaps = np.bincount(bins, np.array(confidences) - np.array(correct, float))
    return float(np.abs(gaps).sum() / len(bins))


def _lines(result: ReadingBenchmark) -> Iterator[str]:
    for length, score in result.scores.items():
        low, high = (f"{100 * bound:.1f}" for bound in score.interval)
        what = "single digits" if length == _SINGLE else f"lines of {length} digits"
        yield (
            f"{what}: {100 * score.share:.1f} % of {score.pictures:,} photographs correct (95 %"
            f" interval {low} to {high}), {result.milliseconds[length]:.0f} ms each"
        )
        sure = result.sure[length]
        yield f"  without an unsure digit: {sure.pictures:,}, {100 * sure.share:.1f} % correct"
        for name, part in result.conditions[length].items():
            yield f"  {name:<18}{100 * part.share:6.1f} % of {part.pictures:,}"
    yield f"expected calibration error of a digit: {100 * result.calibration_error:.1f} points"


main = command("reading", measure_reading, _lines)

if __name__ == "__main__":
    main()
