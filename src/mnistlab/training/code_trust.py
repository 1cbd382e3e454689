"""Code trust: whether the code of a user model may be run in order to read a run.

A run's folder is data and may come from a stranger. Code is trusted if this user has trained with
it on this machine before: the same file in the same place, importing the same files. With
``MNISTLAB_TRUST_CODE=1``, all code is trusted.
"""

import contextlib
import os

from mnistlab.data.download import cache_folder
from mnistlab.files import read_file
from mnistlab.models.user_model import TRUST
from mnistlab.recipe import Source

_FILE = "trusted"


def add_trusted(source: Source) -> None:
    """Record that the user has named this code; an unwritable cache is ignored."""
    if source.main and source.fingerprint not in _trusted():
        with contextlib.suppress(OSError):
            cache_folder().mkdir(parents=True, exist_ok=True)
            # One short line in a single write, so that two processes' lines do not mix.
            with (cache_folder() / _FILE).open("a", encoding="ascii") as file:
                file.write(f"{source.fingerprint} {str(source.main.path)!a}\n")


def is_trusted(source: Source) -> bool:
    """Return whether this code may be run."""
    return trusts_all() or (bool(source.fingerprint) and source.fingerprint in _trusted())


def is_trusted_path(source: Source) -> bool:
    """Return whether the user has trained with code at this path, whatever it contains now."""
    return trusts_all() or (
        source.main is not None and ascii(str(source.main.path)) in _trusted().values()
    )


def trusts_all() -> bool:
    """Return whether ``MNISTLAB_TRUST_CODE=1`` allows any code to be run."""
    return os.environ.get(TRUST) == "1"


def _trusted() -> dict[str, str]:
    """Return the path of the code that the user has trained with, by fingerprint."""
    try:
        text = read_file(cache_folder() / _FILE).decode("ascii", errors="replace")
    except OSError:
        return {}
    lines = (line.partition(" ") for line in text.splitlines())
    return {fingerprint: place for fingerprint, _, place in lines}
