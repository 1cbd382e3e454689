"""Arrays: from named arrays of any sensible names, shapes and types to labelled splits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.array_images import arrange, count_images, looks_like_images, to_bytes
from mnistlab.data.array_labels import count_labels, read_labels, to_text
from mnistlab.data.array_names import ArrayName, Kind, parse_name
from mnistlab.data.dataset import Split
from mnistlab.data.form import Part, Parts, Rows
from mnistlab.errors import DataError
from mnistlab.text import counted, listed

Arrays = Mapping[str, NDArray[Any]]
_PARTS: tuple[Part, ...] = ("train", "validation", "test")
_SHOWN = 4
"""Arrays that a message names."""
_ADVICE = "name them x_train, y_train, x_test, y_test"


@dataclass(frozen=True)
class _Pair:
    """The names of a split's images and labels, and what the data call it."""

    images: str
    labels: str
    called: str


def splits_from(
    arrays: Arrays,
    place: str,
    *,
    matlab: bool = False,
    by_columns: bool = False,
    classes: Mapping[int, str] | None = None,
) -> Parts:
    """Find the images and the labels of each split, and read them.

    Args:
        arrays: by names such as ``x_train``, ``train/images`` or ``val_labels``, see
            :func:`mnistlab.data.array_names.parse_name`; without such names, by their shapes.
        place: the file or folder, which messages start with.
        matlab: see :func:`mnistlab.data.array_images.arrange`.
        by_columns: see there.
        classes: the classes' names by label, if the data say them elsewhere.

    Raises:
        DataError: no images with labels, arrays that may mean several things, or of shapes or
            values that are none of images and labels.
    """
    found = _Found(arrays, place)
    pairs = found.pairs()
    names = [pair.labels for pair in pairs.values()]
    labels = read_labels(
        {name: arrays[name] for name in names}, place, names=classes or found.class_names()
    )
    notes, arranged = list(labels.notes), {}
    for pair in pairs.values():
        count = len(labels.values[pair.labels])
        arrangement = arrange(
            arrays[pair.images],
            count,
            f"{place}: {pair.images}",
            matlab=matlab,
            by_columns=by_columns,
        )
        arranged[pair.images] = arrangement.images
        notes.append(arrangement.note)
    pixels, scaled = to_bytes(arranged, place)
    splits = {
        part: Split(pixels[pair.images], labels.values[pair.labels]) for part, pair in pairs.items()
    }
    for part, split in splits.items():
        splits[part], note = _labelled(split, pairs[part].labels)
        notes.append(note)
    notes += [*scaled, *found.notes]
    return Parts(
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        labels.classes,
        [note for note in dict.fromkeys(notes) if note],
        {part: pair.called for part, pair in pairs.items() if pair.called},
    )


def rows_from(
    arrays: Arrays, place: str, *, matlab: bool = False, by_columns: bool = False
) -> Rows:
    """Find the one array of images, and read it; labels are not needed.

    Args:
        arrays: see :func:`splits_from`.
        place: see there.
        matlab: see there.
        by_columns: see there.

    Raises:
        DataError: no array of images, several, or one of shapes or values that images do not have.
    """
    said = {name: parse_name(name).kind for name in arrays}
    named = [name for name in arrays if said[name] == "images"]
    found = named or [
        name for name, kind in said.items() if kind is None and looks_like_images(arrays[name])
    ]
    if len(found) != 1:
        what = "several arrays could be the images" if found else "no images"
        raise DataError(f"{place}: {what}; it holds {describe(arrays)}: keep one, named images")
    images = arrays[found[0]]
    counts = {count_labels(array) for name, array in arrays.items() if name != found[0]}
    labelled = counts.intersection(images.shape) - {0}
    count = count_images(images.shape, matlab=matlab) if len(labelled) != 1 else labelled.pop()
    arrangement = arrange(
        images, count, f"{place}: {found[0]}", matlab=matlab, by_columns=by_columns
    )
    pixels, scaled = to_bytes({found[0]: arrangement.images}, place)
    notes = [note for note in (arrangement.note, *scaled) if note]
    return Rows(pixels[found[0]], labelled=count in counts, notes=notes)


def describe(arrays: Arrays) -> str:
    """Return the arrays' names, shapes and types, the first few of them."""
    shown = [f"{name} {array.shape} {array.dtype}" for name, array in arrays.items()]
    return listed(shown, _SHOWN) or "nothing"


def _labelled(split: Split, name: str) -> tuple[Split, str]:
    """Leave out what has no label, and say so."""
    known = split.labels >= 0
    if known.all():
        return split, ""
    missing = int((~known).sum())
    return (
        split.take(np.flatnonzero(known)),
        f"{counted(missing, 'image')} without a label in {name} {'is' if missing == 1 else 'are'}"
        " left out",
    )


