"""Metric: the figure by which recipes are judged; accuracy unless the user asks for another."""

from typing import Literal, get_args

Metric = Literal["accuracy", "macro_f1", "balanced_accuracy"]
METRICS: tuple[Metric, ...] = get_args(Metric)
METRIC_NAMES: dict[Metric, str] = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced accuracy",
}
"""For people."""
METRIC_MEANINGS: dict[Metric, str] = {
    "accuracy": "share of the images that are classified correctly",
    "macro_f1": "mean of the classes' F1, each class counting alike; a class that is never"
    " predicted counts 0",
    "balanced_accuracy": "mean of the classes' recalls, each class counting alike",
}
