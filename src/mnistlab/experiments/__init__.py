"""Grids of recipes and seeds, run here or on a cluster, and what comes of them."""

from mnistlab.experiments.comparing import ablation, compare
from mnistlab.experiments.engine import Engine, InProcess
from mnistlab.experiments.local import LocalEngine
from mnistlab.experiments.reading import read_study
from mnistlab.experiments.repetition import Repetition, repeat
from mnistlab.experiments.study import Study
from mnistlab.experiments.task import Settings, Task

__all__ = [
    "Engine",
    "InProcess",
    "LocalEngine",
    "Repetition",
    "Settings",
    "Study",
    "Task",
    "ablation",
    "compare",
    "read_study",
    "repeat",
]
