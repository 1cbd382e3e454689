"""The exported page in chromium: the answers are those of the code that the server runs."""

import base64
import functools
import gzip
import io
import re

import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.photographs import photographs
from mnistlab import Recogniser, built_in
from mnistlab.errors import ExportError, ModelError
from mnistlab.exporting import export_run, export_site
from mnistlab.recogniser import shipped_models
from mnistlab.recogniser.models import find_model
from mnistlab.recogniser.network import Network
from mnistlab.rendering.photographs import KINDS, render_photograph
from mnistlab.server.answer import ReadAnswer
from tests.exporting.pages import (
    NO_WORKERS,
    draw,
    expect_read,
    hosted,
    probabilities,
    read,
    visited,
)
from tests.exporting.runs import trained
from tests.handwriting import small_bank
from tests.server.pictures import file, number

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NETWORKS = ("custom_mlp", "mlp", "sprint99")
EXACTLY, NEARLY = (0, 1.5e-6), (1, 1e-3)
"""Pixels by which boxes may differ, and probabilities: of a picture that is decoded alike, but for
the rounding of both to six decimals; and of one that is not."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A web server's folder, with the reader's page two folders deep."""
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
def recogniser():
    return Recogniser()


@pytest.fixture(scope="module")
def runs(few, tmp_path_factory):
    """Folders of quick runs by recipe: with a border and batch normalisation, without convolutions,
    scaled down."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: trained(built_in(name).replace(data=str(few), epochs=2, batch_size=50), folder / name)
        for name in NETWORKS
    }


def how_many(request, quick, full):
    return full if request.config.getoption("--torture") else quick


def lossless(content):
    """The same pixels as a PNG file of eight bits, upright: JPEG's decoders differ."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    return file(image.convert("RGBA" if image.has_transparency_data else "RGB"))


def pixels_of(encoded):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L"))


def differences(page, recogniser, content, within=EXACTLY):
    """What the page says otherwise of a picture than the recogniser does: names of fields, none if
    all is the same."""
    expected, found = recogniser.read(content), read(page, content)["answer"]
    differ = set(unlike(expected.as_dict(), found, within))
    if not differ and within is EXACTLY:
        seen = [pixels_of(image).tolist() for image in found["images"]]
        if seen != [one.pixels.tolist() for one in expected.characters]:
            differ.add("images")
    return differ


