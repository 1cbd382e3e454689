"""Files from strangers: nothing in them is run, and none takes more memory than is fair."""

import io
import json
import pickle
import re
import shutil
import tarfile
import zipfile
from functools import partial

import click
import numpy as np
import onnx
import pytest
import safetensors.numpy
import torch
from onnx import TensorProto, helper

from mnistlab import Recogniser, RunFolder, load_dataset, train
from mnistlab.cli.app import run as run_app
from mnistlab.errors import ModelError
from mnistlab.recogniser.network import Network
from mnistlab.training import load_trained
from mnistlab.training.code_trust import TRUST
from tests.cli.processes import MNISTLAB, refusal, run
from tests.reliability.bombs import BOMBS, DIGIT, npy_header
from tests.reliability.damage import Gauge, read_or_refusal
from tests.reliability.kinds import make_run, plain_recipe, tiny_dataset

FAIR = 96 << 20
"""Bytes that a reader may take beyond twice a file's size."""


class Bait:
    """What a pickle would run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_fill_the_memory_is_refused_before(bomb, tmp_path, account):
    path = BOMBS[bomb](tmp_path / "stranger")
    size = sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]))
    with Gauge() as gauge:
        found, _ = read_or_refusal(lambda: load_dataset(str(path)), str(path))
    # Large pictures are made small one by one, which takes no more memory than one of them.
    read = "black pictures" in bomb
    assert (found is not None) == read
    assert gauge.peak < 2 * size + FAIR
    outcome = "read, picture by picture" if read else "refused in one line"
    account(bomb, tried=1, outcome=outcome, file_bytes=size, peak_bytes=gauge.peak)


def test_logits_that_promise_more_than_there_is_are_refused(tmp_path):
    folder = make_run(tmp_path / "run")
    content = json.loads(folder.record_file.read_bytes())
    # As a version without checksums wrote it.
    del content["sha256"]
    folder.record_file.write_text(json.dumps(content))
    for shape in ((1 << 40, 10), (1 << 31, 10)):
        folder.logits_file.write_bytes(npy_header(shape, "<f4") + bytes(40))
        with Gauge() as gauge:
            _, line = read_or_refusal(folder.read_logits, str(folder.logits_file))
        assert line
        assert gauge.peak < FAIR


def test_pickles_are_refused_and_run_nothing(tmp_path, account):
    bait = pickle.dumps(Bait(tmp_path / "sprung"))
    objects = np.array([Bait(tmp_path / "sprung")], dtype=object)
    np.savez(tmp_path / "bad.npz", x_train=objects, y_train=objects, x_test=objects, y_test=objects)
    folder = make_run(tmp_path / "run")
    content = json.loads(folder.record_file.read_bytes())
    del content["sha256"]
    folder.record_file.write_text(json.dumps(content))
    np.save(folder.logits_file, objects, allow_pickle=True)
    folder.model_file.write_bytes(bait)
    readers = [
        (lambda: load_dataset(str(tmp_path / "bad.npz")), "bad.npz"),
        (folder.read_logits, "test_logits.npy"),
        (lambda: load_trained(folder), "model.safetensors"),
    ]
    for name in ("model.pt", "model.pth", "model.onnx", "model.safetensors"):
        (tmp_path / name).write_bytes(bait)
        readers += [(partial(make, tmp_path / name), name) for make in (Network, Recogniser)]
    for read, name in readers:
        assert read_or_refusal(read, name)[1]
    assert not (tmp_path / "sprung").exists()
    account(
        "pickles given as data, logits, weights, models",
        tried=len(readers),
        outcome="all refused; nothing run",
    )


def hostile_model(location="", operator="MatMul"):
    """An ONNX model whose weights lie in another file, or with an operator that nobody knows."""
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[64, 10])
    if location:
        weights.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", "2560")):
            weights.external_data.add(key=key, value=value)
    else:
        weights.raw_data = bytes(2560)
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=1),
        helper.make_node("Flatten", ["floats"], ["flat"]),
    ]
    domain = {} if operator == "MatMul" else {"domain": "strange"}
    nodes += [
        helper.make_node(operator, ["flat", "weights"], [n], **domain)
        for n in ("logits", "probabilities")
    ]
    graph = helper.make_graph(
        nodes,
        "hostile",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 8, 8])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 10])
            for name in ("logits", "probabilities")
        ],
        [weights],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("strange", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def test_a_model_that_reaches_for_other_files_or_code_is_refused(tmp_path, monkeypatch, account):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "near.bin").write_bytes(bytes(2560))
    attempts = [
        {"location": name}
        for name in ("/etc/passwd", "../../../../etc/passwd", "near.bin", "./near.bin")
    ]
    attempts += [{"operator": "Evil"}]
    for attempt in attempts:
        file = tmp_path / "model.onnx"
        file.write_bytes(hostile_model(**attempt))
        with pytest.raises(ModelError, match=r"model\.onnx: not an ONNX model"):
            Network(file)
    (tmp_path / "model.onnx").write_bytes(hostile_model())
    assert Network(tmp_path / "model.onnx").image_size == (8, 8)
    account(
        "ONNX models with weights in other files or operators of their own",
        tried=len(attempts),
        outcome="refused",
    )


@pytest.mark.parametrize(
    "notes",
    [
        {"classes": 7},
        {"classes": [1, 2]},
        {"classes": ["a"]},
    ],
    ids=str,
)
def test_odd_types_in_what_a_model_says_of_itself_are_refused(tmp_path, notes):
    model = onnx.load_from_string(hostile_model())
    helper.set_model_props(model, {"mnistlab": json.dumps(notes)})
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert read_or_refusal(lambda: Network(tmp_path / "model.onnx"), "model.onnx")[1]


def test_an_archive_with_wicked_paths_links_and_devices_writes_nothing(tmp_path, account):
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner" / "train.tar"
    names = [
        "../../00001_1.png",
        "/00002_2.png",
        "../00003_3.png",
        "./00004_4.png",
        "00005_5.png",
    ]
    names += [name.replace("0000", "0001") for name in names]
    with tarfile.open(path, "w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(DIGIT)
            archive.addfile(info, io.BytesIO(DIGIT))
        for number, kind in enumerate(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
        ):
            info = tarfile.TarInfo(f"0002{number}_6.png")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    before = sorted(tmp_path.rglob("*"))
    dataset = load_dataset(str(path))
    assert sorted({*dataset.train.labels.tolist(), *dataset.test.labels.tolist()}) == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert sorted(tmp_path.rglob("*")) == before
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("\x1b[31m\nforged line/00001_1.png")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"oops"))
    assert read_or_refusal(lambda: load_dataset(str(path)), str(path))[1]
    account(
        "tar with paths that climb, links, devices",
        tried=len(names) + 4,
        outcome="nothing written, links unread",
    )


def test_a_zip_with_wicked_paths_writes_nothing(tmp_path):
    train, labels = npy_header((10, 8, 8)) + bytes(640), npy_header((10,)) + bytes(range(10))
    path = tmp_path / "mnist.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (
            ("x_train", train),
            ("y_train", labels),
            ("x_test", train),
            ("y_test", labels),
        ):
            archive.writestr(f"{name}.npy", content)
        archive.writestr("../../evil.npy", b"x")
        archive.writestr("/tmp/evil.npy", b"x")
    read_or_refusal(lambda: load_dataset(str(path)), str(path))
    assert list(tmp_path.iterdir()) == [path]


CODE = """
import pathlib
from torch import nn
(pathlib.Path(__file__).parent / "sprung").touch()
def build(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
"""


def test_the_code_that_a_strangers_record_names_is_not_run(tmp_path, monkeypatch, account):
    code, sprung = tmp_path / "net.py", tmp_path / "sprung"
    code.write_text(CODE, encoding="utf-8")
    recipe, dataset = plain_recipe().replace(model=f"{code}:build"), tiny_dataset()
    train(recipe, dataset, folder=tmp_path / "run")
    sprung.unlink()
    # Who trained it may read it; on another machine, or in another's account, nobody has.
    load_trained(RunFolder(tmp_path / "run"))
    sprung.unlink()
    monkeypatch.setenv("MNISTLAB_CACHE", str(tmp_path / "elsewhere"))
    stranger = shutil.copytree(tmp_path / "run", tmp_path / "stranger")
    assert "would run the code" in refusal(
        run(*MNISTLAB, "export", stranger, "model.onnx", cwd=tmp_path)
    )
    with pytest.raises(
        ModelError,
        match=(rf"would run the code of .*net\.py:build, which .* set {TRUST}=1 if you trust it"),
    ):
        load_trained(RunFolder(stranger))
    assert RunFolder(stranger).read_record().recipe == recipe
    assert not sprung.exists()
    monkeypatch.setenv(TRUST, "1")
    load_trained(RunFolder(stranger))
    assert sprung.exists()
    sprung.unlink()
    # Changed since: not run, trusted or not.
    code.write_text(CODE + "\n", encoding="utf-8")
    assert "has changed since" in str(
        read_or_refusal(lambda: load_trained(RunFolder(stranger)), "net.py")[1]
    )
    assert not sprung.exists()
    account(
        "a run's folder whose record names code",
        tried=5,
        outcome="not run unless trained with or the user says so; if changed, never",
    )


def widen(content):
    content["recipe"] |= {"model": "convnet", "channels": [[4096] * 40]}
    content["input"].update(height=512, width=512)


OVERSIZED = {
    "channels": widen,
    "images": lambda content: content["input"].update(height=4096, width=4096),
    "parameters": lambda content: content.update(parameters=10**9),
}


@pytest.mark.parametrize("change", OVERSIZED)
def test_a_record_of_a_network_that_fills_the_memory_is_refused(change, tmp_path):
    folder = make_run(tmp_path / "run")
    content = json.loads(folder.record_file.read_bytes())
    del content["sha256"]
    OVERSIZED[change](content)
    folder.record_file.write_text(json.dumps(content))
    with Gauge() as gauge:
        _, line = read_or_refusal(lambda: load_trained(folder), str(folder.record_file))
    assert re.search(r"record\.json: [\d,]+ parameters, but its recipe has [\d,]+", line)
    assert gauge.peak < FAIR


def test_weights_of_another_type_are_refused(tmp_path):
    folder = make_run(tmp_path / "run")
    content = json.loads(folder.record_file.read_bytes())
    del content["sha256"]
    folder.record_file.write_text(json.dumps(content))
    weights = safetensors.numpy.load_file(folder.model_file)
    halves = {name: value.astype(np.float16) for name, value in weights.items()}
    safetensors.numpy.save_file(halves, folder.model_file)
    _, line = read_or_refusal(lambda: load_trained(folder), str(folder.model_file))
    assert "is torch.float16, not torch.float32" in line


def test_what_pytorch_cannot_allocate_is_said_in_one_line(capsys):
    @click.command()
    def command():
        torch.empty(1 << 50)

    assert run_app(command, []) == 2
    assert "this takes more memory than there is (" in capsys.readouterr().err
