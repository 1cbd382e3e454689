"""Names of arrays, such as ``X_train``: of which split they are, and whether images or labels."""

import re
from dataclasses import dataclass
from typing import Literal

from mnistlab.data.form import PART_NAMES, Part

Kind = Literal["images", "labels", "class names"]

_PARTS: dict[str, Part] = PART_NAMES | {
    "tr": "train",
    "trn": "train",
    "va": "validation",
    "te": "test",
    "tst": "test",
}
_WORDS: dict[Kind, str] = {
    "images": "x xs image images img imgs data dataset pixel pixels picture pictures photo photos"
    " feature features feat feats fea input inputs sample samples pattern patterns patch patches",
    "labels": "y ys label labels lab lbl lbls target targets class category gnd gt truth"
    " groundtruth",
    "class names": "classes categories",
}
_KINDS: dict[str, Kind] = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_NAMES, _FILLERS = ("name", "names"), ("set", "split", "list")
_TABLE = {*_PARTS, *_KINDS, *_NAMES, *_FILLERS}
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class ArrayName:
    """What the name of an array says.

    Attributes:
        part: the split; ``None`` if the name does not say.
        called: the word that says so.
        kind: what the array holds; ``None`` if the name does not say.
        rest: the words that say neither.
    """

    part: Part | None
    called: str
    kind: Kind | None
    rest: tuple[str, ...]


def parse_name(name: str) -> ArrayName:
    """Take a name apart, in any letter case, with or without what separates its words.

    Of a name with folders, such as ``train/data``, the last part that says something counts.

    Examples:
        >>> parse_name("X_train")
        ArrayName(part='train', called='train', kind='images', rest=())
        >>> parse_name("val/fineLabels")
        ArrayName(part='validation', called='val', kind='labels', rest=('fine',))
    """
    part: Part | None = None
    kind: Kind | None = None
    called, rest = "", []
    for piece in name.split("/"):
        words = [word for found in _words(piece) for word in _cut(found)]
        for word in words:
            if word in _PARTS:
                part, called = _PARTS[word], word
        rest += [word for word in words if word not in _TABLE]
        kind = _kind_of(words) or kind
    return ArrayName(part, called, kind, tuple(rest))


def _words(piece: str) -> list[str]:
    # MNIST's own test files are called after their number of images.
    spaced = _CAPITAL.sub("_", re.sub("t10k", "test", piece, flags=re.IGNORECASE))
    return re.findall(r"[^\W\d_]+|\d+", spaced.lower())


def _cut(word: str) -> tuple[str, ...]:
    """Return the two known words of which one was made, such as ``xtrain``."""
    if word not in _TABLE:
        for at in range(1, len(word)):
            halves = word[:at], word[at:]
            if all(half in _TABLE for half in halves):
                return halves
    return (word,)


def _kind_of(words: list[str]) -> Kind | None:
    kinds = {_KINDS[word] for word in words if word in _KINDS}
    if "labels" in kinds and any(word in _NAMES for word in words):
        return "class names"
    return next((kind for kind in reversed(_WORDS) if kind in kinds), None)
