"""Parquet, as Hugging Face stores images: in each row a picture, or its pixels, and its label."""

import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.array_images import arrange, looks_like_images, to_bytes
from mnistlab.data.bounds import most_unpacked
from mnistlab.data.dataset import Split
from mnistlab.data.file_tree import FileTree, Memory
from mnistlab.data.form import Form, Part, Parts, ReadOptions, Rows
from mnistlab.data.forms.labels import check_labels, number_labels
from mnistlab.data.forms.text_table import SPLITS, has_role, part_of_file, part_of_value
from mnistlab.data.labelled_pictures import LabelledPicture, read_labelled
from mnistlab.errors import DataError
from mnistlab.text import listed

_SUFFIXES = (".parquet", ".pq")
_MAGIC = b"PAR1"
_MOST_BYTES = 1 << 34
_NUMBERED = re.compile(r"-(\d{5})-of-(\d{5})")
"""How Hugging Face numbers the files of a split."""
_UNLABELLED = -1
"""What Hugging Face has for a label where there is none."""


class _Rows(Memory):
    """The pictures in the rows of Parquet files, as files."""

    def __init__(self, place: Path, contents: dict[str, bytes]) -> None:
        super().__init__(place, contents)
        self._bytes = sum(map(len, contents.values()))

    @property
    def bytes_packed(self) -> int:
        """See :attr:`FileTree.bytes_packed`."""
        return self._bytes


@dataclass(frozen=True)
class _Table:
    """The columns of one file that hold images and labels.

    Attributes:
        where: what messages call the file.
        image: a chunked column of Arrow.
        label: each row's label; ``None`` without any.
        classes: names of the labels, if the file has them.
        rows: their numbers in the file, from 1.
        splits: which split each row is of, if a column says so.
    """

    where: str
    image: Any
    label: list[str] | None
    classes: tuple[str, ...] | None
    rows: Sequence[int]
    splits: list[str] | None = None


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    if options.chosen:
        name = options.chosen
        return name.lower().endswith(_SUFFIXES) or tree.head(name, len(_MAGIC)) == _MAGIC
    return any(name.lower().endswith(_SUFFIXES) for name in tree.others)


def _read(tree: FileTree, options: ReadOptions) -> Parts:
    """Read all Parquet files.

    Raises:
        DataError: the extra ``parquet`` is not installed; a file is damaged; or no column, or
            several, hold images or labels.
    """
    files, called, notes = _files(tree, options.chosen)
    tables: dict[Part, list[_Table]] = {}
    for part, names in files.items():
        own = [_read_table(tree, name, notes) for name in names]
        if all(table.label is not None for table in own):
            tables[part] = own
        elif part == "train":
            raise DataError(f"{tree.where(names[0])}: has no column of labels; name it label")
        else:
            notes.append(f"{listed(names, 2)} has no labels and is not used")
    if len(files) == 1 and not called and all(table.splits for table in tables["train"]):
        tables, called = _by_split(tables["train"])
    labels = {part: [cell for t in own for cell in t.label or []] for part, own in tables.items()}
    places = {part: own[0].where for part, own in tables.items()}
    called = {part: word for part, word in called.items() if part in tables}
    classes = tables["train"][0].classes
    if all(_is_encoded(table.image.type) for own in tables.values() for table in own):
        if classes is None:
            labels = check_labels(labels, places)
        return _decoded(tree, tables, labels, options, notes, called, classes)
    return _plain(tree, tables, labels, places, notes, called, classes)


