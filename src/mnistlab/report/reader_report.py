"""The report of a reader's evaluation: tables as Markdown and CSV, a plot, and all figures as
JSON.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistlab.report.data_lines import note_list
from mnistlab.report.result_files import plot_files, write_results
from mnistlab.report.table import Column, Table, count, estimate, in_percent, number, text
from mnistlab.report.table import sentences as as_sentences
from mnistlab.statistics.calibration import Reliability
from mnistlab.statistics.readings import (
    ConfidenceBin,
    ReadPicture,
    character_calibration,
    picture_calibration,
    score_kinds,
)
from mnistlab.text import counted, listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pictures = Sequence[ReadPicture]
_SHOWN = 20


def headline(pictures: Pictures) -> str:
    """Say in one sentence how many pictures are read without a mistake."""
    *_, every = score_kinds(pictures)
    low, high = (f"{100 * end:.1f}" for end in every.interval.ends())
    are = "is" if every.pictures == 1 else "are"
    return (
        f"{every.right:,} of {counted(every.pictures, 'picture')} {are} read without a mistake:"
        f" {100 * every.share:.1f} % (95 % interval {low} to {high} %)"
    )


def remarks(pictures: Pictures) -> list[str]:
    """Say how many are sure, and which of them are wrong."""
    sure = [picture for picture in pictures if picture.sure]
    wrong = [f"{one.name} reads {one.read!r}" for one in sure if one.sure_and_wrong]
    said = f"{len(sure):,} are called sure, and {len(wrong):,} of these are wrong"
    return [f"{said}: {listed(wrong, _SHOWN)}" if wrong else said]


def score_table(pictures: Pictures) -> Table:
    """Return a row for each group and kind, and one for all pictures; shares in percent."""
    return Table(
        [
            text("Kind"),
            count("Pictures"),
            count("Right"),
            estimate("Right (%)", "right_percent", 1),
            count("Sure"),
            count("Sure, wrong"),
            number("Edits (%)", 1, "edits_percent"),
            number("ms", 1, "milliseconds"),
        ],
        [
            (
                score.name,
                score.pictures,
                score.right,
                (100 * score.share, in_percent(score.interval)),
                score.sure,
                score.sure_and_wrong,
                None if score.error_rate is None else 100 * score.error_rate,
                1000 * score.seconds,
            )
            for score in score_kinds(pictures)
        ],
        {
            "Right": "without a mistake in the whole picture",
            "Right (%)": "with its 95 % interval on other pictures of the same kind, of which these"
            " are a sample (Wilson's score interval)",
            "Edits (%)": "characters to insert, remove or change until all is right, in percent of"
            " those that are written",
            "ms": "median time to read a picture from its file's bytes",
        },
    )


def picture_table(pictures: Pictures) -> Table:
    """Return a row for each bin of whole readings' confidence."""
    return _calibration_table(picture_calibration(pictures), "Pictures")


def character_table(pictures: Pictures) -> Table:
    """Return a row for each bin of characters' confidence."""
    return _calibration_table(character_calibration(pictures), "Characters")


def _calibration_table(bins: Sequence[ConfidenceBin], things: str) -> Table:
    return Table(
        [
            Column("Confidence", _from, "confidence_from"),
            count(things),
            number("Expected right", 1),
            count("Right"),
            estimate("Right (%)", "right_percent", 1),
        ],
        [
            (
                one.low,
                one.count,
                one.expected,
                one.right,
                (100 * one.right / one.count, in_percent(one.interval)),
            )
            for one in bins
        ],
        {"Expected right": "the sum of the confidences"},
    )


def _from(values: Sequence[float]) -> list[str]:
    return [f"from {100 * value:g} %" for value in values]


def mistake_table(pictures: Pictures) -> Table:
    """Return a row for each picture that was not read right, the most confident first."""
    wrong = [picture for picture in pictures if not picture.right]
    return Table(
        [
            text("Picture", "file"),
            text("Kind"),
            text("Written"),
            text("Read"),
            number("Confidence (%)", 1, "confidence_percent"),
            text("Sure"),
        ],
        [
            (
                one.name,
                one.kind,
                one.truth,
                one.read or None,
                100 * one.confidence,
                "sure" if one.sure else None,
            )
            for one in sorted(wrong, key=lambda picture: -picture.confidence)
        ],
    )


def draw_plots(pictures: Pictures) -> "dict[str, Figure]":
    """Return a plot of calibration by character, if any was read."""
    bins = character_calibration(pictures)
    if not bins:
        return {}
    from mnistlab.report.image_plots import draw_calibration

    counts = np.array([one.count for one in bins])
    found = Reliability(
        np.array([one.expected for one in bins]) / counts,
        np.array([one.right for one in bins]) / counts,
        counts,
    )
    return {"calibration": draw_calibration([("", found, 1)], "characters")}


def as_dict(pictures: Pictures) -> dict[str, Any]:
    """Return every figure, and what was read in each picture, as JSON has it."""
    return {
        "scores": [score.as_dict() for score in score_kinds(pictures)],
        "calibration": {
            "pictures": [one.as_dict() for one in picture_calibration(pictures)],
            "characters": [one.as_dict() for one in character_calibration(pictures)],
        },
        "pictures": [
            {
                "file": one.name,
                "kind": one.kind,
                "written": one.truth,
                "read": one.read,
                "right": one.right,
                "sure": one.sure,
                "confidence": round(one.confidence, 6),
                "seconds": round(one.seconds, 6),
            }
            for one in pictures
        ],
    }


def write_reader_report(
    pictures: Pictures, folder: Path, *, title: str, notes: Sequence[str], command: str
) -> list[Path]:
    """Write ``table.md``, ``reader.json``, ``tables/*.csv`` and, if anything was read,
    ``plots/calibration``.

    Raises:
        OSError: the folder cannot be written to.
    """
    from mnistlab.report.canvas import render

    drawings = {name: render(drawn) for name, drawn in draw_plots(pictures).items()}
    tables = {
        "scores": score_table(pictures),
        "picture-calibration": picture_table(pictures),
        "character-calibration": character_table(pictures),
        "mistakes": mistake_table(pictures),
    }
    page = "\n".join(
        [
            as_sentences(headline(pictures), remarks(pictures)),
            *note_list(notes),
            *(table.markdown_with_legend() for table in tables.values() if table.rows),
        ]
    )
    record = {"title": title, "notes": list(notes), **as_dict(pictures)}
    return write_results(
        folder,
        {
            "table.md": page,
            "reader.json": record | {"version": version("mnistlab"), "command": command},
            **{f"tables/{name}.csv": table for name, table in tables.items()},
            **plot_files(drawings),
        },
    )
