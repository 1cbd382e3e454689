"""Archive: ``comparison.json``, from which a study is made again: which runs it compared, and every figure it found."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mnistlab.errors import RunError
from mnistlab.runs import RunRecord, RunStore, write_atomically
from mnistlab.statistics import Comparison, Sample

if TYPE_CHECKING:
    from mnistlab.experiments.study import Study

FILE = "comparison.json"


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    label: str
    digest: str
    seeds: tuple[int, ...]


class Archive(BaseModel):
    """The content of ``comparison.json``.

    Attributes:
        title: of the study.
        baseline: see :class:`Study`.
        runs: the folder of the runs, relative to the file's own.
        groups: by label, the recipe's digest and the seeds that were compared.
        failures: see :class:`Study`.
        command: see :class:`Study`.
        headline: see :class:`Study`.
        comparison: every figure.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[1] = 1
    title: str
    baseline: str
    runs: str
    groups: tuple[_Group, ...]
    failures: tuple[str, ...]
    command: str
    headline: str = ""
    comparison: Comparison


def write_archive(folder: Path, study: "Study") -> Path:
    """Write ``comparison.json`` into a folder, and return its path.

    Raises:
        OSError: the folder cannot be written to.
    """
    archive = Archive(
        title=study.title,
        baseline=study.baseline,
        runs=Path(os.path.relpath(study.runs or folder / "runs", folder)).as_posix(),
        groups=tuple(
            _Group(label=sample.label, digest=sample.recipe.digest, seeds=sample.seeds) for sample in study.samples
        ),
        failures=study.failures,
        command=study.command,
        headline=study.headline,
        comparison=study.comparison,
    )
    write_atomically(folder / FILE, archive.model_dump_json(indent=2) + "\n")
    return folder / FILE


def read_study(path: Path) -> "Study":
    """Make a study again from records alone.

    Args:
        path: a ``comparison.json``, or a folder that holds one; else a folder of runs, all of which are compared.

    Raises:
        RunError: neither, or runs are missing or damaged.
    """
    file = path / FILE if path.is_dir() else path
    if file.is_file():
        return _from_archive(file)
    if not path.is_dir():
        raise RunError(f"{path}: no such file or folder; name a {FILE} or a folder of runs")
    return _from_runs(path)


def _from_archive(file: Path) -> "Study":
    from mnistlab.experiments.study import Study

    try:
        archive = Archive.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunError(f"{file}: cannot be read as a comparison: {str(error).splitlines()[0]}") from error
    runs = file.parent / archive.runs
    records = {(record.recipe.digest, record.seed): record for record in RunStore(runs).records()}
    samples = []
    for group in archive.groups:
        for seed in group.seeds:
            if (group.digest, seed) not in records:
                raise RunError(f"{runs}: lacks the run of {group.label}, seed {seed}, that {file} compares")
        samples.append(Sample.of(group.label, (records[group.digest, seed] for seed in group.seeds)))
    return Study(
        archive.title,
        tuple(samples),
        baseline=archive.baseline,
        failures=archive.failures,
        command=archive.command,
        runs=runs,
        headline=archive.headline,
    )


def _from_runs(folder: Path) -> "Study":
    from mnistlab.experiments.study import Study

    runs = folder / "runs" if (folder / "runs").is_dir() else folder
    groups: dict[str, list[RunRecord]] = {}
    for record in RunStore(runs).records():
        groups.setdefault(record.recipe.digest, []).append(record)
    if not groups:
        raise RunError(f"{folder}: no finished runs there; a run's folder holds record.json")
    labels = [records[0].recipe.name for records in groups.values()]
    samples = tuple(
        Sample.of(label if labels.count(label) == 1 else f"{label}-{digest}", records)
        for label, (digest, records) in zip(labels, groups.items(), strict=True)
    )
    return Study(" against ".join(sample.label for sample in samples), samples, runs=runs)
