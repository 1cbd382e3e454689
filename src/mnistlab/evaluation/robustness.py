"""Robustness: several models or recipes on the same corrupted images, in one table."""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.corruptions import CORRUPTIONS, corrupt, generator
from mnistlab.data import Dataset, load_dataset
from mnistlab.data.download import OnProgress
from mnistlab.data.loading import reading
from mnistlab.errors import DataError, RunError
from mnistlab.evaluation.model import (
    EvaluatedModel,
    Images,
    Part,
    describe_images,
    describe_inputs,
    find_model,
)
from mnistlab.files import read_file
from mnistlab.recipe import Recipe
from mnistlab.report.result import Plots, Result, Tables
from mnistlab.report.robustness_report import (
    robustness_headline,
    robustness_remarks,
    robustness_table,
)
from mnistlab.report.table import display_name
from mnistlab.runs import RunFolder, reason, refuse_seed
from mnistlab.statistics.robustness import CLEAN, Robustness, measure_robustness

if TYPE_CHECKING:
    from mnistlab.training import TrainedModel

_TITLE = "Robustness to corrupted images"
_SEVERITIES = range(1, 6)
SUMMARY = "summary.json"
"""The file from which :func:`read_robustness` makes a result again."""
_SETTINGS = ("data", "images", "seed", "severities", "seeds")


@dataclass(frozen=True, eq=False, repr=False)
class RobustnessResult(Result):
    """What :func:`mnistlab.evaluate_robustness` returns.

    In a notebook it shows its verdict and its table. :meth:`plot` takes ``robustness`` or
    ``corruptions``, a contact sheet.

    Attributes:
        models: every figure, a value per model or recipe.
        facts: the data's name, how many images, severities and seed.
        settings: what decides the corrupted images, and the runs' seeds.
        examples: by corruption, the clean one first: uint8, ``(channels, height, width)``.
        inputs: what models were given that are runs.
        notes: what has to be said of the data, and of what the models make of them.
        command: the command that makes it again; empty if none made it.
    """

    models: tuple[Robustness, ...]
    facts: tuple[str, ...]
    settings: Mapping[str, Any]
    examples: Mapping[str, NDArray[np.uint8]] = field(repr=False)
    inputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    command: str = ""

    @property
    def verdict(self) -> str:
        """One plain sentence: which model misclassifies fewest images."""
        return robustness_headline(self.models)

    @property
    def remarks(self) -> list[str]:
        """What else has to be said beside the verdict."""
        return list(robustness_remarks(self.models))

    def as_dict(self) -> dict[str, Any]:
        """Return every figure as JSON has it."""
        from mnistlab.report.robustness_report import figures

        return {**self.settings, **figures(self.models), "command": self.command}

    def _tables(self) -> Tables:
        return {"robustness": partial(robustness_table, self.models)}

    def _plots(self) -> Plots:
        from mnistlab.report.robustness_report import contact_sheet, draw_robustness

        return {
            "robustness": draw_robustness(self.models),
            "corruptions": contact_sheet(self.examples),
        }

    def _write(self, folder: Path) -> list[Path]:
        from mnistlab.report.robustness_report import write_robustness_report

        return write_robustness_report(
            self.models,
            folder,
            title=_TITLE,
            examples=self.examples,
            facts=self.facts,
            notes=[*self.inputs, *self.notes],
            settings=self.settings,
            command=self.command,
        )


def evaluate_robustness(
    *models: "TrainedModel | RunFolder | Path | str",
    data: Dataset | Path | str | None = None,
    split: Part = "test",
    severity: int | None = None,
    seed: int = 0,
    skip_damaged: bool = False,
    on_download: OnProgress | None = None,
    on_read: Callable[[str, int, int], None] = lambda _name, _done, _all: None,
    command: str = "",
) -> RobustnessResult:
    """Let models classify images as they are and corrupted in fifteen ways (MNIST-C, Mu and Gilmer,
    2019), and count their errors.

    Runs of one recipe are reported as one, over their seeds.

    Args:
        models: one or more, each as :func:`mnistlab.evaluate` takes it.
        data: see there.
        split: see there.
        severity: 1 to 5; ``None`` is what MNIST-C published. Corruptions that have one form alone
            are not changed by it.
        seed: at least 0; every random draw follows from it and the corruption's name.
        skip_damaged: see there.
        on_download: called with a download's progress.
        on_read: called with a corruption's name, readings done and readings in all.
        command: what the report says made it.

    Raises:
        MnistlabError: as :func:`mnistlab.evaluate`; or models whose data are not the same.
    """
    if severity is not None and severity not in _SEVERITIES:
        raise DataError(f"severity: a whole number from 1 to 5, or None; found {severity!r}")
    refuse_seed(seed)
    images = Images(data, split, on_download, skip_damaged)
    groups = _find_all(models, images)
    severities = {
        name: severity if c.published_severity and severity else c.published_severity
        for name, c in CORRUPTIONS.items()
    }
    misclassified, examples = _read_all(groups, severities, seed, on_read)
    first = next(iter(groups.values()))[0]
    settings = {
        "data": {
            "name": first.dataset.name,
            "source": first.source,
            "fingerprint": first.dataset.fingerprint,
            "split": split,
            **_read_otherwise(images, first),
        },
        "images": len(first.part),
        "seed": seed,
        "severities": severities,
        "seeds": {
            title: [member.record.seed for member in members if member.record]
            for title, members in groups.items()
            if len(members) > 1
        },
    }
    return RobustnessResult(
        measure_robustness(misclassified),
        (*first.facts, *_describe_settings(severities, seed)),
        settings,
        examples,
        *describe_inputs(groups),
        command,
    )


