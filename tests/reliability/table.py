"""The account as the table of docs/reliability.md: ``python -m tests.reliability.table`` writes it
there."""

import json
from pathlib import Path

from mnistlab.runs import write_atomically

ROOT = Path(__file__).parents[2]
SUMMARY = ROOT / "results" / "reliability" / "summary.json"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = (
    "<!-- the account, written by tests/reliability/table.py -->\n",
    "<!-- the account's end -->\n",
)
_KNOWN = {"part", "what", "tried", "outcome", "seconds", "refused", "unharmed", "changed"}
"""Told in words, or not of interest to a reader."""


def table() -> str:
    """Every row of the account as Markdown."""
    rows = json.loads(SUMMARY.read_text(encoding="utf-8"))["rows"]
    lines = ["| Part | What was tried | How often | What happened |", "|---|---|---:|---|"]
    for row in rows:
        figures = ", ".join(
            f"{name.replace('_', ' ')} {_number(row[name])}" for name in row if name not in _KNOWN
        )
        happened = row["outcome"] + (f" ({figures})" if figures else "")
        lines.append(
            f"| {row['part'].replace('_', ' ')} | {row['what']} | {row['tried']:,} | {happened} |"
        )
    return "\n".join(lines) + "\n"


def page() -> str:
    """The document with the table in its place."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


def _number(value):
    return (
        f"{value:,.3g}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


if __name__ == "__main__":
    write_atomically(PAGE, page())
