"""Train small image classifiers, tell honestly which one is better, and put the winner to use.

The names below are the whole public interface; each is imported when it is first asked for, so that
``import mnistlab`` costs nothing and needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnistlab.cli.progress import ProgressBar
    from mnistlab.data import Dataset, load_dataset, make_dataset
    from mnistlab.errors import MnistlabError
    from mnistlab.experiments import (
        ComparisonResult,
        Repetition,
        ablation,
        compare,
        read_comparison,
        repeat,
    )
    from mnistlab.recipe import Recipe, built_in, read_recipe
    from mnistlab.recogniser import Reading, Recogniser
    from mnistlab.runs import EpochMetrics, RunFolder, RunRecord
    from mnistlab.training import TrainedModel, train

_HOMES = {
    "ablation": "experiments",
    "compare": "experiments",
    "read_comparison": "experiments",
    "repeat": "experiments",
    "Repetition": "experiments",
    "ComparisonResult": "experiments",
    "Dataset": "data",
    "EpochMetrics": "runs",
    "MnistlabError": "errors",
    "ProgressBar": "cli.progress",
    "Recipe": "recipe",
    "Reading": "recogniser",
    "Recogniser": "recogniser",
    "RunFolder": "runs",
    "RunRecord": "runs",
    "TrainedModel": "training",
    "built_in": "recipe",
    "load_dataset": "data",
    "make_dataset": "data",
    "read_recipe": "recipe",
    "train": "training",
}

__all__ = [
    "ComparisonResult",
    "Dataset",
    "EpochMetrics",
    "MnistlabError",
    "ProgressBar",
    "Reading",
    "Recipe",
    "Recogniser",
    "Repetition",
    "RunFolder",
    "RunRecord",
    "TrainedModel",
    "ablation",
    "built_in",
    "compare",
    "load_dataset",
    "make_dataset",
    "read_comparison",
    "read_recipe",
    "repeat",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("mnistlab")
    if name not in _HOMES:
        raise AttributeError(f"module 'mnistlab' has no attribute {name!r}")
    return getattr(import_module(f"mnistlab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, "__version__"])
