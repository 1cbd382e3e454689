"""Train small image classifiers, tell honestly which one is better, and put the winner to use.

The names below are the whole public interface. Each is imported when it is first used, so that
``import mnistlab`` is fast and does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnistlab.acceleration import accelerate
    from mnistlab.classifier import open_classifier
    from mnistlab.cli.progress import ProgressBar
    from mnistlab.data import Dataset, Split, load_dataset, make_dataset, verify_dataset
    from mnistlab.errors import MnistlabError
    from mnistlab.evaluation import (
        EvaluationResult,
        ReaderResult,
        RobustnessResult,
        evaluate,
        evaluate_reader,
        evaluate_robustness,
    )
    from mnistlab.experiments import (
        ComparisonResult,
        LearningRateResult,
        RepetitionResult,
        SweepResult,
        ablation,
        compare,
        find_learning_rate,
        read_comparison,
        repeat,
        sweep,
    )
    from mnistlab.exporting import export
    from mnistlab.prediction import Classifier, Prediction, Predictions
    from mnistlab.recipe import Recipe, built_in, read_recipe
    from mnistlab.recogniser import Reading, Recogniser
    from mnistlab.runs import EpochMetrics, RunFolder, RunRecord
    from mnistlab.training import TrainedModel, load, train

_HOMES = {
    "Classifier": "prediction",
    "ComparisonResult": "experiments",
    "Dataset": "data",
    "EpochMetrics": "runs",
    "EvaluationResult": "evaluation",
    "LearningRateResult": "experiments",
    "MnistlabError": "errors",
    "Prediction": "prediction",
    "Predictions": "prediction",
    "ProgressBar": "cli.progress",
    "ReaderResult": "evaluation",
    "Reading": "recogniser",
    "Recipe": "recipe",
    "Recogniser": "recogniser",
    "RepetitionResult": "experiments",
    "RobustnessResult": "evaluation",
    "RunFolder": "runs",
    "RunRecord": "runs",
    "Split": "data",
    "SweepResult": "experiments",
    "TrainedModel": "training",
    "ablation": "experiments",
    "accelerate": "acceleration",
    "built_in": "recipe",
    "compare": "experiments",
    "evaluate": "evaluation",
    "evaluate_reader": "evaluation",
    "evaluate_robustness": "evaluation",
    "export": "exporting",
    "find_learning_rate": "experiments",
    "load": "training",
    "load_dataset": "data",
    "verify_dataset": "data",
    "make_dataset": "data",
    "open_classifier": "classifier",
    "read_comparison": "experiments",
    "read_recipe": "recipe",
    "repeat": "experiments",
    "sweep": "experiments",
    "train": "training",
}

_TRAINING = frozenset(("ablation", "compare", "repeat", "sweep", "train"))
"""Functions that train, whose progress a notebook shows."""

__all__ = [
    "Classifier",
    "ComparisonResult",
    "Dataset",
    "EpochMetrics",
    "EvaluationResult",
    "LearningRateResult",
    "MnistlabError",
    "Prediction",
    "Predictions",
    "ProgressBar",
    "ReaderResult",
    "Reading",
    "Recipe",
    "Recogniser",
    "RepetitionResult",
    "RobustnessResult",
    "RunFolder",
    "RunRecord",
    "Split",
    "SweepResult",
    "TrainedModel",
    "ablation",
    "accelerate",
    "built_in",
    "compare",
    "evaluate",
    "evaluate_reader",
    "evaluate_robustness",
    "export",
    "find_learning_rate",
    "load",
    "load_dataset",
    "make_dataset",
    "open_classifier",
    "read_comparison",
    "read_recipe",
    "repeat",
    "sweep",
    "train",
    "verify_dataset",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("mnistlab")
    if name not in _HOMES:
        raise AttributeError(f"module 'mnistlab' has no attribute {name!r}")
    found = getattr(import_module(f"mnistlab.{_HOMES[name]}"), name)
    if name in _TRAINING:
        from mnistlab.notebook import with_progress

        return with_progress(found)
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, "__version__"])
