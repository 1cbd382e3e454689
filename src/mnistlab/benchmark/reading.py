"""Reading: how well and how fast photographs of handwriting are read whose answers are known."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from mnistlab.benchmark.photographs import Photograph, photographs
from mnistlab.data import load_dataset
from mnistlab.recogniser import Reading, Recogniser
from mnistlab.runs import describe_environment
from mnistlab.statistics.interval import wilson_interval

_SINGLE, _LINE = 1, 5
_COUNTS, _QUICK_COUNTS = {_SINGLE: 1000, _LINE: 400}, {_SINGLE: 100, _LINE: 40}
_SEED = 2029


@dataclass(frozen=True)
class Score:
    """How many pictures were read whole.

    Attributes:
        pictures: how many there were.
        right: of them, those of which every digit is right and none was seen that is not there.
        interval: Wilson's 95 % interval of the share, 0 to 1.
    """

    pictures: int
    right: int
    interval: tuple[float, float]

    @property
    def share(self) -> float:
        """Of pictures read whole, 0 to 1."""
        return self.right / self.pictures


@dataclass(frozen=True)
class ReadingBenchmark:
    """What was measured.

    Attributes:
        model: name of the model that read.
        scores: by number of digits, for all pictures.
        conditions: by number of digits and by condition that the pictures were under, worst first.
        sure: by number of digits, of the pictures of whose digits none was called unsure.
        milliseconds: by number of digits, the median time of a reading, one thread.
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


def measure_reading(
    model: str = "reader", *, quick: bool, on_turn: Callable[[str], None]
) -> ReadingBenchmark:
    """Render MNIST's test digits as photographs, single and in lines of five, and read them.

    Args:
        model: name of a shipped model, or path of an ONNX file.
        quick: a tenth of the pictures.
        on_turn: told what is read next.
    """
    recogniser = Recogniser(model)
    read: dict[int, list[tuple[Photograph, Reading]]] = {}
    milliseconds = {}
    for length, count in (_QUICK_COUNTS if quick else _COUNTS).items():
        on_turn(f"{count} pictures of {length} digit{'s' * (length > 1)}")
        pairs, seconds = _read(recogniser, _pictures(count, length))
        read[length], milliseconds[length] = pairs, round(1000 * median(seconds), 1)
    return ReadingBenchmark(
        model=model,
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
    return photographs(test.images, test.labels, count=count, length=length, seed=_SEED + length)


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
    right = sum(reading.text == picture.digits for picture, reading in pairs)
    interval = wilson_interval(right, len(pairs))
    return Score(len(pairs), right, (interval.low, interval.high))


def _by_condition(pairs: list[tuple[Photograph, Reading]]) -> dict[str, Score]:
    names = sorted({name for picture, _ in pairs for name in picture.conditions})
    scores = {
        name: _score([pair for pair in pairs if name in pair[0].conditions]) for name in names
    }
    return dict(sorted(scores.items(), key=lambda item: item[1].share))


def _calibration_error(pairs: list[tuple[Photograph, Reading]]) -> float:
    """Return the mean gap between confidence and share read rightly, over ten bins of equal
    width.
    """
    confidences, correct = [], []
    for picture, reading in pairs:
        if len(reading.digits) == len(picture.digits):
            confidences += [digit.confidence for digit in reading.digits]
            correct += [
                digit.label == int(truth)
                for digit, truth in zip(reading.digits, picture.digits, strict=True)
            ]
    bins = np.minimum((np.array(confidences) * 10).astype(int), 9)
    gaps = np.bincount(bins, np.array(confidences) - np.array(correct, float))
    return float(np.abs(gaps).sum() / len(bins))
