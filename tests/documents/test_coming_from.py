"""docs/coming-from.md: every command and every name in it exists."""

import inspect
import itertools
import re
import shlex
from pathlib import Path

import pytest

import mnistlab
from mnistlab.cli.app import app
from mnistlab.recipe import Recipe

PAGE = (Path(__file__).parents[2] / "docs" / "coming-from.md").read_text(encoding="utf-8")
CELLS = [
    cell.strip() for line in PAGE.splitlines() if line.startswith("|") for cell in line.split("|")
]
CODE = [code for cell in CELLS for code in re.findall(r"`([^`]+)`", cell)]
COMMANDS = sorted({code for code in CODE if code.startswith("mnistlab ")})
CALLS = sorted({code for code in CODE if code.startswith("mnistlab.")})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_these_options(command):
    _, name, *words = shlex.split(command)
    found = app.commands[name]
    if subcommands := getattr(found, "commands", None):
        found, words = subcommands[words[0]], words[1:]
    known = {option for one in found.params for option in one.opts}
    for word in words:
        assert not word.startswith("--") or word in known, word
    for before, word in itertools.pairwise(words):
        assert before != "--set" or word.split("=")[0] in Recipe.model_fields, word


@pytest.mark.parametrize("call", CALLS)
def test_a_call_has_these_names(call):
    name, arguments = re.match(r"mnistlab\.(\w+)\((.*?)\)", call).groups()
    parameters = inspect.signature(getattr(mnistlab, name)).parameters
    for key in re.findall(r"(\w+)=", arguments):
        # train takes the recipe's fields.
        assert key in parameters or (name == "train" and key in Recipe.model_fields), key
    for method in re.findall(r"\)\.(\w+)\(", call):
        owner = mnistlab.TrainedModel if name == "load" else mnistlab.EvaluationResult
        assert callable(getattr(owner, method)), method


def test_both_have_their_first_ten_calls():
    sections = PAGE.split("\n## ")[1:]
    assert [section.split("\n")[0] for section in sections] == ["fastai", "Keras"]
    for section in sections:
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert len(rows) >= 10
        assert all(row.count("|") == 4 for row in rows)
