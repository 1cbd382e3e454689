"""The data sets known by name, and where each is found: in the package, on the system, in the
cache, or on the internet.
"""

import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile, ZipFile

import numpy as np

from mnistlab.data.cifar_classes import CIFAR_10, CIFAR_100
from mnistlab.data.dataset import DIGITS, Dataset, Split, make_dataset
from mnistlab.data.download import OnProgress, RemoteFile, cache_folder, fetch
from mnistlab.data.idx import read_split
from mnistlab.errors import DataError

EMBEDDED = Path(__file__).parent / "mnist"


@dataclass(frozen=True)
class KnownDataset:
    """A published data set.

    Attributes:
        files: of IDX files the names of training images, training labels, test images and test
            labels, in this order; or names of archives and folders, of which one is enough.
        downloads: what to fetch; one archive or the four files themselves.
        form: in which form the files are.
        first_label: the label that stands for ``classes[0]``.
        transposed: whether rows and columns are swapped in the files (EMNIST's are).
        fingerprint: that of the loaded :class:`Dataset`, where known.
    """

    name: str
    title: str
    licence: str
    files: tuple[str, ...]
    downloads: tuple[RemoteFile, ...]
    classes: tuple[str, ...] = DIGITS
    first_label: int = 0
    transposed: bool = False
    fingerprint: str | None = None
    form: Literal["idx", "cifar"] = "idx"


_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_QMNIST_NAMES = (
    "qmnist-train-images-idx3-ubyte.gz",
    "qmnist-train-labels-idx2-int.gz",
    "qmnist-test-images-idx3-ubyte.gz",
    "qmnist-test-labels-idx2-int.gz",
)
_FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_EMNIST = RemoteFile(
    "emnist-gzip.zip",
    "58c8d27c78d21e728a6bc7b3cc06412e",
    (
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
)


def _files(names: tuple[str, ...], md5s: tuple[str, ...], *mirrors: str) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(name, md5, tuple(mirror + name for mirror in mirrors))
        for name, md5 in zip(names, md5s, strict=True)
    )


def _emnist_names(part: str) -> tuple[str, str, str, str]:
    train, test = f"emnist-{part}-train", f"emnist-{part}-test"
    images, labels = "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"
    return f"{train}-{images}", f"{train}-{labels}", f"{test}-{images}", f"{test}-{labels}"


def _cifar(classes: int, python: str, binary: str, md5: str) -> KnownDataset:
    archives = (f"cifar-{classes}-python.tar.gz", f"cifar-{classes}-binary.tar.gz")
    return KnownDataset(
        f"cifar{classes}",
        f"colour photographs of {classes} classes (Krizhevsky 2009)",
        "none stated",
        (*archives, python, binary),
        _files(
            archives[:1],
            (md5,),
            "https://www.cs.toronto.edu/~kriz/",
            "http://www.cs.toronto.edu/~kriz/",
        ),
        classes=CIFAR_10 if classes == len(CIFAR_10) else CIFAR_100,
        form="cifar",
    )


