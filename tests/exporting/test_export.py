"""Exported files against PyTorch, read by ONNX Runtime alone."""

import json
import logging
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch

from mnistlab import RunFolder, load_dataset
from mnistlab.data import take_subset
from mnistlab.errors import ExportError, ModelError, RunError
from mnistlab.exporting import export_run
from mnistlab.exporting.resizing import exact_type, weights
from mnistlab.recipe import ModelInput, Recipe
from mnistlab.recogniser.network import METADATA_KEY, Network
from mnistlab.statistics import evaluate
from mnistlab.training import load_trained
from mnistlab.training.code_trust import TRUST
from mnistlab.training.input import to_size
from tests.exporting.runs import recipes, trained

KINDS = ("plain", "held out", "mlp", "scaled up", "scaled down", "own model")


@pytest.fixture(autouse=True)
def _trusting(monkeypatch):
    """These runs are our own; but each test has a cache of its own, which does not know that."""
    monkeypatch.setenv(TRUST, "1")


@pytest.fixture(scope="module")
def runs(few, tmp_path_factory):
    """Folders of finished runs, by kind."""
    folder = tmp_path_factory.mktemp("runs")
    made = recipes(few, folder)
    assert tuple(made) == KINDS
    return {kind: trained(recipe, folder / recipe.name) for kind, recipe in made.items()}


@pytest.fixture(scope="module", params=KINDS)
def exported(request, runs, tmp_path_factory):
    run = runs[request.param]
    file = tmp_path_factory.mktemp("exported") / "model.onnx"
    report = export_run(run, file)
    trained = load_trained_from(run)
    dataset = load_dataset(trained.record.recipe.data)
    session = onnxruntime.InferenceSession(file)
    return SimpleNamespace(
        run=run, file=file, report=report, trained=trained, dataset=dataset, session=session
    )


def as_read(images):
    """Images as an exported file takes them: without the channel if they are grey."""
    return images[:, 0] if images.shape[1] == 1 else images


def load_trained_from(run):
    return load_trained(RunFolder(run))


def test_labels_and_logits_are_pytorchs_on_every_test_image(exported):
    images = exported.dataset.test.images
    logits, probabilities = exported.session.run(None, {"images": as_read(images)})
    expected = exported.trained.logits(images)
    assert (
        len(images)
        == exported.report.images
        == (10_000 if exported.trained.record.recipe.data == "mnist" else 200)
    )
    assert (logits.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert np.abs(logits - expected).max() < 1e-4
    calibrated = torch.softmax(
        torch.from_numpy(expected) / exported.report.calibration.temperature, dim=1
    ).numpy()
    assert np.abs(probabilities - calibrated).max() < 1e-4
    assert logits.dtype == probabilities.dtype == np.float32


def test_an_image_is_read_alike_alone_and_in_company(exported):
    images = as_read(exported.dataset.test.images[:7])
    _, together = exported.session.run(None, {"images": images})
    alone = [
        exported.session.run(["probabilities"], {"images": image[None]})[0] for image in images
    ]
    assert np.abs(together - np.concatenate(alone)).max() < 1e-6


def test_a_flipped_bit_is_noticed(exported, tmp_path):
    content = bytearray(exported.file.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(
        ModelError, match=r"model\.onnx: damaged: its content and its checksum differ"
    ):
        Network(tmp_path / "model.onnx")


def test_what_a_file_says_of_itself(exported):
    record, dataset = exported.trained.record, exported.dataset
    said = json.loads(exported.session.get_modelmeta().custom_metadata_map[METADATA_KEY])
    assert said == exported.report.metadata
    recipe = Recipe.parse(said["recipe"])
    code = {key: getattr(recipe, key) for key in ("model", "loss", "optimizer")}
    assert recipe == record.recipe.replace(**code, data=dataset.name)
    assert (said["format"], said["name"], said["seed"]) == (1, recipe.name, 3)
    assert tuple(said["classes"]) == record.data.classes
    assert said["parameters"] == record.parameters
    assert said["data"] == {"name": dataset.name, "fingerprint": dataset.fingerprint}
    logits = exported.trained.logits(dataset.test.images)
    accuracy = evaluate(logits, dataset.test.labels, record.data.classes).accuracy
    assert said["test"] == {"accuracy": accuracy, "images": len(dataset.test), "of": "test"}


def test_a_file_is_small_and_says_nothing_of_the_machine_that_made_it(exported):
    content = exported.file.read_bytes()
    assert len(content) < 1_000_000
    for trace in (
        b"/work",
        b".py",
        b"site-packages",
        b"Traceback",
        str(exported.run.parent).encode(),
    ):
        assert trace not in content


def test_the_same_run_gives_the_same_bytes(exported, tmp_path):
    again = tmp_path / "again.onnx"
    export_run(exported.run, again, exported.dataset)
    assert again.read_bytes() == exported.file.read_bytes()


def test_another_process_gives_the_same_bytes(runs, tmp_path):
    export_run(runs["mlp"], tmp_path / "here.onnx")
    code = "import sys; from mnistlab.exporting import export_run; export_run(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", code, runs["mlp"], tmp_path / "there.onnx"], check=True, timeout=120
    )
    assert (tmp_path / "here.onnx").read_bytes() == (tmp_path / "there.onnx").read_bytes()


