"""Robustness from the command line: several models or recipes, the same corrupted images, one
table.
"""

import contextlib
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.cli.evaluate import write_report
from mnistlab.cli.evaluated_model import Candidate, meet
from mnistlab.cli.experiment import command_line
from mnistlab.cli.output import echo, echo_json, json_wanted
from mnistlab.corruptions import CORRUPTIONS, corrupt, generator
from mnistlab.errors import DataError
from mnistlab.report.robustness_report import (
    robustness_headline,
    robustness_remarks,
    robustness_table,
)
from mnistlab.report.table import display_name
from mnistlab.statistics.robustness import CLEAN, Robustness, measure_robustness


def echo_robustness(
    names: Sequence[str],
    data: str | None,
    split: str,
    *,
    severity: int | None,
    seed: int,
    out: Path | None,
) -> None:
    """Let models read a split of a data set, as it is and corrupted, and tell how many images they
    misread.

    Runs of one recipe are told as one, over their seeds.

    Args:
        names: of the models, and the next two, as :func:`mnistlab.cli.evaluated_model.examine`
            takes them.
        data: see there.
        split: see there.
        severity: 1 to 5; ``None`` is what MNIST-C published. Corruptions of one form alone have
            that.
        seed: at least 0; from it and a corruption's name all its random draws follow.
        out: folder of the report; ``None`` writes none.

    Raises:
        MnistlabError: see :func:`mnistlab.cli.evaluated_model.examine`; or models whose data are
            not the same.
    """
    groups = _meet_all(names, data, split)
    severities = {
        name: severity if c.published_severity and severity else c.published_severity
        for name, c in CORRUPTIONS.items()
    }
    misread, examples = _read_all(groups, severities, seed)
    models = measure_robustness(misread)
    first = next(iter(groups.values()))[0]
    facts = [
        *first.facts(split),
        f"severity {severity}" if severity else "severities as published",
        f"seed {seed}",
    ]
    settings = {
        "data": {
            "name": first.dataset.name,
            "fingerprint": first.dataset.fingerprint,
            "split": split,
        },
        "images": len(first.part),
        "seed": seed,
        "severities": severities,
        "seeds": {
            title: [candidate.record.seed for candidate in members if candidate.record]
            for title, members in groups.items()
            if len(members) > 1
        },
    }
    _show(models, facts)
    if json_wanted():
        from mnistlab.report.robustness_report import figures

        echo_json(settings | figures(models) | {"command": command_line()})
    if out:
        from mnistlab.report.robustness_report import write_robustness_report

        def write() -> list[Path]:
            return write_robustness_report(
                models,
                out,
                title="Robustness to corrupted images",
                examples=examples,
                facts=facts,
                settings=settings,
                command=command_line(),
            )

        write_report(write, out)


def _meet_all(names: Sequence[str], data: str | None, split: str) -> dict[str, list[Candidate]]:
    """Return models by their titles, or by their names where titles are the same; runs of one
    recipe as one.

    Raises:
        DataError: they were trained on different data and no data are given, or a model is named
            twice, or a run of the same recipe and seed.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{twice[0]}: named twice; a table has each model once")
    found = {name: meet(name, data, split) for name in names}
    first = found[names[0]]
    for name, candidate in found.items():
        if candidate.dataset.fingerprint != first.dataset.fingerprint:
            raise DataError(
                f"{names[0]} was trained on {first.dataset.name}, {name} on"
                f" {candidate.dataset.name}: say with --data which images all are to read"
            )
    groups: dict[Hashable, list[str]] = {}
    for name, candidate in found.items():
        groups.setdefault(_training(candidate) or name, []).append(name)
    for members in groups.values():
        _refuse_same_seeds(members, found)
    titles = [_title([found[name] for name in members]) for members in groups.values()]
    return {
        title if titles.count(title) == 1 else members[0]: [found[name] for name in members]
        for title, members in zip(titles, groups.values(), strict=True)
    }


def _training(candidate: Candidate) -> Hashable:
    """Return what runs of one recipe have in common; nothing for a file."""
    record = candidate.record
    return record and (record.recipe.digest, record.source, record.data.fingerprint)


def _refuse_same_seeds(names: Sequence[str], found: Mapping[str, Candidate]) -> None:
    seeds: dict[int, str] = {}
    for name in names:
        record = found[name].record
        other = record and seeds.setdefault(record.seed, name)
        if record and other != name:
            raise DataError(
                f"{other} and {name}: both are seed {record.seed} of {record.recipe.name}; give one"
                " of them"
            )


def _title(members: Sequence[Candidate]) -> str:
    first = members[0]
    if len(members) == 1 or first.record is None:
        return first.title
    return f"{display_name(first.record)}, {len(members)} seeds"


def _read_all(
    groups: Mapping[str, Sequence[Candidate]], severities: dict[str, int | None], seed: int
) -> tuple[dict[str, dict[str, NDArray[np.bool_]]], dict[str, NDArray[np.uint8]]]:
    """Return which images each run misreads, by title and corruption, and what becomes of the first
    image.
    """
    clean = next(iter(groups.values()))[0].part.images
    misread: dict[str, dict[str, NDArray[np.bool_]]] = {title: {} for title in groups}
    examples = {}
    with _progress((1 + len(severities)) * sum(map(len, groups.values()))) as advance:
        for name in (CLEAN, *severities):
            images = clean
            if name != CLEAN:
                images = corrupt(
                    clean, name, severity=severities[name], generator=generator(seed, name)
                )
            examples[name] = images[0]
            for title, members in groups.items():
                rows = []
                for candidate in members:
                    rows.append(candidate.read(images).argmax(axis=1) != candidate.part.labels)
                    advance(name.replace("_", " "))
                misread[title][name] = np.stack(rows)
    return misread, examples


def _show(models: Sequence[Robustness], facts: Sequence[str]) -> None:
    width = shutil.get_terminal_size((100, 24)).columns
    echo("; ".join(facts))
    for sentence in (robustness_headline(models), *robustness_remarks(models)):
        echo(f"{sentence[0].upper()}{sentence[1:]}.")
    echo("", *robustness_table(models).text(width).splitlines())


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[str], Any]]:
    """Draw a bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import Progress

    from mnistlab.cli.screen import Screen

    with Progress(console=Screen(stderr=True), redirect_stdout=False, transient=True) as bars:
        task = bars.add_task("reading", total=total)
        yield lambda name: bars.update(task, advance=1, description=name)
