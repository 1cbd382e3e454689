"""mnistlab classify as a user meets it: real processes, real pictures, folders and tables."""

import csv
import io
import json
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from mnistlab import Recipe, open_classifier, train
from mnistlab.cli.app import app
from mnistlab.cli.app import run as run_app
from mnistlab.data.preparation import Preparation
from mnistlab.prediction.files import PictureFile, prepare_files
from tests.cli.processes import MNISTLAB, PREDICT, refusal, run

CLASSIFY = [*MNISTLAB, "classify"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with pictures of two classes, and the run trained on them."""
    home = tmp_path_factory.mktemp("home")
    random = np.random.default_rng(0)
    for label, name in enumerate(("cat", "dog")):
        (home / "data" / name).mkdir(parents=True)
        for number in range(1, 13):
            pixels = random.integers(0, 90, (16, 16, 3), np.uint8)
            pixels[:, 8 * label : 8 * label + 8] += 150
            Image.fromarray(pixels).save(home / "data" / name / f"{number}.png")
    recipe = Recipe(
        model="mlp", data=str(home / "data"), epochs=2, batch_size=8, learning_rate=0.001
    )
    train(recipe, folder=home / "run", threads=1)
    return home


def rows(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_a_line_a_picture_aligned(home):
    result = run(*CLASSIFY, "run", "data/cat/2.png", "data/dog/10.png", "--top", "2", cwd=home)
    assert result.returncode == 0, result
    assert result.stderr == ""
    first, second = result.stdout.splitlines()
    assert first.split()[:2] == ["data/cat/2.png", "cat"]
    assert second.split()[:2] == ["data/dog/10.png", "dog"]
    assert first.index("cat ") >= 0
    assert first.index(" %") == second.index(" %")
    assert max(map(len, (first, second))) <= 80


def test_an_unsure_class_has_a_question_mark_and_its_second(home):
    result = run(*CLASSIFY, "run", "data/cat/2.png", "--threshold", "1", cwd=home)
    assert result.stdout.split()[1:3] == ["?", "cat"]
    assert "dog" in result.stdout


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_folders_and_archives_in_natural_order_with_what_is_passed_over_said(home, kind, tmp_path):
    place = tmp_path / "new"
    shutil.copytree(home / "data" / "dog", place / "in" / "er")
    (place / "notes.txt").write_text("notes")
    (place / ".hidden.png").write_text("hidden")
    (place / "in" / "er" / "3.png").write_bytes(b"damaged")
    name = {"folder": "new", "zip": "new.zip", "tar": "new.tar.gz"}[kind]
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for file in place.rglob("*.*"):
                archive.write(file, file.relative_to(place))
    if kind == "tar":
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            archive.add(place, ".")
    result = run(*CLASSIFY, str(home / "run"), name, "--csv", cwd=tmp_path)
    assert result.returncode == 1
    assert f"note: {name}: 1 other file and 1 hidden one passed over" in result.stderr
    found = rows(result)
    assert [row["id"] for row in found] == [f"in/er/{number}.png" for number in range(1, 13)]
    damaged = [row for row in found if row["error"]]
    assert [row["id"] for row in damaged] == ["in/er/3.png"]
    assert {row["label"] for row in found if not row["error"]} == {"dog"}


def test_json_says_the_model_and_all_probabilities(home):
    result = run(*CLASSIFY, "run", "data", "missing.png", "--json", "--top", "2", cwd=home)
    assert result.returncode == 1
    found = json.loads(result.stdout)
    assert found["model"]["classes"] == ["cat", "dog"]
    assert found["model"]["calibrated_on"] is None
    assert found["model"]["temperature"] == 1
    first, *_, last = found["predictions"]
    assert first["top"] == ["cat", "dog"]
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert last["error"] == "cannot be read: No such file or directory"
    assert last["label"] is None
    # Folders that are called as the classes are labels.
    assert "note: data: its labels are ignored; mnistlab evaluate run --data data" in result.stderr


def write_table(path, images, header=True, ids=None, separator=","):
    lines = []
    names = [f"pixel{place}" for place in range(images[0].size)]
    if header:
        lines.append(separator.join((["id"] if ids else []) + names))
    for place, image in enumerate(images):
        lines.append(separator.join(([ids[place]] if ids else []) + [*map(str, image.ravel())]))
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.test.images[:6, 0]


DIGITS = list("721041")


@pytest.mark.parametrize(
    ("header", "ids", "separator"),
    [
        (True, None, ","),
        (False, None, ","),
        (True, ["a9", "b8", "c7", "d6", "e5", "f4"], "\t"),
        (False, ["1", "2", "3", "4", "5", "6"], ";"),
    ],
)
def test_unlabelled_tables(digits, tmp_path, header, ids, separator):
    write_table(tmp_path / "test.csv", digits, header, ids, separator)
    result = run(*CLASSIFY, "lenet5", "test.csv", "--csv", "--submission", "s.csv", cwd=tmp_path)
    assert result.returncode == 0, result
    assert [row["label"] for row in rows(result)] == DIGITS
    expected = ids or [str(number) for number in range(1, 7)]
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines[0] == "ImageId,Label"
    assert lines[1:] == [f"{name},{digit}" for name, digit in zip(expected, DIGITS, strict=True)]


def write_arrays(kind, digits, folder):
    if kind == "npy":
        np.save(folder / "x.npy", digits)
        return "x.npy"
    if kind == "npz":
        np.savez(folder / "x.npz", x_test=digits, y_test=np.arange(6))
        return "x.npz"
    if kind == "fractions":
        np.save(folder / "x.npy", (digits / 255).astype(np.float32)[:, None])
        return "x.npy"
    if kind == "idx":
        head = bytes([0, 0, 8, 3]) + np.array(digits.shape, ">u4").tobytes()
        (folder / "t10k-images-idx3-ubyte").write_bytes(head + digits.tobytes())
        return "t10k-images-idx3-ubyte"
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    content = []
    for digit in digits:
        file = io.BytesIO()
        Image.fromarray(digit).save(file, "PNG")
        content.append(file.getvalue())
    pq.write_table(pa.table({"image": content}), folder / "x.parquet")
    return "x.parquet"


@pytest.mark.parametrize("kind", ["npy", "npz", "fractions", "idx", "parquet"])
def test_arrays_of_images(digits, tmp_path, kind):
    name = write_arrays(kind, digits, tmp_path)
    result = run(*CLASSIFY, "lenet5", name, "--csv", cwd=tmp_path)
    assert result.returncode == 0, result
    assert [row["label"] for row in rows(result)] == DIGITS
    assert ("its labels are ignored" in result.stderr) == (kind == "npz")


def test_a_submission_like_a_sample(home, tmp_path):
    (tmp_path / "sample.csv").write_text("id,label\n10,x\n2,x\n")
    arguments = ("data/dog", "--like", tmp_path / "sample.csv", "--submission", tmp_path / "s.csv")
    result = run(*CLASSIFY, "run", *map(str, arguments), "--csv", cwd=home)
    assert result.returncode == 0, result
    assert (tmp_path / "s.csv").read_text().splitlines() == ["id,label", "10,dog", "2,dog"]
    (tmp_path / "sample.csv").write_text("id,label\n10,x\n99,x\n")
    message = refusal(run(*CLASSIFY, "run", *map(str, arguments), "--csv", cwd=home))
    assert "id 99 is none of the 12 images classified" in message


def test_a_device_that_cannot_be_used_is_refused_first(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run_app(app, ["classify", "run", "data/cat/1.png", "--device", "cuda"]) == 2
    assert "cuda: PyTorch finds no CUDA device here" in capsys.readouterr().err
    assert run_app(app, ["classify", "lenet5", "data/cat/1.png", "--device", "cuda"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "lenet5: an exported file is run on the CPU; leave out --device cuda, or name" in told
    assert run_app(app, ["classify", "run", "data/cat/1.png", "--device", "cpu"]) == 0
    assert "cat" in capsys.readouterr().out


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_is_classified_with_on_a_gpu(home):
    images = np.random.default_rng(1).integers(0, 256, (40, 16, 16, 3), np.uint8)
    here, there = (
        open_classifier(home / "run", device=device).predict(images) for device in ("cpu", "cuda")
    )
    for one, two in zip(here, there, strict=True):
        assert one.label == two.label
        assert one.probability == pytest.approx(two.probability, abs=1e-4)


def test_columns_are_renamed_and_a_bad_target_is_refused_first(home, tmp_path):
    target = str(tmp_path / "s.csv")
    run(*CLASSIFY, "run", "data", "--columns", "id,label", "--submission", target, cwd=home)
    assert (tmp_path / "s.csv").read_text().startswith("id,label\r\n") or (
        tmp_path / "s.csv"
    ).read_text().startswith("id,label\ncat/1.png,cat\n")
    again = ["run", "data/cat", "--submission", target]
    replaced = run(*CLASSIFY, *again, cwd=home).stderr
    assert "s.csv: 12 labels as ImageId,Label, in place of another one\n" in replaced
    assert "s.csv: 12 labels as ImageId,Label\n" in run(*CLASSIFY, *again, cwd=home).stderr
    away = str(tmp_path / "no" / "s.csv")
    assert "no folder" in refusal(run(*CLASSIFY, "run", "data", "--submission", away, cwd=home))


@pytest.mark.parametrize("pictures", ["sample.csv", "*.csv"])
def test_a_submission_does_not_replace_what_it_is_made_from(tmp_path, pictures):
    table = tmp_path / "sample.csv"
    table.write_text("id,label\n10,x\n")
    arguments = ("lenet5", pictures, "--submission", "sample.csv")
    for more in ((), ("--like", "sample.csv")):
        message = refusal(run(*CLASSIFY, *arguments, *more, cwd=tmp_path))
        assert "sample.csv: is read here" in message
    assert table.read_text() == "id,label\n10,x\n"


def test_negatives_of_the_training_images_are_spoken_of(digits, tmp_path):
    for number, digit in enumerate(digits):
        Image.fromarray(255 - digit).save(tmp_path / f"{number}.png")
    result = run(*CLASSIFY, "lenet5", ".", cwd=tmp_path)
    assert "if light and dark are exchanged, give --invert" in result.stderr
    result = run(*CLASSIFY, "lenet5", ".", "--invert", "--csv", cwd=tmp_path)
    assert "--invert" not in result.stderr
    assert [row["label"] for row in rows(result)] == DIGITS


def test_predict_hands_over_what_is_no_picture_of_digits(home, digits, tmp_path):
    write_table(tmp_path / "test.csv", digits)
    said = refusal(run(*PREDICT, "test.csv", "--csv", cwd=tmp_path))
    assert "test.csv is no picture but a table or an array: to classify the images in it" in said
    Image.fromarray(255 - digits[0]).resize((280, 280)).save(tmp_path / "one.png")
    result = run(*PREDICT, "test.csv", "one.png", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("test.csv")
    assert result.stdout.split()[:2] == ["one.png", DIGITS[0]]
    result = run(*PREDICT, "test.csv", "--csv", "--model", "lenet5", cwd=tmp_path)
    assert result.returncode == 0, result
    assert [row["label"] for row in rows(result)] == DIGITS
    assert "whole pictures are classified, as mnistlab classify does" in result.stderr
    result = run(*PREDICT, "data/dog/1.png", "--model", "run", cwd=home)
    assert result.returncode == 0, result
    assert result.stdout.split()[1] == "dog"
    result = run(*PREDICT, "data/dog/1.png", "--model", "run", "--annotate", "a.png", cwd=home)
    assert "no numbers in them" in refusal(result)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nothing.onnx", "data"], "nothing.onnx"),
        (["data", "data"], "no finished run"),
        (["run", "data", "--csv", "--json"], "two formats"),
        (["run", "data", "--columns", "a,b"], "--submission"),
        (["run", "data", "--submission", "s.csv", "--columns", "a"], "two names"),
        (["run", "data", "--threshold", "2"], "not a probability"),
        (["run", "-", "-"], "give it once"),
    ],
)
def test_bad_commands_get_one_line(home, arguments, reason):
    result = run(*CLASSIFY, *arguments, cwd=home)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert reason in result.stderr


def test_files_are_prepared_side_by_side_in_order_as_alone(home):
    files = [PictureFile(path) for path in sorted((home / "data").rglob("*.png")) * 4] + [
        PictureFile(home / "none.png"),
        PictureFile(content=b"damaged"),
    ]
    preparation = Preparation(3, (16, 16), "pad")
    alone, together = (
        list(prepare_files(preparation, files, processes=number)) for number in (1, 2)
    )
    assert len(alone) == len(together) == 98
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)
    assert alone[-2:] == ["cannot be read: No such file or directory", alone[-1]]
    assert open_classifier(home / "run").classify(np.stack(alone[:2]))[0].label == "cat"
