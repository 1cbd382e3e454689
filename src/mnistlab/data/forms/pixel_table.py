"""Tables of pixels: one image a row, as in Kaggle's Digit Recognizer, FER2013 or UCI's digits."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import Split
from mnistlab.data.file_tree import FileTree
from mnistlab.data.form import Form, Part, Parts, ReadOptions
from mnistlab.data.forms.labels import number_labels
from mnistlab.data.forms.pixel_columns import (
    Columns,
    Shape,
    find_columns,
    is_count,
    picture_shape,
    pixels_of,
)
from mnistlab.data.forms.text_table import (
    SPACES,
    TextTable,
    choose_tables,
    is_missing,
    is_number,
    part_of_value,
    shown,
    sibling_key,
    table_names,
)
from mnistlab.errors import DataError

_AT_ONCE = 4096
"""Rows that are parsed together."""
_MOST_SNIFFED = 64
"""Tables in a tree; of more, none is one of pixels."""
_UNLIKE, _ALIKE = 0.25, 0.15
"""Largest differences between the distributions of two columns (Kolmogorov and Smirnov's): a label
differs from all pixels around it by more than the one, a pixel from one by less than the other."""
_COLOURS = 3
_CLEARLY = 0.9
"""Of two readings of an image's colours, how rough the better one may be, the other being 1."""
_LOOKED_AT = 256
"""Images that are looked at to tell how colours are stored."""
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)|(?<!\d),(?=\d)")
_DIGITS_MOST, _DIGITS_SHAPE = 16, (1, 8, 8)
"""UCI's handwritten digits: counts of black pixels in blocks of 4 x 4."""
_EMNIST = re.compile(r"(^|/)emnist[-_]", re.IGNORECASE)
"""Its tables hold each image with rows and columns exchanged."""
_Numbers = NDArray[Any]
"""uint8 or float32."""


@dataclass
class _Content:
    """What a table holds: the numbers of all its columns, the cells of those with words."""

    table: TextTable
    columns: Columns
    numbers: _Numbers
    cells: dict[int, list[str]]

    @property
    def labels(self) -> list[str] | None:
        place = self.columns.label
        return None if place is None else self.cells[place]


def _matches(tree: FileTree, options: ReadOptions) -> bool:
    names = table_names(tree)
    if options.chosen:
        return options.chosen in names or _holds_pixels(tree, options.chosen)
    if len(names) > _MOST_SNIFFED:
        return False
    # An empty table alone is to be named, too.
    alone = bool(names) and len(names) == len(tree.names)
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
    contents: dict[Part, _Content] = {}
    for part, name in chosen.items():
        content = _load(TextTable(tree, name), contents.get("train"))
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
    images = _images(contents, notes)
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
    contents: dict[Part, _Content],
) -> tuple[dict[Part, _Content], dict[Part, str]]:
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
    taken: dict[Part, _Content] = {}
    for part in ("train", "validation", "test"):
        rows = np.array([parts[cell] == part for cell in column])
        if rows.any():
            cells = {
                place: [cell for cell, keep in zip(found, rows, strict=True) if keep]
                for place, found in whole.cells.items()
            }
            taken[part] = replace(whole, numbers=whole.numbers[rows], cells=cells)
    called = {part: cell for cell, part in parts.items() if part}
    return taken, called


def _load(table: TextTable, train: _Content | None) -> _Content:
    columns = find_columns(table)
    if columns.label is None and train and not columns.header:
        columns = _as_trained(columns, train)
    content = _parse(table, columns)
    if columns.numbered is not None:
        content = _without_count(content)
    if columns.candidates:
        content = _find_label(content)
    return content


def _as_trained(columns: Columns, train: _Content) -> Columns:
    """Take the columns of a table without header as those of the training table."""
    if len(columns.names) == len(train.columns.names):
        return replace(train.columns, names=columns.names, header=False, notes=())
    if len(columns.names) == len(train.columns.pixels):
        return replace(
            columns,
            pixels=tuple(range(len(columns.names))),
            candidates=None,
            numbered=None,
            shape=train.columns.shape,
        )
    return columns


