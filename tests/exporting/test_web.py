"""The exported page in chromium: the answers are those of the code that the server runs."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.photographs import photographs
from mnistlab import Recogniser, built_in
from mnistlab.exporting import export_run, export_site
from mnistlab.recogniser import shipped_models
from mnistlab.recogniser.network import Network
from mnistlab.server.answer import ReadAnswer
from tests.exporting.pages import hosted, probabilities, read, visited
from tests.exporting.runs import trained
from tests.server.handwriting import write
from tests.server.pictures import number

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
KINDS = ("custom_mlp", "mlp", "sprint99")
NO_WORKERS = "globalThis.Worker = class { constructor() { throw new Error('refused'); } };"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A web server's folder, with the shipped reader's page two folders deep."""
    folder = tmp_path_factory.mktemp("hosted")
    (folder / "course").mkdir()
    export_site("reader", folder / "course" / "digits")
    return folder


@pytest.fixture(scope="module")
def address(site):
    with hosted(site) as root:
        yield f"{root}course/digits/"


@pytest.fixture(scope="module")
def page(browser, address):
    with visited(browser, address) as (page, complaints):
        yield page
    assert complaints == []


@pytest.fixture(scope="module")
def runs(few, tmp_path_factory):
    """Folders of quick runs by recipe: with a border and batch normalisation, without convolutions,
    scaled down."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: trained(built_in(name).replace(data=str(few), epochs=2, batch_size=50), folder / name)
        for name in KINDS
    }


def how_many(request, quick, full):
    return full if request.config.getoption("--torture") else quick


def lossless(content):
    """The same pixels as a PNG file of eight bits, upright: JPEG's decoders differ."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    file = io.BytesIO()
    image.convert("RGBA" if image.has_transparency_data else "RGB").save(
        file, "PNG", compress_level=1
    )
    return file.getvalue()


def pixels_of(encoded):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L")).astype(int)


def differences(page, recogniser, content):
    """What the page says otherwise of a picture than the recogniser does: names of fields, none if
    all is the same."""
    expected, found = recogniser.read(content), read(page, content)["answer"]
    told = expected.as_dict()
    differ = [key for key in ("text", "digits", "sure") if told[key] != found[key]]
    if outline(told["lines"]) != outline(found["lines"]):
        differ.append("lines")
    if not differ and expected.characters:
        seen = zip(expected.characters, found["images"], strict=True)
        apart = [np.abs(one.pixels - pixels_of(image)) for one, image in seen]
        # Of two ways of a cut that cost the same to the last bit each may take another.
        if any((image > 1).mean() > 0.02 or image.max() > 16 for image in apart):
            differ.append("images")
        pairs = zip(numbers(told["lines"]), numbers(found["lines"]), strict=True)
        if max(abs(one - other) for one, other in pairs) > 1e-3:
            differ.append("probabilities")
    return differ


def outline(part):
    """All that is said of lines but probabilities."""
    if isinstance(part, dict):
        return {
            key: outline(value)
            for key, value in part.items()
            if key not in ("probabilities", "confidence")
        }
    return [outline(one) for one in part] if isinstance(part, list) else part


def numbers(part):
    """All numbers in lines, in their order."""
    if isinstance(part, dict):
        return [number for key in sorted(part) for number in numbers(part[key])]
    if isinstance(part, list):
        return [number for one in part for number in numbers(one)]
    return [] if isinstance(part, str) else [part]


def test_the_network_gives_onnx_runtimes_probabilities(request, page, mnist):
    images = mnist.test.images[: how_many(request, 200, 1000)]
    expected = Network(shipped_models()["reader"]).probabilities(images)
    found = np.array(probabilities(page, images))
    assert np.abs(found - expected).max() < 1e-4
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


@pytest.mark.parametrize("kind", ["lenet5", *KINDS])
def test_every_built_in_kind_of_network_agrees(request, browser, runs, few, mnist, kind, tmp_path):
    report = export_site(runs.get(kind, kind), tmp_path / "site")
    assert report.size < 1_000_000
    file = shipped_models()[kind] if kind not in runs else tmp_path / "model.onnx"
    if kind in runs:
        export_run(runs[kind], file)
    images = mnist.test.images[: how_many(request, 40, 1000)]
    expected = Network(file).probabilities(images)
    with visited(browser, report.file.as_uri()) as (page, complaints):
        found = np.array(probabilities(page, images))
        assert differences(page, Recogniser(file), number("35")) == []
    assert complaints == []
    assert np.abs(found - expected).max() < 1e-4
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


