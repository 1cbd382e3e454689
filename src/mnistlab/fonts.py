"""Fonts of this machine, searched for letters that the usual font lacks."""

import logging
import os
import sys
import unicodedata
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_LOG = logging.getLogger("mnistlab")
_PREFERRED = (
    *("notosanscjk", "notosanskr", "nanumgothic", "malgun", "applesdgothicneo", "applegothic"),
    *("dejavusans", "notosans", "arial unicode", "arialuni", "msgothic", "msyh", "segoeui"),
)
"""Beginnings of file names, in lower case; the other fonts follow."""
_BOXES = ("lastresort", "adobeblank")
"""Fonts that draw a box, or nothing, for every letter there is."""
_ENDINGS = {".ttf", ".otf", ".ttc"}
_SIZE = 16


def spell(text: str, lacking: str) -> tuple[str, Path | None]:
    r"""Return how to draw a text in which the usual font lacks letters.

    Args:
        text: any.
        lacking: the letters that the usual font does not have.

    Returns:
        The text and a font that has the lacking letters; where no font has them, the text with an
        escape such as ``\uac00`` for each, and ``None``. A warning then says so, once per script.
    """
    if not lacking:
        return text, None
    letters = "".join(sorted(set(lacking)))
    font = find_font(letters)
    if font:
        return text, font
    return escape(text, letters), None


def escape(text: str, letters: str) -> str:
    r"""Return a text with an escape, such as ``\uac00``, for each of some letters."""
    return "".join(ascii(one)[1:-1] if one in letters else one for one in text)


@lru_cache(maxsize=1024)
def find_font(letters: str) -> Path | None:
    """Return a font file that has all these letters; logs a warning where none has."""
    for file in _font_files():
        if not lacks(str(file), letters):
            return file
    _warn(*unicodedata.name(letters[-1], "unnamed").split()[:1])
    return None


@lru_cache(maxsize=64)
def _warn(script: str) -> None:
    _LOG.warning(
        "no font on this machine has the %s letters of a name: plots and contact sheets show their"
        " codes instead; install a font that has them, such as Noto Sans (Debian: fonts-noto-core,"
        " fonts-noto-cjk)",
        script.capitalize(),
    )


def lacks(font: str | Font, text: str) -> str:
    """Return the letters of a text that a font, or a font file, does not have.

    All of them, where the file cannot be read as a font.
    """
    try:
        face = ImageFont.truetype(font, _SIZE) if isinstance(font, str) else font
        missing = bytes(face.getmask("\U0010ffff"))
        # Spaces have no picture.
        return "".join(
            letter
            for letter in text
            if not letter.isspace() and bytes(face.getmask(letter)) == missing
        )
    except OSError:
        return text


@lru_cache(maxsize=1)
def _font_files() -> list[Path]:
    found = {
        Path(folder, name)
        for place in (*_folders(), *_shipped())
        for folder, _, names in os.walk(place)
        for name in names
        if Path(name).suffix.lower() in _ENDINGS and not name.lower().startswith(_BOXES)
    }
    return sorted(found, key=_rank)


def _rank(file: Path) -> tuple[int, bool, str]:
    name = file.name.lower()
    places = [place for place, start in enumerate(_PREFERRED) if name.startswith(start)]
    return min(places, default=len(_PREFERRED)), "regular" not in name, name


def _shipped() -> list[Path]:
    """Return the folder of the fonts that matplotlib brings, without importing it."""
    found = find_spec("matplotlib")
    return [Path(found.origin).parent / "mpl-data/fonts/ttf"] if found and found.origin else []


def _folders() -> list[Path]:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home raises where there is none
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home))
        return [
            Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts"),
            Path(local, "Microsoft/Windows/Fonts"),
        ]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    data = os.environ.get("XDG_DATA_HOME") or home / ".local/share"
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(place, "fonts") for place in (data, *shared.split(":"))] + [home / ".fonts"]
