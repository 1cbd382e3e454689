"""Trust: whose code may be run to read a run whose model is somebody's own.

A run's folder is data and may be a stranger's. Code is trusted that this user has trained with before, by the digest of
its file, or all of it where the environment says so.
"""

import contextlib
import os

from mnistlab.data.download import cache_folder

TRUST = "MNISTLAB_TRUST_CODE"
"""Set to 1, it lets any Python file that a run's record names be run, to read the run."""
_FILE = "trusted"


def remember(digest: str) -> None:
    """Note that the user has named this code himself; a cache that cannot be written to is left as it is."""
    if digest and not is_trusted(digest):
        with contextlib.suppress(OSError):
            cache_folder().mkdir(parents=True, exist_ok=True)
            # One short line in one write: those of two processes do not mix.
            with (cache_folder() / _FILE).open("a", encoding="ascii") as file:
                file.write(f"{digest}\n")


def is_trusted(digest: str) -> bool:
    """Return whether code of this digest may be run."""
    if os.environ.get(TRUST) == "1":
        return True
    try:
        known = (cache_folder() / _FILE).read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return bool(digest) and digest in known.split()
