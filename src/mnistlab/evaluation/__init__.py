"""Models on labelled images: how well one classifies them, and how robust several are; readers on
pictures of handwriting.
"""

from mnistlab.evaluation.evaluate import EvaluationResult, evaluate
from mnistlab.evaluation.reader import ReaderResult, evaluate_reader
from mnistlab.evaluation.robustness import (
    RobustnessResult,
    evaluate_robustness,
    read_robustness,
)

__all__ = [
    "EvaluationResult",
    "ReaderResult",
    "RobustnessResult",
    "evaluate",
    "evaluate_reader",
    "evaluate_robustness",
    "read_robustness",
]
