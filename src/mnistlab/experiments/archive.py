"""Archive: ``comparison.json``, from which a comparison is made again: which runs it compared, and
every figure it found.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnistlab.errors import RunError
from mnistlab.files import read_file
from mnistlab.runs import add_checksum, read_checksums, reason, write_atomically
from mnistlab.statistics import MARGIN, Metric
from mnistlab.statistics.looks import MOST_SEEDS
from mnistlab.text import is_unicode

FILE = "comparison.json"
_LONGEST_LABEL = 200


class Group(BaseModel):
    """One recipe's runs: its label, its digest, and the seeds that were compared."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    label: str = Field(min_length=1, max_length=_LONGEST_LABEL, pattern=r"\S")
    digest: str
    seeds: tuple[int, ...]


class Archive(BaseModel):
    """The content of ``comparison.json``.

    Attributes:
        title: of the comparison.
        baseline: see :class:`mnistlab.experiments.comparison_result.ComparisonResult`.
        runs: the folder of the runs, relative to the file's own.
        groups: by label, the recipe's digest and the seeds that were compared.
        failures: see :class:`mnistlab.experiments.comparison_result.ComparisonResult`.
        command: see :class:`mnistlab.experiments.comparison_result.ComparisonResult`.
        headline: see :class:`mnistlab.experiments.comparison_result.ComparisonResult`.
        margin: see :class:`mnistlab.experiments.comparison_result.ComparisonResult`.
        max_seeds: see :class:`mnistlab.experiments.comparison_result.ComparisonResult`.
        metric: by which the recipes were judged.
        comparison: every figure, as :class:`mnistlab.statistics.Comparison` has it; a result works
            them out anew.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[1] = 1
    title: str
    baseline: str
    runs: str
    groups: tuple[Group, ...] = Field(min_length=1, max_length=1000)
    failures: tuple[str, ...]
    command: str
    headline: str = ""
    margin: float = Field(MARGIN, gt=0, le=100, allow_inf_nan=False)
    max_seeds: int = Field(0, ge=0, le=MOST_SEEDS)
    metric: Metric = "accuracy"
    comparison: dict[str, Any]

    @model_validator(mode="after")
    def _is_consistent(self) -> "Archive":
        labels = [group.label for group in self.groups]
        if len(set(labels)) < len(labels):
            raise ValueError("two groups with the same label")
        if len({group.digest for group in self.groups}) < len(labels):
            raise ValueError("two groups with the same digest")
        if self.baseline and self.baseline not in labels:
            raise ValueError(f"the baseline {self.baseline!r} is none of the groups")
        return self


def write_archive(folder: Path, archive: Archive) -> Path:
    """Write ``comparison.json`` into a folder, and return its path.

    Raises:
        OSError: the folder cannot be written to.
        RunError: the runs' folder has a name that is not UTF-8.
    """
    if not is_unicode(archive.runs):
        raise RunError(
            f"{folder / FILE}: cannot name the runs' folder, since {archive.runs} is not UTF-8;"
            " rename it"
        )
    write_atomically(folder / FILE, add_checksum(archive.model_dump_json(indent=2)))
    return folder / FILE


def read_archive(file: Path) -> Archive:
    """Read a ``comparison.json``.

    Raises:
        RunError: unreadable, damaged, or not one; the message starts with the path.
    """
    try:
        text = read_file(file)
        archive = Archive.model_validate_json(text)
        read_checksums(text)
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: cannot be read as a comparison: {reason(error)}") from error
    return archive
