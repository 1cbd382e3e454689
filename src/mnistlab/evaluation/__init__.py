"""Models on labelled images: how well one classifies them, and how robust several are."""

from mnistlab.evaluation.evaluate import EvaluationResult, evaluate
from mnistlab.evaluation.robustness import (
    RobustnessResult,
    evaluate_robustness,
    read_robustness,
)

__all__ = [
    "EvaluationResult",
    "RobustnessResult",
    "evaluate",
    "evaluate_robustness",
    "read_robustness",
]
