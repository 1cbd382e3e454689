"""mnistlab.data.forms.cifar against small archives in the layout of the published ones."""

import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from mnistlab import load_dataset
from mnistlab.data.cifar_classes import CIFAR_10, CIFAR_100
from mnistlab.data.download import cache_folder
from mnistlab.data.form import Parts
from mnistlab.data.forms.cifar import FORM
from mnistlab.data.plain_pickle import read_pickle
from mnistlab.errors import DataError
from tests.data.forms import read_as, refusal_of

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 3, 32, 32), np.uint8)
FLAT = IMAGES.reshape(60, 3072)
TEN, HUNDRED = np.arange(60) % 10, np.arange(60) * 7 % 100
BATCHES = [(f"data_batch_{i + 1}", slice(10 * i, 10 * i + 10)) for i in range(5)]
BATCHES.append(("test_batch", slice(50, 60)))


def ten_python(protocol=2):
    files = {
        name: pickle.dumps(
            {
                b"batch_label": b"one",
                b"labels": TEN[at].tolist(),
                b"data": FLAT[at],
                b"filenames": [b"a.png"] * 10,
            },
            protocol,
        )
        for name, at in BATCHES
    }
    meta = {b"num_cases_per_batch": 10, b"label_names": [name.encode() for name in CIFAR_10]}
    return files | {"batches.meta": pickle.dumps(meta, protocol), "readme.html": b"<html>"}


def ten_binary():
    rows = np.concatenate([TEN[:, None].astype(np.uint8), FLAT], axis=1)
    files = {f"{name}.bin": rows[at].tobytes() for name, at in BATCHES}
    return files | {"batches.meta.txt": "\n".join(CIFAR_10).encode() + b"\n\n"}


