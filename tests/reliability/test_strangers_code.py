"""Code in a stranger's folders: nothing of it is run, by whichever command, unless it was trained
with here."""

import contextlib
import json
import os
import py_compile
import shutil
import sys

import pytest
import torch
from PIL import Image

from mnistlab import RunFolder, repeat, train
from mnistlab.cli.app import app
from mnistlab.cli.app import run as run_app
from mnistlab.errors import ModelError, RunError
from mnistlab.experiments import InProcessExecutor
from mnistlab.recipe import read_source
from mnistlab.training import load_trained
from mnistlab.training.code_trust import TRUST
from tests.cli.processes import run
from tests.reliability.kinds import make_run, plain_recipe, tiny_dataset

SPRING = "import pathlib; (pathlib.Path(__file__).parent / 'sprung').touch()\n"
NET = """
from torch import nn
{imports}
def build(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
"""
SHADOWS = (
    "torch",
    "numpy",
    "pydantic",
    "click",
    "filelock",
    "scipy",
    "onnx",
    "onnxruntime",
    "matplotlib",
    "jinja2",
)


def locate(folder, name):
    """The file of ``pack__part`` or ``pack__init``."""
    *packages, last = name.split("__")
    return folder.joinpath(*packages, "__init__.py" if last == "init" else f"{last}.py")


def write(folder, **texts):
    for name, text in texts.items():
        file = locate(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SPRING + text, encoding="utf-8")


def trained_with(folder, model, **texts):
    """A run whose model is code; whoever trained it has run the code."""
    write(folder, **texts)
    run_folder = RunFolder(folder / "run")
    train(plain_recipe().replace(model=model), tiny_dataset(), folder=run_folder.path)
    assert unspring(folder)
    return run_folder


def unspring(folder):
    found = list(folder.rglob("sprung"))
    for file in found:
        file.unlink()
    return found


def edit_record(folder, **changes):
    """Change a record as a stranger would, who leaves the checksum out."""
    content = json.loads(folder.record_file.read_bytes())
    content.pop("sha256", None)
    for place, value in changes.items():
        *way, last = place.split("__")
        part = content
        for key in way:
            part = part[key]
        part[last] = value
    folder.record_file.write_text(json.dumps(content), encoding="utf-8")


def assert_not_run(folder, run_folder, match):
    with pytest.raises((ModelError, RunError), match=match):
        load_trained(run_folder)
    assert not unspring(folder)


def test_a_file_that_it_imports_is_compared_too(tmp_path):
    net = {
        "net": NET.format(imports="import helper\nfrom pack import part"),
        "helper": "",
        "pack__part": "",
    }
    folder = trained_with(tmp_path, f"{tmp_path}/net.py:build", **net, pack__init="")
    load_trained(folder)
    assert unspring(tmp_path)
    for name in ("helper", "pack__part", "pack__init"):
        write(tmp_path, **{name: "evil = 1"})
        place = locate(tmp_path, name)
        assert_not_run(
            tmp_path,
            folder,
            f"{place}, which .*net.py:build imports, has changed since this run was trained",
        )
        write(tmp_path, **{name: ""})
    load_trained(folder)
    assert unspring(tmp_path)


def test_what_a_record_says_of_its_code_opens_no_door(tmp_path):
    """The digest of a trusted file in the record of another; the trusted file itself, beside an
    evil one."""
    mine = tmp_path / "mine"
    folder = trained_with(
        mine, f"{mine}/net.py:build", net=NET.format(imports="import helper"), helper=""
    )
    record = folder.read_record()
    theirs = tmp_path / "theirs"
    stranger = RunFolder(shutil.copytree(folder.path, theirs / "run"))
    write(theirs, net="evil = 1", helper="")
    edit_record(stranger, recipe__model=f"{theirs}/net.py:build")
    assert_not_run(theirs, stranger, "has changed since this run was trained")
    edit_record(stranger, recipe__model=f"{theirs}/net.py:build", source="", imports=None)
    assert_not_run(theirs, stranger, f"would run the code .* set {TRUST}=1")
    shutil.copy(mine / "net.py", theirs / "net.py")
    for imports in (record.imports, {}, None):
        edit_record(stranger, source=record.source, imports=imports)
        assert_not_run(theirs, stranger, "would run the code|came or went")
    write(theirs, helper="evil = 1")
    edit_record(stranger, source=record.source, imports=None)
    assert_not_run(theirs, stranger, "would run the code")
    load_trained(folder)
    assert unspring(mine)


