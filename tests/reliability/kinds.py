"""A small sound file of every kind that the package reads, how it is read, and what a change in it
may change."""

import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from mnistlab import Recipe, RunFolder, built_in, load_dataset, make_dataset, read_recipe, train
from mnistlab.data import Split
from mnistlab.experiments.archive import Archive, Group, read_archive, write_archive
from mnistlab.experiments.grid import read_grid
from mnistlab.exporting.onnx_graph import pack
from mnistlab.recipe import to_toml
from mnistlab.recogniser import shipped_models
from mnistlab.recogniser.network import Network
from mnistlab.runs import RunStore
from mnistlab.statistics import RunGroup, compare
from mnistlab.training import load_trained
from mnistlab.training.checkpoint import pack_checkpoint, read_header, restore
from mnistlab.training.device import choose_device
from mnistlab.training.trainer import Trainer
from tests.data.forms import FORMS
from tests.reliability.likeness import (
    cut_off,
    first_rows,
    one_field,
    one_image,
    one_value,
    same_data,
)

SWEEP = """recipe = "mlp"      # what to start from
seeds = 2
validation = 100
final_seeds = 3

[set]
epochs = 2

[grid]
learning_rate = [0.01, 0.1]
dropout = [0.0, 0.25]
"""


@dataclass(frozen=True)
class Kind:
    """A file to damage.

    Attributes:
        file: it.
        read: reads it and what belongs to it.
        same: whether two results are the same.
        flipped: whether the second result may come of the first file with a bit flipped; ``None``:
            only the same may.
        cut: the same of one that was cut; ``None``: only the same may.
        names: one of them must stand in a refusal.
        header: its first bytes, at each of which it is cut.
    """

    file: Path
    read: Callable
    same: Callable
    flipped: Callable | None = None
    cut: Callable | None = None
    names: tuple = ()
    header: int = 512


def equal(one, other):
    return one == other


def plain_recipe():
    return Recipe(name="tiny", model="mlp", epochs=2, batch_size=8, fit="none", size=8)


def tiny_dataset():
    random = np.random.default_rng(7)
    splits = (
        Split(random.integers(0, 256, (n, 8, 8), np.uint8), np.arange(n) % 10) for n in (20, 10)
    )
    return make_dataset("tiny", *splits)


def make_run(folder):
    dataset = tiny_dataset()
    train(plain_recipe(), dataset, folder=folder)
    return RunFolder(folder)


def _record(folder):
    run = make_run(folder / "run")
    return Kind(run.record_file, run.read_record, equal)


def _listing(folder):
    run = make_run(folder / "store" / "run")
    return Kind(run.record_file, lambda: list(RunStore(folder / "store").summaries()), equal)


def _weights(folder):
    run = make_run(folder / "run")

    def read():
        return {
            name: value.numpy().tobytes()
            for name, value in load_trained(run).model.state_dict().items()
        }

    return Kind(run.model_file, read, equal)


def _logits(folder):
    run = make_run(folder / "run")
    return Kind(run.logits_file, run.read_logits, np.array_equal)


def _checkpoint(folder):
    dataset, recipe, file = tiny_dataset(), plain_recipe(), folder / "checkpoint.safetensors"
    begun = []
    run = RunFolder(folder)
    train(recipe, dataset, folder=folder, on_event=begun.append, should_stop=lambda: len(begun) > 3)
    assert run.begun
    trainer = Trainer(recipe, dataset, 0, choose_device("cpu", None), "auto")

    def read():
        content = run.read_checkpoint()
        header = read_header(content, str(file))
        restore(trainer, header, content, str(file))
        return pack_checkpoint(trainer, header.fingerprint, header.threads, header.started)

    return Kind(file, read, equal)


def _comparison(folder):
    runs = RunGroup.of("tiny", [make_run(folder / "runs" / "run").read_record()])
    group = Group(label="tiny", digest=runs.recipe.digest, seeds=runs.seeds)
    found = compare((runs,), "").model_dump(mode="json")
    archive = Archive(
        title="x",
        baseline="",
        runs="runs",
        groups=(group,),
        failures=(),
        command="",
        comparison=found,
    )
    write_archive(folder, archive)
    file = folder / "comparison.json"
    return Kind(file, lambda: read_archive(file), equal)


