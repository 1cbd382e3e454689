"""Pooling: the runs of a cross-validation's folds as one run, in which every image is tested once.

A seed has a run for each fold. Pooled, they are one record with the figures of all images, so that
whatever is worked out over seeds needs to know nothing of folds.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mnistlab.errors import RunError
from mnistlab.recipe import ModelInput
from mnistlab.runs.predictions import DECIMALS, Predictions
from mnistlab.runs.record import DataSummary, Environment, EpochMetrics, RunRecord, have_one_model

MIXED = " and "
"""Between the versions or devices with which the folds of one pooled record were trained."""


@dataclass(frozen=True)
class Pooled:
    """The records of whole runs.

    Attributes:
        records: those of complete cross-validations pooled, by the recipe's name and the seed.
        lacking: for each of the others, by the recipe's digest (without ``fold``) and the seed, a
            line that says which folds have no record.
    """

    records: tuple[RunRecord, ...]
    lacking: dict[tuple[str, int], str]


def pool_complete(records: Iterable[RunRecord]) -> Pooled:
    """Pool the records of folds, for each recipe and seed of which all folds are there.

    Args:
        records: of which those that are not one fold's are passed over.

    Raises:
        RunError: see :func:`pool_folds`.
    """
    runs: dict[tuple[str, int], list[RunRecord]] = {}
    for record in records:
        if record.recipe.fold:
            whole = record.recipe.replace(fold=0)
            runs.setdefault((whole.digest, record.seed), []).append(record)
    complete, lacking = [], {}
    for key, found in runs.items():
        recipe, seed = found[0].recipe, found[0].seed
        there = {record.recipe.fold for record in found}
        missing = [str(fold) for fold in range(1, recipe.folds + 1) if fold not in there]
        if missing:
            lacks = f"lacks fold{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            lacking[key] = f"{recipe.name}, seed {seed}: {lacks} of {recipe.folds}"
        else:
            complete.append(pool_folds(found))
    return Pooled(tuple(complete), lacking)


def pool_folds(records: Sequence[RunRecord]) -> RunRecord:
    """Return the runs of one recipe, seed and all folds as one record.

    Accuracies and losses are means over images. ``data.train_images`` and the seconds are sums, so
    that an image which four folds are trained on counts four times. Images are numbered as they
    stood before they were divided into folds. Of the pixels' mean and deviation and of balanced
    class weights, which each fold has its own of, there are the means. A fold that early stopping
    has ended counts in later epochs with the weights that it kept. The recipe has ``fold`` 0.

    Args:
        records: one of each fold, in any order.

    Raises:
        RunError: a fold is missing or there twice, the folds are not of the same images, recipe,
            seed or model, or an image is in none or several of them.
    """
    records = sorted(records, key=lambda record: record.recipe.fold)
    first = records[0]
    recipe, data = first.recipe.replace(fold=0), first.data
    name = f"{recipe.name}, seed {first.seed}"
    if [record.recipe.fold for record in records] != list(range(1, recipe.folds + 1)):
        raise RunError(f"{name}: needs one run of each of its {recipe.folds} folds")
    if any(_kind(record) != _kind(first) for record in records) or not have_one_model(records):
        raise RunError(
            f"{name}: its folds are runs of different data or models; train the older ones again"
        )
    places = [np.array(record.data.places, np.int64) for record in records]
    images = sum(map(len, places))
    if not np.array_equal(np.sort(np.concatenate(places)), np.arange(images)):
        raise RunError(f"{name}: its folds are not parts of the same images; train them again")
    epochs = max(len(record.history) for record in records)
    return RunRecord(
        recipe=recipe,
        seed=first.seed,
        data=DataSummary(
            name=data.name,
            fingerprint=pool_fingerprints([record.data.fingerprint for record in records]),
            train_images=sum(record.data.train_images for record in records),
            test_images=images,
            image_size=data.image_size,
            channels=data.channels,
            classes=data.classes,
            note=_pool_notes([record.data.note for record in records]),
            watched_images=sum(record.data.watched_images for record in records),
        ),
        parameters=first.parameters,
        history=tuple(_pool_epoch(records, number) for number in range(1, epochs + 1)),
        kept=_pool_kept(records) if recipe.patience else None,
        source=first.source,
        imports=first.imports,
        init=first.init,
        frozen=first.frozen,
        code=first.code,
        class_weights=tuple(_mean_rows([record.class_weights for record in records])),
        input=_pool_inputs([record.model_input for record in records]),
        predictions=_pool_predictions(records),
        environment=_pool_environments([record.environment for record in records]),
        started=min(record.started for record in records),
    )


def pool_fingerprints(fingerprints: Sequence[str]) -> str:
    """Return the fingerprint of the folds with these, in their order; of one fold its own."""
    if len(fingerprints) == 1:
        return fingerprints[0]
    return hashlib.sha256("".join(fingerprints).encode()).hexdigest()[:16]


def _kind(record: RunRecord) -> tuple[object, ...]:
    """Return what all folds have in common."""
    recipe = record.recipe.replace(fold=0)
    data = record.data
    shape = data.image_size, data.channels, data.classes
    weights = record.init_digest, record.parameters
    return recipe.digest, record.seed, record.code, weights, shape


def _mean(values: Sequence[float], counts: Sequence[int]) -> float:
    return sum(value * count for value, count in zip(values, counts, strict=True)) / sum(counts)


def _mean_rows(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean of each column."""
    means: list[float] = np.mean(rows, axis=0).tolist()
    return means


