"""Tables of file names and labels beside pictures: ``labels.csv``, ``metadata.jsonl``, lists."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from mnistlab.data.file_tree import PICTURE_SUFFIXES, FileTree, Folder
from mnistlab.data.form import Form, Part, Parts, ReadOptions, part_of
from mnistlab.data.forms.labels import check_labels
from mnistlab.data.forms.text_table import (
    TextTable,
    choose_tables,
    has_role,
    part_of_value,
    shown,
    suffix_of,
    table_names,
)
from mnistlab.data.labelled_pictures import LabelledPicture, read_labelled
from mnistlab.errors import DataError
from mnistlab.text import counted, listed

_HEAD = 20
"""Rows that are looked at to tell the columns."""
_MOST_TABLES = 64
_MOST_COLUMNS = 1000
_PIXEL_COLUMNS = 49
"""Columns of one name and a number each, such as ``pixel0``, from which on they are pixels."""
_JSON = {".jsonl", ".ndjson"}
_CERTAIN = _JSON | {".csv", ".tsv"}
"""Ends of the names of what can only be a table."""
_SHOWN = 3
_SEVERAL = re.compile(r"[|;,\s]+")


class _Index:
    """Pictures by whatever a table may call them.

    A name may be a path within the tree or the end of one, with or without its suffix, in any
    letter case, and with the folders of another machine in front.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.size = len(names)
        self._by_end: dict[str, list[str]] = defaultdict(list)
        for name in names:
            pieces = name.lower().split("/")
            stem = pieces[-1].rpartition(".")[0]
            for start in range(len(pieces)):
                end = "/".join(pieces[start:])
                self._by_end[end].append(name)
                if stem:
                    self._by_end[end.rpartition(".")[0]].append(name)

    def find(self, cell: str, folder: str, part: Part | None) -> list[str]:
        """Return the pictures that a cell may mean: one, none, or several.

        Args:
            cell: as the table has it.
            folder: where the table is, which goes before other folders.
            part: the split, whose folder goes before others.
        """
        given = [p for p in cell.replace("\\", "/").split("/") if p not in ("", ".", "..")]
        pieces = [piece.lower() for piece in given]
        for start in range(len(pieces)):
            found = self._by_end.get("/".join(pieces[start:]), [])
            if found:
                return _nearest(found, "/".join(given[start:]), folder, part)
        return []


def _nearest(found: list[str], given: str, folder: str, part: Part | None) -> list[str]:
    tests: tuple[Callable[[str], bool], ...] = (
        lambda name: name == f"{folder}/{given}".lstrip("/"),
        lambda name: name.endswith(given),
        lambda name: any(part and part_of(piece) == part for piece in name.split("/")[:-1]),
        lambda name: name.startswith(f"{folder}/"),
    )
    for test in tests:
        if len(found) > 1:
            found = [name for name in found if test(name)] or found
    return found


@dataclass(frozen=True)
class _Table:
    """The rows of a table, and which of its columns are what, each by its place from 0.

    Attributes:
        name: of the file in the tree.
        where: what messages call it.
        names: of the columns, as messages call them.
        rows: below the header, each as long as the names.
        file: the column of file names.
        label: that of labels, or ``None``.
        split: that of splits, or ``None``.
        one_hot: columns of 0 and 1 instead of a label, each named after a class.
        group: that of groups, or ``None``.
    """

    name: str
    where: str
    names: list[str]
    rows: list[list[str]]
    file: int
    label: int | None = None
    split: int | None = None
    one_hot: tuple[int, ...] = ()
    group: int | None = None

    def labels(self) -> list[str]:
        """Return each row's label.

        Raises:
            DataError: a row has several, or none.
        """
        if self.label is not None:
            labels = [row[self.label] for row in self.rows]
            _refuse_lists(self, labels)
            return labels
        if not self.one_hot:
            raise DataError(f"{self.where}: has no column of labels; name it label")
        labels = []
        for number, row in enumerate(self.rows, 1):
            own = [self.names[place] for place in self.one_hot if float(row[place]) == 1]
            if len(own) != 1:
                raise DataError(
                    f"{self.where}: data row {number} has {len(own) or 'no'} labels"
                    f"{': ' if own else ''}{listed(own, 3)}; each picture needs exactly one"
                )
            labels += own
        return labels


