"""mnistlab.prediction: pictures in, classes out, as the run itself was tested."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab import (
    MnistlabError,
    Recipe,
    export,
    load,
    load_dataset,
    make_dataset,
    open_classifier,
    train,
)
from mnistlab.data import Split
from mnistlab.data.loading import load_for, take_for
from mnistlab.data.preparation import Preparation
from mnistlab.prediction import Prediction, Predictions
from mnistlab.statistics import calibrate

CLASSES = ("cat", "dog", "한글")


def write_pictures(folder, colour, sizes):
    """Write 24 pictures of each class, told by where they are bright, but for every fourth."""
    random = np.random.default_rng(0)
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(24):
            height, width = random.choice(sizes), random.choice(sizes)
            pixels = random.integers(0, 120, (height, width, 3), np.uint8)
            seen = (label + (number % 4 == 0)) % 3
            pixels[:, seen * width // 3 : (seen + 1) * width // 3, seen] += 100
            image = Image.fromarray(pixels)
            image = image if colour else image.convert("L")
            image.save(folder / name / f"{number}.png")


@pytest.fixture(
    scope="module",
    params=[
        ("pad", True, (20, 31, 44), 0),
        ("resize", False, (20, 31, 44), 20),
        ("crop", True, (20, 31, 44), 20),
        ("pad", False, (28,), 0),
        ("none", True, (24,), 0),
    ],
    ids=lambda given: f"{given[0]}-{'colour' if given[1] else 'grey'}-{len(given[2])}-{given[3]}",
)
def run(request, tmp_path_factory):
    """Return a run's folder, and the recipe's part of the data."""
    fit, colour, sizes, held_out = request.param
    folder = tmp_path_factory.mktemp("own")
    write_pictures(folder / "data", colour, sizes)
    recipe = Recipe(
        model="mlp", data=str(folder / "data"), epochs=2, fit=fit, validation=held_out, batch_size=8
    )
    train(recipe, folder=folder / "run", threads=1)
    return folder / "run", take_for(recipe, load_for(recipe))


def files_of(dataset):
    return [f"{dataset.test.names[place]}" for place in range(len(dataset.test))]


def test_the_test_sets_own_files_get_the_runs_own_logits(run):
    folder, dataset = run
    trained = load(folder)
    assert repr(trained).startswith("TrainedModel(")
    assert len(repr(trained)) < 200
    files = [folder.parent / "data" / name for name in files_of(dataset)]
    found = trained.predict(files)
    assert np.array_equal(np.stack([one.image for one in found]), dataset.test.images)
    logits = trained.logits(np.stack([one.image for one in found]))
    assert np.abs(logits - trained.test_logits).max() < 1e-5
    assert [one.label for one in found] == [
        CLASSES[place] for place in trained.test_logits.argmax(axis=1)
    ]
    scaled = trained.test_logits.astype(np.float64) / trained.classifier.temperature
    expected = np.exp(scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True))
    rows = [list(one.probabilities.values()) for one in found]
    assert np.abs(np.array(rows) - expected).max() < 1e-6


def test_an_exported_file_says_the_same_without_pytorch(run):
    pytest.importorskip("onnx")
    folder, dataset = run
    file = folder.parent / "model.onnx"
    export(folder, file, overwrite=True)
    trained, exported = load(folder), open_classifier(file)
    assert exported.classes == CLASSES
    assert exported.input_shape == trained.classifier.input_shape
    assert exported.temperature == trained.classifier.temperature
    assert exported.calibrated_on == trained.classifier.calibrated_on
    assert exported.brightness == trained.classifier.brightness
    files = [folder.parent / "data" / name for name in files_of(dataset)]
    for ours, theirs in zip(trained.predict(files), exported.predict(files), strict=True):
        assert np.array_equal(ours.image, theirs.image)
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-5)


def test_the_temperature_needs_no_data_and_is_that_of_an_exported_file(run):
    folder, _ = run
    trained = load(folder)
    record = trained.record
    with_data = calibrate(record, trained.test_logits, load_for(record.recipe))
    assert calibrate(record, trained.test_logits) == with_data
    assert (trained.classifier.calibrated_on is None) == (with_data.temperature == 1)
    assert (with_data.temperature == 1) == (record.recipe.validation == 0)


def test_pictures_of_another_size_are_refused_where_the_recipe_fits_nothing(run):
    folder, dataset = run
    classifier = open_classifier(folder)
    other = np.zeros((50, 51, 3), np.uint8)
    if classifier.preparation.fit == "none":
        with pytest.raises(MnistlabError, match="of 50x51 pixels; the model takes 24x24"):
            classifier.predict(other)
    else:
        assert classifier.predict(other).image.shape == dataset.test.images.shape[1:]


@pytest.fixture(scope="module")
def lenet():
    return open_classifier("lenet5")


@pytest.fixture(scope="module")
def sevens():
    return load_dataset("mnist").test.images[:5]


def test_one_picture_gives_a_prediction_and_several_a_list(lenet, sevens):
    one = lenet.predict(sevens[0])
    assert isinstance(one, Prediction)
    assert (one.label, one.sure, str(one)) == ("7", True, "7 (99.9 %)")
    several = [sevens, list(sevens), tuple(sevens), iter(sevens), sevens / 255]
    for pictures in (*several, sevens.transpose(0, 2, 3, 1)):
        found = lenet.predict(pictures, batch_size=2)
        assert isinstance(found, Predictions)
        assert [item.label for item in found] == list("72104")
    assert lenet.predict([]) == []


def test_top_probabilities_and_threshold(lenet, sevens):
    found = lenet.predict(sevens[0])
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert list(found.probabilities) == list("0123456789")
    top = found.top(3)
    assert top[0] == ("7", found.probability)
    assert [share for _, share in top] == sorted(found.probabilities.values())[:-4:-1]
    assert not lenet.predict(np.zeros((28, 28), np.uint8), threshold=1).sure
    with pytest.raises(MnistlabError, match=r"threshold: must be .*; found 2"):
        lenet.predict(sevens[0], threshold=2)
    with pytest.raises(MnistlabError, match="batch_size is 0"):
        lenet.predict(sevens, batch_size=0)


def test_ink_on_paper_is_read_if_black_and_white_are_exchanged(sevens):
    inverted = open_classifier("lenet5", invert=True)
    assert [one.label for one in inverted.predict(255 - sevens)] == list("72104")


def test_a_bad_picture_of_a_list_is_named(lenet, sevens):
    with pytest.raises(MnistlabError, match="picture 2 of the list: None"):
        lenet.predict([sevens[0], None])
    with pytest.raises(MnistlabError, match="are no pictures"):
        lenet.predict(np.zeros((2, 5, 28, 28), np.uint8))
    with pytest.raises(MnistlabError, match="is not a picture"):
        lenet.predict(sevens[:, 0])


def test_tables_and_cards(lenet, sevens, tmp_path):
    found = lenet.predict(sevens)
    frame = found.to_dataframe()
    assert list(frame.columns[:4]) == ["name", "label", "probability", "sure"]
    assert list(frame["label"]) == list("72104")
    found.write_csv(tmp_path / "a.csv")
    rows = (tmp_path / "a.csv").read_text().splitlines()
    assert rows[1].startswith(",7,")
    assert len(rows) == 6
    assert list(found[1:3].to_dataframe()["label"]) == list("21")
    assert found._repr_html_().count("data:image/png") == 5


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    target=st.tuples(st.integers(8, 40), st.integers(8, 40)),
    fit=st.sampled_from(["pad", "resize", "crop"]),
    channels=st.sampled_from([1, 3]),
    wanted=st.sampled_from([1, 3]),
)
def test_a_prepared_picture_has_the_models_shape(size, target, fit, channels, wanted):
    pixels = np.arange(channels * size[0] * size[1]).reshape(channels, *size).astype(np.uint8)
    image = Preparation(wanted, target, fit).prepare(pixels)
    assert image.shape == (wanted, *target)
    assert image.dtype == np.uint8


def test_a_run_whose_logits_were_pruned_classifies_without_its_data(tmp_path):
    write_pictures(tmp_path / "data", colour=True, sizes=(20,))
    recipe = Recipe(model="mlp", data=str(tmp_path / "data"), epochs=1, batch_size=8)
    train(recipe, folder=tmp_path / "run", threads=1)
    picture = (tmp_path / "data" / "cat" / "0.png").read_bytes()
    expected = open_classifier(tmp_path / "run").predict(picture).probabilities
    (tmp_path / "run" / "logits.npy").unlink(missing_ok=True)
    for file in (tmp_path / "run").glob("*logits*"):
        file.unlink()
    (tmp_path / "data").rename(tmp_path / "gone")
    assert open_classifier(tmp_path / "run").predict(picture).probabilities == expected


def test_a_trained_model_in_memory_predicts(small_mnist):
    few = make_dataset(
        "few",
        Split(small_mnist.train.images[:200], small_mnist.train.labels[:200]),
        Split(small_mnist.test.images[:50], small_mnist.test.labels[:50]),
    )
    trained = train(Recipe(model="mlp", epochs=1), dataset=few, threads=1)
    assert trained.predict(few.test.images[0]).label in few.classes


@pytest.mark.parametrize("name", ["nothing.onnx", "lenet", "no/such/run", ""])
def test_what_is_no_model_gets_one_line(name):
    with pytest.raises(MnistlabError) as caught:
        open_classifier(name)
    assert "\n" not in str(caught.value)
