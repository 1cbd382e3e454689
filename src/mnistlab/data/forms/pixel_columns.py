"""Which columns of a table are pixels, which one is the label, and where each pixel goes."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NoReturn

from mnistlab.data.forms.text_table import (
    TextTable,
    has_role,
    is_missing,
    is_number,
    part_of_value,
    shown,
)
from mnistlab.errors import DataError
from mnistlab.text import listed

Shape = tuple[int, int, int]
_CHANNEL = re.compile(r"(?<![a-z])(red|green|blue|r|g|b)(?![a-z])")
_LEAST_PIXELS = 4
_BRACKETS = str.maketrans(",;", "  ", "[]()")


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are, each by its place from 0.

    Attributes:
        names: of all columns, for messages.
        header: whether the first row holds names.
        pixels: of one image: plane by plane, row by row; or one column of strings of pixels.
        shape: channels, height and width; ``None`` in a table of strings, whose length tells.
        strings: whether all pixels of an image are in one cell.
        ordered: whether names tell which channel, row and column a pixel is.
        label: the label's column; ``None`` if there is none, or it must be found.
        candidates: the two columns one of which is the label's, to be found by what they hold.
        split: the column that tells which split a row belongs to.
        numbered: the column that must count the rows.
        index: the column that a header says to number or to name the rows.
        notes: what is to be said about them.
    """

    names: tuple[str, ...]
    header: bool
    pixels: tuple[int, ...] = ()
    shape: Shape | None = None
    strings: bool = False
    ordered: bool = False
    label: int | None = None
    candidates: tuple[int, int] | None = None
    split: int | None = None
    numbered: int | None = None
    index: int | None = None
    notes: tuple[str, ...] = ()