def _parse(table: TextTable, columns: Columns) -> _Content:
    """Read all numbers, and the cells of the columns that need not be numbers."""
    numeric = set() if columns.strings else set(columns.pixels) - {*(columns.candidates or ())}
    cells: dict[int, list[str]] = {
        place: [] for place in range(len(columns.names)) if place not in numeric
    }
    kept = {columns.label, columns.split, columns.numbered, *(columns.candidates or ())}
    strings = columns.pixels[0] if columns.strings else None
    blocks: list[_Numbers] = []
    lines = table.lines(int(columns.header))
    count = 0
    while block := list(islice(lines, _AT_ONCE)):
        if strings is None:
            numbers = _numbers(block, table.separator, cells)
            if numbers is None or numbers.shape[1] != len(columns.names):
                _refuse_rows(table, columns, block, count, numeric)
        else:
            rows = [table.split(line) for line in block]
            _refuse_lengths(table, rows, len(columns.names), count)
            for place, found in cells.items():
                found += [row[place] for row in rows]
            numbers = _numbers([pixels_of(row[strings]) for row in rows], SPACES, {})
            if numbers is None or (blocks and numbers.shape[1] != blocks[0].shape[1]):
                _refuse_strings(table, cells[strings], count)
            cells[strings].clear()
        blocks.append(numbers)
        count += len(numbers)
        for place in cells.keys() - kept:
            cells[place].clear()
    if strings is not None:
        columns = _with_shape(table, columns, blocks[0].shape[1])
    cells = {place: found for place, found in cells.items() if place in kept}
    return _Content(table, columns, np.concatenate(blocks), cells)


def _with_shape(table: TextTable, columns: Columns, count: int) -> Columns:
    shape = picture_shape(count)
    if shape is None:
        raise DataError(f"{table.where}: {count:,} pixels do not make a square image")
    return replace(columns, shape=shape, pixels=tuple(range(count)))


def _numbers(lines: Sequence[str], separator: str, cells: dict[int, list[str]]) -> Any:
    """Return the numbers of rows, ``(rows, columns)``: uint8, float32 if they are no bytes, or
    ``None`` if they are no numbers.

    Args:
        lines: of the rows.
        separator: of the cells.
        cells: of columns that need not be numbers; they get theirs, and the numbers are 0.
    """
    lengths = {place: len(found) for place, found in cells.items()}
    for kind in (np.uint8, np.float32, np.float32):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return np.loadtxt(
                    lines,
                    kind,
                    delimiter=None if separator == SPACES else separator,
                    converters={place: _keep(found) for place, found in cells.items()},
                    # A row that begins with # is damaged, not a comment.
                    comments=None,
                    quotechar='"',
                    encoding=None,
                    ndmin=2,
                )
        except (ValueError, OverflowError, Warning):
            for place, length in lengths.items():
                del cells[place][length:]
            if kind is np.float32 and separator != ",":
                lines = [_DECIMAL_COMMA.sub(".", line) for line in lines]
    return None


def _keep(found: list[str]) -> Callable[[str], int]:
    def keep(cell: str) -> int:
        found.append(cell.strip())
        return 0

    return keep


def _refuse_rows(
    table: TextTable, columns: Columns, lines: Sequence[str], start: int, numeric: set[int]
) -> NoReturn:
    """Name the first cell that is no number, or the first row of another length."""
    rows = [table.split(line) for line in lines]
    _refuse_lengths(table, rows, len(columns.names), start)
    for row, cells in enumerate(rows, start + 1):
        for place, cell in enumerate(cells):
            if place in numeric and not is_number(cell):
                raise DataError(
                    f"{table.where}: data row {row}, {columns.names[place]} is"
                    f" {'missing' if is_missing(cell) else shown(cell)}; pixels are numbers from 0"
                    " to 255"
                )
    raise DataError(f"{table.where}: data rows from {start + 1} cannot be read as numbers")


def _refuse_lengths(
    table: TextTable, rows: Sequence[Sequence[str]], width: int, start: int
) -> None:
    for row, cells in enumerate(rows, start + 1):
        if len(cells) != width:
            raise DataError(
                f"{table.where}: data row {row} has {len(cells):,} cells, and the first row has"
                f" {width:,}; copy the table again, or fix the row"
            )


def _refuse_strings(table: TextTable, cells: Sequence[str], start: int) -> NoReturn:
    """Name the first cell that does not hold as many pixels as the first one."""
    width = len(pixels_of(cells[0]).split())
    for row, cell in enumerate(cells, start + 1):
        pixels = pixels_of(cell).split()
        wrong = next((pixel for pixel in pixels if not is_number(pixel)), None)
        if wrong is not None:
            raise DataError(f"{table.where}: data row {row} has a pixel {shown(wrong)}")
        if len(pixels) != width:
            raise DataError(
                f"{table.where}: data row {row} has {len(pixels):,} pixels, others have {width:,}"
            )
    raise DataError(
        f"{table.where}: data row {start + 1} has more or fewer pixels than those above"
    )


def _without_count(content: _Content) -> _Content:
    """Leave out the first column, if it counts the rows."""
    columns = content.columns
    place = columns.numbered or 0
    if not is_count(content.cells[place]):
        raise DataError(
            f"{content.table.where}: {len(columns.pixels) + 1:,} columns are not a square image and"
            " its label; it needs a header such as label,pixel0,pixel1,..."
        )
    note = (
        f"{columns.names[place]} of {content.table.name}, which only numbers the rows, is not used"
    )
    return replace(content, columns=replace(columns, notes=(*columns.notes, note)))