def test_the_temperature_is_fitted_on_held_out_images_alone(exported):
    fitted, run = exported.report.calibration, exported.trained
    if not run.record.recipe.validation:
        assert (fitted.temperature, fitted.fitted_on) == (1, None)
        return
    assert fitted.fitted_on == f"200 held-out training images of {run.record.data.name}"
    labels = take_subset(load_dataset(run.record.recipe.data), validation=200).test.labels
    losses = [
        evaluate(run.test_logits, labels, run.record.data.classes, fitted.temperature * factor).loss
        for factor in (0.98, 1, 1.02)
    ]
    assert fitted.temperature != 1
    assert losses[1] == min(losses)


@pytest.mark.parametrize("size", [8, 16, 20, 32, 57, 224])
@pytest.mark.parametrize("image_size", [(28, 28), (64, 64), (30, 17), (300, 41)], ids=str)
def test_scaling_is_pytorchs_to_the_bit(image_size, size):
    images = np.random.default_rng(0).integers(0, 256, (20, *image_size), np.uint8)
    images[0] = 255
    height, width = image_size
    wanted = ModelInput(channels=1, height=size, width=size, fit="resize", mean=(0.5,), std=(0.5,))
    expected = to_size(images[:, np.newaxis], wanted)[:, 0].numpy()
    (across, across_bits), (down, down_bits) = weights(width, size), weights(height, size)

    def to_bytes(sums, bits):
        return np.clip(np.floor(sums / 2**bits + 0.5), 0, 255)

    rows = to_bytes(
        images.astype(exact_type(across)) @ across.T.astype(exact_type(across)), across_bits
    )
    found = to_bytes(down.astype(exact_type(down)) @ rows.astype(exact_type(down)), down_bits)
    assert (found == expected).all()


def test_other_images_than_the_runs_are_refused(runs, mnist, tmp_path):
    with pytest.raises(RunError, match="other images than this run was trained on"):
        export_run(runs["mlp"], tmp_path / "model.onnx", mnist)
    assert not any(tmp_path.iterdir())


def test_a_reading_that_differs_is_refused_and_leaves_no_file(runs, tmp_path, monkeypatch):
    truly = export_run.__globals__["make_graph"]

    def damaged(model, *arguments):
        with torch.no_grad():
            next(iter(model.parameters())).mul_(0.9)
        return truly(model, *arguments)

    monkeypatch.setitem(export_run.__globals__, "make_graph", damaged)
    with pytest.raises(
        ExportError, match=r"of 200 test images otherwise than PyTorch|logits differ from PyTorch's"
    ):
        export_run(runs["mlp"], tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())


def test_a_model_that_onnx_cannot_express_is_refused_in_one_line(few, tmp_path):
    file = tmp_path / "odd.py"
    file.write_text(
        "import torch\nfrom torch import nn\nclass Odd(nn.Module):\n    def __init__(self, pixels,"
        " classes):\n        super().__init__()\n        self.linear = nn.Linear(pixels, classes)\n"
        "    def forward(self, images):\n        rows = [self.linear(image.flatten()) for image in"
        " images if float(image.sum()) < 1e9]\n        return torch.stack(rows)\ndef build(shape,"
        " classes):\n    return Odd(shape[1] * shape[2], classes)\n"
    )
    run = trained(Recipe(data=str(few), model=f"{file}:build", epochs=1), tmp_path / "run")
    with pytest.raises(ModelError, match="cannot be exported to ONNX") as caught:
        export_run(run, tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert not (tmp_path / "model.onnx").exists()
    file.write_text(file.read_text() + "# changed\n")
    with pytest.raises(RunError, match="has changed since this run was trained"):
        export_run(run, tmp_path / "model.onnx")


def test_nothing_is_printed_and_nothing_stays_changed(runs, tmp_path, capfd):
    state = torch.random.get_rng_state()
    export_run(runs["mlp"], tmp_path / "model.onnx")
    assert capfd.readouterr() == ("", "")
    assert torch.equal(state, torch.random.get_rng_state())
    assert logging.root.manager.disable == logging.NOTSET