def _files(tree: FileTree, chosen: str) -> tuple[dict[Part, list[str]], dict[Part, str], list[str]]:
    """Return the files of each split, ``train`` first, what they are called, and what is said."""
    names = [name for name in tree.others if name.lower().endswith(_SUFFIXES)]
    names = list(dict.fromkeys([*names, chosen])) if chosen else names
    found: dict[Part | None, list[str]] = defaultdict(list)
    called: dict[Part, str] = {}
    for name in names:
        part, word = part_of_file(name)
        found[part].append(name)
        if part:
            called[part] = word
    folders = {name.rpartition("/")[0] for name in found["train"] or found[None]}
    if len(folders) > 1:
        raise DataError(
            f"{tree.place}: holds several data sets, in {listed(sorted(folders), 5)}; name the"
            " folder of one"
        )
    if not found["train"]:
        found["train"] = found.pop(None) or found.pop(next(part for part in found if found[part]))
    notes = [f"{name} is not used: its name tells no split" for name in found[None][:3]]
    notes += _missing(names)
    return {part: found[part] for part in SPLITS if found[part]}, called, notes


def _missing(names: Sequence[str]) -> list[str]:
    """Return what to say of files that belong to those that are there, by their numbers."""
    found: dict[tuple[str, int], set[int]] = defaultdict(set)
    for name in names:
        if numbered := _NUMBERED.search(name):
            found[name[: numbered.start()], int(numbered[2])].add(int(numbered[1]))
    return [
        f"{start.rpartition('/')[2]}: {total - len(numbers)} of {total} files are missing"
        for (start, total), numbers in found.items()
        if len(numbers) < total
    ]


def _by_split(tables: list[_Table]) -> tuple[dict[Part, list[_Table]], dict[Part, str]]:
    """Divide the rows of tables by what their columns of splits say."""
    found: dict[Part, list[_Table]] = {}
    called: dict[Part, str] = {}
    for table in tables:
        rows: dict[Part, list[int]] = defaultdict(list)
        for row, word in enumerate(table.splits or ()):
            part = part_of_value(word)
            if part is None:
                raise DataError(
                    f"{table.where}: row {row + 1} has split {word!r}; use train, validation and"
                    " test"
                )
            rows[part].append(row)
            called[part] = word
        for part, own in rows.items():
            label = None if table.label is None else [table.label[row] for row in own]
            taken = table.image.take(own)
            numbers = [row + 1 for row in own]
            found.setdefault(part, []).append(
                _Table(table.where, taken, label, table.classes, numbers)
            )
    if "train" not in found:
        raise DataError(f"{tables[0].where}: no row is of the training split")
    return {part: found[part] for part in SPLITS if part in found}, called


def _read_table(tree: FileTree, name: str, notes: list[str]) -> _Table:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DataError(
            f"{tree.where(name)}: Parquet needs an extra; install it: pip install"
            " 'mnistlab[parquet]'"
        ) from error
    where, path = tree.where(name), tree.path(name)
    try:
        source = path or io.BytesIO(tree.read(name, _MOST_BYTES))
        with pq.ParquetFile(source) as file:
            _refuse_bomb(file.metadata, tree.size(name), where)
            schema = file.schema_arrow
            features = _features(schema)
            image = _image_column(schema, where)
            split = _split_column(schema, features)
            label = _label_column(schema, (image, split), features, where, notes)
            used = [column for column in (image, label, split) if column]
            # Of several labels that was said, and __index_level_0__ is the writer's own.
            told = {n for n in features if features[n].get("_type") == "ClassLabel"}
            left = [n for n in schema.names if n not in {*used, *told} and n[:2] != "__"]
            unused = f"columns that are not used: {listed(left, 5)}"
            # The files of a split have the same columns.
            if left and label and unused not in notes:
                notes.append(unused)
            table = file.read(columns=used)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:150]
        raise DataError(f"{where}: cannot be read as Parquet: {reason}") from error
    if not table.num_rows:
        raise DataError(f"{where}: has no rows")
    rows = range(1, table.num_rows + 1)
    if label is None:
        return _Table(where, table[image], None, None, rows)
    classes = features.get(label, {}).get("names")
    names = tuple(map(str, classes)) if isinstance(classes, list) else None
    splits = _words(table[split], features.get(split, {})) if split else None
    return _Table(
        where, table[image], _labels(table[label], names, label, where), names, rows, splits
    )