def _find_label(content: _Content) -> _Content:
    """Find the label's column, the first or the last, by what the two hold.

    A label differs in its distribution from the pixels around it; a pixel hardly does.
    """
    columns = content.columns
    places = columns.candidates or (0, 0)
    values = {place: _values(content.cells[place]) for place in places}
    first, last = places
    differences = {
        first: _least_difference(content, values[first], columns.pixels),
        last: _least_difference(content, values[last], columns.pixels[::-1]),
    }
    unlike = {
        place: found is not None
        and 1 < len(np.unique(found)) <= len(found) / 2
        and differences[place] > _UNLIKE
        for place, found in values.items()
    }
    alike = {place: differences[place] < _ALIKE for place in places}
    fitting = [
        label for label, pixel in ((first, last), (last, first)) if unlike[label] and alike[pixel]
    ]
    if len(fitting) != 1:
        raise DataError(
            f"{content.table.where}: no column is named label, and whether the first or the last"
            f" one is the label does not show in {len(content.numbers):,} rows; add a header such"
            " as label,pixel0,pixel1,..."
        )
    label = fitting[0]
    pixel = last if label == first else first
    numbers = _put(content.numbers, pixel, content)
    which = "first" if label == first else "last"
    note = f"the {which} column of {content.table.name} is taken as the label (there is no header)"
    pixels = tuple(place for place in columns.pixels if place != label)
    return replace(
        content,
        numbers=numbers,
        columns=replace(
            columns, label=label, candidates=None, pixels=pixels, notes=(*columns.notes, note)
        ),
    )


def _least_difference(
    content: _Content, values: NDArray[np.float64] | None, pixels: Sequence[int]
) -> float:
    """Return how a column at a corner differs from the pixels beside, above or below it."""
    if values is None:
        return 0.0
    channels, _, width = content.columns.shape or (1, 1, 1)
    return min(
        _difference(values, content.numbers[:, pixels[step]]) for step in {1, channels, width}
    )


