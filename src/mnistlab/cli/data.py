"""``mnistlab data``: see, check and look at data sets."""

from pathlib import Path

import click


@click.group()
def data() -> None:
    """List, verify and show data sets."""


@data.command("list")
def list_datasets() -> None:
    """List the data sets known by name, and where each is found."""
    from mnistlab.data import CATALOGUE, find

    for known in CATALOGUE.values():
        folder = find(known)
        where = "in the package" if known.name == "mnist" else str(folder) if folder else "to be downloaded"
        click.echo(f"{known.name:<16}{known.title}; {known.licence}; {where}")


@data.command("verify")
@click.argument("source", default="mnist")
def verify_dataset(source: str) -> None:
    """Load SOURCE (a name, folder or file), check it whole, and print what it holds."""
    import numpy as np

    from mnistlab.cli.session import load_with_progress
    from mnistlab.data import CATALOGUE

    dataset = load_with_progress(source)
    height, width = dataset.image_size
    click.echo(f"{dataset.name}: {len(dataset.classes)} classes, images of {height}x{width} pixels")
    for part, split in (("training", dataset.train), ("test", dataset.test)):
        counts = np.bincount(split.labels, minlength=len(dataset.classes))
        each = ", ".join(f"{name} {count}" for name, count in zip(dataset.classes, counts, strict=True))
        click.echo(f"{len(split)} {part} images: {each}")
    if dataset.note:
        click.echo(f"note: {dataset.note}")
    known = CATALOGUE.get(source)
    published = ", as published" if known and known.fingerprint else ""
    click.echo(f"fingerprint {dataset.fingerprint}{published}; no fault found")


@data.command("show")
@click.argument("source", default="mnist")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default="sheet.png", show_default=True)
@click.option("--split", type=click.Choice(["train", "test"]), default="train", show_default=True)
@click.option("--per-class", type=click.IntRange(1, 1000), default=16, show_default=True, help="Images in a row.")
def show_dataset(source: str, out: Path, split: str, per_class: int) -> None:
    """Draw a contact sheet of SOURCE (a name, folder or file): one row a class."""
    import io

    from mnistlab.cli.session import load_with_progress
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
    click.echo(f"wrote {out}")