def _refuse_bomb(metadata: Any, packed: int, where: str) -> None:
    promised = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if promised > most_unpacked(packed):
        raise DataError(
            f"{where}: would expand to {promised:,} bytes; a file of its size may expand to at most"
            f" {most_unpacked(packed):,}"
        )


def _features(schema: Any) -> dict[str, dict[str, Any]]:
    """Return what Hugging Face notes of each column, such as the names of classes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: about for name, about in features.items() if isinstance(about, dict)}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _image_column(schema: Any, where: str) -> str:
    """Return the one column of pictures, or of pixels."""
    import pyarrow.types as kinds

    encoded = [field.name for field in schema if _is_encoded(field.type)]
    pixels = [
        field.name
        for field in schema
        if kinds.is_list(_storage(field.type)) or kinds.is_fixed_size_list(_storage(field.type))
    ]
    columns = encoded or pixels
    named = [c for c in columns if has_role(c, "file") or c.lower() in ("pixels", "x", "data")]
    columns = named if len(named) == 1 else columns
    if len(columns) != 1:
        raise DataError(
            f"{where}: {'several columns hold' if columns else 'no column holds'} images"
            f" ({listed(columns or schema.names, 5)}); name one of them image"
        )
    return str(columns[0])


def _storage(kind: Any) -> Any:
    """Return what an extension type, such as Hugging Face's for arrays, stores."""
    return getattr(kind, "storage_type", kind)


def _is_encoded(kind: Any) -> bool:
    """Return whether a column holds files of pictures."""
    import pyarrow.types as kinds

    if kinds.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _is_encoded(kind.field(index).type)
    return bool(
        kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind)
    )


def _split_column(schema: Any, features: dict[str, dict[str, Any]]) -> str | None:
    """Return the column that says which split a row is of, or ``None``."""
    import pyarrow.types as kinds

    found = [
        field.name
        for field in schema
        if has_role(field.name, "split")
        and (
            kinds.is_string(field.type)
            or kinds.is_large_string(field.type)
            or kinds.is_dictionary(field.type)
            or features.get(field.name, {}).get("names")
        )
    ]
    return str(found[0]) if len(found) == 1 else None


def _words(column: Any, feature: dict[str, Any]) -> list[str]:
    names = feature.get("names")
    return [
        names[value] if names and value in range(len(names)) else str(value)
        for value in column.to_pylist()
    ]


def _label_column(
    schema: Any,
    others: tuple[str | None, ...],
    features: dict[str, dict[str, Any]],
    where: str,
    notes: list[str],
) -> str | None:
    """Return the column of labels, or ``None``."""
    names: list[str] = [name for name in schema.names if name not in others]
    labels = [name for name in names if has_role(name, "label")]
    if len(labels) == 1:
        return labels[0]
    counts = {n: len(features.get(n, {}).get("names") or ()) for n in labels or names}
    known = [name for name in counts if features.get(name, {}).get("_type") == "ClassLabel"]
    if known:
        finest = max(known, key=counts.__getitem__)
        less = [name for name in known if name != finest]
        if less:
            notes.append(f"{finest}, of {counts[finest]} classes, is the label, not {listed(less)}")
        return finest
    if len(labels) > 1:
        raise DataError(
            f"{where}: each of {listed(labels, 4)} could be the label; keep one of them"
        )
    return None


def _labels(column: Any, names: tuple[str, ...] | None, label: str, where: str) -> list[str] | None:
    """Return each row's label as text; ``None`` if no row has one."""
    values = column.to_pylist()
    if all(value is None or value == _UNLABELLED for value in values):
        return None
    wrong = next((row for row, v in enumerate(values) if isinstance(v, list | dict)), None)
    if wrong is not None:
        raise DataError(
            f"{where}: {label} holds several values for row {wrong + 1}; each image needs one label"
        )
    if names is None:
        return ["" if value is None else str(value) for value in values]
    strange = next((row for row, v in enumerate(values) if v not in range(len(names))), None)
    if strange is not None:
        raise DataError(
            f"{where}: row {strange + 1} has label {values[strange]}; {len(names)} classes have"
            f" labels 0 to {len(names) - 1}"
        )
    return [names[value] for value in values]