@dataclass(frozen=True)
class _Entry:
    """A row of a table: the picture that it means, its label, its split and its group."""

    picture: str
    label: str
    part: Part | None
    group: str = ""


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    names = _tables(tree, options)
    if not names or len(names) > _MOST_TABLES:
        return False
    heads, unreadable = [], []
    for name in names:
        try:
            rows = _rows(TextTable(tree, name), _HEAD)
        except DataError as error:
            unreadable += [error] if suffix_of(name) in _CERTAIN else []
            continue
        if len(rows[0]) > 1 and _may_name_files(rows):
            heads.append(rows)
    if not heads and not unreadable:
        return False
    pictures = _whole(tree, options).pictures
    index = _Index(pictures)
    folders = {tuple(p for p in name.split("/")[:-1] if not part_of(p)) for name in pictures}
    if unreadable and not heads and len(folders) == 1:
        # Nothing else can say of which class they are.
        raise unreadable[0]
    return any(_gives_labels(rows, index, in_classes=len(folders) > 1) for rows in heads)


def _gives_labels(rows: Sequence[Sequence[str]], index: _Index, *, in_classes: bool) -> bool:
    """Return whether a table gives labels to pictures.

    Class folders may have tables of other things beside them, such as the pictures' sizes.
    """
    file = _file_column(rows, index)
    if file is None:
        return False
    is_pair = len(rows[0]) == 2 and _names_picture(rows[0][file], index)
    return not in_classes or is_pair or any(has_role(name, "label") for name in rows[0])


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read the pictures that tables name, with the labels that they give them.

    Raises:
        DataError: pictures that are not there, or have several labels, or quantities for labels; or
            none or several of the columns could be the label.
    """
    whole = _whole(tree, options)
    pictures = whole.pictures
    index = _Index(pictures)
    read = [_read_table(tree, name, index, options.group) for name in _tables(tree, options)]
    tables = {table.name: table for table in read if table}
    drafts = [n for n in tables if "submission" in n.lower() and n != options.chosen]
    names = [name for name in tables if name not in drafts] or drafts
    chosen, called, notes = choose_tables(tree, names, options.chosen)
    notes += [
        f"{name} is not used: it is a template for answers"
        for name in drafts[:1]
        if names != drafts
    ]
    labels: dict[Part, list[str]] = {}
    for part, name in chosen.items():
        table = tables[name]
        if table.label is None and not table.one_hot:
            if part == "train":
                raise DataError(f"{table.where}: no column holds labels; name it label")
            notes.append(f"{name} has no labels and is not used")
            continue
        labels[part] = table.labels()
        notes += _unused(table)
    labels = check_labels(labels, {part: tables[chosen[part]].where for part in labels})
    entries: list[_Entry] = []
    for part, cells in labels.items():
        own = part if len(labels) > 1 else None
        entries += _entries(whole, tables[chosen[part]], cells, index, own, called)
    entries = _by_folder(_once(entries, notes), called)
    if left := len(pictures) - len({entry.picture for entry in entries}):
        are = "is" if left == 1 else "are"
        notes.append(f"{counted(left, 'picture')} {are} in no table and {are} not used")
    return read_labelled(
        whole,
        [LabelledPicture(e.picture, e.label, e.part or "train", e.group) for e in entries],
        options,
        notes,
        {part: word for part, word in called.items() if any(e.part == part for e in entries)},
        by_class=False,
    )


def _tables(tree: FileTree, options: ReadOptions) -> list[str]:
    names = [*table_names(tree), *(name for name in tree.others if suffix_of(name) in _JSON)]
    return names if not options.chosen or options.chosen in names else []


def _whole(tree: FileTree, options: ReadOptions) -> FileTree:
    """Return the tree that has the pictures, where a table alone was chosen."""
    return Folder(tree.place) if options.chosen else tree


def _rows(table: TextTable, most: int | None = None) -> list[list[str]]:
    """Return the cells of all rows, or of the first ones, a header among them."""
    lines = list(islice(table.lines(), most))
    rows = (
        _from_json(table, lines)
        if suffix_of(table.name) in _JSON
        else [table.split(line) for line in lines]
    )
    width = len(rows[0])
    if most:
        return [row for row in rows if len(row) == width]
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise DataError(
                f"{table.where}: row {number} has {len(row):,} cells, and the first row has"
                f" {width:,}; quote cells that contain the separator"
            )
    return rows


def _from_json(table: TextTable, lines: Sequence[str]) -> list[list[str]]:
    """Return the rows of a file with a JSON object on each line; the first row is the keys."""
    rows: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{table.where}: line {number} is not JSON: {error}") from error
        if not isinstance(record, dict) or (rows and {*record} != {*rows[0]}):
            raise DataError(
                f"{table.where}: line {number} is not an object with the keys of the first line"
            )
        if not rows:
            rows.append([*map(str, record)])
        cells = [record[key] for key in rows[0]]
        rows.append(["" if cell is None else str(cell) for cell in cells])
    return rows


def _may_name_files(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a table looks as if it named pictures; one of pixels does not."""
    numbered = Counter(name.rstrip("0123456789") for name in rows[0] if name[-1:].isdecimal())
    if max(numbered.values(), default=0) >= _PIXEL_COLUMNS:
        return False
    return len(rows[0]) < _MOST_COLUMNS and (
        any(has_role(name, "file") for name in rows[0])
        or any(_is_picture_name(cell) for cell in rows[-1])
    )


