"""Types of options and arguments that name files; addresses and empty names are refused."""

import os
import re
from pathlib import Path
from typing import Any

import click

_ADDRESS = re.compile(r"(https?|ftps?|s3|gs)://", re.IGNORECASE)


class Place(click.Path):
    """A file or a folder; ``suffix`` is what a file's name has to end in, other arguments are those
    of :class:`click.Path`.
    """

    def __init__(self, *, suffix: str = "", **settings: Any) -> None:
        super().__init__(**{"path_type": Path} | settings)
        self.suffix = suffix

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Refuse another suffix, an address, and an empty name, which Python would take for the
        current folder.
        """
        if not os.fspath(value):
            self.fail("it is empty; name a file or a folder, the current one is .", param, ctx)
        _refuse_address(self, os.fspath(value), param, ctx)
        is_device = Path(value).exists() and not Path(value).is_file()
        if not (is_device or os.fspath(value).lower().endswith(self.suffix)):
            self.fail(f"{value}: name a {self.suffix} file, which is what is written", param, ctx)
        return super().convert(value, param, ctx)


class Name(click.types.StringParamType):
    """A known name, or a file or a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty one, and an address."""
        if not value:
            self.fail("it is empty; leave it out, or name something", param, ctx)
        _refuse_address(self, value, param, ctx)
        return super().convert(value, param, ctx)


def _refuse_address(
    kind: click.ParamType[Any], value: str, param: click.Parameter | None, ctx: click.Context | None
) -> None:
    if _ADDRESS.match(value):
        kind.fail(f"{value} is an address: download what is there, and name the file", param, ctx)


NAME = Name()