def picture_shape(count: int) -> Shape | None:
    """Return channels, height and width of a square image of so many values, if one has them."""
    for channels in (1, 3):
        side = math.isqrt(max(count, 0) // channels)
        if side > 1 and channels * side * side == count:
            return channels, side, side
    return None


def pixels_of(cell: str) -> str:
    """Return the pixels in one cell, such as ``[70, 80, 82]``, with spaces between."""
    return cell.translate(_BRACKETS)


def is_count(cells: Sequence[str]) -> bool:
    """Return whether cells count the rows, from 0 or 1."""
    return (
        bool(cells)
        and cells[0] in ("0", "1")
        and list(cells)
        == [str(number) for number in range(int(cells[0]), int(cells[0]) + len(cells))]
    )


def find_columns(table: TextTable) -> Columns:
    """Tell the columns of a table of pixels by its header, or by their number and first cells.

    Raises:
        DataError: the pixels make no image, or several columns could be the label.
    """
    first = table.head[0]
    if len(first) == 1 and not _is_string(table.head[-1][0]):
        raise DataError(
            f"{table.where}: its first row is one cell; put commas, semicolons, tabs, bars or"
            " spaces between cells"
        )
    header = _is_header(first, table.head[1:])
    rows = table.head[header:]
    if not rows:
        raise DataError(f"{table.where}: has a header but no rows")
    columns = Columns(
        tuple(
            f"column {shown(name)}" if header and name else f"column {place}"
            for place, name in enumerate(first, 1)
        ),
        header,
    )
    # Of rows that end with a separator, the last column is empty.
    free = list(range(len(first) - (not first[-1] and not any(map(_last, rows)))))
    if header:
        columns, free = _take_named(table, columns, free)
    strings = [place for place in free if _all(rows, place, _is_string)]
    if columns.label is None and header and not strings:
        columns, free = _take_odd(table, columns, free)
    if columns.label is None:
        columns, free = _take_words(table, columns, [p for p in free if p not in strings], rows)
    if strings:
        return _with_strings(table, columns, strings, free)
    if columns.label is None:
        return _without_label(table, columns, free)
    return _with_pixels(table, columns, free)


def _last(row: Sequence[str]) -> str:
    return row[-1]


def _is_string(cell: str) -> bool:
    """Return whether a cell holds several pixels."""
    numbers = pixels_of(cell).split()
    return len(numbers) >= _LEAST_PIXELS and all(map(is_number, numbers))


def _is_value(cell: str) -> bool:
    return is_number(cell) or is_missing(cell) or _is_string(cell)


def _is_word(cell: str) -> bool:
    return not _is_value(cell)


def _all(rows: Sequence[Sequence[str]], place: int, test: Callable[[str], bool]) -> bool:
    return all(place < len(row) and test(row[place]) for row in rows)


def _is_header(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row holds names rather than an image."""
    words = [place for place, cell in enumerate(first) if _is_word(cell)]
    if not below:
        return len(words) > len(first) / 2
    values = [place for place, cell in enumerate(below[0][: len(first)]) if _is_value(cell)]
    named = set(words) & set(values)
    if named and len(named) >= len(values) / 2:
        return True
    numbers = [cell for cell in first if is_number(cell)]
    start = "0" if not words else numbers[0] if numbers and numbers[0].isdecimal() else "0"
    counted = [str(number) for number in range(int(start), int(start) + len(numbers))]
    if len(numbers) > _LEAST_PIXELS and numbers == counted:
        return all(
            has_role(first[place], "label") or has_role(first[place], "index") for place in words
        )
    return not any("." in cell for cell in below[0]) and _is_mangled(first)


def _is_mangled(first: Sequence[str]) -> bool:
    """Return whether pandas took an image for a header, and numbered what was there twice:
    ``0, 0.1, 0.2, 17, 0.3``.
    """
    times: dict[str, int] = {}
    for cell in first:
        base, _, number = cell.rpartition(".")
        if base in times and number == str(times[base] + 1):
            times[base] += 1
        elif cell in times:
            return False
        else:
            times[cell] = 0
    return sum(times.values()) >= _LEAST_PIXELS


def _take_named(table: TextTable, columns: Columns, free: list[int]) -> tuple[Columns, list[int]]:
    """Take what a header names: the label, the split, and what only numbers the rows."""
    first, rows = table.head[0], table.head[1:]
    labels = [place for place in free if has_role(first[place], "label")]
    if len(labels) > 1:
        _refuse_several(table, [first[place] for place in labels])
    splits = [
        place
        for place in free
        if has_role(first[place], "split") and _all(rows, place, lambda c: bool(part_of_value(c)))
    ]
    unused = [place for place in free if has_role(first[place], "index") and place not in labels]
    notes = [
        f"{columns.names[place]} of {table.name}, which only numbers the rows, is not used"
        for place in unused
    ]
    if _is_mangled(first):
        notes.append(f"pandas made the first row of {table.name} its header, and it is not used")
    label, split = next(iter(labels), None), next(iter(splits), None)
    taken = {label, split, *unused}
    return (
        replace(
            columns,
            label=label,
            split=split,
            index=next(iter(unused), None),
            notes=(*columns.notes, *notes),
        ),
        [place for place in free if place not in taken],
    )


def _refuse_several(table: TextTable, names: Sequence[str]) -> NoReturn:
    raise DataError(
        f"{table.where}: each of the columns {listed(names, 4)} could be the label; keep one of"
        " them, named label"
    )


def _alike(name: str) -> str:
    """Return what the names of all pixels share."""
    return re.sub(r"\d+", "#", _CHANNEL.sub("*", name.lower()))


def _largest_group(names: Sequence[str], places: Sequence[int]) -> list[int]:
    groups: dict[str, list[int]] = defaultdict(list)
    for place in places:
        groups[_alike(names[place])].append(place)
    return max(groups.values(), key=len, default=[])


def _take_odd(table: TextTable, columns: Columns, free: list[int]) -> tuple[Columns, list[int]]:
    """Take the one column for the label that is not named as the pixels are."""
    first = table.head[0]
    pixels = _largest_group(first, free)
    if len(pixels) < _LEAST_PIXELS or not (
        picture_shape(len(pixels)) or _arrange(first, pixels)[1]
    ):
        return columns, free
    odd = [place for place in free if place not in set(pixels)]
    odd = [p for p in odd if not has_role(first[p], "file") and not has_role(first[p], "group")]
    if len(odd) > 1:
        _refuse_several(table, [first[place] for place in odd])
    if not odd:
        return columns, free
    note = f"{columns.names[odd[0]]} of {table.name} is taken as the label"
    return (
        replace(columns, label=odd[0], notes=(*columns.notes, note)),
        [place for place in free if place != odd[0]],
    )


def _take_words(
    table: TextTable, columns: Columns, free: list[int], rows: Sequence[Sequence[str]]
) -> tuple[Columns, list[int]]:
    """Take the one column of words for the label, and one of names of splits for that."""
    words = [place for place in free if _all(rows, place, _is_word)]
    if columns.split is None and len(words) > 1:
        splits = [p for p in words if _all(rows, p, lambda c: bool(part_of_value(c)))]
        if len(splits) == 1:
            columns = replace(columns, split=splits[0])
            free = [place for place in free if place != splits[0]]
            words.remove(splits[0])
    if len(words) > 1:
        _refuse_several(table, [columns.names[p].removeprefix("column ") for p in words])
    if not words:
        return columns, free
    return replace(columns, label=words[0]), [place for place in free if place != words[0]]


def _with_strings(
    table: TextTable, columns: Columns, strings: Sequence[int], free: Sequence[int]
) -> Columns:
    if len(strings) > 1:
        names = [columns.names[place] for place in strings]
        raise DataError(f"{table.where}: {listed(names, 4)} each hold pixels; keep one of them")
    others = [place for place in free if place not in strings]
    if columns.label is None and len(others) > 1:
        _refuse_several(table, [columns.names[p].removeprefix("column ") for p in others])
    label = columns.label if columns.label is not None else next(iter(others), None)
    notes = [*columns.notes, *_unused(table, columns, [p for p in others if p != label])]
    return replace(columns, pixels=(strings[0],), strings=True, label=label, notes=tuple(notes))


def _without_label(table: TextTable, columns: Columns, free: list[int]) -> Columns:
    """Leave open which column is the label, or say that none is."""
    unlabelled = len(free) >= _LEAST_PIXELS and picture_shape(len(free))
    if unlabelled and columns.header:
        return _with_pixels(table, columns, free)
    counted = [row[free[0]] for row in table.head[columns.header :]]
    for rest in (free, free[1:]):
        shape = picture_shape(len(rest) - 1)
        if shape and (rest is free or is_count(counted)):
            return replace(
                columns,
                candidates=(rest[0], rest[-1]),
                numbered=None if rest is free else free[0],
                pixels=tuple(rest),
                shape=shape,
            )
    if unlabelled:
        return _with_pixels(table, columns, free)
    raise DataError(
        f"{table.where}: no column is named label, and {len(free):,} columns are not a square image"
        " and its label; it needs a header such as label,pixel0,pixel1,..."
    )


def _with_pixels(table: TextTable, columns: Columns, free: list[int]) -> Columns:
    """Take all that is left for pixels, or all that is named alike."""
    numbered = None
    if columns.header:
        group = _largest_group(table.head[0], free)
        pixels, shape, notes = _arrange(table.head[0], group)
        if notes:
            _refuse_gap(table, [table.head[0][place] for place in pixels])
        ordered = shape is not None
        shape = shape or picture_shape(len(group))
        if shape is None or len(group) < _LEAST_PIXELS:
            pixels, shape, notes, ordered = free, picture_shape(len(free)), "", False
    else:
        pixels, shape, notes, ordered = free, picture_shape(len(free)), "", False
        if shape is None and (shape := picture_shape(len(free) - 1)):
            numbered, pixels = free[0], free[1:]
    if shape is None:
        raise DataError(
            f"{table.where}: {len(free):,} pixel columns do not make a square image, whether grey"
            " or of three colours"
        )
    said = [f"{table.name}: {notes}"] if notes else []
    unused = [place for place in free if place not in set(pixels) and place != numbered]
    said += _unused(table, columns, unused)
    return replace(
        columns,
        pixels=tuple(pixels),
        shape=shape,
        ordered=ordered,
        numbered=numbered,
        notes=(*columns.notes, *said),
    )


def _refuse_gap(table: TextTable, names: Sequence[str]) -> None:
    """Refuse to put columns into the order of their numbers where one of these is missing: it may
    be misspelt, and all pixels behind it would move.
    """
    for one, following in pairwise(names):
        before, after = (re.findall(r"\d+", name) for name in (one, following))
        if len(before) == 1 and int(after[0]) > int(before[0]) + 1:
            raise DataError(
                f"{table.where}: the pixel columns are not in the order of their numbers, and"
                f" between {one} and {following} there are numbers missing; correct the names, or"
                " put the columns into order"
            )


def _unused(table: TextTable, columns: Columns, places: Sequence[int]) -> list[str]:
    names = [columns.names[place].removeprefix("column ") for place in places]
    return [f"columns of {table.name} that are not used: {listed(names, 5)}"] if names else []


def _arrange(names: Sequence[str], places: list[int]) -> tuple[list[int], Shape | None, str]:
    """Put pixels into the order that the numbers and colours in their names tell.

    Returns:
        the columns, plane by plane and row by row; the image's shape, if names tell it, and what is
        to be said about it.
    """
    numbers = {p: [int(n) for n in re.findall(r"\d+", names[p])[:9]] for p in places}
    if len({len(found) for found in numbers.values()}) != 1:
        return places, None, ""
    # A number that all have, such as that of a camera, tells nothing.
    varied = [len({*column}) > 1 for column in zip(*numbers.values(), strict=True)]
    keys = {
        p: tuple(n for n, varies in zip(found, varied, strict=True) if varies)
        for p, found in numbers.items()
    }
    colours = {p: found[0][0] for p in places if (found := _CHANNEL.search(names[p].lower()))}
    if len(colours) == len(places) and {*colours.values()} == {*"rgb"}:
        planes = [[p for p in places if colours[p] == colour] for colour in "rgb"]
        keys = {p: ("rgb".index(colours[p]), *keys[p]) for p in places}
        shape = picture_shape(len(planes[0]))
        if shape is None or shape[0] != 1 or {*map(len, planes)} != {len(planes[0])}:
            return places, None, ""
        if len({*keys.values()}) < len(places):
            return [p for plane in planes for p in plane], (3, *shape[1:]), ""
        return sorted(places, key=keys.__getitem__), (3, *shape[1:]), ""
    if len({*keys.values()}) < len(places):
        return places, None, ""
    return _by_numbers(places, keys)


def _by_numbers(
    places: list[int], keys: dict[int, tuple[int, ...]]
) -> tuple[list[int], Shape | None, str]:
    said = "the columns are put into the order of the numbers in their names"
    sizes = [len({*column}) for column in zip(*keys.values(), strict=True)]
    if math.prod(sizes) != len(places):
        return places, None, ""
    if len(sizes) == 1:
        ordered = sorted(places, key=keys.__getitem__)
        return ordered, None, "" if ordered == places else said
    if len(sizes) == 2:
        if places == sorted(places, key=lambda p: keys[p][::-1]) and 1 not in sizes:
            return places, (1, sizes[1], sizes[0]), ""
        ordered = sorted(places, key=keys.__getitem__)
        return ordered, (1, sizes[0], sizes[1]), "" if ordered == places else said
    if len(sizes) == 3 and sizes[2] == 3:
        return sorted(places, key=lambda p: (keys[p][2], *keys[p][:2])), (3, sizes[0], sizes[1]), ""
    if len(sizes) == 3 and sizes[0] == 3:
        return sorted(places, key=keys.__getitem__), (3, sizes[1], sizes[2]), ""
    return places, None, ""
