"""An exported page that classifies, opened from the disk in chromium: its answers are those of the
file that it was made of."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageFilter
from torch import nn

from mnistlab import open_classifier
from mnistlab.errors import ExportError
from mnistlab.exporting import export_site
from mnistlab.server.answer import ClassifyAnswer
from tests.classifiers import write
from tests.exporting.pages import visited
from tests.server.pictures import file

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
CLASSIFY = """async (files) => Promise.all(files.map(async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  return mnistlab.classify(new Blob([bytes]));
}))"""
KINDS = {
    "colour": {"fit": "pad", "size": 20, "image_size": (24, 32)},
    "grey": {"fit": "crop", "size": 24, "image_size": (28, 28), "channels": 1},
    "to_grey": {"fit": "resize", "size": 26, "image_size": (33, 21), "colour": "grey"},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a function that gives a kind's file and its page."""
    folder, found = tmp_path_factory.mktemp("classifiers"), {}

    def make(kind):
        if kind not in found:
            model = write(folder / f"{kind}.onnx", ("cat", "dog", "bird"), **KINDS[kind])
            found[kind] = model, export_site(model, folder / kind).file
        return found[kind]

    return make


def photographs(count, size=None, seed=7):
    """Pictures of blurred noise around a colour, of a size (width, height) or of many."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        width, height = size or random.integers(8, 400, 2)
        noise = random.integers(0, 256, (height, width, 3)).astype(float)
        mix = random.integers(0, 256, 3) * 0.6 + noise * 0.4
        image = Image.fromarray(mix.astype(np.uint8))
        yield image.filter(ImageFilter.GaussianBlur(random.uniform(0, 3)))


def classified(page, contents):
    told = page.evaluate(CLASSIFY, [base64.b64encode(content).decode() for content in contents])
    return [one["answer"] for one in told]


def pixels_of(encoded):
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))
    return pixels.transpose(2, 0, 1).astype(int)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_classified_as_the_file_classifies_them(browser, made, kind):
    model, page_file = made(kind)
    classifier = open_classifier(model)
    own_size = classifier.input_shape[:0:-1]
    images = [*photographs(70, own_size), *photographs(30)]
    contents = [file(image) for image in images]
    expected = classifier.predict(contents)
    with visited(browser, page_file.as_uri()) as (page, complaints):
        found = classified(page, contents)
    assert complaints == []
    assert [one["label"] for one in found] == [one.label for one in expected]
    assert len({one.label for one in expected}) > 1
    for image, one, other in zip(images, found, expected, strict=True):
        # Both decode a PNG alike; Pillow scales a tall picture down first or across first,
        # whichever is less work, and so may round otherwise.
        levels, share = (0, 1e-4) if image.size == own_size else (1, 0.01)
        assert np.abs(pixels_of(one["image"]) - other.image).max() <= levels
        shares = {told["label"]: told["probability"] for told in one["top"]}
        assert shares == pytest.approx(other.probabilities, abs=share)


def test_jpegs_come_out_nearly_alike_and_upright(browser, made):
    model, page_file = made("colour")
    contents = []
    for place, image in enumerate(photographs(20, (300, 200))):
        content, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 1 + place % 8
        image.save(content, "JPEG", quality=90, exif=exif)
        contents.append(content.getvalue())
    expected = open_classifier(model).predict(contents)
    with visited(browser, page_file.as_uri()) as (page, _):
        found = classified(page, contents)
    assert [one["label"] for one in found] == [one.label for one in expected]
    apart = [abs(a["probability"] - b.probability) for a, b in zip(found, expected, strict=True)]
    assert max(apart) < 0.02
    assert {(one["width"], one["height"]) for one in found} == {(300, 200), (200, 300)}


def test_an_answer_has_the_fields_of_the_servers(browser, made):
    with visited(browser, made("colour")[1].as_uri()) as (page, _):
        (answer,) = classified(page, [file(Image.new("RGBA", (50, 40), (255, 0, 0, 100)))])
    assert set(answer) == set(ClassifyAnswer.model_fields)
    told = ClassifyAnswer.model_validate(answer)
    assert (told.model, told.calibrated, told.temperature, len(told.top)) == (
        "colour",
        True,
        1.5,
        3,
    )
    # Transparency is laid on white, then a border of black is added above and below.
    assert pixels_of(told.image)[:, 12, 16].tolist() == [255, 155, 155]


def test_a_phone_draws_and_shows_pictures_offline(browser, made):
    with visited(browser, made("grey")[1].as_uri(), **PHONE) as (page, complaints):
        page.context.set_offline(True)
        box = page.locator("#pad").bounding_box()
        assert box["width"] == pytest.approx(box["height"], abs=1)
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 160, steps=5)
        page.mouse.up()
        page.wait_for_function("document.getElementById('said').textContent !== ''")
        drawn = pixels_of(page.locator("#view").get_attribute("src").partition(",")[2])
        # Light on black, as the images were whose mean the model knows.
        assert (drawn[0, 0, 0], drawn[0, 10, 10] > 200) == (0, True)
        page.get_by_label("The drawing becomes light on black").uncheck()
        page.wait_for_function(
            "before => document.getElementById('view').src !== before",
            arg=page.locator("#view").get_attribute("src"),
        )
        drawn = pixels_of(page.locator("#view").get_attribute("src").partition(",")[2])
        assert (drawn[0, 0, 0], drawn[0, 10, 10] < 60) == (255, True)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert complaints == []


def test_a_layer_that_cannot_run_is_named(tmp_path):
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.LayerNorm([4, 14, 14]), nn.Flatten(), nn.Linear(784, 2)
    )
    model = write(tmp_path / "m.onnx", "ab", (16, 16), size=16, model=layers)
    with pytest.raises(ExportError, match=r"m.onnx: the network has a layer .*LayerNormalization"):
        export_site(model, tmp_path / "site")
    assert not (tmp_path / "site").exists()