def sealed_model(path):
    """A shipped model as today's export would have written it."""
    model = onnx.load(shipped_models()["lenet5"])
    about = {one.key: one.value for one in model.metadata_props}
    path.write_bytes(pack(model, about))
    return path


def _onnx(folder):
    file, images = (
        sealed_model(folder / "model.onnx"),
        np.random.default_rng(1).integers(0, 256, (2, 28, 28), np.uint8),
    )

    def read():
        network = Network(file)
        return (
            network.metadata,
            network.logits(images).tobytes(),
            network.probabilities(images).tobytes(),
        )

    # Cut right before what it says of itself, it is as if a tool had left that out.
    def left(sound, found):
        return found[0] == {"changed": True} and found[1:] == sound[1:]

    return Kind(file, read, equal, cut=left)


def _parts():
    dataset = tiny_dataset()
    return tuple((part.images[:, 0], part.labels) for part in (dataset.train, dataset.test))


def _data(form, file, **rules):
    def make(folder):
        source = folder / "data"
        source.mkdir()
        made = FORMS[form](source, *_parts())
        return Kind(
            source / file, lambda: load_dataset(str(made)), same_data, names=("data",), **rules
        )

    return make


def _packed_npz(folder):
    file = folder / "mnist.npz"
    train, test = _parts()
    np.savez_compressed(file, x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1])
    return Kind(file, lambda: load_dataset(str(file)), same_data)


def _packed_tar(folder):
    source = FORMS["tar"](folder, *_parts())
    with tarfile.open(folder / "train.tar.gz", "w:gz") as archive:
        for path in sorted(source.glob("*.tar")):
            with tarfile.open(path) as inner:
                for member in inner:
                    archive.addfile(member, inner.extractfile(member))
            path.unlink()
    file = folder / "train.tar.gz"
    return Kind(file, lambda: load_dataset(str(file)), same_data)


def _bitmap(folder):
    """A picture without any checksum."""
    source = FORMS["class folders"](folder, *_parts())
    file = source / "train" / "3" / "00003.bmp"
    Image.open(file.with_suffix(".png")).save(file)
    file.with_suffix(".png").unlink()
    return Kind(
        file, lambda: load_dataset(str(source)), same_data, flipped=one_image, cut=one_image
    )


def _cached(folder):
    """A known data set, downloaded long ago."""
    home = Path(os.environ["MNISTLAB_CACHE"]) / "kmnist"
    home.mkdir(parents=True)
    FORMS["idx.gz"](home, *_parts())
    return Kind(home / "train-images-idx3-ubyte.gz", lambda: load_dataset("kmnist"), same_data)


def _recipe(folder):
    file = folder / "mine.toml"
    file.write_text(
        to_toml(built_in("custom_mlp").replace(name="mine", epochs=3)), encoding="utf-8"
    )
    return Kind(
        file, lambda: read_recipe(file), equal, flipped=one_field, cut=cut_off(Recipe(name="mine"))
    )


def _sweep(folder):
    file = folder / "grid.toml"
    file.write_text(SWEEP, encoding="utf-8")
    whole = read_grid(file)
    return Kind(file, lambda: read_grid(file), equal, flipped=one_field, cut=cut_off(whole))


KINDS = {
    "record.json": _record,
    "record.json, listed": _listing,
    "model.safetensors": _weights,
    "test_logits.npy": _logits,
    "checkpoint.safetensors": _checkpoint,
    "comparison.json": _comparison,
    "exported model": _onnx,
    "IDX images": _data("idx", "train-images-idx3-ubyte", flipped=one_value),
    "IDX labels": _data("idx", "train-labels-idx1-ubyte", flipped=one_value),
    "IDX, gzipped": _data("idx.gz", "train-images-idx3-ubyte.gz"),
    "IDX in the cache": _cached,
    "tar": _data("tar", "train.tar"),
    "tar, gzipped": _packed_tar,
    "npz": _data("npz", "mnist.npz"),
    "npz, packed": _packed_npz,
    "CSV": _data("csv", "train.csv", flipped=one_value, cut=first_rows),
    "PNG in a class folder": _data("class folders", "train/3/00003.png"),
    "BMP in a class folder": _bitmap,
    "recipe": _recipe,
    "sweep": _sweep,
}
