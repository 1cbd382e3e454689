"""RunFrame: runs as a pandas ``DataFrame``, one row each."""

from collections.abc import Sequence

from mnistlab.data_frame import DataFrame, to_dataframe
from mnistlab.statistics import RunGroup

_COLUMNS = (
    "recipe",
    "seed",
    "accuracy",
    "errors",
    "macro_f1",
    "balanced_accuracy",
    "loss",
    "train_loss",
    "parameters",
    "epochs",
    "kept_epoch",
    "seconds",
    "training_seconds",
    "tested_on",
    "test_images",
    "digest",
)


def run_frame(groups: Sequence[RunGroup]) -> DataFrame:
    """Return one row per run, with the figures of the weights that it kept: its final epoch's, or
    with early stopping the best epoch's.

    Accuracies and macro F1 are in percent, losses in nats; ``seconds`` are of training and testing.

    Raises:
        MnistlabError: pandas is not installed.
    """
    rows = [
        (
            group.label,
            record.seed,
            100 * record.final.test_accuracy,
            record.final.test_errors,
            macro,
            balanced,
            record.final.test_loss,
            record.outcome.train_loss,
            record.parameters,
            len(record.history),
            record.outcome.epoch,
            record.seconds,
            record.training_seconds,
            record.recipe.tested_on,
            record.data.test_images,
            record.recipe.digest,
        )
        for group in groups
        for record, macro, balanced in zip(
            group.records,
            100 * group.values_of("macro_f1"),
            100 * group.values_of("balanced_accuracy"),
            strict=True,
        )
    ]
    return to_dataframe(_COLUMNS, rows)
