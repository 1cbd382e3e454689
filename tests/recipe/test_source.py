"""What a model's code is: its file and the local ones that it imports, found by reading alone."""

import sys

import pytest

from mnistlab.recipe import read_source

SPRING = "import pathlib; (pathlib.Path(__file__).parent / 'sprung').touch()\n"


def locate(folder, name):
    """The file of ``pack__part`` or ``pack__init``."""
    *packages, last = name.split("__")
    return folder.joinpath(*packages, "__init__.py" if last == "init" else f"{last}.py")


def write(folder, **texts):
    for name, text in texts.items():
        file = locate(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SPRING + text, encoding="utf-8")
    return folder


def files(source):
    return {
        name: module.path.name
        for name, module in source.others.items()
        if module.content is not None
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import helper", {"helper"}),
        ("import helper as h, other", {"helper", "other"}),
        ("from helper import thing", {"helper"}),
        ("from helper import *", {"helper"}),
        ("def build(s, c):\n    import helper", {"helper"}),
        ("try:\n    import helper\nexcept ImportError:\n    import other", {"helper", "other"}),
        (
            "import pack.inner.deep",
            {"pack", "pack.inner", "pack.inner.deep", "pack.plain", "other"},
        ),
        (
            "from pack.inner import deep",
            {"pack", "pack.inner", "pack.inner.deep", "pack.plain", "other"},
        ),
        ("from pack import plain", {"pack", "pack.plain", "other"}),
        ("import spread.part", {"spread.part"}),
        ("import torch, os.path, json, numpy as np", set()),
        ("import mnistlab.models", set()),
        ("import nowhere.at.all", set()),
        ("import chain", {"chain", "helper"}),
        ("import ring", {"ring", "gnir"}),
        ("from . import helper", set()),
        ("def broken(:", set()),
        ("importlib.import_module('helper')", set()),
    ],
)
def test_imports_are_found_by_reading(here, code, found):
    write(
        here / "models",
        net=code,
        helper="x = 1",
        other="",
        chain="from helper import x",
        ring="import gnir",
    )
    write(
        here / "models",
        gnir="import ring",
        pack__init="from . import plain",
        pack__plain="import other",
    )
    write(
        here / "models",
        pack__inner__init="",
        pack__inner__deep="from .. import plain",
        spread__part="",
    )
    source = read_source("models/net.py:build")
    assert set(files(source)) == found
    assert (source.digest, len(source.imports)) == (source.main.digest, len(found))
    assert not list(here.rglob("sprung"))


def test_a_module_is_found_without_the_packages_around_it_being_imported(here):
    write(
        here,
        own__init="import beside",
        own__net="from .layers import x",
        own__layers="x = 1",
        beside="",
    )
    source = read_source("own.net:build")
    assert set(files(source)) == {"own", "own.layers", "beside"}
    assert source.main.path == here / "own" / "net.py"
    assert not list(here.rglob("sprung"))
    assert "own" not in sys.modules


def test_installed_packages_go_before_files_of_the_same_name(here):
    write(here, net="import numpy, torch, json", numpy="", torch="", json="")
    assert read_source("net.py:build").imports == {}
    installed = read_source("numpy.linalg:norm")
    assert installed.main.installed
    assert here not in installed.main.path.parents


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("nothing.py:build", "there is no file nothing.py"),
        ("nothing.at.all:build", "there is no module nothing.at.all"),
        ("..up:build", "there is no module"),
        ("a folder.py:build", "cannot be read"),
        ("nul\0.py:build", ""),
        (":build", "there is no module"),
    ],
)
def test_what_is_not_there_has_no_code(here, model, fault):
    (here / "a folder.py").mkdir()
    source = read_source(model)
    assert fault in source.fault
    assert source.fault
    assert (source.digest, source.imports, source.fingerprint) == ("", {}, "")
    assert read_source("lenet5").fault == ""


def test_what_changed_is_named(here):
    write(here, net="import helper, other", helper="x = 1", other="")
    old = read_source("net.py:build")
    assert old.difference(old.digest, old.imports) == ""
    write(here, helper="x = 2")
    new = read_source("net.py:build")
    assert (
        new.difference(old.digest, old.imports)
        == f"{here / 'helper.py'}, which net.py:build imports, has changed"
    )
    # A record of an earlier version has the file's own digest alone, or none.
    assert new.difference(old.digest, None) == new.difference("", None) == ""
    (here / "helper.py").unlink()
    assert "helper, which net.py:build imports, came or went" in read_source(
        "net.py:build"
    ).difference(old.digest, old.imports)
    write(here, net="import other")
    assert (
        read_source("net.py:build").difference(old.digest, old.imports)
        == "net.py:build has changed"
    )


def test_the_same_code_elsewhere_is_other_code(here):
    for folder in ("one", "two"):
        write(here / folder, net="import helper", helper="")
    one, two = read_source("one/net.py:build"), read_source("two/net.py:build")
    assert (one.digest, one.imports) == (two.digest, two.imports)
    assert one.fingerprint != two.fingerprint
    (here / "link.py").symlink_to(here / "one" / "net.py")
    assert read_source("link.py:build").main.path == here / "one" / "net.py"