@pytest.mark.parametrize(
    ("length", "quick", "full"), [(1, 16, 800), (4, 3, 200)], ids=["single", "line"]
)
def test_photographs_are_read_as_the_server_reads_them(request, page, mnist, length, quick, full):
    recogniser, test, count = Recogniser(), mnist.test, how_many(request, quick, full)
    pictures = photographs(test.images, test.labels, count=count, length=length, seed=2029)
    found = [differences(page, recogniser, lossless(picture.content)) for picture in pictures]
    assert len(found) == count
    assert {place: differ for place, differ in enumerate(found) if differ} == {}


@pytest.mark.parametrize("text", ["7", "2049", "88"])
def test_handwriting_is_read_as_the_server_reads_it(page, text):
    content = number(text)
    assert differences(page, Recogniser(), content) == []
    assert read(page, content)["answer"]["digits"] == text


def test_an_answer_has_the_fields_of_the_servers(page):
    answer = read(page, number("35"))["answer"]
    assert set(answer) == set(ReadAnswer.model_fields)
    assert set(Recogniser().read(number("35")).as_dict()) < set(answer)
    ReadAnswer.model_validate(answer)


def test_pictures_without_digits_have_none(page):
    blank = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(blank, "PNG")
    answer = read(page, blank.getvalue())["answer"]
    assert (answer["text"], answer["lines"], answer["sure"], answer["confidence"]) == (
        "",
        [],
        False,
        0,
    )
    assert read(page, b"%PDF-1.7") == {
        "trouble": "This is not a picture that the browser can decode; save it as PNG or JPEG."
    }


def draw(page, text):
    box = page.locator("#pad").bounding_box()
    for first, *others in write(text, 0.1, 0.2, 0.55):
        page.mouse.move(box["x"] + first[0] * box["height"], box["y"] + first[1] * box["height"])
        page.mouse.down()
        for x, y in others:
            page.mouse.move(box["x"] + x * box["height"], box["y"] + y * box["height"])
        page.mouse.up()


def expect_read(page, text):
    page.wait_for_function(
        "said => document.getElementById('said').textContent === said",
        arg=f"Read: {' '.join(text)}",
    )
    assert page.locator("#digits .digit").all_inner_texts() == list(text)


@pytest.mark.parametrize("script", [None, NO_WORKERS], ids=["worker", "no worker"])
def test_a_drawing_is_read_while_the_page_is_offline(browser, address, script):
    with visited(browser, address, script) as (page, complaints):
        page.context.set_offline(True)
        draw(page, "407")
        expect_read(page, "407")
        assert page.locator("#boxes rect").count() == 3
        assert page.locator("#digits img").first.evaluate("image => image.naturalWidth") == 28
        page.keyboard.press("Escape")
        page.locator("#file").set_input_files(
            {"name": "n.png", "mimeType": "image/png", "buffer": number("58")}
        )
        expect_read(page, "58")
    assert complaints == []


def test_a_page_opened_as_a_file_tells_what_reads_and_fits_a_phone(browser, site):
    file = site / "course" / "digits" / "index.html"
    with visited(browser, file.as_uri(), **PHONE) as (page, complaints):
        draw(page, "3")
        expect_read(page, "3")
        assert (
            "Reader: 60,943 parameters, 243 kB, 99.58 % of 10,000 test images"
            in page.locator("#about").inner_text()
        )
        assert page.locator("#models-section").is_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert complaints == []


def test_a_page_is_one_small_file_that_names_no_other(site):
    files = [path for path in site.rglob("*") if path.is_file()]
    assert [file.name for file in files] == ["index.html"]
    content = files[0].read_bytes()
    assert len(content) < 1_000_000
    text = content.decode()
    assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert re.findall(r'(?:src|href)="(?!data:)([^"]+)"', text) == []
