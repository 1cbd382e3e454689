"""The examples in the docstrings of public names, carried out."""

import doctest
import io

import pytest

import mnistlab

SHOWN_BY_EXAMPLE = {
    "Dataset",
    "Recipe",
    "Recogniser",
    "built_in",
    "load_dataset",
    "make_dataset",
    "read_recipe",
}
NORMAL = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", sorted(mnistlab.__all__))
def test_the_examples_of_a_docstring_give_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner, report = doctest.DocTestRunner(optionflags=NORMAL), io.StringIO()
    for example in doctest.DocTestFinder().find(getattr(mnistlab, name), name, globs={}):
        runner.run(example, out=report.write)
    assert not runner.failures, report.getvalue()
    assert runner.tries or name not in SHOWN_BY_EXAMPLE