CATALOGUE = {
    known.name: known
    for known in (
        KnownDataset(
            "mnist",
            "handwritten digits (LeCun, Cortes, Burges 1998)",
            "CC BY-SA 3.0",
            _NAMES,
            (),
            fingerprint="3c4cc0db2a25ab6b",
        ),
        KnownDataset(
            "fashion-mnist",
            "articles of clothing (Xiao, Rasul, Vollgraf 2017)",
            "MIT",
            _NAMES,
            _files(
                _NAMES,
                (
                    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                    "25c81989df183df01b3e8a0aad5dffbe",
                    "bef4ecab320f06d8554ea6380940ec79",
                    "bb300cfdad3c16e7a12a480ee83cd310",
                ),
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ),
            classes=_FASHION,
            fingerprint="c9ba3c49b4f4c50a",
        ),
        KnownDataset(
            "kmnist",
            "ten hiragana in cursive script (Clanuwat et al. 2018)",
            "CC BY-SA 4.0",
            _NAMES,
            _files(
                _NAMES,
                (
                    "bdb82020997e1d708af4cf47b453dcf7",
                    "e144d726b3acfaa3e44228e80efcd344",
                    "5c965bf0a639b31b8f53240b1b52f4d7",
                    "7320c461ea6c1c855c0b718fb2a4b134",
                ),
                "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            ),
            classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        ),
        KnownDataset(
            "qmnist",
            "MNIST rebuilt, with 60,000 test digits (Yadav, Bottou 2019)",
            "BSD 3-Clause",
            _QMNIST_NAMES,
            _files(
                _QMNIST_NAMES,
                (
                    "ed72d4157d28c017586c42bc6afe6370",
                    "0058f8dd561b90ffdd0f734c6a30e5e4",
                    "1394631089c404de565df7b7aeaf9412",
                    "5b5b05890a5e13444e108efe57b788aa",
                ),
                "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
                "https://github.com/facebookresearch/qmnist/raw/master/",
            ),
        ),
        KnownDataset(
            "emnist-digits",
            "280,000 handwritten digits (Cohen et al. 2017)",
            "public domain (NIST)",
            _emnist_names("digits"),
            (_EMNIST,),
            transposed=True,
        ),
        KnownDataset(
            "emnist-letters",
            "handwritten letters, 26 classes (Cohen et al. 2017)",
            "public domain (NIST)",
            _emnist_names("letters"),
            (_EMNIST,),
            classes=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            first_label=1,
            transposed=True,
        ),
        _cifar(
            10, "cifar-10-batches-py", "cifar-10-batches-bin", "c58f30108f718f92721af3b95e74349a"
        ),
        _cifar(100, "cifar-100-python", "cifar-100-binary", "eb9058c3a382ffc7106e4002c42a8d85"),
    )
}


def local_folders(known: KnownDataset) -> Iterator[Path]:
    """Yield the folders that may already hold a data set: the cache, then the system's
    ``share/datasets``.
    """
    if known.name == "mnist":
        yield EMBEDDED
        return
    yield cache_folder() / known.name
    prefixes = [Path(sysconfig.get_path("data")), Path("/usr/local"), Path("/usr")]
    yield from dict.fromkeys(prefix / "share" / "datasets" / known.name for prefix in prefixes)


def find(known: KnownDataset) -> Path | None:
    """Return the first local folder that holds the files, if any does."""
    enough = all if known.form == "idx" else any
    for folder in local_folders(known):
        if enough((folder / name).exists() for name in known.files):
            return folder
    return None


def load_known(known: KnownDataset, on_progress: OnProgress | None = None) -> Dataset:
    """Load a known data set, and download it first if it is not on this machine.

    Raises:
        DataError: damaged files, other content than published, or no way to download it.
    """
    if known.name == "mnist":
        embedded = _load_embedded()
        # Images are read-only, labels are not: a caller's changes are the caller's alone.
        train, test = (
            Split(part.images, part.labels.copy()) for part in (embedded.train, embedded.test)
        )
        return replace(embedded, train=train, test=test)
    return _load(known, find(known) or _download(known, on_progress))


@cache
def _load_embedded() -> Dataset:
    """Return MNIST, which is part of the package and is read once in a process."""
    return _load(CATALOGUE["mnist"], EMBEDDED)


def _load(known: KnownDataset, folder: Path) -> Dataset:
    paths = [folder / name for name in known.files]
    if known.form == "cifar":
        return _load_cifar(known, next(path for path in paths if path.exists()))
    train, test = (_as_published(known, read_split(*pair)) for pair in (paths[:2], paths[2:]))
    dataset = make_dataset(known.name, train, test, classes=known.classes)
    if known.fingerprint and dataset.fingerprint != known.fingerprint:
        raise DataError(
            f"{folder}: readable, but not the published {known.name} (fingerprint"
            f" {dataset.fingerprint}, not {known.fingerprint}); remove it to download it again"
        )
    return dataset


def _load_cifar(known: KnownDataset, path: Path) -> Dataset:
    from mnistlab.data.file_tree import open_tree
    from mnistlab.data.form import ReadOptions
    from mnistlab.data.forms.cifar import FORM

    tree, options = open_tree(path), ReadOptions()
    if not FORM.matches(tree, options):
        raise DataError(f"{path}: holds no files of {known.name}; remove it to download it again")
    parts = FORM.read(tree, options)
    return make_dataset(known.name, parts.train, parts.test, classes=parts.classes)


def _as_published(known: KnownDataset, split: Split) -> Split:
    images = (
        np.ascontiguousarray(split.images.transpose(0, 1, 3, 2))
        if known.transposed
        else split.images
    )
    return Split(images, split.labels - known.first_label)


def _download(known: KnownDataset, on_progress: OnProgress | None) -> Path:
    folder = cache_folder() / known.name
    if known.downloads != (_EMNIST,):
        for file in known.downloads:
            fetch(file, folder, on_progress)
        return folder
    archive = fetch(_EMNIST, cache_folder(), on_progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ZipFile(archive) as members:
            for name in known.files:
                part = folder / f"{name}.part"
                part.write_bytes(members.read(f"gzip/{name}"))
                part.replace(folder / name)
    except (OSError, KeyError, BadZipFile) as error:
        raise DataError(f"{archive}: cannot be unpacked: {error}") from error
    return folder
