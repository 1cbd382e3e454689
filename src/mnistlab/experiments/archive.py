"""Archive: ``comparison.json``, from which a study is made again: which runs it compared, and every figure it found."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mnistlab.errors import RunError
from mnistlab.runs import RunFolder, RunRecord, RunStore, reason, write_atomically
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
    groups: tuple[_Group, ...] = Field(min_length=1)
    failures: tuple[str, ...]
    command: str
    headline: str = ""
    comparison: Comparison

    @model_validator(mode="after")
    def _is_consistent(self) -> "Archive":
        labels = [group.label for group in self.groups]
        if len(set(labels)) < len(labels):
            raise ValueError("two groups with the same label")
        if self.baseline and self.baseline not in labels:
            raise ValueError(f"the baseline {self.baseline!r} is none of the groups")
        return self


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


def read_study(path: Path | str) -> "Study":
    """Make a study again from records alone.

    Args:
        path: a ``comparison.json``, or a folder that holds one; else a folder of runs, all of which are compared.

    Raises:
        RunError: neither, or runs are missing or damaged.
    """
    path = Path(path)
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
        raise RunError(f"{file}: cannot be read as a comparison: {reason(error)}") from error
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
    single = RunFolder(folder)
    found = [single.read_record()] if single.finished else list(RunStore(runs).records())
    if len({record.data.fingerprint for record in found}) > 1:
        raise RunError(f"{runs}: holds runs on different images, which cannot be compared; name a {FILE}")
    groups: dict[str, list[RunRecord]] = {}
    for record in found:
        groups.setdefault(record.recipe.digest, []).append(record)
    if not groups:
        raise RunError(f"{folder}: no finished runs there; a run's folder holds record.json")
    labels = [records[0].recipe.name for records in groups.values()]
    samples = tuple(
        Sample.of(label if labels.count(label) == 1 else f"{label}-{digest}", records)
        for label, (digest, records) in zip(labels, groups.items(), strict=True)
    )
    return Study(" against ".join(sample.label for sample in samples), samples, runs=runs)
