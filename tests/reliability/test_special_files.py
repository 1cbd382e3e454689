"""Pipes, sockets, devices and links in circles where a file is expected: refused at once, never
read."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest
from PIL import Image

from mnistlab import RunFolder, load_dataset, train
from mnistlab.cli.app import app
from mnistlab.cli.app import run as run_app
from mnistlab.cli.picture_sources import find_sources
from mnistlab.errors import MnistlabError
from mnistlab.recipe import read_source
from tests.data.forms import FORMS
from tests.reliability.damage import alarm, read_or_refusal
from tests.reliability.kinds import KINDS, make_run, plain_recipe, tiny_dataset

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


def bind_socket(path):
    place = socket.socket(socket.AF_UNIX)
    # Its own name may be too long for a socket.
    descriptor = os.open(path.parent, os.O_RDONLY)
    place.bind(f"/proc/self/fd/{descriptor}/{path.name}")
    os.close(descriptor)
    place.close()


SPECIAL = {
    "pipe": os.mkfifo,
    "socket": bind_socket,
    "zeros": lambda path: path.symlink_to("/dev/zero"),
    "nothing": lambda path: path.symlink_to("/dev/null"),
    "a link to a pipe": lambda path: (
        os.mkfifo(f"{path}.far"),
        path.symlink_to(f"{path.name}.far"),
    ),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.fixture(params=SPECIAL)
def special(request):
    """Puts something that is no file in the place of one."""

    def put(path):
        path.unlink(missing_ok=True)
        SPECIAL[request.param](path)

    return put


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "IDX in the cache"])
def test_nothing_but_files_is_read(kind, tmp_path):
    made = KINDS[kind](tmp_path)
    made.read()
    for name, put in SPECIAL.items():
        made.file.unlink()
        put(made.file)
        before = made.file.lstat().st_mode
        found, _ = read_or_refusal(made.read, made.file.name, *made.names, "run")
        assert found is None, name
        assert made.file.lstat().st_mode == before


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "IDX in the cache"])
def test_a_file_of_a_terabyte_is_refused(kind, tmp_path):
    made = KINDS[kind](tmp_path)
    made.read()
    os.truncate(made.file, 1 << 40)
    found, line = read_or_refusal(made.read, made.file.name, *made.names, "run")
    # What belongs to the file may have been read before; in a tar, zeros are its end.
    assert line or made.file.suffix == ".tar", found


def test_it_does_not_cost_the_others(tmp_path, capsys):
    Image.new("L", (40, 40), 255).save(tmp_path / "small.png")
    for name in ("big.png", "run/record.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 1 << 40)
    make_run(tmp_path / "good")
    pictures = [str(tmp_path / name) for name in ("big.png", "small.png")]
    assert run_app(app, ["predict", "--json", *pictures]) == 1
    big, small = json.loads(capsys.readouterr().out)
    assert big["error"] == "cannot be read: larger than the 268,435,456 bytes that are read"
    assert small["error"] is None
    assert run_app(app, ["runs", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "good" in captured.out
    assert "run/record.json: not a run's record: larger than the" in captured.err


def test_neither_is_another_file_of_the_data(tmp_path, special):
    dataset = tiny_dataset()
    parts = [(split.images, split.labels) for split in (dataset.train, dataset.test)]
    for form, name in (("tar", "test.tar"), ("csv", "test.csv"), ("idx", "t10k-labels-idx1-ubyte")):
        folder = tmp_path / form
        folder.mkdir()
        source = FORMS[form](folder, *parts)
        place = next(folder.rglob(name))
        special(place)
        assert read_or_refusal(lambda source=source: load_dataset(str(source)), name)[1], form


def test_neither_is_a_run_that_is_gone_on_with(tmp_path, special):
    folder = make_run(tmp_path / "run")
    special(folder.record_file)
    with alarm(), pytest.raises(MnistlabError, match=r"record\.json: cannot be read"):
        train(plain_recipe(), tiny_dataset(), folder=folder.path, resume=True)
    folder.record_file.unlink()
    special(folder.checkpoint_file)
    with alarm(), pytest.raises(MnistlabError, match=r"checkpoint\.safetensors: cannot be read"):
        train(plain_recipe(), tiny_dataset(), folder=folder.path, resume=True)
    with alarm():
        assert train(plain_recipe(), tiny_dataset(), folder=folder.path, overwrite=True)
    assert RunFolder(folder.path).read_record()


def test_neither_is_a_model_or_what_it_imports(tmp_path, special, monkeypatch):
    monkeypatch.chdir(tmp_path)
    special(tmp_path / "net.py")
    assert read_source("net.py:build").fault
    (tmp_path / "own.py").write_text("import net")
    with alarm():
        assert read_source("own.py:build").imports == {}


def test_the_commands_say_so_in_one_line(tmp_path, special, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x.png", "x.onnx", "x.toml", "x.py", "comparison.json"):
        special(tmp_path / name)
    commands = {
        "x.png": (["predict", "x.png"], ["data", "show", "--out", "x.png"]),
        "x.onnx": (
            ["predict", "x.png", "--model", "x.onnx"],
            ["evaluate", "x.onnx"],
            ["export", "x.onnx", "p", "--web"],
        ),
        "x.toml": (["train", "x.toml"], ["sweep", "x.toml"], ["doctor", "x.toml"]),
        "x.py": (["train", "x.py:build", "--run", "r"],),
        "comparison.json": (["report", "comparison.json"], ["report", "."]),
    }
    for name, each in commands.items():
        for command in each:
            place = tmp_path / name
            if command[0] == "data" and not stat.S_ISFIFO(
                place.stat(follow_symlinks=False).st_mode
            ):
                continue
            with alarm():
                assert run_app(app, command) in (1, 2), command
            captured = capsys.readouterr()
            line = captured.err or captured.out
            assert len(line.strip().splitlines()) == 1, line
            assert name in line or "it is " in line, (command, line)


def test_links_in_circles_are_not_followed_by_patterns(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").touch()
    for name in ("one", "two", "three"):
        (tmp_path / "a" / name).symlink_to(tmp_path, target_is_directory=True)
    with alarm():
        assert [source.path for source in find_sources([f"{tmp_path}/**/*.png"])] == [
            tmp_path / "a" / "1.png"
        ]
        assert [source.path for source in find_sources([f"{tmp_path}/**"])] == [
            tmp_path / "a" / "1.png"
        ]
    assert [Path(source.name).name for source in find_sources([f"{tmp_path}/a/*.png"])] == ["1.png"]
