"""Write the published hashes anew, here and in docs/kernels.md: what this version computes.

python -m tests.kernels.fingerprint
"""

import re
import sys
from pathlib import Path

from mnistlab.training import fingerprint

SOURCE = Path(fingerprint.__file__)
DOCS = Path(__file__).parents[2] / "docs" / "kernels.md"
PRINTED = re.compile(r"^( *hash +)([0-9a-f]{16})(, as published)$", re.MULTILINE)
"""The line of the documentation that shows the hash."""
CONSTANT = re.compile(r"^PUBLISHED: dict\[str, str\] = \{.*?\}", re.MULTILINE | re.DOTALL)


def publish() -> str:
    """Return the hash of all parts."""
    found = fingerprint.take_fingerprint()
    assert found.comparable, found.build
    entries = "".join(f'    "{name}": "{digits}",\n' for name, digits in found.parts.items())
    for file, place, text in (
        (SOURCE, CONSTANT, f"PUBLISHED: dict[str, str] = {{\n{entries}}}"),
        (DOCS, PRINTED, rf"\g<1>{found.total}\g<3>"),
    ):
        file.write_text(place.sub(text, file.read_text("utf-8")), "utf-8")
    return found.total


if __name__ == "__main__":
    sys.stdout.write(f"{publish()}\n")
