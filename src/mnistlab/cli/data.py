"""``mnistlab data``: list, check and look at data sets."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from mnistlab.cli.completion import datasets
from mnistlab.cli.options import reading, reading_options
from mnistlab.cli.output import echo, echo_json, json_option
from mnistlab.cli.path_types import NAME, Place
from mnistlab.text import listed


@click.group()
def data() -> None:
    """List, verify and show data sets."""


@data.command("list")
@json_option
def list_datasets() -> None:
    """List the data sets known by name, and where each is."""
    from mnistlab.data import CATALOGUE, find

    figures = []
    for known in CATALOGUE.values():
        folder = find(known)
        where = (
            "in the package"
            if known.name == "mnist"
            else str(folder)
            if folder
            else "to be downloaded"
        )
        echo(f"{known.name:<16}{known.title}; {known.licence}; {where}")
        figures.append(
            {"name": known.name, "title": known.title, "licence": known.licence, "where": where}
        )
    echo_json(figures)


@data.command("verify")
@click.argument("source", type=NAME, default="mnist", shell_complete=datasets)
@reading_options
@json_option
def verify(source: str, **options: Any) -> None:
    """Load all of SOURCE (a name, folder, archive or file), print what it holds, and what is odd
    about it.
    """
    from mnistlab.cli.screen import download_bar
    from mnistlab.data import verify_dataset
    from mnistlab.errors import DamagedPictures

    try:
        with download_bar() as on_progress:
            found = verify_dataset(source, on_progress, **reading(options))
    except DamagedPictures as error:
        for name, reason in error.damaged.items():
            echo(f"damaged: {name}: {reason}")
        raise
    dataset = found.dataset
    height, width = dataset.image_size
    colour = "in colour" if dataset.channels > 1 else "grey"
    echo(
        f"{dataset.name}: {len(dataset.classes)} classes, images of {height}x{width} pixels,"
        f" {colour}"
    )
    for name, split in dataset.splits.items():
        each = listed(
            [
                f"{name} {count}"
                for name, count in zip(dataset.classes, found.counts(name), strict=True)
            ],
            most=100,
        )
        echo(f"{len(split)} {'training' if name == 'train' else name} images: {each}")
    for note in found.notes:
        echo(f"note: {note}")
    for line in found.duplicates.summary():
        if not any(line in fault.message for fault in found.faults):
            echo(f"duplicates: {line}")
    for fault in found.faults:
        echo(f"{fault.severity}: {fault.message}")
    published = ", as published" if found.as_published else ""
    verdict = "no fault found"
    if found.faults:
        severities = Counter(fault.severity for fault in found.faults)
        verdict = ", ".join(
            f"{count} {severity}{'' if count == 1 else 's'}"
            for severity, count in severities.items()
        )
    echo(f"fingerprint {dataset.fingerprint}{published}; {verdict}")
    echo_json(found.as_dict())


@data.command("show")
@click.argument("source", type=NAME, default="mnist", shell_complete=datasets)
@click.option(
    "--out",
    type=Place(dir_okay=False, suffix=".png"),
    default="sheet.png",
    show_default=True,
    help="PNG file to write.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="train",
    show_default=True,
    help="Images to show.",
)
@click.option(
    "--per-class",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    help="Images per class.",
)
@reading_options
def show_dataset(source: str, out: Path, split: str, per_class: int, **options: Any) -> None:
    """Draw a contact sheet of SOURCE (a name, folder, archive or file): one row per class."""
    import io

    from mnistlab.cli.screen import load_with_progress
    from mnistlab.data import contact_sheet
    from mnistlab.errors import DataError
    from mnistlab.runs import write_atomically

    dataset = load_with_progress(source, **reading(options))
    chosen = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}[split]
    if chosen is None:
        raise DataError(f"{source}: has no validation images of its own")
    picture = io.BytesIO()
    contact_sheet(dataset, chosen, per_class=per_class).save(picture, format="PNG")
    try:
        write_atomically(out, picture.getvalue())
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror}") from error
    echo(f"wrote {out}")
