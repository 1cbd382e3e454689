"""The model file of the reader's core: what is damaged is refused, and nothing in it does harm."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mnistlab.detector.classifier import CLASSES
from mnistlab.detector.quantise import MAGIC, VERSION, write_model
from mnistlab.recogniser.engine import Engine
from tests.recogniser.core_networks import draw, make_classifier, make_detector

CHECKED, HEADER = 16, 36


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "reader.bin"
    write_model(file, make_detector()[1] | {"classifier": make_classifier()[1]})
    return file.read_bytes()


@pytest.fixture(scope="module")
def tables(model):
    """Bytes before the weights: the first layer's lie first."""
    (count,) = struct.unpack_from("<I", model, CHECKED)
    first = struct.unpack_from("<16siii", model, HEADER)[2]
    (weights,) = struct.unpack_from("<i", model, first + 32)
    assert count == 4
    return weights


def seal(content):
    """Make a changed file's size and checksum right."""
    words = np.frombuffer(content[CHECKED:], "<u4")
    sums = np.cumsum(words, dtype=np.uint32)
    last, twice = int(sums[-1]), int(sums.sum(dtype=np.uint32))
    check = last ^ ((twice << 1 | twice >> 31) & 0xFFFFFFFF)
    return MAGIC + struct.pack("<III", VERSION, len(content), check) + content[CHECKED:]


def test_the_same_networks_give_the_same_file(model, tmp_path):
    write_model(tmp_path / "again", make_detector()[1] | {"classifier": make_classifier()[1]})
    assert (tmp_path / "again").read_bytes() == model == seal(model)


@pytest.mark.parametrize(
    "damage",
    [
        lambda model: model[:19],
        lambda model: model[:-4],
        lambda model: model[: len(model) // 2],
        lambda model: model + bytes(4),
        lambda model: model[:5000] + bytes([model[5000] ^ 1]) + model[5001:],
        lambda model: model[:5000] + model[5004:5008] + model[5000:5004] + model[5008:],
        # What is whole by its checksum, but lacks something.
        lambda model: seal(model[:-16]),
        lambda model: seal(model.replace(b"planes\0", b"plains\0")),
        lambda model: seal(model[:CHECKED] + b"\0\0\0\0" + model[CHECKED + 4 :]),
    ],
)
def test_a_damaged_model_is_refused(model, damage):
    with pytest.raises(ValueError, match="the reader's model is damaged: copy its file anew, or"):
        Engine(damage(model))


def test_a_model_of_another_format_is_told_from_what_is_none(model):
    older = model[:4] + bytes([VERSION - 1]) + model[5:]
    with pytest.raises(ValueError, match=r"is of format 1, and format 2 is needed: train it anew"):
        Engine(older)
    for none in (
        b"",
        bytes(len(model)),
        b"PK" + model[2:],
        np.random.default_rng(0).bytes(len(model)),
    ):
        with pytest.raises(ValueError, match="is none: its file begins otherwise"):
            Engine(none)


def test_a_classifier_that_tells_no_offsets_is_refused(tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Flatten(), nn.Linear(1024, CLASSES))
    _, classifier = make_classifier(net)
    write_model(tmp_path / "reader.bin", make_detector()[1] | {"classifier": classifier})
    with pytest.raises(ValueError, match="is damaged"):
        Engine((tmp_path / "reader.bin").read_bytes())


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_table_makes_the_core_stop(model, tables, data):
    """Either it is refused, or it runs."""
    at = data.draw(st.integers(HEADER // 4, tables // 4 - 1)) * 4
    value = data.draw(st.one_of(st.integers(-3, 70), st.integers(-(2**31), 2**31 - 1)))
    changed = seal(model[:at] + struct.pack("<i", value) + model[at + 4 :])
    try:
        engine = Engine(changed)
    except ValueError:
        return
    picture = draw(np.random.default_rng(0), 32, 48)
    engine.detect(picture, np.eye(4, 6, dtype=bool), 200, np.array([[0, 1], [3, 2]], np.int32))
    engine.classify(np.zeros((2, 3, 32, 32), np.uint8))


@pytest.mark.parametrize("part", ["weights", "biases"])
def test_sums_that_would_overflow_are_refused(model, part):
    first = struct.unpack_from("<16siii", model, HEADER)[2]
    at = struct.unpack_from("<2i", model, first + 32)[part == "biases"]
    worst = {"weights": b"\xff\x7f" * 192, "biases": struct.pack("<i", -(2**31))}[part]
    with pytest.raises(ValueError, match="damaged"):
        Engine(seal(model[:at] + worst + model[at + len(worst) :]))
