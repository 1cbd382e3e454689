"""Prediction: the class of one picture, and how probable each class is."""

import base64
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.png import encode_png
from mnistlab.data_frame import DataFrame, to_dataframe
from mnistlab.runs.atomic import write_atomically
from mnistlab.text import csv_row, printable

DECIMALS = 6
"""Of probabilities that are written."""
_SHOWN, _CARDS, _SIDE = 3, 30, 84


@dataclass(frozen=True, eq=False)
class Prediction:
    """The class of one picture. In a notebook it shows what the model saw.

    Attributes:
        label: the most probable class.
        probability: its probability, 0 to 1, calibrated where the model is.
        sure: whether that reaches the threshold.
        probabilities: of every class, in the model's order; they sum to 1.
        image: what the model saw, uint8 ``(channels, height, width)``.
        name: what the picture is called, such as its file; empty if it has no name.
    """

    label: str
    probability: float
    sure: bool
    probabilities: dict[str, float]
    image: NDArray[np.uint8] = field(repr=False)
    name: str = ""

    def top(self, count: int) -> list[tuple[str, float]]:
        """Return the most probable classes and their probabilities, likeliest first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        return ranked[: max(count, 0)]

    def as_dict(self) -> dict[str, Any]:
        """Return label, probability, ``sure`` and all probabilities, ready for JSON."""
        return {
            "label": self.label,
            "probability": round(self.probability, DECIMALS),
            "sure": self.sure,
            "probabilities": {
                label: round(share, DECIMALS) for label, share in self.probabilities.items()
            },
        }

    def __str__(self) -> str:
        doubt = "" if self.sure else ", unsure"
        return f"{self.label} ({100 * self.probability:.1f} %{doubt})"

    def _repr_html_(self) -> str:
        png = base64.b64encode(encode_png(self.image)).decode()
        height, width = self.image.shape[1:]
        scale = max(_SIDE / max(height, width), 1)
        bars = "".join(
            f"<tr><td>{escape(printable(label))}</td><td style='text-align:right'>"
            f"{100 * share:.1f} %</td><td><div style='height:.7em;background:#0072B2;"
            f"width:{100 * share:.1f}px'></div></td></tr>"
            for label, share in self.top(_SHOWN)
        )
        label = escape(printable(self.label)) + ("" if self.sure else "?")
        return (
            "<figure style='display:inline-flex;gap:.8em;align-items:center;margin:.4em'><img"
            f" alt='' width='{round(width * scale)}' height='{round(height * scale)}'"
            f" style='image-rendering:pixelated' src='data:image/png;base64,{png}'><figcaption>"
            f"<strong>{label}</strong><table>{bars}</table></figcaption></figure>"
        )


class Predictions(list[Prediction]):
    """The predictions for several pictures, in their order; a slice of them is one, too."""

    @overload
    def __getitem__(self, at: SupportsIndex) -> Prediction: ...
    @overload
    def __getitem__(self, at: slice) -> "Predictions": ...
    def __getitem__(self, at: SupportsIndex | slice) -> "Prediction | Predictions":
        if isinstance(at, slice):
            return Predictions(super().__getitem__(at))
        return super().__getitem__(at)

    def to_dataframe(self) -> DataFrame:
        """Return a row for each picture: ``name``, ``label``, ``probability``, ``sure``, and a
        column ``p(CLASS)`` for each class.

        Raises:
            MnistlabError: pandas is not installed.
        """
        columns = list(self[0].probabilities) if self else []
        names = ("name", "label", "probability", "sure", *(f"p({label})" for label in columns))
        rows = (
            (one.name, one.label, one.probability, one.sure, *one.probabilities.values())
            for one in self
        )
        return to_dataframe(names, rows)

    def write_csv(self, path: Path | str) -> None:
        """Write the same table as comma-separated values (RFC 4180)."""
        classes = list(self[0].probabilities) if self else []
        rows = [["name", "label", "probability", "sure", *(f"p({label})" for label in classes)]]
        for found in self:
            shares = [f"{found.probabilities[label]:.{DECIMALS}f}" for label in classes]
            probability = f"{found.probability:.{DECIMALS}f}"
            rows.append([found.name, found.label, probability, str(found.sure).lower(), *shares])
        write_atomically(Path(path), "".join(map(csv_row, rows)).encode())

    def _repr_html_(self) -> str:
        cards = "".join(found._repr_html_() for found in self[:_CARDS])
        more = f"<p>and {len(self) - _CARDS:,} more</p>" if len(self) > _CARDS else ""
        return f"<div>{cards}{more}</div>"