def unlike(told, found, within, key=""):
    """Yield the names of fields that differ by more than they may."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield from unlike(value, found[name], within, name)
    elif isinstance(told, list) and len(told) == len(found):
        for one, other in zip(told, found, strict=True):
            yield from unlike(one, other, within, key)
    elif isinstance(told, list | str | bool):
        if told != found:
            yield key
    elif abs(told - found) > within[key in ("confidence", "probabilities")]:
        yield key


def all_alike(page, recogniser, contents, within=EXACTLY):
    found = [differences(page, recogniser, content, within) for content in contents]
    assert found
    assert {place: differ for place, differ in enumerate(found) if differ} == {}


@pytest.mark.parametrize("kind", ["lenet5", *NETWORKS])
def test_a_network_of_ones_own_names_the_digits(request, browser, runs, few, mnist, kind, tmp_path):
    file = shipped_models()[kind] if kind not in runs else tmp_path / "model.onnx"
    if kind in runs:
        export_run(runs[kind], file)
    # A shipped model by its name, a run, and files that were exported.
    source = {"lenet5": "lenet5", "custom_mlp": runs["custom_mlp"]}.get(kind, file)
    report = export_site(source, tmp_path / "site")
    assert report.size < 1_500_000
    images = mnist.test.images[: how_many(request, 40, 1000)]
    expected = Network(file).probabilities(images)
    pictures = [number("35"), *(shown("signs", index) for index in (1, 2, 4)), shown("table", 1)]
    with visited(browser, report.file.as_uri()) as (page, complaints):
        found = np.array(probabilities(page, images))
        all_alike(page, Recogniser(file), pictures, (0, 1e-4))
    assert complaints == []
    assert np.abs(found - expected).max() < 1e-4
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_digits_and_other_ink_share_what_the_core_gives_digits(browser, page, tmp_path):
    report = export_site("lenet5", tmp_path / "site")
    content = shown("signs", 1)
    alone = read(page, content)["answer"]
    with visited(browser, report.file.as_uri()) as (other, _):
        named = read(other, content)["answer"]
    network = Network(shipped_models()["lenet5"])
    before, after = characters(alone), characters(named)
    assert alone["images"] == named["images"]
    assert any(one["text"].isdecimal() for one in before)
    assert any(not one["text"].isdecimal() for one in before)
    for one, other, image in zip(before, after, named["images"], strict=True):
        if not one["text"].isdecimal():
            assert other == one
            continue
        digits = network.probabilities(pixels_of(image)[None])[0] * sum(one["probabilities"][:10])
        assert other["probabilities"][:10] == pytest.approx(digits, abs=1e-4)
        assert other["probabilities"][10:] == one["probabilities"][10:]


def characters(answer):
    groups = [group for line in answer["lines"] for group in line["groups"]]
    return [one for group in groups for one in group["characters"]]


@pytest.mark.parametrize(
    ("length", "quick", "full"), [(1, 16, 800), (4, 6, 200)], ids=["single", "line"]
)
def test_photographs_are_read_as_the_server_reads_them(
    request, page, recogniser, mnist, length, quick, full
):
    test, count = mnist.test, how_many(request, quick, full)
    pictures = photographs(test.images, test.labels, count=count, length=length, seed=2029)
    all_alike(page, recogniser, [lossless(picture.content) for picture in pictures])


@functools.cache
def shown(kind, index):
    """A rendered photograph's PNG file."""
    return render_photograph(kind, 2029, index, small_bank()).content


@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_read_as_the_server_reads_them(request, page, recogniser, kind):
    count = how_many(request, 4, 60)
    all_alike(page, recogniser, [shown(kind, index) for index in range(count)])


@pytest.mark.parametrize("text", ["7", "2049", "88"])
def test_handwriting_is_read_as_the_server_reads_it(page, recogniser, text):
    content = number(text)
    assert differences(page, recogniser, content) == set()
    assert read(page, content)["answer"]["digits"] == text


def oddities():
    """Pictures of every odd shape and colour, by name."""
    dark = ImageOps.invert(Image.open(io.BytesIO(number("407"))))
    strokes = Image.new("RGBA", dark.size, (0, 0, 0, 0))
    strokes.putalpha(dark)
    light = Image.merge("RGBA", [*[Image.new("L", dark.size, 255)] * 3, dark])
    return {
        "blank": Image.new("RGB", (300, 200), "white"),
        "one pixel": Image.new("L", (1, 1), 9),
        "a column": Image.fromarray(np.arange(200, dtype=np.uint8)[:, None]),
        "a row": Image.fromarray(np.arange(200, dtype=np.uint8)[None]),
        "light on dark": dark,
        "dark on nothing": strokes,
        "light on nothing": light,
        "noise": Image.fromarray(np.random.default_rng(1).integers(0, 256, (90, 140, 3), np.uint8)),
        "palette": dark.quantize(16),
        "large": dark.resize((2600, 1224), Image.Resampling.BICUBIC),
        "cut by the edge": dark.crop((70, 0, *dark.size)),
    }


@pytest.mark.parametrize("name", oddities())
def test_odd_pictures_are_read_as_the_server_reads_them(page, recogniser, name):
    assert differences(page, recogniser, file(oddities()[name])) == set()


def test_jpegs_of_any_orientation_are_read_nearly_alike(page, recogniser):
    contents = []
    for orientation in range(1, 9):
        content, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = orientation
        picture = Image.open(io.BytesIO(number("407"))).convert("RGB")
        picture.save(content, "JPEG", quality=95, exif=exif)
        contents.append(content.getvalue())
    all_alike(page, recogniser, contents, NEARLY)


