"""Runs on pictures in colour: both backends, resuming, what a model cannot take, and records."""

import numpy as np
import pytest
from torch import nn

from mnistlab import Recipe, RunFolder, train
from mnistlab.errors import ModelError
from mnistlab.kernels import load_library
from mnistlab.runs import RunRecord
from mnistlab.training import RunStarted, load_trained
from mnistlab.training.inference import compute_logits
from mnistlab.training.input import to_size
from tests.colours import coloured
from tests.training.test_run import StopAfter, assert_same

KERNELS = ["auto", "torch"]
QUICK = {"epochs": 2, "batch_size": 20, "learning_rate": 0.003}
CONVNET = {"model": "convnet", "channels": ((8,), (12, 16)), "batch_norm": True}
LOST = "the images' colour is lost: the model takes grey images only"
OWN = """
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d({channels}, 6, 5, stride=2), nn.ReLU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten())
        self.head = nn.Linear(96, classes)
    def forward(self, images):
        {check}
        return self.head(self.features(images)){end}

def build(shape, classes):
    return Net(classes)
"""


@pytest.fixture(scope="module")
def data():
    return coloured()


@pytest.fixture
def own(tmp_path):
    def write(channels=3, check="pass", end=""):
        text = OWN.format(channels=channels, check=check, end=end)
        (tmp_path / "net.py").write_text(text, encoding="utf-8")
        return Recipe(name="own", model=f"{tmp_path / 'net.py'}:build", **QUICK)

    return write


@pytest.mark.parametrize(
    "fields", [{"batch_norm": True}, {"model": "mlp"}, CONVNET], ids=["lenet5", "mlp", "convnet"]
)
def test_both_backends_compute_the_same_logits(data, fields):
    trained = train(Recipe(**fields, **QUICK), data)
    assert trained.record.environment.kernels == load_library().build
    found, images = trained.record.input, data.test.images
    assert found.shape == (3, 32, 32)
    plain = compute_logits(trained.model, to_size(images, found), found).numpy()
    assert np.abs(trained.test_logits - plain).max() < 2e-4
    assert trained.record.final.test_accuracy > 0.9


def test_both_backends_train_alike(data):
    """Without pooling, where near ties would send gradients elsewhere."""
    recipe = Recipe(model="mlp", flip_horizontal=0.5, colour_jitter=0.2, rotation=5.0, **QUICK)
    fast, plain = (train(recipe, data, kernels=kernels) for kernels in KERNELS)
    assert (fast.record.environment.kernels == "torch", plain.record.environment.kernels) == (
        False,
        "torch",
    )
    assert np.abs(fast.test_logits - plain.test_logits).max() < 2e-4


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("stop_at", [5, 12, 17])
def test_a_resumed_run_ends_as_if_it_had_never_stopped(data, tmp_path, kernels, stop_at):
    recipe = Recipe(
        crop=2, flip_horizontal=0.5, colour_jitter=0.3, noise=0.1, dropout=0.2, **CONVNET, **QUICK
    )
    stop = StopAfter(stop_at)
    options = {"folder": tmp_path / "run", "kernels": kernels, "threads": 1}
    assert train(recipe, data, on_event=stop.listen, should_stop=stop, **options) is None
    resumed = train(recipe, data, resume=True, **options)
    whole = train(recipe, data, kernels=kernels, threads=1)
    assert_same(whole, resumed)
    assert resumed.record.input == whole.record.input
    read = load_trained(RunFolder(tmp_path / "run"))
    np.testing.assert_allclose(read.logits(data.test.images), whole.test_logits, atol=2e-4)


def test_without_their_colour_the_pictures_are_all_alike(data):
    grey = train(Recipe(colour="grey", model="mlp", **QUICK), data)
    assert grey.record.input.shape == (1, 32, 32)
    assert grey.record.final.test_accuracy < 0.6
    assert grey.record.data.channels == 3


def started(recipe, dataset):
    events = []
    trained = train(recipe, dataset, on_event=events.append)
    (event,) = (event for event in events if isinstance(event, RunStarted))
    assert event.notes == trained.record.input.notes
    return trained.record.input


