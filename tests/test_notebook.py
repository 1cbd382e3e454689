"""Progress in a notebook, without being asked for; the kernel is stood in for by its one mark."""

import sys
from types import SimpleNamespace

import pytest

import mnistlab
from mnistlab import built_in


@pytest.fixture
def shell(monkeypatch):
    """What ``IPython.get_ipython()`` returns; with an attribute ``kernel`` it is a notebook's."""
    shell = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return shell


@pytest.fixture
def recipe(few):
    return built_in("mlp").replace(epochs=1, data=str(few))


def test_training_shows_its_progress(shell, recipe, capsys):
    mnistlab.train(recipe)
    assert capsys.readouterr().out == ""
    shell.kernel = object()
    mnistlab.train(recipe)
    assert "epoch 1/1" in capsys.readouterr().out
    events = []
    mnistlab.train(recipe, on_event=events.append)
    assert events
    assert capsys.readouterr().out == ""


def test_many_runs_show_theirs(shell, recipe, capsys, tmp_path):
    from mnistlab.experiments import InProcessExecutor

    shell.kernel = object()
    mnistlab.repeat(recipe, seeds=2, runs=tmp_path, executor=InProcessExecutor())
    out = capsys.readouterr().out
    assert "mlp, seed 0" in out
    assert "mlp, seed 1" in out


def test_the_functions_are_the_librarys_own():
    from mnistlab.training import train

    assert mnistlab.train.__wrapped__ is train
    assert mnistlab.train.__doc__ == train.__doc__
    assert mnistlab.train is mnistlab.train
