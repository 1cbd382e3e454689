"""mnistlab.recogniser.network: rows that do not hang on their company, and files that are no
models."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import mnistlab
from mnistlab.errors import ModelError
from mnistlab.recogniser import Recogniser, shipped_models
from mnistlab.recogniser.network import METADATA_KEY, Network

NAMES = sorted(shipped_models())


def made(
    inputs=("images",),
    outputs=("logits", "probabilities"),
    size=(28, 28),
    classes=10,
    metadata=None,
    softmax=False,
):
    """An ONNX file of a model of one layer, as far as it takes to be accepted or refused."""
    pixels = size[0] * size[1]
    nodes = [helper.make_node("Cast", [inputs[0]], ["floats"], to=TensorProto.FLOAT)]
    nodes += [helper.make_node("Flatten", ["floats"], ["flat"])]
    nodes += [helper.make_node("MatMul", ["flat", "weights"], [name]) for name in outputs]
    if softmax:
        nodes[-1] = helper.make_node("Softmax", ["logits"], ["probabilities"])
    weights = helper.make_tensor(
        "weights", TensorProto.FLOAT, [pixels, classes], np.ones(pixels * classes)
    )
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info(name, TensorProto.UINT8, ["n", *size]) for name in inputs],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", classes])
            for name in outputs
        ],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if metadata is not None:
        helper.set_model_props(model, {METADATA_KEY: metadata})
    return model.SerializeToString()


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_an_image_reads_the_same_in_any_company(mnist, name, output):
    read = getattr(Network(shipped_models()[name]), output)
    images = mnist.train.images[:40]
    alone = np.concatenate([read(image[None]) for image in images])
    for count in range(41):
        assert np.array_equal(read(images[:count]), alone[:count])
    for place in range(40):
        assert np.array_equal(read(np.roll(images, place, axis=0)), np.roll(alone, place, axis=0))


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_sum_to_one_and_agree_with_the_logits(mnist, name):
    network = Network(shipped_models()[name])
    logits, probabilities = (
        network.logits(mnist.train.images[:40]),
        network.probabilities(mnist.train.images[:40]),
    )
    assert (logits.dtype, probabilities.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(logits.argmax(axis=1), probabilities.argmax(axis=1))
    assert np.mean(probabilities.argmax(axis=1) == mnist.train.labels[:40]) > 0.9


def test_what_is_named_leaves_out_that_it_is_none(mnist, written):
    images = mnist.train.images[:20]
    plain = Network(shipped_models()["lenet5"])
    assert np.array_equal(plain.named(images), plain.probabilities(images))
    classes = json.dumps({"classes": [*map(str, range(10)), "none"]})
    other = Network(written(made(classes=11, metadata=classes, softmax=True)))
    whole = other.probabilities(images)
    assert whole.shape == (20, 11)
    assert np.array_equal(other.named(images), whole[:, :10])


def test_a_non_contiguous_batch_reads_the_same(mnist):
    network, images = Network(shipped_models()["lenet5"]), mnist.train.images[:10]
    assert np.array_equal(network.logits(images[::2]), network.logits(images[::2].copy()))
    assert np.array_equal(network.logits(np.asfortranarray(images)), network.logits(images))


def test_the_smallest_file_that_mnistlab_could_have_written_is_accepted(written):
    network = Network(written(made()))
    assert (network.image_size, network.name, network.classes) == (
        (28, 28),
        "model",
        tuple("0123456789"),
    )
    told = Network(
        written(made(metadata=json.dumps({"name": "mine", "classes": list("abcdefghij")})))
    )
    assert (told.name, told.classes) == ("mine", tuple("abcdefghij"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an ONNX model"),
        (b"digits\n" * 50, "not an ONNX model"),
        (shipped_models()["lenet5"].read_bytes()[:100_000], "not an ONNX model"),
        (made(inputs=("pixels",)), "not a model of mnistlab's; make one with `mnistlab export"),
        (made(outputs=("logits",)), "not a model of mnistlab's"),
        (made(outputs=("probabilities", "logits")), "not a model of mnistlab's"),
        (made(metadata="{"), "what it says of itself is damaged; export it again"),
        (made(metadata="7"), "what it says of itself is damaged; export it again"),
    ],
    ids=[
        "empty",
        "text",
        "cut",
        "other input",
        "one output",
        "other order",
        "damaged metadata",
        "odd metadata",
    ],
)
def test_what_is_no_model_is_refused_in_a_line_that_names_it(written, content, message):
    path = written(content)
    for make in (Network, Recogniser):
        with pytest.raises(ModelError) as caught:
            make(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (made(size=(32, 32)), "of 32x32 pixels into 10 classes (0, 1, 2, 3, 4 and 5 more)"),
        (
            made(classes=26, metadata=json.dumps({"classes": [chr(97 + k) for k in range(26)]})),
            "of 28x28 pixels into 26 classes (a, b, c, d, e and 21 more)",
        ),
    ],
    ids=["larger images", "letters"],
)
def test_a_model_of_something_else_is_refused_with_what_it_is_and_the_remedy(
    written, content, said
):
    path = written(content)
    Network(path)
    with pytest.raises(ModelError) as caught:
        Recogniser(path)
    assert str(caught.value).startswith(f"{path}: classifies images {said}, but pictures are read")
    assert "a model of the ten digits in 28x28 grey pixels" in str(caught.value)
    assert "mnistlab evaluate" in str(caught.value)


def test_a_run_of_something_else_is_refused_before_it_is_exported(few, tmp_path):
    train, folder = mnistlab.load_dataset(str(few)).train, tmp_path / "run"
    part = mnistlab.Split(train.images[train.labels < 2], train.labels[train.labels < 2])
    two = mnistlab.make_dataset("two", part, part, classes=("nought", "one"))
    mnistlab.train("mlp", two, epochs=1, folder=folder)
    with pytest.raises(ModelError, match=r"run: classifies .* into 2 classes \(nought, one\)"):
        Recogniser(folder)


@pytest.mark.parametrize(
    ("name", "said"), [("absent.onnx", "absent.onnx: cannot be read: "), (".", "is a folder; ")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, said):
    with pytest.raises(ModelError, match=said):
        Network(tmp_path / name)


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(ModelError, match="raeder: no such model; did you mean reader"):
        Recogniser("raeder")
    with pytest.raises(
        ModelError, match=r"zzz: no such model; shipped are reader, .*; or name an \.onnx file"
    ):
        Recogniser("zzz")


@pytest.mark.parametrize("name", NAMES)
def test_shipped_models_are_sound(name):
    onnx.checker.check_model(onnx.load(shipped_models()[name]))
