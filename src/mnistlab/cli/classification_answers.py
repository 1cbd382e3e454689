"""Classifications written as text, CSV or JSON as soon as they are known, and as a submission."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Self

from mnistlab.cli.classification_sources import Item
from mnistlab.cli.output import echo, warn, write
from mnistlab.cli.result_writer import JsonArray, ResultWriter, columns
from mnistlab.errors import DataError
from mnistlab.files import read_file
from mnistlab.prediction import Classifier, Prediction
from mnistlab.prediction.prediction import DECIMALS
from mnistlab.text import csv_row, printable, shorten, to_json

_WIDEST_NAME, _WIDEST_LABEL = 44, 20
COLUMNS = "ImageId", "Label"
"""Of a submission, as Kaggle's Digit Recognizer has them."""


class Writer(ResultWriter):
    """Writes to standard output; the base class is for text.

    Args:
        classifier: whose predictions are written.
        items: all that are to come, so that columns line up.
        top: classes that are shown.
    """

    def __init__(self, classifier: Classifier, items: Sequence[Item], top: int) -> None:
        self._classifier, self._top = classifier, min(top, len(classifier.classes))
        names = [columns(_short(item.name)) for item in items]
        self._name = max(names, default=0)
        self._label = min(max(columns(_label(c)) for c in classifier.classes), _WIDEST_LABEL)

    def write(self, item: Item, found: Prediction | None, error: str | None) -> None:
        """Write ``name  cat 93.1 %``; an unsure one has a question mark, and its second class."""
        name = _padded(_short(item.name), self._name)
        if found is None:
            warn(f"{name}  error: {error}")
            return
        shown = found.top(max(self._top, 1 if found.sure else 2))
        cells = [
            f"{_padded(_label(label), self._label)} {100 * _floor(share):5.1f} %"
            for label, share in shown
        ]
        echo(f"{name}  {' ' if found.sure else '?'} {'   '.join(cells)}".rstrip())


class CsvWriter(Writer):
    """Comma-separated values (RFC 4180) in UTF-8: a header and one row per item."""

    def __enter__(self) -> Self:
        more = [
            name
            for place in range(2, self._top + 1)
            for name in (f"label{place}", f"probability{place}")
        ]
        write(csv_row(["file", "id", "label", "probability", "sure", *more, "error"]))
        return self

    def write(self, item: Item, found: Prediction | None, error: str | None) -> None:
        """Write a row; a picture that could not be read has just a file, an id and an error."""
        cells: list[str] = [""] * (2 * self._top + 1)
        if found is not None:
            pairs = [(label, f"{share:.{DECIMALS}f}") for label, share in found.top(self._top)]
            cells = [*pairs[0], str(found.sure).lower(), *(c for pair in pairs[1:] for c in pair)]
        write(csv_row([item.file, item.id, *cells, error or ""]))


class JsonWriter(JsonArray, Writer):
    """A JSON object: the model, and an array with one object per prediction."""

    _end = "\n]}\n"

    def __enter__(self) -> Self:
        classifier = self._classifier
        channels, height, width = classifier.input_shape
        about = {
            "title": classifier.title,
            "classes": list(classifier.classes),
            "input": [channels, height, width],
            "fit": classifier.preparation.fit,
            "temperature": classifier.temperature,
            "calibrated_on": classifier.calibrated_on,
            "threshold": classifier.threshold,
        }
        write(f'{{"model": {to_json(about, indent=None)},\n"predictions": [')
        return self

    def write(self, item: Item, found: Prediction | None, error: str | None) -> None:
        """Write an object: ``file``, ``id``, label, probabilities, ``top``, ``error``."""
        nothing = dict.fromkeys(("label", "probability", "sure", "probabilities"))
        about = nothing if found is None else found.as_dict()
        top = [] if found is None else [label for label, _ in found.top(self._top)]
        self.add({"file": item.file, "id": item.id} | about | {"top": top, "error": error})


class Submission:
    """The table that a competition wants: an id and a label for each image.

    Args:
        columns: the names of its two columns.
        like: a competition's ``sample_submission.csv``, which says them, the ids and their order;
            an id may lack the ending of its file's name.

    Raises:
        DataError: ``like`` cannot be read, or has not two columns.
    """

    def __init__(self, columns: tuple[str, str] = COLUMNS, like: Path | None = None) -> None:
        self.columns, self._like = columns, like
        self._order: list[str] | None = None
        self._labels: dict[str, str] = {}
        if like is not None:
            self.columns, self._order = _read_sample(like)

    def add(self, item: Item, label: str) -> None:
        """Add a label.

        Raises:
            DataError: there is one for this id already.
        """
        if item.id in self._labels:
            raise DataError(f"{item.file}: a second {shorten(item.id)}; classify one set at a time")
        self._labels[item.id] = label

    def content(self) -> bytes:
        """Return the file.

        Raises:
            DataError: an id of the sample was not classified.
        """
        labels = self._labels
        if self._order is not None:
            stems = {str(PurePosixPath(found).with_suffix("")): found for found in labels}
            names = {PurePosixPath(found).name: found for found in labels}
            bare = {PurePosixPath(found).stem: found for found in labels}
            meant = {
                wanted: next(
                    (
                        held
                        for known in (dict(zip(labels, labels, strict=True)), stems, names, bare)
                        if (held := known.get(wanted)) is not None
                    ),
                    None,
                )
                for wanted in self._order
            }
            missing = [wanted for wanted, held in meant.items() if held is None]
            if missing:
                raise DataError(
                    f"{self._like}: id {shorten(missing[0])} is none of the {len(labels):,} images"
                    f" classified ({len(missing):,} of {len(meant):,} ids are not)"
                )
            labels = {wanted: labels[held] for wanted, held in meant.items() if held is not None}
        return "".join(map(csv_row, [self.columns, *labels.items()])).encode()


def _read_sample(path: Path) -> tuple[tuple[str, str], list[str]]:
    try:
        rows = [row for row in csv.reader(io.StringIO(read_file(path).decode("utf-8-sig"))) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if not rows or any(len(row) != 2 for row in rows):
        raise DataError(f"{path}: is no sample of a submission with two columns, an id and a label")
    return (rows[0][0], rows[0][1]), [row[0] for row in rows[1:]]


def _floor(share: float) -> float:
    """Round down to a tenth of a percent: 99.96 % is not certain."""
    return int(share * 1000 + 1e-9) / 1000


def _label(label: str) -> str:
    return shorten(printable(label), _WIDEST_LABEL)


def _short(name: str) -> str:
    return shorten(printable(name), _WIDEST_NAME)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))