def test_packages_around_a_module_are_not_imported_to_compare_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = make_run(tmp_path / "runs" / "run")
    edit_record(folder, recipe__model="evil_package.net:build", source="0123456789abcdef")
    write(tmp_path, evil_package__init="", evil_package__net=NET.format(imports=""))
    assert_not_run(tmp_path, folder, "has changed since")
    edit_record(folder, recipe__model="evil_package.net:build", source="")
    assert_not_run(tmp_path, folder, "would run the code")
    recipe = folder.read_record().recipe
    folder.path.rename(tmp_path / "runs" / f"x-{recipe.digest}-seed0")
    monkeypatch.setattr("mnistlab.data.loading.load_for", lambda *_: tiny_dataset())
    repeat(recipe, seeds=1, runs=tmp_path / "runs", executor=InProcessExecutor())
    assert not unspring(tmp_path)


def test_what_runs_is_what_was_read(tmp_path):
    """Neither a compiled form that pretends to be of the file, nor what a file holds a moment
    later."""
    model = f"{tmp_path}/net.py:build"
    folder = trained_with(tmp_path, model, net=NET.format(imports="import helper"), helper="")
    good = (tmp_path / "helper.py").read_text()
    write(tmp_path, helper=f"{SPRING.replace('sprung', 'sprung_evil')}")
    evil = (tmp_path / "helper.py").read_text()
    good += "#" * (len(evil) - len(good))
    (tmp_path / "helper.py").write_text(good)
    train(plain_recipe().replace(model=model), tiny_dataset(), folder=folder.path, overwrite=True)
    times = (tmp_path / "helper.py").stat()
    (tmp_path / "helper.py").write_text(evil)
    os.utime(tmp_path / "helper.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    py_compile.compile(str(tmp_path / "helper.py"))
    (tmp_path / "helper.py").write_text(good)
    os.utime(tmp_path / "helper.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    sys.modules.pop("helper", None)
    load_trained(folder)
    assert unspring(tmp_path)
    assert not list(tmp_path.rglob("sprung_evil"))


def test_imports_that_reading_does_not_show_are_refused(tmp_path, monkeypatch):
    code = (
        "import importlib, pathlib, sys\nsys.path.insert(0, str(pathlib.Path(__file__).parent /"
        " 'plugins'))\nimportlib.import_module('plu' + 'gin')\nsys.path.pop(0)"
    )
    write(tmp_path / "plugins", plugin="")
    folder = trained_with(tmp_path, f"{tmp_path}/net.py:build", net=NET.format(imports=code))
    sys.modules.pop("plugin", None)
    write(tmp_path / "plugins", plugin="evil = 1")
    with pytest.raises(
        ModelError, match=f"plugin.py is imported in a way that .* set {TRUST}=1 if you trust"
    ):
        load_trained(folder)
    assert unspring(tmp_path) == [tmp_path / "sprung"]
    monkeypatch.setenv(TRUST, "1")
    load_trained(folder)
    assert (tmp_path / "plugins" / "sprung").exists()
    sys.modules.pop("plugin", None)


@pytest.mark.parametrize("record", [None, "other.py,,\n"])
def test_a_package_that_says_it_is_installed_covers_its_own_files_alone(
    record, tmp_path, monkeypatch
):
    library = tmp_path / "library"
    (library / "x-1.dist-info").mkdir(parents=True)
    if record:
        (library / "x-1.dist-info" / "RECORD").write_text(record)
    monkeypatch.setattr(sys, "path", [*sys.path, str(library)])
    write(library, helper_beside="")
    folder = trained_with(
        tmp_path, f"{tmp_path}/net.py:build", net=NET.format(imports="import helper_beside")
    )
    write(library, helper_beside="evil = 1")
    assert_not_run(tmp_path, folder, "helper_beside.py, which .* imports, has changed")


def test_installed_files_beside_python_s_own_are_not_compared(tmp_path, monkeypatch):
    library = tmp_path / "library"
    (library / "x-1.dist-info").mkdir(parents=True)
    (library / "x-1.dist-info" / "RECORD").write_text("package_beside/__init__.py,,\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(library)])
    write(library, package_beside__init="")
    folder = trained_with(
        tmp_path, f"{tmp_path}/net.py:build", net=NET.format(imports="import package_beside")
    )
    assert folder.read_record().imports == {}


def test_what_a_stranger_s_code_imports_is_not_even_read(tmp_path):
    folder = make_run(tmp_path / "run")
    write(tmp_path, net="import far")
    (tmp_path / "far.py").symlink_to("far.py")
    edit_record(folder, recipe__model=f"{tmp_path}/net.py:build", source="")
    assert_not_run(tmp_path, folder, "would run the code")
    (tmp_path / "far.py").unlink()
    (tmp_path / "far.py").write_bytes(b"#" * (1 << 23))
    assert_not_run(tmp_path, folder, "would run the code")


def test_code_that_imports_without_end_is_refused(tmp_path):
    write(tmp_path, net="from pack import " + ", ".join(f"a{i}" for i in range(11_000)))
    (tmp_path / "pack").mkdir()
    assert "imports more than 10,000 names" in read_source(f"{tmp_path}/net.py:build").fault


PLUGIN = (
    "sys.path.insert(0, str(pathlib.Path(__file__).parent / 'plugins'));"
    " importlib.import_module('plu' + 'gin')"
)
LATE = {
    "forward": (
        "class Late(nn.Flatten):\n    def forward(self, images):\n"
        f"        {PLUGIN}\n        return super().forward(images)\nnn.Flatten = Late"
    ),
    "thread": (
        f"def go():\n    {PLUGIN}\nclass Late(nn.Flatten):\n    def __init__(self):\n       "
        " super().__init__()\n        thread = threading.Thread(target=go)\n       "
        " thread.start()\n        thread.join()\nnn.Flatten = Late"
    ),
    "file": (
        "file = pathlib.Path(__file__).parent / 'plugins' / 'plugin.py'\n"
        "spec = importlib.util.spec_from_file_location('x', file)\n"
        "spec.loader.exec_module(importlib.util.module_from_spec(spec))"
    ),
    "runpy": "runpy.run_path(str(pathlib.Path(__file__).parent / 'plugins' / 'plugin.py'))",
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("way", LATE)
def test_code_never_trained_with_is_refused_whenever_and_however_it_is_imported(
    way, tmp_path, monkeypatch
):
    monkeypatch.setattr("torch.nn.Flatten", torch.nn.Flatten)
    monkeypatch.setattr(sys, "path", [*sys.path])
    code = f"import importlib.util, pathlib, runpy, sys, threading\n{LATE[way]}"
    write(tmp_path / "plugins", plugin="")
    folder = trained_with(tmp_path, f"{tmp_path}/net.py:build", net=NET.format(imports=code))
    write(tmp_path / "plugins", plugin="evil = 1")
    for _ in range(2):
        sys.modules.pop("plugin", None)
        with contextlib.suppress(ModelError):
            load_trained(folder).single_view_logits(tiny_dataset().test.images)
        assert unspring(tmp_path) in ([], [tmp_path / "sprung"])


def test_a_run_that_is_read_keeps_nobody_from_importing_files_of_his_own(tmp_path):
    (tmp_path / "mine").mkdir()
    folder = trained_with(tmp_path, f"{tmp_path}/net.py:build", net=NET.format(imports=""))
    write(tmp_path / "mine", mine="")
    code = (
        "import pathlib\nfrom mnistlab import RunFolder\nfrom mnistlab.training import"
        " load_trained\ntrained ="
        f" load_trained(RunFolder(pathlib.Path({str(folder.path)!r})))\nimport mine\n"
    )
    (tmp_path / "mine" / "script.py").write_text(code)
    result = run(sys.executable, tmp_path / "mine" / "script.py", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_ones_own_runs_go_on_and_are_compared_by_all_files(tmp_path, small_mnist, monkeypatch):
    write(tmp_path, net=NET.format(imports="import helper"), helper="")
    recipe, folder, events = (
        plain_recipe().replace(model=f"{tmp_path}/net.py:build"),
        tmp_path / "run",
        [],
    )
    monkeypatch.setattr("mnistlab.data.loading.load_for", lambda *_: tiny_dataset())

    def stop():
        return len(events) > 3

    train(recipe, tiny_dataset(), folder=folder, on_event=events.append, should_stop=stop)
    write(tmp_path, helper="x = 1")
    changed = "helper.py, which .* imports, has changed since"
    with pytest.raises(RunError, match=changed):
        train(recipe, tiny_dataset(), folder=folder, resume=True)
    write(tmp_path, helper="")
    assert train(recipe, tiny_dataset(), folder=folder, resume=True).record.imports.keys() == {
        "helper"
    }
    assert train(recipe, tiny_dataset(), folder=folder, resume=True)
    write(tmp_path, helper="x = 1")
    with pytest.raises(RunError, match=changed):
        train(recipe, tiny_dataset(), folder=folder, resume=True)
    folder.rename(tmp_path / f"tiny-{recipe.digest}-seed0")
    with pytest.raises(Exception, match=changed):
        repeat(recipe, seeds=1, runs=tmp_path, executor=InProcessExecutor())
    # A record of an earlier version has but the digest of the file.
    edit_record(RunFolder(tmp_path / f"tiny-{recipe.digest}-seed0"), imports=None)
    assert repeat(recipe, seeds=1, runs=tmp_path, executor=InProcessExecutor())


def test_no_command_imports_from_the_folder_that_it_is_in(tmp_path):
    """What would stand in for installed packages, for each command that reads what others made."""
    runs = tmp_path / "runs"
    make_run(runs / "run")
    write(tmp_path, **dict.fromkeys(SHADOWS, "raise ImportError('a stranger')"))
    write(tmp_path, sitecustomize="", usercustomize="", evil="")
    write(runs / "run", **dict.fromkeys(SHADOWS, "raise ImportError('a stranger')"))
    (tmp_path / "evil.pth").write_text("import evil\n")
    (tmp_path / "evil.dist-info").mkdir()
    (tmp_path / "evil.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: evil\nVersion: 1\n"
    )
    (tmp_path / "evil.dist-info" / "entry_points.txt").write_text(
        "[pydantic]\nevil = evil:plugin\n"
    )
    pictures = ["one.png", "two.png"]
    for name in pictures:
        Image.new("L", (64, 64), 255).save(tmp_path / name)
    few = ["--epochs", "1", "--train-limit", "100", "--seeds", "1", "-q"]
    # Python itself looks in no current folder here, as for the installed program.
    program = [sys.executable, "-P", "-m", "mnistlab"]
    for command in (["runs"], ["repeat", "mlp", *few], ["predict", *pictures, "--jobs", "2"]):
        result = run(*program, *command, cwd=tmp_path)
        assert result.returncode == 0, result
        assert not unspring(tmp_path), command


def test_an_own_file_with_helpers_beside_it_trains_from_anywhere(
    tmp_path, few, capsys, monkeypatch
):
    models, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    elsewhere.mkdir()
    net = NET.format(imports="from parts import layers").replace("64", "1024")
    write(models, net=net, parts__layers="")
    monkeypatch.chdir(elsewhere)
    options = ["--epochs", "1", "--train-limit", "100", "-q", "--run", "run", "--data", str(few)]
    assert run_app(app, ["train", str(models / "net.py") + ":build", *options]) == 0
    assert run_app(app, ["evaluate", "run", "--split", "train"]) == 0
    capsys.readouterr()
