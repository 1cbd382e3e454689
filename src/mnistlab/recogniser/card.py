"""Card: a reading as HTML, for notebooks: what the network saw of each digit, and how sure it
is.
"""

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from mnistlab.recogniser.reading import Digit, Reading

_SCALE = 2


def reading_card(reading: "Reading") -> str:
    """Return a fragment of HTML that needs nothing else: a row of digits, unsure ones marked with a
    question mark.
    """
    if not reading.digits:
        return "<p>no digit</p>"
    cells = "".join(_cell(digit) for digit in reading.digits)
    return (
        f"<div><strong style='font-size:1.3em'>{reading.text}</strong>"
        f" ({100 * reading.confidence:.1f} %)<div"
        f" style='display:flex;flex-wrap:wrap;gap:.6em;margin-top:.4em'>{cells}</div></div>"
    )


def _cell(digit: "Digit") -> str:
    doubt = "" if digit.sure else "?"
    alternatives = ", ".join(
        f"{label}: {100 * digit.probabilities[label]:.1f} %" for label in _likely(digit)
    )
    side = digit.pixels.shape[0] * _SCALE
    return (
        f"<figure style='margin:0;text-align:center' title='{alternatives}'><img"
        f" alt='{digit.label}' width='{side}' height='{side}' style='image-rendering:pixelated'"
        f" src='{_png(digit)}'><figcaption>{digit.label}{doubt} {100 * digit.confidence:.0f}"
        " %</figcaption></figure>"
    )


def _likely(digit: "Digit") -> list[int]:
    return [int(label) for label in np.argsort(-digit.probabilities)[:3]]


def _png(digit: "Digit") -> str:
    file = io.BytesIO()
    Image.fromarray(digit.pixels).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
