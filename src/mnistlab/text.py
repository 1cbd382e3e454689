"""Text of any origin (names in files, records, models), made fit for terminals, messages, Markdown,
HTML and CSV.
"""

import json
import re
from collections.abc import Collection, Iterable
from html import escape
from itertools import islice
from typing import Any

_UNSEEN = re.compile(
    # C0, DEL and C1, among them escape, carriage return and line feed; the soft hyphen.
    r"[\x00-\x1f\x7f-\x9f\xad"
    # Marks and overrides of direction, zero-width characters, separators of lines and paragraphs,
    # halves of surrogates.
    r"\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
    # Joiners, which emoji and some scripts need within themselves, and nobody elsewhere.
    r"|(?<![\u0300-\U0010ffff])[\u200c\u200d]|[\u200c\u200d](?![\u0300-\U0010ffff])"
)
_NUMBER = re.compile(r"[-+\u2212]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?( ?%)?")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20].", re.DOTALL)
_PARTING = re.compile(r'[",;\n]')
_MARKUP = re.compile(
    r"[`*|~$]|\\(?=[!-/:-@\[-`{-~]|$)"
    # Underscores at the edge of a word, tags, entities, links, addresses, emoji by name, and what
    # begins a block.
    r"|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|&(?=#?\w+;)|!(?=\[)|\](?=[(\[:])|:(?=//|[\w+-]*[^\W\d][\w+-]*:)"
    r"|(?<=www)\.|^[#>]|^[-+=](?![\w.])|^\d{1,9}(?P<end>[.)])(?=\s|$)",
    re.IGNORECASE,
)
_LONGEST_LINE, _LONGEST_NAME, _LONGEST_IN_LIST = 1000, 100, 40


def printable(text: str) -> str:
    r"""Escape, for example as ``\x1b``, every character that is invisible or moves others.

    Letters of all scripts, combining accents, emoji and spaces of all widths are kept.
    """
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return a message of any origin as one printable line of at most 1,000 characters."""
    return shorten(printable(re.sub(r"\s*[\r\n]\s*", " ", text.strip())), _LONGEST_LINE)


def is_unicode(text: str) -> bool:
    """Whether text can be written in UTF-8, as a file name that is not UTF-8 cannot: Python puts
    surrogates into it.
    """
    return not re.search("[\ud800-\udfff]", text)


def shorten(text: str, most: int = _LONGEST_NAME) -> str:
    """Return text of at most ``most`` characters; longer text loses its middle."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end - 5]} ... {text[-end:]}"


def shown(value: object) -> str:
    """Return a value of a file's, or of an option's, as a message shows it: as JSON, and short."""
    try:
        return shorten(json.dumps(value, default=str, ensure_ascii=False))
    # A number of thousands of digits has no decimal form, lists within lists no end.
    except (ValueError, RecursionError):
        return "a value of absurd size"


def listed(names: Collection[str], most: int = 20) -> str:
    """Return the first ``most`` names, separated by commas, and how many more there are."""
    shown = ", ".join(shorten(printable(name), _LONGEST_IN_LIST) for name in islice(names, most))
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def counted(count: int, thing: str, things: str = "") -> str:
    """Return a number of things, such as ``1 file`` and ``2,000 files``.

    Args:
        count: how many.
        thing: what one is called.
        things: what several are called, if not by an ``s``.
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def markdown(text: str) -> str:
    """Escape a sentence or a table cell so that Markdown, also GitHub's, shows it as it is."""
    return _MARKUP.sub(_escape, printable(text))


def csv_row(cells: Iterable[object]) -> str:
    """Return one row of comma-separated values (RFC 4180), which no spreadsheet takes for a
    formula.

    A cell that starts like a formula, and is not a number, is quoted and gets an apostrophe in
    front, as OWASP recommends (CSV injection). Invisible characters other than line feeds are
    escaped as :func:`printable` does.
    """
    return ",".join(map(_csv_cell, cells)) + "\r\n"


def html_table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return an HTML table; without headings the first cell of each row is one."""
    head = "".join(f"<th>{escape(printable(cell))}</th>" for cell in headings)
    body = ""
    for row in rows:
        first, *others = (escape(printable(cell)) for cell in row)
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        body += f"<tr>{f'<td>{first}</td>' if head else f'<th>{first}</th>'}{cells}</tr>"
    return (
        f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
    )


def to_json(value: Any, *, indent: int | None = 2) -> str:
    r"""Return JSON in which invisible characters are escaped, for example as ``\u009b``.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    # Within strings line feeds are escaped already.
    return _UNSEEN.sub(
        lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text
    )


def _escape(found: re.Match[str]) -> str:
    return found[0].replace(found["end"], "\\" + found["end"]) if found["end"] else "\\" + found[0]


def _csv_cell(cell: object) -> str:
    text = "\n".join(map(printable, str(cell).split("\n")))
    formula = bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)
    if formula or _PARTING.search(text):
        return '"{}{}"'.format("'" if formula else "", text.replace('"', '""'))
    return text
