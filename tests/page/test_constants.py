"""The recogniser in JavaScript has the constants of the one in Python."""

import importlib
import re
from importlib.resources import files

import pytest

MODULES = {
    name: f"mnistlab.recogniser.{name}"
    for name in (
        "picture",
        "ink",
        "sheet",
        "ruling",
        "strokes",
        "marks",
        "writing",
        "layout",
        "cutting",
        "splitting",
        "recogniser",
    )
} | {"glyph": "mnistlab.glyphs.glyph"}
# By module: what Python has no constant for, or under another name.
ONLY_HERE = {"ruling": {"SLOPES"}, "sheet": {"CLASSES"}, "glyph": {"INNER"}}


@pytest.mark.parametrize("name", MODULES)
def test_constants_are_those_of_the_python_module(name):
    text = (
        files("mnistlab.page")
        .joinpath(f"standalone/recogniser/{name}.js")
        .read_text(encoding="utf-8")
    )
    declared = "\n".join(
        line for line in text.splitlines() if re.match(r"(export )?const [A-Z]", line)
    )
    found = re.findall(r"\b([A-Z][A-Z_]+) = (\[[^\]]*\]|-?[\d._]+)", declared)
    # What training and reading share is where pictures are decoded.
    homes = [importlib.import_module(home) for home in (MODULES[name], "mnistlab.data.decode")]
    compared = 0
    for constant, value in found:
        if constant in ONLY_HERE.get(name, ()):
            continue
        values = (getattr(home, n, None) for home in homes for n in (f"_{constant}", constant))
        expected = next((value for value in values if value is not None), None)
        numbers = [float(number.replace("_", "")) for number in value.strip("[]").split(",")]
        assert expected is not None, constant
        assert [
            float(number) for number in (expected if hasattr(expected, "__len__") else [expected])
        ] == numbers, constant
        compared += 1
    assert compared