def _decoded(
    tree: FileTree,
    tables: dict[Part, list[_Table]],
    labels: dict[Part, list[str]],
    options: ReadOptions,
    notes: Sequence[str],
    called: dict[Part, str],
    classes: tuple[str, ...] | None,
) -> Parts:
    """Decode the pictures."""
    contents: dict[str, bytes] = {}
    pictures: list[LabelledPicture] = []
    for part, own in tables.items():
        cells = iter(labels[part])
        for table in own:
            for row, content in zip(table.rows, _contents(table), strict=True):
                name = f"{Path(table.where).name}: row {row}"
                contents[name] = content
                pictures.append(LabelledPicture(name, next(cells), part))
    rows = _Rows(tree.place, contents)
    return read_labelled(rows, pictures, options, notes, called, classes, by_class=False)


def _contents(table: _Table) -> Iterator[bytes]:
    for row, cell in zip(table.rows, table.image.to_pylist(), strict=True):
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if content is None:
            raise DataError(
                f"{table.where}: row {row} holds no picture"
                f"{', only the path of one' if isinstance(cell, dict) else ''}; write the pictures"
                " themselves into the file"
            )
        yield content


def _plain(
    tree: FileTree,
    tables: dict[Part, list[_Table]],
    cells: dict[Part, list[str]],
    places: dict[Part, str],
    notes: list[str],
    called: dict[Part, str],
    classes: tuple[str, ...] | None,
) -> Parts:
    """Read pixels."""
    arranged: dict[str, NDArray[Any]] = {}
    for part, own in tables.items():
        pixels = np.concatenate([_pixels(table) for table in own])
        found = arrange(pixels, len(pixels), places[part])
        arranged[part] = found.images
        if found.note:
            notes.append(found.note)
    images, said = to_bytes(arranged, str(tree.place))
    labels, named = number_labels(cells, places, classes)
    splits = {part: Split(images[part], labels[part]) for part in tables}
    return Parts(
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        named,
        tuple(dict.fromkeys([*notes, *said])),
        called,
    )


def _pixels(table: _Table) -> NDArray[Any]:
    """Return the numbers of lists of lists, all of one length at each depth, as an array."""
    import pyarrow as pa

    column = pa.chunked_array([getattr(c, "storage", c) for c in table.image.chunks])
    array = column.combine_chunks()
    shape = [len(array)]
    while pa.types.is_list(array.type) or pa.types.is_fixed_size_list(array.type):
        lengths = np.unique(array.value_lengths().to_numpy(zero_copy_only=False))
        if array.null_count or len(lengths) != 1:
            raise DataError(f"{table.where}: the images are not all of one size")
        shape.append(int(lengths[0]))
        array = array.flatten()
    if array.null_count:
        raise DataError(f"{table.where}: {array.null_count:,} pixels are missing")
    try:
        pixels: NDArray[Any] = array.to_numpy(zero_copy_only=False).reshape(shape)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{table.where}: its lists hold no images: {error}") from error
    if not looks_like_images(pixels):
        raise DataError(f"{table.where}: lists of {shape[1:]} {array.type} are no images")
    return pixels


def _rows(tree: FileTree, name: str) -> Rows:
    """Read one file.

    Raises:
        DataError: as :func:`_read`, but that no column has to be a label.
    """
    notes: list[str] = []
    table = _read_table(tree, name, notes)
    labelled = table.label is not None
    if _is_encoded(table.image.type):
        nothing = np.empty((0, 1, 1, 1), np.uint8)
        return Rows(nothing, list(_contents(table)), labelled=labelled, notes=notes)
    pixels = _pixels(table)
    found = arrange(pixels, len(pixels), table.where)
    images, said = to_bytes({"images": found.images}, table.where)
    notes = [note for note in (*notes, found.note, *said) if note]
    return Rows(images["images"], labelled=labelled, notes=notes)


FORM = Form("Parquet", 40, _matches, _read, _rows)
