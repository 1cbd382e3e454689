"""``mnistlab data``: list, check and look at data sets."""

from pathlib import Path
from typing import Any

import click

from mnistlab.cli.completion import datasets
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
@json_option
def verify_dataset(source: str) -> None:
    """Load all of SOURCE (a name, folder or file), check it, and print what it holds."""
    import numpy as np

    from mnistlab.cli.screen import load_with_progress
    from mnistlab.data import CATALOGUE

    dataset = load_with_progress(source)
    height, width = dataset.image_size
    figures: dict[str, Any] = {
        "name": dataset.name,
        "classes": list(dataset.classes),
        "image_size": [height, width],
    }
    echo(f"{dataset.name}: {len(dataset.classes)} classes, images of {height}x{width} pixels")
    for part, split in (("training", dataset.train), ("test", dataset.test)):
        counts = np.bincount(split.labels, minlength=len(dataset.classes))
        each = listed(
            [f"{name} {count}" for name, count in zip(dataset.classes, counts, strict=True)],
            most=100,
        )
        echo(f"{len(split)} {part} images: {each}")
        figures[part] = {"images": len(split), "by_class": counts.tolist()}
    if dataset.note:
        echo(f"note: {dataset.note}")
    known = CATALOGUE.get(source)
    published = ", as published" if known and known.fingerprint else ""
    echo(f"fingerprint {dataset.fingerprint}{published}; no fault found")
    echo_json(
        figures
        | {
            "note": dataset.note,
            "fingerprint": dataset.fingerprint,
            "as_published": bool(published),
        }
    )


@data.command("show")
@click.argument("source", type=NAME, default="mnist", shell_complete=datasets)
@click.option(
    "--out",
    type=Place(dir_okay=False),
    default="sheet.png",
    show_default=True,
    help="PNG file to write.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "test"]),
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
def show_dataset(source: str, out: Path, split: str, per_class: int) -> None:
    """Draw a contact sheet of SOURCE (a name, folder or file): one row per class."""
    import io

    from mnistlab.cli.screen import load_with_progress
    from mnistlab.data import contact_sheet
    from mnistlab.errors import DataError
    from mnistlab.runs import write_atomically

    dataset = load_with_progress(source)
    chosen = dataset.train if split == "train" else dataset.test
    picture = io.BytesIO()
    contact_sheet(dataset, chosen, per_class=per_class).save(picture, format="PNG")
    try:
        write_atomically(out, picture.getvalue())
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror}") from error
    echo(f"wrote {out}")