def test_a_model_of_one_channel_gets_grey_pictures_and_that_is_said(data, own):
    found = started(own(channels=1), data)
    assert found.shape == (1, 20, 26)
    assert found.notes == (LOST,)


def test_a_model_of_three_channels_gets_colour_or_grey_three_times(data, own):
    assert started(own(channels=3), data).notes == ()
    found = started(own(channels=3), coloured(channels=1))
    assert found.shape == (3, 20, 26)
    assert found.notes == (
        "the grey images are repeated in three channels, since the model takes colour only",
    )


@pytest.mark.parametrize(
    ("colour", "channels", "refused"), [("grey", 3, "1, 20, 26"), ("rgb", 1, "3, 20, 26")]
)
def test_a_colour_that_the_model_does_not_take_is_refused(data, own, colour, channels, refused):
    recipe = own(channels).replace(colour=colour, fit="none")
    with pytest.raises(ModelError, match=rf"does not accept images of shape \({refused}\)"):
        train(recipe, data)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"end": ".squeeze()"}, r"returns \(3,\) for a single image; it must return \(1, 3\)"),
        (
            {"check": "assert len(images) > 1, 'one'"},
            "takes two images but not a single one: AssertionError: one",
        ),
    ],
)
def test_a_model_that_cannot_classify_a_single_picture_is_refused_before_training(
    data, own, tmp_path, changes, said
):
    with pytest.raises(ModelError, match=said) as caught:
        train(own(**changes), data, folder=tmp_path / "run")
    assert "flatten(1) keeps the dimension of the batch" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_so_is_one_in_memory(data):
    class Squeezed(nn.Sequential):
        def forward(self, images):
            return super().forward(images).squeeze()

    module = Squeezed(nn.Flatten(), nn.Linear(3 * 20 * 26, 3))
    with pytest.raises(ModelError, match=r"Squeezed: returns \(3,\) for a single image"):
        train(module, data, **QUICK)


def test_a_trained_model_takes_images_of_other_channels(data):
    trained = train(Recipe(colour="grey", model="mlp", **QUICK), data)
    images = data.test.images
    grey = to_size(images, trained.record.input.model_copy(update={"height": 20, "width": 26}))
    expected = trained.logits(images)
    assert np.array_equal(trained.logits(grey.numpy()), expected)
    assert np.array_equal(trained.logits(grey[:, 0].numpy()), expected)
    colour = train(Recipe(model="mlp", **QUICK), data)
    repeated = np.repeat(grey.numpy(), 3, axis=1)
    assert np.array_equal(colour.logits(grey[:, 0].numpy()), colour.logits(repeated))


def test_a_record_keeps_what_the_model_was_given(data, own, tmp_path):
    record = train(own(channels=1), data, folder=tmp_path / "run").record
    read = RunFolder(tmp_path / "run").read_record()
    assert read == record
    assert read.model_input == read.input == record.input
    assert read.input.mean == pytest.approx((0.4,), abs=0.05)
    assert (read.data.image_size, read.data.channels) == ((20, 26), 3)


@pytest.mark.parametrize(
    ("fields", "image_size", "expected"),
    [
        ({"size": 32, "mean": 0.1307, "std": 0.3081}, (28, 28), (32, 32)),
        ({"size": 32, "mean": 0.2, "std": 0.4}, (40, 20), (40, 32)),
        ({"size": 16, "fit": "resize"}, (28, 28), (16, 16)),
        ({"size": 32, "fit": "none"}, (40, 20), (40, 20)),
    ],
)
def test_a_record_of_an_older_version_tells_it_by_its_recipe(
    small_mnist, fields, image_size, expected
):
    record = train(Recipe(model="mlp", epochs=1), small_mnist).record
    older = record.model_copy(
        update={
            "input": None,
            "recipe": record.recipe.replace(**fields),
            "data": record.data.model_copy(update={"image_size": image_size}),
        }
    )
    text = older.model_dump_json(exclude={"input": True, "data": {"channels"}})
    found = RunRecord.from_json(text, "older").model_input
    assert found.shape == (1, *expected)
    assert (found.mean, found.std) == (
        (fields.get("mean", 0.1307),),
        (fields.get("std", 0.3081),),
    )