def read_robustness(folder: Path | str) -> RobustnessResult:
    """Make a result again from the ``summary.json`` that :meth:`RobustnessResult.write` left, and
    from the data, whose first image shows the corruptions.

    Raises:
        RunError: no such file, or a damaged one.
        DataError: the data are not where they were, or have changed.
    """
    file = Path(folder) / SUMMARY
    try:
        found = json.loads(read_file(file))
        models = tuple(map(Robustness.from_dict, found["models"]))
        settings = {key: found[key] for key in _SETTINGS}
        data, severities, seed = found["data"], dict(found["severities"]), int(found["seed"])
        if not models or any(list(one.corrupted) != list(severities) for one in models):
            raise ValueError("models and corruptions do not fit")
        split, fingerprint = data["split"], data["fingerprint"]
        source = str(data.get("source", data["name"]))
        dataset = load_dataset(source, **data.get("reading", {}))
        command = str(found["command"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RunError(f"{file}: cannot be read as a robustness report: {reason(error)}") from error
    if dataset.fingerprint != fingerprint:
        raise DataError(f"{file}: evaluated other images than {dataset.name} holds now")
    part = dataset.train if split == "train" else dataset.test
    first = part.images[:1]
    examples = {name: made[0] for name, made in _corrupted(first, severities, seed)}
    facts = (*describe_images(dataset, split), *_describe_settings(severities, seed))
    notes = tuple(map(str, found.get("notes", ())))
    return RobustnessResult(models, facts, settings, examples, notes=notes, command=command)


def _read_otherwise(images: Images, model: EvaluatedModel) -> dict[str, dict[str, Any]]:
    """Return how the data are read, for a summary; nothing if they are read as always."""
    usual = reading(Recipe())
    found = images.reading(model.record.recipe if model.record else None)
    other = {key: value for key, value in found.items() if value != usual[key]}
    return {"reading": other} if other else {}


def _corrupted(
    clean: NDArray[np.uint8], severities: Mapping[str, int | None], seed: int
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield images as they are, then after each corruption, with its name."""
    yield CLEAN, clean
    for name, severity in severities.items():
        yield name, corrupt(clean, name, severity=severity, generator=generator(seed, name))


def _describe_settings(severities: Mapping[str, int | None], seed: int) -> tuple[str, str]:
    """Return the two facts that say which images were made of the clean ones."""
    own = {
        severity
        for name, severity in severities.items()
        if severity != CORRUPTIONS[name].published_severity
    }
    return (
        f"severity {max(map(int, filter(None, own)))}" if own else "severities as published",
        f"seed {seed}",
    )


def _find_all(
    models: Sequence["TrainedModel | RunFolder | Path | str"], images: Images
) -> dict[str, list[EvaluatedModel]]:
    """Return models by their titles, or by their names where titles are the same; runs of one
    recipe as one.

    Raises:
        DataError: no model, they were trained on different data and no data are given, or a model
            is named twice, or a run of the same recipe and seed.
    """
    if not models:
        raise DataError("no model to evaluate: name one")
    names = [_name(model, number) for number, model in enumerate(models, 1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{twice[0]}: named twice; a table has each model once")
    found = {name: find_model(model, images) for name, model in zip(names, models, strict=True)}
    first = found[names[0]]
    for name, model in found.items():
        if model.dataset.fingerprint != first.dataset.fingerprint:
            raise DataError(
                f"{names[0]} was trained on {first.dataset.name}, {name} on"
                f" {model.dataset.name}: say with `data=` which images all are to read"
            )
    groups: dict[Hashable, list[str]] = {}
    for name, model in found.items():
        groups.setdefault(model.training or name, []).append(name)
    for members in groups.values():
        _refuse_same_seeds(members, found)
    titles = [_title([found[name] for name in members]) for members in groups.values()]
    return {
        title if titles.count(title) == 1 else members[0]: [found[name] for name in members]
        for title, members in zip(titles, groups.values(), strict=True)
    }


def _name(model: "TrainedModel | RunFolder | Path | str", number: int) -> str:
    if isinstance(model, RunFolder):
        return str(model.path)
    return str(model) if isinstance(model, str | Path) else f"model {number}"


def _refuse_same_seeds(names: Sequence[str], found: Mapping[str, EvaluatedModel]) -> None:
    seeds: dict[int, str] = {}
    for name in names:
        record = found[name].record
        other = record and seeds.setdefault(record.seed, name)
        if record and other != name:
            raise DataError(
                f"{other} and {name}: both are seed {record.seed} of {record.recipe.name}; give one"
                " of them"
            )


def _title(members: Sequence[EvaluatedModel]) -> str:
    first = members[0]
    if len(members) == 1 or first.record is None:
        return first.title
    return f"{display_name(first.record)}, {len(members)} seeds"


def _read_all(
    groups: Mapping[str, Sequence[EvaluatedModel]],
    severities: dict[str, int | None],
    seed: int,
    on_read: Callable[[str, int, int], None],
) -> tuple[dict[str, dict[str, NDArray[np.bool_]]], dict[str, NDArray[np.uint8]]]:
    """Return which images each run misclassifies, by title and corruption, and the first image of
    each corruption.
    """
    clean = next(iter(groups.values()))[0].part.images
    misclassified: dict[str, dict[str, NDArray[np.bool_]]] = {title: {} for title in groups}
    examples, done = {}, 0
    total = (1 + len(severities)) * sum(map(len, groups.values()))
    for name, images in _corrupted(clean, severities, seed):
        examples[name] = images[0]
        for title, members in groups.items():
            rows = []
            for model in members:
                rows.append(model.read(images).argmax(axis=1) != model.part.labels)
                done += 1
                on_read(name.replace("_", " "), done, total)
            misclassified[title][name] = np.stack(rows)
    return misclassified, examples
