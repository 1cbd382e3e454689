"""Allowed hosts: the names and addresses by which clients may address the server."""

import re
import socket
from ipaddress import ip_address

from mnistlab.errors import ServerError

_HEADER = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?", re.IGNORECASE | re.ASCII)
_PATTERN = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]+", re.IGNORECASE | re.ASCII)


class Hosts:
    """The values of the ``Host`` header that are accepted.

    If another site's name resolves to this server's address (DNS rebinding), that site's pages can
    send requests here from a visitor's browser and read the answers; ``Host`` then holds the site's
    name. An address cannot be rebound. So ``localhost`` and this machine's own addresses are
    accepted; if the server listens to other machines, so are all addresses and the machine's names.

    Args:
        bound: the address or name that the server listens on.
        allowed: further names; ``*.example.org`` is every name below ``example.org``, ``*`` is any.

    Raises:
        ServerError: one is not a host name.
    """

    def __init__(self, bound: str, allowed: tuple[str, ...]) -> None:
        for name in allowed:
            if not _PATTERN.fullmatch(name.strip("[]")):
                raise ServerError(
                    f"{name!a} is not a host: example.org, *.example.org, 192.168.1.7 or * is"
                )
        names = [name.lower().strip("[]") for name in allowed]
        self._any = "*" in names
        self._below = tuple(name[1:] for name in ("*.localhost", *names) if name.startswith("*."))
        self._local = bound == "localhost" or _is_loopback(bound)
        self._names = {"localhost", bound.lower(), *names, *(() if self._local else _own_names())}

    def __contains__(self, header: str) -> bool:
        """Whether a ``Host`` header is one of them; its port does not matter."""
        found = _HEADER.fullmatch(header)
        if self._any or not found:
            return self._any
        name = found[1].lower().strip("[]").removesuffix(".")
        if name in self._names or name.endswith(self._below):
            return True
        return _is_loopback(name) if self._local else _is_address(name)


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    first = name.partition(".")[0]
    return {name, first, f"{first}.local"}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return _is_address(name) and ip_address(name).is_loopback
