"""Reader: how many pictures of handwriting are read without a mistake, and whether the reader knows
when it errs.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.arguments import as_path
from mnistlab.errors import DamagedPictures, DataError, ModelError, PictureError
from mnistlab.evaluation.labels_table import LabelledPicture, read_labels
from mnistlab.evaluation.transcript import Transcript, digits_of, transcribe
from mnistlab.files import read_file
from mnistlab.report import reader_report as tables
from mnistlab.report.result import Plots, Result, Tables
from mnistlab.statistics.readings import ReadPicture

if TYPE_CHECKING:
    from mnistlab.recogniser import Recogniser

Read = Callable[[bytes], Transcript]
"""Reads a picture's file."""
OnPicture = Callable[[str, int, int], None]
"""Called with a picture's name, how many have been read, and how many there are."""


@dataclass(frozen=True, eq=False, repr=False)
class ReaderResult(Result):
    """What :func:`mnistlab.evaluate_reader` returns.

    In a notebook it shows its verdict and its scores. :meth:`table` takes ``scores``, ``pictures``
    or ``characters`` (calibration), or ``mistakes``; :meth:`plot` ``calibration``, if anything was
    read.

    Attributes:
        title: the reader's.
        pictures: what was read, in the table's order.
        notes: what has to be said of the table and of the pictures.
        command: the command that makes it again; empty if none made it.
    """

    title: str
    pictures: tuple[ReadPicture, ...]
    notes: tuple[str, ...] = ()
    command: str = ""

    @property
    def verdict(self) -> str:
        """One plain sentence: how many pictures are read without a mistake."""
        return tables.headline(self.pictures)

    @property
    def remarks(self) -> list[str]:
        """How many are sure and wrong."""
        return tables.remarks(self.pictures)

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, and what was read in each picture, as JSON has it."""
        return {"title": self.title, "notes": list(self.notes), **tables.as_dict(self.pictures)}

    def _tables(self) -> Tables:
        return {
            "scores": partial(tables.score_table, self.pictures),
            "pictures": partial(tables.picture_table, self.pictures),
            "characters": partial(tables.character_table, self.pictures),
            "mistakes": partial(tables.mistake_table, self.pictures),
        }

    def _plots(self) -> Plots:
        return tables.draw_plots(self.pictures)

    def _write(self, folder: Path) -> list[Path]:
        return tables.write_reader_report(
            self.pictures, folder, title=self.title, notes=self.notes, command=self.command
        )


def evaluate_reader(
    pictures: Path | str,
    reader: "Recogniser | Callable[[bytes], Transcript | str] | Path | str" = "reader",
    *,
    skip_damaged: bool = False,
    on_picture: OnPicture = lambda _name, _done, _total: None,
    title: str = "",
    command: str = "",
) -> ReaderResult:
    """Read pictures whose digits are known, and report how many are read without a mistake.

    Args:
        pictures: a folder with ``labels.csv``: ``file`` names a picture, ``digits`` says which
            digits it has from left to right and line by line. A column ``text`` has the signs, too,
            and makes the whole text count; ``kind`` groups the pictures.
        reader: a recogniser, the name of a shipped model, a file from ``mnistlab export``, or a
            function that reads the bytes of a picture's file and returns the text, or a
            :class:`.Transcript`.
        skip_damaged: leave damaged pictures out, and say so, rather than refuse all.
        on_picture: called before a picture is read.
        title: the reader's name.
        command: what the report says made it.

    Raises:
        MnistlabError: no such folder or reader, a table that makes no sense, or damaged pictures.
    """
    folder = as_path("pictures", pictures, "a folder with labels.csv", DataError)
    table = read_labels(folder)
    read, name = _as_function(reader)
    done: list[ReadPicture] = []
    damaged: dict[str, str] = {}
    for number, picture in enumerate(table.pictures):
        on_picture(picture.name, number, len(table.pictures))
        try:
            done.append(_read(read, folder, picture))
        except (PictureError, OSError) as error:
            damaged[picture.name] = str(error).removeprefix("picture: ")
    if damaged and not (skip_damaged and done):
        remedy = "`skip_damaged=True`"
        raise DamagedPictures(str(folder), damaged, len(table.pictures), remedy)
    left_out = (f"{len(damaged)} of {len(table.pictures)} pictures are damaged and left out",)
    notes = table.notes + (left_out if damaged else ())
    return ReaderResult(title or name, tuple(done), notes, command)


def _as_function(
    reader: "Recogniser | Callable[[bytes], Transcript | str] | Path | str",
) -> tuple[Read, str]:
    """Return a function that reads, and a name for it."""
    if isinstance(reader, str | Path):
        from mnistlab.recogniser import Recogniser

        recogniser = Recogniser(reader)
        return (lambda content: transcribe(recogniser.read(content))), str(reader)
    if callable(reader):
        own_name = getattr(reader, "__name__", type(reader).__name__)
        return (lambda content: _as_transcript(reader(content))), own_name
    if not hasattr(reader, "read"):
        raise ModelError(
            "reader: must be a recogniser, a shipped model's name, a file or a function; found"
            f" {type(reader).__name__}"
        )
    return (lambda content: transcribe(reader.read(content))), type(reader).__name__.lower()


def _as_transcript(said: object) -> Transcript:
    if isinstance(said, str):
        return Transcript(said, digits_of(said))
    if not isinstance(said, Transcript):
        kind = type(said).__name__
        raise ModelError(f"reader: must return a picture's text or a Transcript; found {kind}")
    return said


def _read(read: Read, folder: Path, picture: LabelledPicture) -> ReadPicture:
    content = read_file(folder / picture.name)
    began = time.perf_counter()
    transcript = read(content)
    seconds = time.perf_counter() - began
    signs = picture.text is not None
    truth = picture.digits if picture.text is None else picture.text
    compared = transcript.compared_with(truth, signs=signs)
    return ReadPicture(
        name=picture.name,
        kind=picture.kind,
        truth=compared.truth,
        read=compared.read,
        sure=transcript.sure,
        confidence=transcript.confidence,
        characters=compared.characters,
        seconds=seconds,
    )
