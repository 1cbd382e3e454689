"""Types of options and arguments that may name a file or a folder; an empty name is refused."""

import os
from pathlib import Path
from typing import Any

import click


class Place(click.Path):
    """A file or a folder; arguments are those of :class:`click.Path`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"path_type": Path} | settings)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Refuse an empty name, which Python would take for the current folder."""
        if not os.fspath(value):
            self.fail("it is empty; name a file or a folder, the current one is .", param, ctx)
        return super().convert(value, param, ctx)


class Name(click.types.StringParamType):
    """A known name, or a file or a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty one."""
        if not value:
            self.fail("it is empty; leave it out, or name something", param, ctx)
        return super().convert(value, param, ctx)


NAME = Name()
