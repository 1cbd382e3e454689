"""Verification: all that can be told of a data set before anything is trained on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.data.dataset import Dataset
from mnistlab.data.download import OnProgress
from mnistlab.data.duplicates import Duplicates, find_duplicates
from mnistlab.data.faults import Fault, find_faults
from mnistlab.data.known_datasets import CATALOGUE
from mnistlab.data.source import load_dataset
from mnistlab.fit import Fit


@dataclass(frozen=True)
class Verification:
    """What was found in a data set.

    Attributes:
        dataset: what was loaded.
        duplicates: images that are there twice.
        faults: what is wrong or odd, errors first.
        as_published: whether it is, bit for bit, the published data set of its name.
    """

    dataset: Dataset
    duplicates: Duplicates
    faults: tuple[Fault, ...]
    as_published: bool

    @property
    def notes(self) -> list[str]:
        """What is to be said of the data, without what the duplicates say in more detail."""
        names = {name: split.names for name, split in self.dataset.splits.items()}
        told = self.duplicates.shared(names)
        return [note for note in self.dataset.notes if note not in told]

    def counts(self, split: str) -> list[int]:
        """Return how many images of each class a split has."""
        labels = self.dataset.splits[split].labels
        return [int(n) for n in np.bincount(labels, minlength=len(self.dataset.classes))]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        dataset = self.dataset
        parts = {
            "training" if name == "train" else name: {
                "images": len(split),
                "by_class": self.counts(name),
            }
            for name, split in dataset.splits.items()
        }
        faults = [
            {"kind": fault.kind, "severity": fault.severity, "message": fault.message}
            | fault.figures
            for fault in self.faults
        ]
        return {
            "name": dataset.name,
            "classes": list(dataset.classes),
            "image_size": list(dataset.image_size),
            "channels": dataset.channels,
            **parts,
            "note": dataset.note,
            "fingerprint": dataset.fingerprint,
            "as_published": self.as_published,
            "duplicates": self.duplicates.figures(),
            "faults": faults,
        }


def verify_dataset(
    source: Dataset | Path | str = "mnist",
    on_progress: OnProgress | None = None,
    *,
    size: int | None = None,
    fit: Fit = "pad",
    group: str = "",
    skip_damaged: bool = False,
) -> Verification:
    """Load a data set, and look for what people get wrong.

    Arguments and errors are those of :func:`mnistlab.load_dataset`.

    Example:
        >>> from mnistlab import verify_dataset
        >>> found = verify_dataset("mnist")
        >>> found.as_published, found.faults
        (True, ())
    """
    known = None
    if not isinstance(source, Dataset):
        known = CATALOGUE.get(str(source))
        source = load_dataset(
            source, on_progress, size=size, fit=fit, group=group, skip_damaged=skip_damaged
        )
    splits = source.splits
    duplicates = find_duplicates(
        {name: split.images for name, split in splits.items()},
        {name: split.labels for name, split in splits.items()},
    )
    faults = find_faults(splits, source.classes, duplicates)
    return Verification(source, duplicates, tuple(faults), bool(known and known.fingerprint))
