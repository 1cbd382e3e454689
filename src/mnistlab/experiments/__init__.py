"""Grids of recipes and seeds, run here or on a cluster, and what comes of them."""

from mnistlab.experiments.compare import ablation, compare
from mnistlab.experiments.comparison_result import ComparisonResult
from mnistlab.experiments.executor import Executor, InProcessExecutor
from mnistlab.experiments.local_executor import LocalExecutor
from mnistlab.experiments.reload import read_comparison, read_repetition
from mnistlab.experiments.repetition import Repetition, repeat
from mnistlab.experiments.trial import Settings, Trial

__all__ = [
    "ComparisonResult",
    "Executor",
    "InProcessExecutor",
    "LocalExecutor",
    "Repetition",
    "Settings",
    "Trial",
    "ablation",
    "compare",
    "read_comparison",
    "read_repetition",
    "repeat",
]
