"""mnistlab.recogniser.models, and what a recogniser makes of each kind of model."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from mnistlab import evaluate, export, load_dataset, open_classifier
from mnistlab.errors import ExportError, ModelError
from mnistlab.recogniser import Recogniser, reading_models, shipped_models
from mnistlab.recogniser.models import find_model
from tests.recogniser.drawing import drawn
from tests.recogniser.test_network import made

PAGE = drawn("407", size=(320, 160), height=100)


def test_the_reader_and_the_networks_are_shipped():
    assert reading_models() == ("reader", *shipped_models())
    assert list(shipped_models()) == ["lenet5", "custom_mlp"]


@pytest.mark.parametrize("name", reading_models())
def test_every_shipped_model_reads(name):
    recogniser = Recogniser(name)
    reading = recogniser.read(PAGE)
    assert reading.text == "407"
    assert recogniser.notes == ()
    assert json.loads(json.dumps(recogniser.about))["name"] == name


def test_characters_show_what_a_network_sees_of_them(reader):
    """20 pixels the longer side, the centre of mass in the middle, light on black."""
    for other in (reader, Recogniser("lenet5")):
        for one in other.read(PAGE).characters:
            assert (one.pixels.shape, one.pixels.dtype) == ((28, 28), np.uint8)
            rows, columns = np.nonzero(one.pixels)
            assert 16 <= max(np.ptp(rows), np.ptp(columns)) < 20
            mass = one.pixels / one.pixels.sum()
            centre = (mass * np.mgrid[:28, :28]).sum(axis=(1, 2))
            assert centre == pytest.approx([13.5, 13.5], abs=1)
    assert np.array_equal(
        open_classifier("lenet5")
        .read(np.stack([one.pixels for one in reader.read(PAGE).characters]))
        .argmax(axis=1),
        [4, 0, 7],
    )


def test_a_network_names_the_digits_that_the_core_finds(reader):
    plain, named = reader.read(PAGE), Recogniser("lenet5").read(PAGE)
    for one, other in zip(plain.characters, named.characters, strict=True):
        assert one.box == other.box
        assert one.presence == other.presence
        assert np.array_equal(one.pixels, other.pixels)
        assert not np.array_equal(one.probabilities, other.probabilities)
        assert other.probabilities.sum() == pytest.approx(1)
        assert np.array_equal(one.probabilities[10:19], other.probabilities[10:19])


def test_what_a_network_gives_to_none_is_other_ink(tmp_path, reader):
    """All weights are equal: each of eleven classes gets as much."""
    file = tmp_path / "eleven.onnx"
    classes = [*map(str, range(10)), "none"]
    file.write_bytes(made(classes=11, metadata=json.dumps({"classes": classes}), softmax=True))
    plain, named = reader.read(PAGE), Recogniser(file).read(PAGE)
    for one, other in zip(plain.characters, named.characters, strict=True):
        share = one.probabilities[:10].sum() / 11
        assert other.probabilities[:10] == pytest.approx([share] * 10)
        assert other.probabilities[19] == pytest.approx(one.probabilities[19] + share)


def test_signs_stay_the_cores(reader):
    from mnistlab.rendering.page import Page
    from tests.handwriting import small_bank

    page = Page(640, 120, np.random.default_rng(0), small_bank())
    page.pen.radius, page.pen.outline, page.pen.rough, page.pen.drawn = 0.06, False, 0, 0
    page.write("12+34", 30, 85, 50, 0.2, vary=0)
    plain = reader.read(255 - page.ink)
    named = Recogniser("lenet5").read(255 - page.ink)
    assert "+" in plain.text
    for one, other in zip(plain.characters, named.characters, strict=True):
        if one.text == "+":
            assert np.array_equal(one.probabilities, other.probabilities)


def test_a_readers_own_file_and_the_folder_that_holds_it_read(tmp_path, reader):
    file = tmp_path / "run" / "reader.bin"
    file.parent.mkdir()
    shutil.copy(find_model("reader"), file)
    for model in (file, str(file), file.parent):
        assert Recogniser(model).read(PAGE).as_dict() == reader.read(PAGE).as_dict()
    assert Recogniser(file).about == {"name": "reader", "title": "Reader"}
    (file.parent / "record.json").write_text('{"steps": 3}')
    assert Recogniser(file).about["steps"] == 3
    (file.parent / "record.json").write_text("{")
    with pytest.raises(ModelError, match=r"record\.json: is damaged; delete it"):
        Recogniser(file)


def test_the_shipped_reader_is_the_one_of_its_record(reader):
    assert reader.about["parameters"] == 65_240 + 357_865
    content = find_model("reader").read_bytes()
    assert reader.about["model"] == hashlib.sha256(content).hexdigest()


def test_two_recognisers_may_share_a_core(reader):
    other = Recogniser("lenet5", beside=reader)
    assert reader.looks_as(other)
    expected = Recogniser("lenet5").read(PAGE).as_dict()
    assert other.read(PAGE).as_dict() == expected
    assert other.name(reader.look(PAGE)).as_dict() == expected


def test_what_is_no_model_of_the_readers_own_form_is_one_line(tmp_path):
    content = find_model("reader").read_bytes()
    for number, (broken, said) in enumerate(
        (
            (b"", "is none"),
            (b"MNLR" + bytes(100), "is of format 0"),
            (content[:5000], "is damaged"),
            (content[:-1], "is damaged"),
        )
    ):
        file = tmp_path / f"{number}.bin"
        file.write_bytes(broken)
        with pytest.raises(ModelError, match=rf"{number}\.bin: cannot be read: .*model {said}"):
            Recogniser(file)
    with pytest.raises(ModelError, match=r"missing\.bin: .*no such model|No such file"):
        Recogniser(tmp_path / "missing.bin")


def test_where_images_are_classified_the_reader_is_refused_with_the_remedy(tmp_path):
    remedy = r"reader: reads pictures .* name a run's folder, an \.onnx file, or one of lenet5"
    with pytest.raises(ModelError, match=remedy):
        open_classifier("reader")
    with pytest.raises(ModelError, match=remedy):
        evaluate("reader", load_dataset("mnist"))
    with pytest.raises(ExportError, match="reader: reads pictures and is no run: name a run"):
        export("reader", tmp_path / "reader.onnx")
