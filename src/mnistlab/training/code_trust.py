"""Trust: whose code may be run to read a run whose model is somebody's own.

A run's folder is data and may be a stranger's. Code is trusted that this user has trained with
before on this machine: the same file at the same place, and with it the same files that it imports.
Or all of it where the environment says so.
"""

import contextlib
import os

from mnistlab.data.download import cache_folder
from mnistlab.files import read_file
from mnistlab.models.user_model import TRUST
from mnistlab.recipe import Source

_FILE = "trusted"


def remember(source: Source) -> None:
    """Note that the user has named this code himself; a cache that cannot be written to is left as
    it is.
    """
    if source.main and source.fingerprint not in _known():
        with contextlib.suppress(OSError):
            cache_folder().mkdir(parents=True, exist_ok=True)
            # One short line in one write: those of two processes do not mix.
            with (cache_folder() / _FILE).open("a", encoding="ascii") as file:
                file.write(f"{source.fingerprint} {str(source.main.path)!a}\n")


def is_trusted(source: Source) -> bool:
    """Return whether this code may be run."""
    return trusts_all() or (bool(source.fingerprint) and source.fingerprint in _known())


def is_place_known(source: Source) -> bool:
    """Return whether code at this place may be run at all, whatever it holds and imports."""
    return trusts_all() or (
        source.main is not None and ascii(str(source.main.path)) in _known().values()
    )


def trusts_all() -> bool:
    """Return whether the environment says that any code may be run."""
    return os.environ.get(TRUST) == "1"


def _known() -> dict[str, str]:
    """Return the fingerprints of the code that the user has trained with, and where each was."""
    try:
        text = read_file(cache_folder() / _FILE).decode("ascii", errors="replace")
    except OSError:
        return {}
    lines = (line.partition(" ") for line in text.splitlines())
    return {fingerprint: place for fingerprint, _, place in lines}