def _values(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Return whole numbers of 0 or more, or ``None`` if they are others."""
    if not all(map(is_number, {*cells})):
        return None
    values = np.array([float(cell.replace(",", ".")) for cell in cells])
    return values if values.min() >= 0 and (values == np.rint(values)).all() else None


def _difference(some: NDArray[Any], others: NDArray[Any]) -> float:
    """Return the largest difference between two distributions, from 0 to 1."""
    at = np.union1d(some, others)
    shares = [np.searchsorted(np.sort(v), at, side="right") / len(v) for v in (some, others)]
    return float(np.abs(shares[0] - shares[1]).max())


def _put(numbers: _Numbers, place: int, content: _Content) -> _Numbers:
    """Put the cells of a column that holds pixels after all among the numbers."""
    cells = content.cells[place]
    wrong = next((row for row, cell in enumerate(cells) if not is_number(cell)), None)
    if wrong is not None:
        raise DataError(
            f"{content.table.where}: data row {wrong + 1}, {content.columns.names[place]} is"
            f" {shown(cells[wrong])}; pixels are numbers from 0 to 255"
        )
    values = np.array([float(cell.replace(",", ".")) for cell in cells], np.float32)
    bytes_ = values.clip(0, 255).astype(np.uint8)
    if numbers.dtype == np.uint8 and not np.array_equal(bytes_, values):
        numbers = numbers.astype(np.float32)
    numbers[:, place] = values
    return numbers


def _images(contents: Mapping[Part, _Content], notes: list[str]) -> dict[Part, NDArray[np.uint8]]:
    """Return the images of all splits, ``(n, channels, height, width)``, on one scale."""
    pixels = {part: _pixels(content) for part, content in contents.items()}
    shift, factor = _scale(contents, pixels, notes)
    images: dict[Part, NDArray[np.uint8]] = {}
    interleaved: bool | None = None
    for part, content in contents.items():
        own = _to_bytes(pixels.pop(part), shift, factor)
        shape = content.columns.shape or (1, 1, own.shape[1])
        if interleaved is None and shape[0] == _COLOURS:
            interleaved = _is_interleaved(own, shape, notes, ordered=content.columns.ordered)
        images[part] = _arranged(own, shape, interleaved=bool(interleaved))
    if _EMNIST.search(contents["train"].table.name):
        notes.append("EMNIST's tables hold the pictures transposed, which was undone")
        images = {part: np.ascontiguousarray(own.swapaxes(2, 3)) for part, own in images.items()}
    return images


def _pixels(content: _Content) -> _Numbers:
    """Return the numbers of the pixels' columns alone; without a copy where they are adjacent."""
    places, numbers = content.columns.pixels, content.numbers
    adjacent = places == tuple(range(places[0], places[-1] + 1))
    found = numbers[:, places[0] : places[-1] + 1] if adjacent else numbers[:, list(places)]
    if found.dtype != np.uint8:
        _refuse_where(content, found, ~np.isfinite(found))
    return found


def _refuse_where(content: _Content, pixels: _Numbers, wrong: NDArray[np.bool_]) -> None:
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        name = (
            f"pixel {column}"
            if content.columns.strings
            else content.columns.names[content.columns.pixels[column]]
        )
        raise DataError(
            f"{content.table.where}: data row {row + 1}, {name} is {pixels[row, column]:g}; pixels"
            " are 0 to 255, or fractions from 0 to 1"
        )


def _scale(
    contents: Mapping[Part, _Content], pixels: Mapping[Part, _Numbers], notes: list[str]
) -> tuple[float, float]:
    """Return what is to be added to pixels, and what they are then to be multiplied by."""
    lows = {part: float(found.min()) for part, found in pixels.items()}
    highs = {part: float(found.max()) for part, found in pixels.items()}
    whole = {part: _is_whole(found) for part, found in pixels.items()}
    low, high = min(lows.values()), max(highs.values())
    if -1 <= low < 0 and high <= 1:
        notes.append("pixels from -1 to 1 are scaled to 0 to 255")
        return 1.0, 127.5
    for part, found in pixels.items():
        if low < 0 or high > 255:
            _refuse_where(contents[part], found, (found < 0) | (found > 255))
    if 0 < high <= 1:
        notes.append("pixels from 0 to 1 are scaled to 0 to 255")
        return 0.0, 255.0
    fractions = [part for part in pixels if not whole[part] and highs[part] <= 1]
    if fractions:
        other = next(part for part in pixels if highs[part] > 1)
        raise DataError(
            f"{contents[fractions[0]].table.where}: {fractions[0]} pixels are from 0 to 1, {other}"
            f" ones up to {highs[other]:g}; use one scale for all"
        )
    if (
        all(whole.values())
        and high <= _DIGITS_MOST
        and (contents["train"].columns.shape == _DIGITS_SHAPE)
    ):
        notes.append(f"pixels from 0 to {_DIGITS_MOST} are scaled to 0 to 255")
        return 0.0, 255 / _DIGITS_MOST
    if not all(whole.values()):
        notes.append("fractional pixels from 0 to 255 are rounded")
    return 0.0, 1.0


def _is_whole(pixels: _Numbers) -> bool:
    return pixels.dtype == np.uint8 or bool((pixels == np.rint(pixels)).all())


def _to_bytes(pixels: _Numbers, shift: float, factor: float) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8 and factor == 1:
        return pixels
    scaled = np.empty(pixels.shape, np.uint8)
    for start in range(0, len(pixels), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        scaled[rows] = np.rint((pixels[rows].astype(np.float32) + shift) * factor).clip(0, 255)
    return scaled


def _is_interleaved(
    pixels: NDArray[np.uint8], shape: Shape, notes: list[str], *, ordered: bool
) -> bool:
    """Tell whether the colours of a pixel are together, rather than plane by plane."""
    _, height, width = shape
    size = f"{pixels.shape[1]:,} pixels are read as {height}x{width} in colour,"
    if ordered:
        notes.append(f"{size} as the columns are named")
        return False
    some = pixels[:_LOOKED_AT]
    together, apart = (_arranged(some, shape, interleaved=how) for how in (True, False))
    if _roughness(together) < _CLEARLY * _roughness(apart):
        notes.append(
            f"{size} with red, green and blue alternating, since that looks like a picture"
        )
        return True
    notes.append(f"{size} a plane of red, then green, then blue")
    return False


def _arranged(pixels: NDArray[np.uint8], shape: Shape, *, interleaved: bool) -> NDArray[np.uint8]:
    """Turn rows of pixels into images ``(n, channels, height, width)``."""
    channels, height, width = shape
    if interleaved and channels == _COLOURS:
        by_pixel = pixels.reshape(-1, height, width, channels)
        return np.ascontiguousarray(by_pixel.transpose(0, 3, 1, 2))
    return np.ascontiguousarray(pixels.reshape(-1, channels, height, width))


def _roughness(images: NDArray[np.uint8]) -> float:
    """Return how much neighbouring pixels, and the channels of a pixel, differ on average."""
    some = images[:_LOOKED_AT].astype(np.float32)
    return float(sum(np.abs(np.diff(some, axis=axis)).mean() for axis in (1, 2, 3)))


FORM = Form("pixel table", 30, _matches, _read)
