"""Tables of pixels: one image a row, as in Kaggle's Digit Recognizer, FER2013 or UCI's digits."""

from dataclasses import replace

import numpy as np

from mnistlab.data.dataset import Split
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Part, Parts, ReadOptions, Rows
from mnistlab.data.forms.labels import number_labels
from mnistlab.data.forms.pixel_columns import find_columns
from mnistlab.data.forms.pixel_rows import Content, read_rows, read_unlabelled
from mnistlab.data.forms.pixel_values import to_images
from mnistlab.data.forms.text_table import (
    SPLITS,
    TextTable,
    choose_tables,
    is_number,
    part_of_value,
    shown,
    sibling_key,
    suffix_of,
    table_names,
)
from mnistlab.errors import DataError

_MOST_SNIFFED = 64
"""Tables in a tree; of more, none is one of pixels."""


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    names = table_names(tree)
    if options.chosen:
        return options.chosen in names or _holds_pixels(tree, options.chosen)
    if len(names) > _MOST_SNIFFED:
        return False
    # Damage to what can be nothing else is to be named.
    alone = len(names) == len(tree.names) and ".csv" in map(suffix_of, names)
    return alone or any(_holds_pixels(tree, name) for name in names)


def _holds_pixels(tree: FileTree, name: str) -> bool:
    try:
        table = TextTable(tree, name)
        columns = find_columns(table)
    except DataError:
        return False
    row = dict(enumerate(table.head[-1]))
    numbers = sum(is_number(row.get(place, "")) for place in columns.pixels)
    return columns.strings or numbers > len(columns.pixels) / 2


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read all tables of pixels.

    Raises:
        DataError: no label column, or none that can be told; a cell that is no number from 0 to
            255, rows of unequal length, or a number of pixels that makes no square image.
    """
    names = table_names(tree)
    fitting = [name for name in names if name == options.chosen or _holds_pixels(tree, name)]
    # A damaged table of a split is not to be passed over.
    siblings = {sibling_key(name) for name in fitting}
    fitting += [n for n in names if n not in fitting and sibling_key(n) in siblings]
    chosen, called, notes = choose_tables(tree, fitting or names, options.chosen)
    contents: dict[Part, Content] = {}
    for part, name in chosen.items():
        content = read_rows(TextTable(tree, name), contents.get("train"))
        notes += content.columns.notes
        if content.labels is None and part == "train":
            raise DataError(
                f"{content.table.where}: no column is named label; add the labels, or name their"
                " column"
            )
        if content.labels is None:
            notes.append(f"{name} has no labels and is not used")
        else:
            contents[part] = content
    if contents["train"].columns.split is not None:
        contents, called = _by_column(contents)
    places = {part: content.table.where for part, content in contents.items()}
    labels, classes = number_labels(
        {part: content.labels or [] for part, content in contents.items()}, places
    )
    images = to_images(contents, notes)
    splits = {part: Split(images[part], labels[part]) for part in contents}
    return Parts(
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        classes,
        tuple(dict.fromkeys(notes)),
        {part: word for part, word in called.items() if part in splits},
    )


def _by_column(
    contents: dict[Part, Content],
) -> tuple[dict[Part, Content], dict[Part, str]]:
    """Take a table apart by its column of splits."""
    whole = contents["train"]
    if len(contents) > 1:
        raise DataError(
            f"{whole.table.where}: its {whole.columns.names[whole.columns.split or 0]} and"
            f" {contents[next(reversed(contents))].table.name} both define the test set; keep"
            " one of them"
        )
    column = whole.cells[whole.columns.split or 0]
    parts = {cell: part_of_value(cell) for cell in dict.fromkeys(column)}
    wrong = next((row for row, cell in enumerate(column) if parts[cell] is None), None)
    if wrong is not None:
        raise DataError(
            f"{whole.table.where}: data row {wrong + 1} has split {shown(column[wrong])}; use"
            " train, validation or test"
        )
    if "train" not in parts.values():
        raise DataError(f"{whole.table.where}: no row belongs to the training split")
    taken: dict[Part, Content] = {}
    for part in SPLITS:
        rows = np.array([parts[cell] == part for cell in column])
        if rows.any():
            cells = {
                place: [cell for cell, keep in zip(found, rows, strict=True) if keep]
                for place, found in whole.cells.items()
            }
            taken[part] = replace(whole, numbers=whole.numbers[rows], cells=cells)
    called = {part: cell for cell, part in parts.items() if part}
    return taken, called


def _rows(tree: FileTree, name: str) -> Rows:
    """Read one table.

    Raises:
        DataError: as :func:`_read`, but that no column has to be a label.
    """
    content, ids = read_unlabelled(TextTable(tree, name))
    notes = [*content.columns.notes]
    images = to_images({"train": content}, notes)["train"]
    return Rows(images, ids=ids, labelled=content.labels is not None, notes=notes)


FORM = Form("pixel table", 30, _matches, _read, _rows)