def hundred_python():
    return {
        name: pickle.dumps(
            {
                "data": FLAT[at],
                "fine_labels": HUNDRED[at].tolist(),
                "coarse_labels": (HUNDRED[at] // 5).tolist(),
            },
            2,
        )
        for name, at in (("train", slice(50)), ("test", slice(50, 60)))
    }


def hundred_binary():
    labels = np.stack([HUNDRED // 5, HUNDRED], axis=1).astype(np.uint8)
    rows = np.concatenate([labels, FLAT], axis=1)
    return {"train.bin": rows[:50].tobytes(), "test.bin": rows[50:].tobytes()}


ARCHIVES = {
    "cifar-10-batches-py": ten_python,
    "cifar-10-batches-bin": ten_binary,
    "cifar-100-python": hundred_python,
    "cifar-100-binary": hundred_binary,
}


def write(folder, files):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def write_archive(path, top, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def is_whole(parts, top):
    labels, classes = (HUNDRED, CIFAR_100) if "100" in top else (TEN, CIFAR_10)
    assert np.array_equal(parts.train.images, IMAGES[:50])
    assert np.array_equal(parts.test.images, IMAGES[50:])
    assert parts.train.labels.tolist() == labels[:50].tolist()
    assert parts.test.labels.tolist() == labels[50:].tolist()
    assert parts.classes == classes
    if isinstance(parts, Parts):
        assert any("fine" in note for note in parts.notes) == ("100" in top)
    return True


@pytest.mark.parametrize("top", ARCHIVES)
def test_folders_and_archives_by_path(tmp_path, top):
    folder = write(tmp_path / top, ARCHIVES[top]())
    assert is_whole(read_as(FORM.name, folder), top)
    assert is_whole(read_as(FORM.name, tmp_path), top)
    archive = write_archive(tmp_path / "packed" / "a.tar.gz", top, ARCHIVES[top]())
    assert is_whole(read_as(FORM.name, archive), top)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol(tmp_path, protocol):
    folder = write(tmp_path / "any", ten_python(protocol))
    assert is_whole(read_as(FORM.name, folder), "10")


@pytest.mark.parametrize(
    ("name", "file", "top"),
    [
        ("cifar10", "cifar-10-python.tar.gz", "cifar-10-batches-py"),
        ("cifar10", "cifar-10-binary.tar.gz", "cifar-10-batches-bin"),
        ("cifar100", "cifar-100-python.tar.gz", "cifar-100-python"),
        ("cifar100", "cifar-100-binary.tar.gz", "cifar-100-binary"),
    ],
)
def test_by_name_from_the_cache_packed_or_not(name, file, top):
    archive = write_archive(cache_folder() / name / file, top, ARCHIVES[top]())
    assert is_whole(load_dataset(name), top)
    archive.unlink()
    write(cache_folder() / name / top, ARCHIVES[top]())
    assert is_whole(load_dataset(name), top)


def test_names_of_the_classes_are_the_published_ones():
    assert len(set(CIFAR_10)) == 10
    assert len(set(CIFAR_100)) == 100
    assert list(CIFAR_100) == sorted(CIFAR_100)


def test_an_archive_of_which_some_is_missing_says_so(tmp_path):
    files = ten_python()
    for missing in ("data_batch_2", "data_batch_4", "test_batch", "batches.meta"):
        del files[missing]
    parts = read_as(FORM.name, write(tmp_path / "some", files))
    assert len(parts.train) == 30
    assert parts.test is None
    assert parts.classes == CIFAR_10
    assert parts.notes == ["only 3 of 5 training batches are there"]


def test_two_archives_in_a_folder_are_refused(tmp_path):
    for top in ("cifar-10-batches-py", "cifar-10-batches-bin"):
        write(tmp_path / top, ARCHIVES[top]())
    line = refusal_of(FORM.name, tmp_path)
    assert "CIFAR-10, binary in cifar-10-batches-bin" in line
    assert "name the one to use" in line


class Malicious:
    def __init__(self, call, *arguments):
        self.made = call, arguments

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("hidden", ["alone", "in data", "as a key", "array", "state"])
def test_a_malicious_pickle_is_refused_and_nothing_of_it_runs(tmp_path, protocol, hidden):
    evil = Malicious(os.mkdir, str(tmp_path / "ran"))
    batch = {
        "alone": evil,
        "in data": {b"data": FLAT[:10], b"labels": [evil]},
        "as a key": {(evil,): 1},
        "array": {b"data": np.array([evil]), b"labels": [1]},
        "state": {b"data": FLAT[:10], b"labels": Malicious(eval, "1")},
    }[hidden]
    files = ten_python() | {"data_batch_3": pickle.dumps(batch, protocol)}
    line = refusal_of(FORM.name, write(tmp_path / "cifar", files))
    assert "data_batch_3: this pickle holds" in line
    assert "no code is run" in line
    assert not (tmp_path / "ran").exists()
    if hidden == "alone":
        pickle.loads(files["data_batch_3"])
        assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cposix\nsystem\n(S'true'\ntR.",
        b"\x80\x02cnumpy\nndarray\n(tR.",
        b"\x80\x02cnumpy\ndtype\n(X\x02\x00\x00\x00O8tR.",
        b"\x80\x02(X\x01\x00\x00\x00aios\nsystem\n.",
        b"\x80\x02c__builtin__\neval\n.",
        b"\x80\x02]cos\nsystem\n\x81.",
    ],
)
def test_programs_written_by_hand_are_refused(content):
    with pytest.raises(DataError, match=r"no code is run|cannot be read as a pickle"):
        read_pickle(content, "a.pickle")


def test_a_pickle_that_refers_to_itself_over_and_over_takes_no_time():
    content = b"\x80\x02]q\x00" + b"".join(
        b"]q" + bytes([i]) + b"(" + (b"h" + bytes([i - 1])) * 99 + b"e" for i in range(1, 8)
    )
    assert len(read_pickle(content + b".", "a.pickle")) == 99
    with pytest.raises(DataError, match="too deep"):
        read_pickle(b"\x80\x02" + b"]" * 20 + b"a" * 19 + b".", "a.pickle")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("test_batch", b"", "test_batch: cannot be read as a pickle"),
        ("test_batch", ten_python()["test_batch"][:-200], "test_batch: cannot be read as a pickle"),
        ("test_batch", pickle.dumps([1]), "a pickle of a list; CIFAR has a dictionary"),
        ("test_batch", pickle.dumps({"a": 1}), "holds a; CIFAR has data and labels"),
        (
            "test_batch",
            pickle.dumps({"data": FLAT[:, 1:], "labels": [1]}),
            "data of shape (60, 3071) and type uint8; CIFAR has (n, 3072) of uint8",
        ),
        (
            "test_batch",
            pickle.dumps({"data": FLAT, "labels": [1, 2]}),
            "labels of shape (2,) and type int64 for 60 images",
        ),
        (
            "test_batch",
            pickle.dumps({"data": FLAT[:2], "labels": [1, 10]}),
            "image 1 has label 10; labels are 0 to 9",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path, name, content, message):
    folder = write(tmp_path / "cifar", ten_python() | {name: content})
    assert message in refusal_of(FORM.name, folder)


def test_a_binary_batch_that_is_cut_off_is_refused(tmp_path):
    files = ten_binary()
    files["data_batch_1.bin"] = files["data_batch_1.bin"][:-1]
    line = refusal_of(FORM.name, write(tmp_path / "cifar", files))
    assert "data_batch_1.bin: 30,729 bytes are not a multiple of an image's 3,073" in line


def test_a_packed_archive_that_is_cut_off_is_refused(tmp_path):
    path = write_archive(tmp_path / "a.tar.gz", "cifar-10-batches-py", ten_python())
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=r"a\.tar\.gz: cannot be read as a tar file"):
        read_as(FORM.name, path)