def _is_picture_name(cell: str) -> bool:
    return cell.lower().endswith(PICTURE_SUFFIXES)


def _names_picture(cell: str, index: _Index) -> bool:
    return _is_picture_name(cell) or bool(index.find(cell, "", None))


def _file_column(rows: Sequence[Sequence[str]], index: _Index) -> int | None:
    """Return the column that names pictures, or ``None``."""
    if len(rows) == 1:
        return next((p for p, name in enumerate(rows[0]) if has_role(name, "file")), None)
    below = rows[1:_HEAD]

    def score(place: int) -> tuple[int, int, bool, int]:
        cells = [row[place] for row in below]
        return (
            sum(map(_is_picture_name, cells)),
            sum(bool(index.find(cell, "", None)) for cell in cells),
            has_role(rows[0][place], "file"),
            len({*cells}),
        )

    best = max(range(len(rows[0])), key=score)
    named, found, _, _ = score(best)
    return best if found or (named and index.size) else None


def _read_table(tree: FileTree, name: str, index: _Index, group: str) -> _Table | None:
    """Read a table and tell its columns; ``None`` if it names no pictures."""
    try:
        text = TextTable(tree, name)
        if not _may_name_files(_rows(text, _HEAD)):
            return None
    except DataError:
        return None
    rows = _rows(text)
    file = _file_column(rows, index)
    if file is None:
        return None
    header = not _names_picture(rows[0][file], index)
    if len(rows) == header:
        raise DataError(f"{text.where}: has a header but no rows")
    names = rows[0] if header else [f"column {place + 1}" for place in range(len(rows[0]))]
    column = next((n for n, word in enumerate(names) if word.lower() == group.lower()), None)
    table = _Table(name, text.where, names, rows[header:], file, group=column if group else None)
    return _with_label(table)


def _with_label(table: _Table) -> _Table:
    """Find the column of labels, and that of splits."""
    taken = (table.file, table.group)
    free = [place for place in range(len(table.names)) if place not in taken]
    splits = [
        place
        for place in free
        if all(part_of_value(row[place]) for row in table.rows[:_HEAD])
        and not has_role(table.names[place], "label")
        and (has_role(table.names[place], "split") or len(free) > 1)
    ]
    split = splits[0] if len(splits) == 1 else None
    free = [place for place in free if place != split]
    labels = [place for place in free if has_role(table.names[place], "label")]
    if not labels:
        labels = [
            place
            for place in free
            if not any(has_role(table.names[place], role) for role in ("index", "group", "file"))
            and table.names[place]
        ]
    table = replace(table, split=split)
    if len(labels) == 1:
        return replace(table, label=labels[0])
    if len(labels) > 1:
        zero_or_one = {"0", "1", "0.0", "1.0"}
        if all(row[place] in zero_or_one for row in table.rows for place in labels):
            return replace(table, one_hot=tuple(labels))
        names = [table.names[place] for place in labels]
        raise DataError(
            f"{table.where}: each of {listed(names, 4)} could be the label; name one of them label"
        )
    return table


