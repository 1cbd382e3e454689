import gzip
import hashlib
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from mnistlab import load_dataset
from mnistlab.data import CATALOGUE, known_datasets
from mnistlab.data.download import RemoteFile, cache_folder
from mnistlab.data.known_datasets import find, load_known
from mnistlab.errors import DataError


def idx(array):
    code, array = (12, array.astype(">i4")) if array.dtype.kind == "i" else (8, array)
    return gzip.compress(
        bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
    )


def contents(known, first_label=0):
    """Four small files under the names of a known data set."""
    images = np.arange(26 * 12, dtype=np.uint8).reshape(26, 3, 4)
    labels = (np.arange(26) % len(known.classes) + first_label).astype(np.uint8)
    return dict(zip(known.files, [idx(images), idx(labels)] * 2, strict=True)), images, labels


def test_the_data_sets_of_the_readme_are_known():
    assert list(CATALOGUE) == [
        "mnist",
        "fashion-mnist",
        "kmnist",
        "qmnist",
        "emnist-digits",
        "emnist-letters",
        "cifar10",
        "cifar100",
    ]
    for known in CATALOGUE.values():
        for file in known.downloads:
            assert len(file.md5) == 32
            assert len(set(file.urls)) >= 2


@pytest.mark.parametrize("name", ["kmnist", "qmnist", "emnist-letters"])
def test_files_in_the_cache_are_used(name):
    known = CATALOGUE[name]
    folder = cache_folder() / name
    folder.mkdir(parents=True)
    files, images, labels = contents(known, known.first_label)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    dataset = load_dataset(name)
    expected = images.transpose(0, 2, 1) if known.transposed else images
    assert np.array_equal(dataset.train.images[:, 0], expected)
    assert np.array_equal(dataset.test.labels, labels - known.first_label)
    assert dataset.classes == known.classes


def test_the_systems_share_folder_is_searched(tmp_path, monkeypatch):
    known = CATALOGUE["kmnist"]
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    folder = tmp_path / "share" / "datasets" / "kmnist"
    folder.mkdir(parents=True)
    assert find(known) is None
    for file, content in contents(known)[0].items():
        (folder / file).write_bytes(content)
    assert find(known) == folder


def test_other_content_than_published_is_refused(monkeypatch):
    known = CATALOGUE["fashion-mnist"]
    monkeypatch.setattr(known_datasets, "local_folders", lambda _: [cache_folder() / known.name])
    folder = cache_folder() / known.name
    folder.mkdir(parents=True)
    for file, content in contents(known)[0].items():
        (folder / file).write_bytes(content)
    with pytest.raises(DataError, match="readable, but not the published fashion-mnist"):
        load_dataset("fashion-mnist")


def test_emnist_is_unpacked_from_its_archive_once(tmp_path, monkeypatch):
    known = CATALOGUE["emnist-letters"]
    cache_folder().mkdir()
    archive = cache_folder() / "emnist-gzip.zip"
    with zipfile.ZipFile(archive, "w") as members:
        for file, content in contents(known, 1)[0].items():
            members.writestr(f"gzip/{file}", content)
    published = RemoteFile(
        archive.name, hashlib.md5(archive.read_bytes()).hexdigest(), ("http://127.0.0.1:9/x",)
    )
    monkeypatch.setattr(known_datasets, "_EMNIST", published)
    dataset = load_known(replace(known, downloads=(published,)))
    assert dataset.classes[0] == "A"
    archive.unlink()
    assert load_known(replace(known, downloads=(published,))).fingerprint == dataset.fingerprint


def test_without_a_way_to_download_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr("mnistlab.data.download._BACKOFF_SECONDS", 0.01)
    known = replace(
        CATALOGUE["kmnist"], downloads=(RemoteFile("a.gz", "0" * 32, ("http://127.0.0.1:9/a.gz",)),)
    )
    with pytest.raises(
        DataError, match=r"a\.gz: no mirror could be reached or trusted .* put the file into"
    ):
        load_known(known)


def test_the_packages_own_images_are_read_once_and_cannot_be_changed_for_others():
    mine, other = load_dataset("mnist"), load_dataset("mnist")
    assert np.shares_memory(mine.train.images, other.train.images)
    with pytest.raises(ValueError, match="read-only"):
        mine.train.images[0] = 1
    mine.train.labels[:] = 0
    assert other.train.labels.any()
    assert load_dataset("mnist").fingerprint == other.fingerprint != mine.fingerprint
