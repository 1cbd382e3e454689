"""Records made up for tests: runs whose every misclassified image is known."""

import numpy as np

from mnistlab import EpochMetrics, Recipe, RunRecord
from mnistlab.runs import DataSummary, Predictions, describe_environment, now
from mnistlab.statistics import RunGroup

IMAGES = 1000
CLASSES = tuple("0123456789")
NOW = now()
HERE = describe_environment("cpu", 1, "torch")


def made_record(  # noqa: PLR0913 - what a record consists of
    recipe=None,
    seed=0,
    wrong=(),
    loss=0.05,
    losses=None,
    fingerprint="0",
    reliability=None,
    images=IMAGES,
    classes=CLASSES,
    labels=None,
):
    """A run that misreads the images ``wrong``, each one taken for the class above its own."""
    labels = np.arange(images) % len(classes) if labels is None else np.array(labels)
    accuracy = 1 - len(wrong) / images
    history = tuple(
        EpochMetrics(
            epoch=epoch,
            train_loss=0.1 / epoch,
            train_accuracy=round(1 - 0.1 / epoch, 2),
            test_loss=value,
            test_accuracy=accuracy,
            train_seconds=1.0,
            test_seconds=0.5,
            images_per_second=1000.0,
        )
        for epoch, value in enumerate(losses or (2 * loss, loss), 1)
    )
    correct = images - len(wrong)
    return RunRecord(
        recipe=(recipe or Recipe(name="one")).replace(epochs=len(history)),
        seed=seed,
        data=DataSummary(
            name="made",
            fingerprint=fingerprint,
            train_images=5000,
            test_images=images,
            image_size=(28, 28),
            classes=classes,
        ),
        parameters=61_706,
        history=history,
        predictions=Predictions(
            train_loss=0.01,
            train_accuracy=0.999,
            test_labels=tuple(np.bincount(labels, minlength=len(classes)).tolist()),
            mistakes=tuple(
                (int(i), int(labels[i]), int(labels[i] + 1) % len(classes)) for i in sorted(wrong)
            ),
            reliability=reliability or ((0, 0.0, 0),) * 14 + ((images, 0.99 * images, correct),),
        ),
        environment=HERE,
        started=NOW,
    )


def made_group(label, errors, recipe=None, losses=None, random=None, images=IMAGES):
    """A sample whose runs, seeds from 0, misclassified so many images: the first ones, or random
    ones."""
    recipe = recipe or Recipe(name=label)
    records = []
    for seed, count in enumerate(errors):
        wrong = (
            range(count) if random is None else random.choice(images, count, replace=False).tolist()
        )
        records.append(
            made_record(recipe, seed, wrong, losses[seed] if losses else 0.05, images=images)
        )
    return RunGroup.of(label, records)