def _refuse_lists(table: _Table, labels: Sequence[str]) -> None:
    """Refuse labels that are lists of labels."""
    known = {*labels}
    for number, label in enumerate(labels, 1):
        pieces = [piece for piece in _SEVERAL.split(label.strip("[]{}() ")) if piece]
        several = len(pieces) > 1 and (label[0] in "[{(" or known.issuperset(pieces))
        if several:
            raise DataError(
                f"{table.where}: data row {number} has several labels, {shown(label)}; each picture"
                " needs exactly one"
            )


def _entries(
    tree: FileTree,
    table: _Table,
    labels: Sequence[str],
    index: _Index,
    part: Part | None,
    called: dict[Part, str],
) -> Iterator[_Entry]:
    """Yield what the rows of a table say."""
    missing: list[str] = []
    folder = table.name.rpartition("/")[0]
    for number, (row, label) in enumerate(zip(table.rows, labels, strict=True), 1):
        own = part
        if table.split is not None:
            own = part_of_value(row[table.split])
            if own is None:
                raise DataError(
                    f"{table.where}: data row {number} has split {shown(row[table.split])}; use"
                    " train, validation or test"
                )
            called[own] = row[table.split]
        found = index.find(row[table.file], folder, own)
        if len(found) > 1:
            raise DataError(
                f"{table.where}: data row {number}: {shown(row[table.file])} could be any"
                f" of {listed(found, 2)}; give its folder too"
            )
        if found:
            group = "" if table.group is None else row[table.group]
            yield _Entry(found[0], label, own, group)
        else:
            missing.append(row[table.file])
    if missing:
        raise DataError(
            f"{table.where}: {len(missing):,} of {len(table.rows):,} pictures are not in"
            f" {tree.place.name}: {listed(missing, _SHOWN)}"
        )


def _unused(table: _Table) -> list[str]:
    used = {table.file, table.label, table.split, table.group, *table.one_hot}
    names = [name or "(no name)" for place, name in enumerate(table.names) if place not in used]
    return [f"columns of {table.name} that are not used: {listed(names, 5)}"] if names else []


def _once(entries: Sequence[_Entry], notes: list[str]) -> list[_Entry]:
    """Leave out rows that are there twice; refuse two labels of one picture."""
    kept: dict[tuple[str, Part | None], _Entry] = {}
    labels: dict[str, str] = {}
    for entry in entries:
        if labels.setdefault(entry.picture, entry.label) != entry.label:
            raise DataError(
                f"{shown(entry.picture)} has two labels, {shown(labels[entry.picture])} and"
                f" {shown(entry.label)}; each picture needs exactly one"
            )
        kept.setdefault((entry.picture, entry.part), entry)
    if len(kept) < len(entries):
        twice = len(entries) - len(kept)
        notes.append(f"{twice:,} duplicate {'row is' if twice == 1 else 'rows are'} not used")
    return list(kept.values())


def _by_folder(entries: list[_Entry], called: dict[Part, str]) -> list[_Entry]:
    """Tell splits by the pictures' folders where no table tells them, and every picture's does."""
    if any(entry.part for entry in entries):
        return entries
    words = [
        next((piece for piece in entry.picture.split("/")[:-1] if part_of(piece)), "")
        for entry in entries
    ]
    if not all(words):
        return entries
    called |= {part: word for word in words if (part := part_of(word))}
    return [replace(e, part=part_of(word)) for e, word in zip(entries, words, strict=True)]


FORM = Form("table of file names and labels", 20, _matches, _read)
