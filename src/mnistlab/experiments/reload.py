"""Reload: comparisons and repetitions made again from records alone."""

import json
import math
import os
from pathlib import Path

from mnistlab.errors import RunError
from mnistlab.experiments.archive import FILE, read_archive
from mnistlab.experiments.comparison_result import ComparisonResult
from mnistlab.experiments.look_history import looks_at, past_looks, remember
from mnistlab.experiments.repetition_result import RECORDS, RepetitionResult
from mnistlab.files import read_file
from mnistlab.runs import RunFolder, RunRecord, RunStore, pool_complete
from mnistlab.runs.record import reason
from mnistlab.statistics import MARGIN, METRICS, RunGroup

_SUMMARY = "summary.json"


def read_repetition(folder: Path | str) -> RepetitionResult:
    """Make a repetition again from the records that :meth:`RepetitionResult.write` left.

    Args:
        folder: holds ``records/seed-N.json``, or ``seed-N-fold-K.json``, and ``summary.json`` with
            the command.

    Raises:
        RunError: no such files, or they are damaged, or of several recipes.
    """
    folder = Path(folder)
    files = record_files(folder)
    try:
        records = [RunRecord.from_json(read_file(file), str(file)) for file in files]
        about = json.loads(read_file(folder / _SUMMARY))
        label, command = about["recipe"]["name"], about["command"]
        failures = tuple(about["failures"])
        metric = about.get("metric", METRICS[0])
        if metric not in METRICS:
            raise ValueError(f"metric: {metric}: none of {', '.join(METRICS)}")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{folder}: cannot be read as a repetition: {reason(error)}") from error
    records, lacking = _pool(records)
    if lacking:
        raise RunError(f"{folder / RECORDS}: {lacking[0]}")
    if len({(record.recipe.digest, record.data.fingerprint) for record in records}) != 1:
        raise RunError(f"{folder / RECORDS}: needs records of one recipe and the same images")
    group = RunGroup.of(str(label), records, metric)
    return RepetitionResult(group, folder / RECORDS, tuple(map(str, failures)), str(command))


def record_files(folder: Path) -> list[Path]:
    """Return the copies of records in a repetition's folder; none in any other folder."""
    return sorted((folder / RECORDS).glob("seed-*.json"))


def read_comparison(path: Path | str) -> ComparisonResult:
    """Make a comparison again from records alone.

    A folder of runs remembers that they were compared, so that the next comparison of the same
    recipes allows for it; a folder that cannot be written to does not.

    Args:
        path: a ``comparison.json``, or a folder that holds one; otherwise a folder of runs, all of
            which are compared.

    Raises:
        RunError: neither, or runs are missing or damaged.
    """
    if path == "":
        raise RunError(
            f"the name is empty; name a {FILE} or a folder of runs, the current one is ."
        )
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


def _from_archive(file: Path) -> ComparisonResult:
    archive = read_archive(file)
    runs = file.parent / archive.runs
    single = list(RunStore(runs).records())
    pooled = pool_complete(single)
    records = {(record.recipe.digest, record.seed): record for record in (*single, *pooled.records)}
    groups = []
    for group in archive.groups:
        for seed in group.seeds:
            if (group.digest, seed) not in records:
                lacking = pooled.lacking.get((group.digest, seed))
                which = lacking or f"lacks the run of {group.label}, seed {seed}"
                raise RunError(f"{runs}: {which}; {file} compares it")
        groups.append(
            RunGroup.of(
                group.label,
                (records[group.digest, seed] for seed in group.seeds),
                archive.metric,
            )
        )
    return ComparisonResult(
        archive.title,
        tuple(groups),
        baseline=archive.baseline,
        failures=archive.failures,
        command=archive.command,
        runs=runs,
        headline=archive.headline,
        margin=archive.margin,
        max_seeds=archive.max_seeds,
    )


def _from_runs(folder: Path) -> ComparisonResult:
    runs = folder / "runs" if (folder / "runs").is_dir() else folder
    single = RunFolder(folder)
    found = [single.read_record()] if single.finished else list(RunStore(runs).records())
    found, failures = _pool(found)
    if failures and not found:
        raise RunError(f"{runs}: no seed has a run of each fold; {failures[0]}")
    if len({record.data.fingerprint for record in found}) > 1:
        raise RunError(
            f"{runs}: holds runs on different images, which cannot be compared; name a {FILE}"
        )
    runs_by_digest: dict[str, list[RunRecord]] = {}
    for record in found:
        runs_by_digest.setdefault(record.recipe.digest, []).append(record)
    if not runs_by_digest:
        raise RunError(f"{folder}: no finished runs there; a run's folder holds record.json")
    labels = [records[0].recipe.name for records in runs_by_digest.values()]
    known = looks_at(past_looks(runs), list(runs_by_digest))
    margin, metric = (known[0].margin, known[0].metric) if known else (MARGIN, METRICS[0])
    groups = tuple(
        RunGroup.of(label if labels.count(label) == 1 else f"{label}-{digest}", records, metric)
        for label, (digest, records) in zip(labels, runs_by_digest.items(), strict=True)
    )
    # Runs in a read-only folder cannot grow, so no later look there has to allow for this one.
    if os.access(runs, os.W_OK):
        remember(runs, groups, margin, 0, math.comb(len(groups), 2))
    title = " against ".join(group.label for group in groups)
    return ComparisonResult(title, groups, failures=failures, runs=runs, margin=margin)


def _pool(records: list[RunRecord]) -> tuple[list[RunRecord], tuple[str, ...]]:
    """Pool runs of folds, unless they are of one fold alone, which can be reported as they are.

    Returns:
        The records, and a line for each seed of which a fold is missing.
    """
    if len({record.recipe.fold for record in records}) < 2:
        return records, ()
    pooled = pool_complete(records)
    whole = [record for record in records if not record.recipe.fold]
    return [*whole, *pooled.records], tuple(pooled.lacking.values())
