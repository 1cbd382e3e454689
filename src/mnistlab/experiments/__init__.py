"""Grids of recipes and seeds, run here or on a cluster, and what comes of them."""

from mnistlab.experiments.compare import ablation, compare, repeat
from mnistlab.experiments.comparison_result import ComparisonResult
from mnistlab.experiments.executor import Executor, InProcessExecutor
from mnistlab.experiments.learning_rate import LearningRateResult, find_learning_rate
from mnistlab.experiments.local_executor import LocalExecutor
from mnistlab.experiments.options import ExperimentOptions
from mnistlab.experiments.reload import read_comparison, read_repetition
from mnistlab.experiments.repetition_result import RepetitionResult
from mnistlab.experiments.sweep import SweepResult, sweep
from mnistlab.experiments.trial import Trial

__all__ = [
    "ComparisonResult",
    "Executor",
    "ExperimentOptions",
    "InProcessExecutor",
    "LearningRateResult",
    "LocalExecutor",
    "RepetitionResult",
    "SweepResult",
    "Trial",
    "ablation",
    "compare",
    "find_learning_rate",
    "read_comparison",
    "read_repetition",
    "repeat",
    "sweep",
]
