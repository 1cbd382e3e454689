"""Reading: a study made again from records alone."""

import os
from pathlib import Path

from mnistlab.errors import RunError
from mnistlab.experiments.archive import FILE, read_archive
from mnistlab.experiments.looks import past_looks
from mnistlab.experiments.study import Study
from mnistlab.runs import RunFolder, RunRecord, RunStore
from mnistlab.statistics import MARGIN, Sample


def read_study(path: Path | str) -> Study:
    """Make a study again from records alone.

    Args:
        path: a ``comparison.json``, or a folder that holds one; else a folder of runs, all of which are compared.

    Raises:
        RunError: neither, or runs are missing or damaged.
    """
    if path == "":
        raise RunError(f"the name is empty; name a {FILE} or a folder of runs, the current one is .")
    path = Path(path)
    try:
        file = path / FILE if path.is_dir() else path
        archived = os.path.lexists(file) and not file.is_dir()
    # A name may be too long for a file.
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from error
    if archived:
        return _from_archive(file)
    if not path.is_dir():
        raise RunError(f"{path}: no such file or folder; name a {FILE} or a folder of runs")
    return _from_runs(path)


def _from_archive(file: Path) -> Study:
    archive = read_archive(file)
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
        margin=archive.margin,
    )


def _from_runs(folder: Path) -> Study:
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
    past = past_looks(runs, list(groups))
    title = " against ".join(sample.label for sample in samples)
    return Study(title, samples, runs=runs, margin=past[0].margin if past else MARGIN)