def _share(accuracies: Sequence[float], counts: Sequence[int]) -> float:
    """Return the accuracy on all images, exactly that of a whole number of them."""
    pairs = zip(accuracies, counts, strict=True)
    return sum(round(accuracy * count) for accuracy, count in pairs) / sum(counts)


def _pool_epoch(records: Sequence[RunRecord], number: int) -> EpochMetrics:
    there = [record for record in records if number <= len(record.history)]
    seconds = sum(record.history[number - 1].train_seconds for record in there)
    images = sum(record.data.train_images for record in there)
    return _pool_metrics(records, [record.at(number) for record in records]).model_copy(
        update={
            "epoch": number,
            "train_seconds": seconds,
            "test_seconds": sum(record.history[number - 1].test_seconds for record in there),
            "images_per_second": images / seconds if seconds else 0.0,
        }
    )


def _pool_kept(records: Sequence[RunRecord]) -> EpochMetrics:
    """Return the figures of the weights that the folds kept, under the last of their epochs."""
    return _pool_metrics(records, [record.outcome for record in records])


def _pool_metrics(records: Sequence[RunRecord], epochs: Sequence[EpochMetrics]) -> EpochMetrics:
    trained = [record.data.train_images for record in records]
    tested = [record.data.test_images for record in records]
    seconds = sum(epoch.train_seconds for epoch in epochs)
    watched = [record.data.watched_images for record in records]
    losses = [epoch.watched_loss for epoch in epochs if epoch.watched_loss is not None]
    shares = [epoch.watched_accuracy for epoch in epochs if epoch.watched_accuracy is not None]
    return EpochMetrics(
        epoch=max(epoch.epoch for epoch in epochs),
        train_loss=_mean([epoch.train_loss for epoch in epochs], trained),
        train_accuracy=_share([epoch.train_accuracy for epoch in epochs], trained),
        test_loss=_mean([epoch.test_loss for epoch in epochs], tested),
        test_accuracy=_share([epoch.test_accuracy for epoch in epochs], tested),
        train_seconds=seconds,
        test_seconds=sum(epoch.test_seconds for epoch in epochs),
        images_per_second=sum(trained) / seconds if seconds else 0.0,
        watched_loss=_mean(losses, watched) if losses else None,
        watched_accuracy=_share(shares, watched) if shares else None,
    )


def _pool_predictions(records: Sequence[RunRecord]) -> Predictions | None:
    """Return those on all images; ``None`` if a record lacks its own."""
    parts = [record.predictions for record in records if record.predictions]
    if len(parts) < len(records):
        return None
    trained = [record.data.train_images for record in records]
    mistakes = [
        (record.data.places[image], label, prediction)
        for record, part in zip(records, parts, strict=True)
        for image, label, prediction in part.mistakes
    ]
    reliability = np.sum([part.reliability for part in parts], axis=0).tolist()
    return Predictions(
        train_loss=_mean([part.train_loss for part in parts], trained),
        train_accuracy=_share([part.train_accuracy for part in parts], trained),
        test_labels=tuple(np.sum([part.test_labels for part in parts], axis=0).tolist()),
        mistakes=tuple(sorted(mistakes)),
        reliability=tuple(
            (int(images), round(total, DECIMALS), int(right))
            for images, total, right in reliability
        ),
    )


def _pool_notes(notes: Sequence[str]) -> str:
    """Return what is said of all folds, and then what is said of some."""
    said: dict[str, list[int]] = {}
    for fold, note in enumerate(notes, 1):
        for part in filter(None, note.split("; ")):
            said.setdefault(part, []).append(fold)
    shared = [part for part, folds in said.items() if len(folds) == len(notes)]
    others = [
        f"fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))}: {part}"
        for part, folds in said.items()
        if part not in shared
    ]
    return "; ".join([*shared, *others])


def _pool_inputs(inputs: Sequence[ModelInput]) -> ModelInput:
    """Return what the models were given, with the mean of each fold's mean and deviation."""
    mean, std = (
        tuple(_mean_rows([getattr(one, field) for one in inputs])) for field in ("mean", "std")
    )
    same = all(one == inputs[0] for one in inputs)
    return inputs[0] if same else inputs[0].model_copy(update={"mean": mean, "std": std})


def _pool_environments(environments: Sequence[Environment]) -> Environment:
    """Return one that names every version and device with which a fold was trained."""
    first = environments[0]
    if all(environment == first for environment in environments):
        return first

    def mixed(values: Iterable[str]) -> str:
        return MIXED.join(dict.fromkeys(values))

    versions = {
        package: mixed(one.versions.get(package, "unknown") for one in environments)
        for package in first.versions
    }
    words = {
        field: mixed(getattr(one, field) for one in environments)
        for field in ("platform", "processor", "device", "kernels")
    }
    return first.model_copy(update={"versions": versions, **words})