def test_a_large_jpeg_is_reduced_as_python_reduces_it_and_its_boxes_are_its_own(page, recogniser):
    picture = Image.open(io.BytesIO(number("58"))).convert("RGB").resize((4800, 3200))
    content = file(picture, "JPEG")
    expected, found = recogniser.read(content), read(page, content)["answer"]
    assert (found["text"], found["width"], found["height"]) == ("58", 4800, 3200)
    apart = np.subtract(found["lines"][0]["box"], expected.lines[0].box)
    # A pixel of the reduced picture.
    assert np.abs(apart).max() <= 4


def test_an_answer_has_the_fields_of_the_servers(page, recogniser):
    answer = read(page, number("35"))["answer"]
    assert set(answer) == set(ReadAnswer.model_fields)
    assert set(recogniser.read(number("35")).as_dict()) < set(answer)
    ReadAnswer.model_validate(answer)


def test_pictures_without_digits_have_none(page):
    answer = read(page, file(Image.new("RGB", (300, 200), "white")))["answer"]
    assert (answer["text"], answer["lines"], answer["sure"], answer["confidence"]) == (
        "",
        [],
        False,
        0,
    )
    assert read(page, b"%PDF-1.7") == {
        "trouble": "This is not a picture that the browser can decode; save it as PNG or JPEG."
    }


NO_WASM = f"{NO_WORKERS} WebAssembly.compile = async () => {{ throw new Error('no SIMD'); }};"
STOPS_ONCE = (
    NO_WORKERS
    + """
const instantiate = WebAssembly.instantiate;
let stopped = false;
WebAssembly.instantiate = async (module) => {
  const { exports } = await instantiate(module);
  const read = (...given) => {
    if (stopped) return exports.read(...given);
    stopped = true;
    throw new WebAssembly.RuntimeError("unreachable");
  };
  return { exports: { ...exports, read } };
};"""
)


def test_a_browser_that_cannot_run_the_core_is_told_so(browser, address):
    with visited(browser, address, NO_WASM) as (page, complaints):
        assert read(page, number("35")) == {
            "trouble": "This browser cannot read here, for want of WebAssembly with SIMD; use a"
            " newer one."
        }
    assert complaints == []


def test_a_core_that_stopped_is_started_anew(browser, address):
    with visited(browser, address, STOPS_ONCE) as (page, _):
        told = {"trouble": "This picture cannot be read; make it smaller."}
        assert read(page, number("35")) == told
        assert read(page, number("35"))["answer"]["text"] == "35"


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
        foot = page.locator("footer").inner_text()
        assert re.search(r"Read by mnistlab's reader: .*\b\d+ kB\. It runs in this page", foot)
        assert "digits and the signs . , - + / : ( ) %" in foot
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


def test_another_reader_of_that_form_is_taken_and_a_damaged_one_is_refused(tmp_path):
    own = find_model("reader").read_bytes()
    (tmp_path / "mine.bin").write_bytes(own)
    text = export_site(tmp_path / "mine.bin", tmp_path / "site").file.read_text("utf-8")
    (held,) = re.findall('<script type="text/plain" id="reader">(.*)</script>', text)
    assert gzip.decompress(base64.b64decode(held)) == own[0::2] + own[1::2]
    (tmp_path / "mine.bin").write_bytes(own[:-1] + bytes([own[-1] ^ 1]))
    with pytest.raises(ModelError, match=r"mine\.bin: cannot be read: .*damaged"):
        export_site(tmp_path / "mine.bin", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_page_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mnistlab.exporting.site.LARGEST_READER", 100_000)
    with pytest.raises(
        ExportError, match=r"reader: the page would have [\d,]+ bytes, over 100,000"
    ):
        export_site("reader", tmp_path / "site")
