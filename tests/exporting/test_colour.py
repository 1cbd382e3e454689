"""Exported models of pictures in colour, and of such that become grey: ONNX Runtime is PyTorch."""

import numpy as np
import onnxruntime
import pytest

import mnistlab
from mnistlab import Recipe, Recogniser, train
from mnistlab.corruptions import corrupt, generator
from mnistlab.errors import DataError, ModelError
from mnistlab.exporting import export_run, export_site
from mnistlab.recogniser.network import Network
from tests.colours import coloured

QUICK = {"epochs": 1, "batch_size": 20, "learning_rate": 0.003, "model": "mlp"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run in colour with a border, its data and its exported file."""
    data, folder = coloured(), tmp_path_factory.mktemp("colour")
    train(Recipe(name="own", **QUICK), data, folder=folder / "run", seed=3)
    export_run(folder / "run", folder / "model.onnx", data)
    return folder / "run", data, folder / "model.onnx"


@pytest.mark.parametrize("fit", ["pad", "resize", "crop"])
@pytest.mark.parametrize(
    ("image_size", "size"), [((20, 26), 32), ((40, 24), 16), ((33, 47), 40)], ids=str
)
def test_every_fit_is_pytorchs(tmp_path, fit, image_size, size):
    data = coloured(60, 30, image_size)
    trained = train(Recipe(fit=fit, size=size, **QUICK), data, folder=tmp_path / "run")
    report = export_run(tmp_path / "run", tmp_path / "model.onnx", data)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert session.get_inputs()[0].shape[1:] == [3, *image_size]
    (logits,) = session.run(["logits"], {"images": data.test.images})
    assert np.abs(logits - trained.test_logits).max() < 1e-4
    assert report.images == 30


@pytest.mark.parametrize("fit", ["pad", "resize"])
@pytest.mark.parametrize(("channels", "colour"), [(3, "grey"), (1, "rgb")])
def test_the_change_of_colour_is_in_the_file(tmp_path, fit, channels, colour):
    data = coloured(60, 30, (20, 26), channels)
    recipe = Recipe(fit=fit, size=24, colour=colour, **QUICK)
    trained = train(recipe, data, folder=tmp_path / "run")
    export_run(tmp_path / "run", tmp_path / "model.onnx", data)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    images = data.test.images if channels == 3 else data.test.images[:, 0]
    (logits,) = session.run(["logits"], {"images": images})
    assert np.abs(logits - trained.test_logits).max() < 1e-4


def test_a_file_in_colour_is_evaluated_as_its_run(run, tmp_path):
    folder, data, file = run
    of_run, of_file = (mnistlab.evaluate(model, data) for model in (folder, file))
    assert of_file.evaluation.errors == of_run.evaluation.errors
    assert of_file.images.shape == (90, 3, 20, 26)
    assert of_file.write(tmp_path / "out")[0].is_file()
    shifted = mnistlab.evaluate(folder, data, shifts=1)
    assert shifted.views.copies == 9
    assert Network(file).channels == 3


def test_robustness_is_that_of_the_corrupted_colours(run, tmp_path):
    folder, data, file = run
    result = mnistlab.evaluate_robustness(folder, file, data=data, seed=7)
    network = Network(file)
    for figures in result.as_dict()["models"]:
        for name in ("fog", "shot_noise", "canny_edges"):
            changed = corrupt(data.test.images, name, generator=generator(7, name))
            wrong = network.logits(changed).argmax(axis=1) != data.test.labels
            assert figures["corrupted"][name]["errors"] == wrong.sum()
    assert {image.shape for image in result.examples.values()} == {(3, 20, 26)}
    assert result.write(tmp_path / "out")[0].is_file()


def test_a_colour_models_images_are_made_of_grey_ones_and_the_other_way_round(run):
    folder, _, file = run
    grey = coloured(channels=1)
    repeated = np.repeat(grey.test.images, 3, axis=1)
    expected = Network(file).logits(repeated).argmax(axis=1) != grey.test.labels
    for model in (folder, file):
        found = mnistlab.evaluate(model, grey)
        assert found.evaluation.errors == expected.sum()


def test_images_of_another_size_are_refused(run):
    for model in (run[0], run[2]):
        with pytest.raises(DataError, match="images of 26x26 pixels; the model reads 20x26"):
            mnistlab.evaluate(model, coloured(30, 30, (26, 26)))


def test_a_model_of_colours_reads_no_handwriting(tmp_path):
    data = coloured(60, 30, (28, 28))
    train(Recipe(**QUICK), data, folder=tmp_path / "run")
    export_run(tmp_path / "run", tmp_path / "model.onnx", data)
    with pytest.raises(ModelError, match=r"model\.onnx: classifies colour images of 28x28"):
        Recogniser(tmp_path / "model.onnx")
    page = export_site(tmp_path / "run", tmp_path / "page", data).file
    assert "<h1>Classify a picture</h1>" in page.read_text()