class _Found:
    """What the names of arrays say, and what is made of those that say nothing."""

    def __init__(self, arrays: Arrays, place: str) -> None:
        self._arrays, self._place = arrays, place
        self._names = {name: parse_name(name) for name in arrays}
        self._used: set[str] = set()
        self._unlabelled: list[str] = []

    @property
    def notes(self) -> list[str]:
        """What was left out."""
        notes = [f"{name} has no labels and is left out" for name in self._unlabelled]
        left = [
            name
            for name, said in self._names.items()
            if name not in self._used
            and name not in self._unlabelled
            and said.kind != "class names"
        ]
        return [*notes, f"not used: {listed(left, _SHOWN)}"] if left else notes

    def pairs(self) -> dict[Part, _Pair]:
        """Return the names of each split's images and labels."""
        pairs: dict[Part, _Pair] = {}
        for part in _PARTS:
            pair = self._pair(
                [name for name, said in self._names.items() if said.part == part], part
            )
            if pair:
                pairs[part] = pair
        unnamed = [name for name, said in self._names.items() if said.part is None]
        if "train" not in pairs:
            pairs |= self._unnamed_pairs(unnamed) if not pairs else {}
            pair = None if "train" in pairs else self._pair(unnamed, "train")
            if pair:
                pairs["train"] = pair
        if "train" not in pairs:
            self._refuse("no images with labels to train on" if not pairs else "only a test split")
        self._used = {name for pair in pairs.values() for name in (pair.images, pair.labels)}
        return dict(sorted(pairs.items(), key=lambda item: _PARTS.index(item[0])))

    def class_names(self) -> list[str] | None:
        """Return the classes' names, if one array holds them."""
        lists = {
            tuple(str(word) for word in to_text(self._arrays[name]).reshape(-1))
            for name, said in self._names.items()
            if said.kind == "class names"
            and name not in self._used
            and self._arrays[name].dtype.kind in "SU"
        }
        return list(lists.pop()) if len(lists) == 1 else None

    def _pair(self, names: list[str], part: Part) -> _Pair | None:
        labels = self._pick(names, "labels", count_labels)
        images = self._pick([name for name in names if name != labels], "images", looks_like_images)
        if images and not labels and part != "train":
            self._unlabelled.append(images)
            return None
        if bool(images) != bool(labels):
            missing = "labels" if images else "images"
            self._refuse(f"no {missing} for {images or labels}")
        if not images or not labels:
            return None
        return _Pair(images, labels, self._names[images].called or self._names[labels].called)

    def _pick(
        self,
        names: list[str],
        kind: Kind,
        looks: Callable[[NDArray[Any]], object],
    ) -> str | None:
        """Return the array of a kind: what is called so, or else what looks like it."""
        said = [name for name in names if self._names[name].kind == kind]
        if kind == "labels" and not said:
            said = [name for name in names if self._names[name].kind == "class names"]
            said = [name for name in said if self._arrays[name].dtype.kind not in "SU"] or said
        unsaid = [name for name in names if self._names[name].kind is None]
        best = _plainest(
            said or [name for name in unsaid if looks(self._arrays[name])], self._names
        )
        if len(best) > 1:
            self._refuse(f"several arrays could be the {kind}", best)
        return best[0] if best else None

    def _unnamed_pairs(self, names: list[str]) -> dict[Part, _Pair]:
        """Return a training and a test split of two pairs that only their lengths tell apart, as
        ``numpy.savez`` calls them ``arr_0`` to ``arr_3``.
        """
        labels = [name for name in names if count_labels(self._arrays[name])]
        images = [
            name for name in names if name not in labels and looks_like_images(self._arrays[name])
        ]
        if any(self._names[name].kind for name in names) or (len(images), len(labels)) != (2, 2):
            return {}
        counts = {name: count_labels(self._arrays[name]) for name in labels}
        train, test = (
            [name for name in labels if counts[name] in self._arrays[image].shape]
            for image in images
        )
        if len(train) != 1 or len(test) != 1 or train == test or counts[train[0]] < counts[test[0]]:
            self._refuse("nothing says which images are for training and which for testing", names)
        return {
            "train": _Pair(images[0], train[0], images[0]),
            "test": _Pair(images[1], test[0], images[1]),
        }

    def _refuse(self, what: str, names: Sequence[str] = ()) -> None:
        held = {name: self._arrays[name] for name in names or self._arrays}
        raise DataError(f"{self._place}: {what}; it holds {describe(held)}: {_ADVICE}")


def _plainest(names: list[str], said: Mapping[str, ArrayName]) -> list[str]:
    """Return those whose names have the fewest words beside what they say; fine labels rather than
    coarse ones.
    """
    fine = [name for name in names if "fine" in said[name].rest]
    names = fine or names
    fewest = min((len(said[name].rest) for name in names), default=0)
    return [name for name in names if len(said[name].rest) == fewest]
