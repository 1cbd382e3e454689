"""Checksums (SHA-256) that a file contains, so that a damaged file is never taken for a result."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

_KEY = "sha256"
_OWN = "content"
_MARK = "sha256-of-the-rest:"
_DIGITS = 64
BLANK = _MARK + "0" * _DIGITS
"""Placeholder that :func:`seal` replaces with the checksum of the bytes around it."""
_SEAL = re.compile(_MARK.encode() + rb"([0-9a-f]{%d})" % _DIGITS)


def checksum(content: bytes) -> str:
    """Return the 64 hexadecimal digits of SHA-256."""
    return hashlib.sha256(content).hexdigest()


def add_checksum(text: str, others: Mapping[str, str] | None = None) -> str:
    """Add a last key, ``sha256``, to a JSON object: the checksum of its content, and those of files
    beside it.

    Its layout does not matter.

    Args:
        text: an indented JSON object without that key.
        others: checksums of other files, by name.
    """
    sums = dict(others or {})
    sums[_OWN] = _digest(json.loads(text) | {_KEY: dict(sums)})
    lines = json.dumps({_KEY: sums}, indent=2)[2:-2]
    return text.rstrip().removesuffix("}").rstrip() + f",\n{lines}\n}}\n"


def read_checksums(text: str | bytes) -> dict[str, str]:
    """Verify a JSON object's own checksum, and return those of other files.

    Returns:
        An empty dictionary if the file is of a version without checksums.

    Raises:
        ValueError: the content does not match the checksum.
    """
    return read_checked(text)[1]


def read_checked(text: str | bytes) -> tuple[Any, dict[str, str]]:
    """Do what :func:`read_checksums` does, and return the content as well."""
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    sums = content.get(_KEY) if isinstance(content, dict) else None
    if not isinstance(sums, dict) or _OWN not in sums:
        return content, {}
    if sums.pop(_OWN) != _digest(content):
        raise ValueError("damaged: its content does not match its checksum; restore it from a copy")
    return content, {str(name): str(claimed) for name, claimed in sums.items()}


def seal(content: bytes) -> bytes:
    """Replace the :data:`BLANK` in some bytes with their checksum."""
    return content.replace(BLANK.encode(), _MARK.encode() + checksum(content).encode(), 1)


def seal_is_broken(content: bytes) -> bool:
    """Whether bytes have changed since they were sealed; bytes without a seal, as earlier versions
    wrote them, pass.
    """
    found = _SEAL.search(content)
    if found is None:
        return False
    start, end = found.span(1)
    rest = memoryview(content)
    digest = hashlib.sha256(rest[:start])
    digest.update(b"0" * _DIGITS)
    digest.update(rest[end:])
    return digest.hexdigest().encode() != found[1]


def _digest(content: object) -> str:
    return checksum(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
