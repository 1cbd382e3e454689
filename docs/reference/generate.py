"""The reference pages, made of the code: ``python docs/reference/generate.py`` writes them anew.

A test fails while they are not what the code says.
"""

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import mnistlab
from mnistlab.cli.app import app
from mnistlab.runs import write_atomically

FOLDER = Path(__file__).parent
_SECTION = re.compile(r"(Args|Attributes|Returns|Raises|Yields|Arguments):")
_WIDEST = 100
_MADE = "Made of the code by `docs/reference/generate.py`; change the code, not this page.\n"


def cli_page() -> str:
    """Return every command, what it does, and its options, as Markdown."""
    parts = [
        "# Commands\n",
        _MADE,
        f"{app.help}\n",
        "Each has `-h` as well; a wrong use ends with one line and exit status 2.\n",
    ]
    parts += [_command(name, command) for name, command in sorted(_commands(app))]
    return "\n".join(parts)


def _commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"mnistlab {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f"## mnistlab {name}\n",
        f"    mnistlab {name} {usage}\n",
        f"{inspect.cleandoc(command.help or '')}\n",
    ]
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context))]
    if not rows:
        return "\n".join(lines)
    lines += ["| option | meaning |", "|---|---|"]
    lines += [
        f"| `{_cell(options)}` | {_cell(' '.join(words.split()))} |" for options, words in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def api_page() -> str:
    """Return every public name with its signature and docstring, as Markdown."""
    names = sorted(mnistlab.__all__, key=str.lower)
    toc = ", ".join(f"[{name}](#{name.lower()})" for name in names)
    return "\n".join(["# Python\n", _MADE, f"{toc}.\n", *(_described(name) for name in names)])


def _described(name: str) -> str:
    thing = getattr(mnistlab, name)
    lines = [f"## {name}\n"]
    if callable(thing) and not _plain_error(thing):
        lines.append(f"```python\n{name}{_signature(thing)}\n```\n")
    lines.append(_docstring(thing))
    if inspect.isclass(thing):
        for member, value in _members(thing):
            call = f"{member}{_signature(value)}" if callable(value) else member
            lines += [f"### {name}.{member}\n", f"```python\n{call}\n```\n", _docstring(value)]
    return "\n".join(lines)


def _plain_error(thing: Any) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Exception)


def _members(thing: type) -> Iterator[tuple[str, Any]]:
    """Yield public methods and properties that the class itself defines, in its order."""
    for member, value in vars(thing).items():
        found = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if (
            not member.startswith("_")
            and (inspect.isfunction(found) or isinstance(found, property))
            and found.__doc__
        ):
            yield member, found


def _signature(thing: Any) -> str:
    signature = inspect.signature(thing)
    given = [value for name, value in signature.parameters.items() if name not in ("self", "cls")]
    parts, keyword_only = [], False
    for parameter in given:
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            if not any(other.kind is other.VAR_POSITIONAL for other in given):
                parts.append("*")
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = (
            "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
        )
        parts.append(
            f"{stars}{parameter.name}: {_annotation(parameter.annotation, thing)}{default}"
        )
    result = signature.return_annotation
    end = (
        ")"
        if result is signature.empty or inspect.isclass(thing)
        else f") -> {_annotation(result, thing)}"
    )
    line = f"({', '.join(parts)}{end}"
    return (
        line if len(line) <= _WIDEST else "(\n" + "".join(f"    {part},\n" for part in parts) + end
    )


def _default(value: Any) -> str:
    return str(getattr(value, "__name__", repr(value)))


def _annotation(annotation: Any, thing: Any) -> str:
    """Return the name under which the module knows a type, without where it lives."""
    if not isinstance(annotation, str):
        around = vars(sys.modules[thing.__module__])
        for name, value in around.items():
            if value is annotation and not inspect.isclass(value) and not name.startswith("_"):
                return name
    text = re.sub(
        r"\b(?:[a-z_]+\.)+([A-Za-z])", r"\1", inspect.formatannotation(annotation)
    ).replace("'", "")
    return re.sub(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[(\w+)\]\]", r"NDArray[\1]", text)


def _docstring(thing: Any) -> str:
    """Turn a docstring of this house into Markdown: sections become lists, double backquotes single
    ones.
    """
    lines, inside = [], False
    for block in _blocks(inspect.getdoc(thing) or ""):
        if heading := _SECTION.fullmatch(block[0]):
            lines.append(f"**{heading[1]}**\n")
            lines += _items(block[1:])
            inside = True
        else:
            lines += [*block, ""]
            inside = False
        if inside:
            lines.append("")
    text = "\n".join(lines).strip()
    text = re.sub(r":\w+:`~?\.?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text) + "\n"


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in text.splitlines():
        if not line.strip() or _SECTION.fullmatch(line):
            if block:
                yield block
            block = [line] if line.strip() else []
        else:
            block.append(line)
    if block:
        yield block


def _items(lines: list[str]) -> Iterator[str]:
    """Yield a bullet for each entry; deeper lines belong to the entry before."""
    entry = ""
    for line in [*textwrap.dedent("\n".join(lines)).splitlines(), ""]:
        if entry and not line.startswith(" "):
            name, colon, words = entry.partition(": ")
            yield (
                f"- `{name}`: {words}"
                if colon and re.fullmatch(r"[\w*, .]+", name)
                else f"- {entry}"
            )
            entry = ""
        entry = f"{entry} {line.strip()}".strip()


PAGES = {"cli.md": cli_page, "api.md": api_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        write_atomically(FOLDER / file, page())
