"""A server of classifiers: the API, and the page in a real browser with a camera."""

import base64
import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnistlab import Recipe, open_classifier, train
from mnistlab.recogniser.models import find_model
from tests.classifiers import write_linear
from tests.cli.processes import MNISTLAB, run
from tests.cli.processes import refusal as one_line
from tests.colours import coloured
from tests.recogniser.drawing import drawn, encode
from tests.server.hands import PHONE, sync_api
from tests.server.pictures import claiming, file
from tests.server.serving import served, until

LONG = (
    "a class whose name has as many as sixty characters, no fewer",
    "Подосиновик_окрашенножёлтый_и_другие_грибы_тёмнохвойных_лесов",
    "القطط",
)
PICTURE = file(Image.fromarray(np.arange(120 * 90 * 3, dtype=np.uint8).reshape(90, 120, 3)))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifiers")
    many = [f"class {number}" for number in range(1000)]
    return (
        write_linear(folder / "long.onnx", LONG),
        write_linear(folder / "many.onnx", many, (1, 28, 28)),
    )


@pytest.fixture(scope="module")
def server(files):
    options = [part for model in files for part in ("--model", str(model))]
    with served(*options, "--workers", "1", "--max-body", "1M") as running:
        yield running


@pytest.fixture
def visit(browser):
    """Open a server's page; nothing may go wrong on it."""
    contexts, complaints = [], []

    def visit(url, script="", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.add_init_script(script)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        sync_api.expect(page.locator("#known")).not_to_be_empty()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def ask(server, **query):
    return server.client.post("/api/classify", params=query, content=PICTURE)


def test_a_picture_is_classified_as_by_the_library(server, files):
    response = ask(server, image="true")
    answer, expected = response.json(), open_classifier(files[0]).predict(PICTURE)
    assert (answer["model"], answer["label"], answer["sure"]) == (
        "long",
        expected.label,
        expected.sure,
    )
    assert [(one["label"], one["probability"]) for one in answer["top"]] == [
        (label, round(share, 6)) for label, share in expected.top(5)
    ]
    assert (answer["width"], answer["height"], answer["error"]) == (120, 90, None)
    assert (answer["temperature"], answer["calibrated"], answer["threshold"]) == (1.5, True, 0.5)
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["image"]))))
    assert (seen.transpose(2, 0, 1) == expected.image).all()
    assert response.headers["server-timing"].startswith("classify;dur=")
    again = ask(server, model="many", top=7)
    assert (again.json()["model"], len(again.json()["top"])) == ("many", 7)
    assert "image" not in again.json()
    assert ask(server, model="many", top=7).content == again.content


@pytest.mark.parametrize(
    ("path", "content", "status", "reason"),
    [
        ("/api/classify?top=0", PICTURE, 422, "top: "),
        ("/api/classify?model=lang", PICTURE, 404, "did you mean long?"),
        ("/api/classify?models=long", PICTURE, 422, "models: "),
        ("/api/classify", b"", 400, "empty"),
        ("/api/classify", b"%PDF-1.7", 422, "a PDF"),
        ("/api/classify", claiming(5000, 5000), 413, "megapixels"),
        ("/api/classify", bytes(2_000_000), 413, "larger than 1,048,576 bytes"),
        ("/api/read", PICTURE, 404, "classify pictures and read no digits: POST to /api/classify"),
    ],
)
def test_refusals_are_one_line(server, path, content, status, reason):
    response = server.client.post(path, content=content)
    assert (response.status_code, list(response.json())) == (status, ["error"])
    assert reason in response.json()["error"]
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_full_queue_is_refused_as_for_reading(server):
    with ThreadPoolExecutor(3) as crowd:
        with server.held():
            asked = [crowd.submit(ask, server) for _ in range(3)]
            until(lambda: any(one.done() for one in asked))
        answers = [one.result() for one in asked]
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503]
    (refused,) = (answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"] == "1"


def test_the_server_says_what_it_does(server):
    models = server.client.get("/api/models").json()
    assert [(one["task"], len(one["classes"]), one["shape"]) for one in models] == [
        ("classify", 3, [3, 24, 32]),
        ("classify", 1000, [1, 28, 28]),
    ]
    document = server.client.get("/openapi.json").json()
    described = document["paths"]["/api/classify"]["post"]
    assert set(described["responses"]) == {"200", "400", "404", "408", "413", "422", "503"}
    told = document["components"]["schemas"]["ClassifyAnswer"]
    assert set(told["required"]) == set(ask(server).json())
    assert set(told["properties"]) == set(ask(server, image="true").json())
    assert "/api/classify" in server.client.get("/docs").text


@pytest.mark.parametrize("options", [{"viewport": {"width": 1100, "height": 900}}, PHONE])
def test_pictures_and_the_camera_are_classified_on_the_page(server, visit, options):
    page = visit(server.url, **options)
    assert not page.locator("#canvas").is_visible()
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": PICTURE}
    page.locator("#file").set_input_files(picture)
    label = ask(server).json()["label"]
    sync_api.expect(page.locator("#label")).to_have_text(label)
    assert label in page.locator("#said").text_content()
    assert page.locator("#bars li").count() == 3
    assert page.locator("#view").evaluate("image => image.naturalWidth") == 32
    assert page.evaluate("document.documentElement.scrollWidth") == options["viewport"]["width"]
    views = []
    page.get_by_role("button", name="Use the camera").click()
    for _ in range(3):
        page.wait_for_function(
            "views => !views.includes(document.getElementById('view').src)", arg=views
        )
        views.append(page.locator("#view").get_attribute("src"))
    page.get_by_role("button", name="Stop the camera").press("Enter")
    page.get_by_role("button", name="Use the camera").wait_for()
    # What was seen last stays.
    assert page.locator("#picture").is_visible()
    assert not page.locator("#video").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == options["viewport"]["width"]


def test_a_thousand_classes_are_five_and_then_twenty(server, visit):
    page = visit(server.url, viewport={"width": 360, "height": 740})
    page.locator("#chosen").select_option("many")
    page.locator("#file").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    sync_api.expect(page.locator("#bars li")).to_have_count(5)
    page.get_by_role("button", name="Show 20 of 1,000 classes").click()
    sync_api.expect(page.locator("#bars li")).to_have_count(20)
    assert page.locator("#doubt").inner_text().startswith("Unsure: ")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.keyboard.press("Escape")
    sync_api.expect(page.locator("#canvas")).to_be_visible()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "delete Navigator.prototype.mediaDevices;"
            " Object.defineProperty(window, 'isSecureContext', {value: false})",
            "only over https or on the server's own machine",
        ),
        (
            "navigator.mediaDevices.getUserMedia = async () => {"
            " throw new DOMException('', 'NotAllowedError'); }",
            "The camera was not allowed",
        ),
        (
            "navigator.mediaDevices.getUserMedia = async () => {"
            " throw new DOMException('', 'NotFoundError'); }",
            "There is no camera here",
        ),
    ],
)
def test_why_there_is_no_camera_is_said(server, visit, script, told):
    page = visit(server.url, script)
    button = page.get_by_role("button", name="Use the camera")
    if button.is_enabled():
        button.click()
    sync_api.expect(page.locator(".drawing")).to_contain_text(told)
    assert button.get_attribute("aria-pressed") == "false"


def test_a_run_is_served_and_readers_import_no_torch(tmp_path):
    recipe = Recipe(model="mlp", epochs=1, batch_size=20, data=str(tmp_path / "data.npz"))
    data = coloured(60, 30)
    np.savez(
        tmp_path / "data.npz",
        train_images=data.train.images,
        train_labels=data.train.labels,
        test_images=data.test.images,
        test_labels=data.test.labels,
    )
    train(recipe, folder=tmp_path / "mine")
    with served("--model", str(tmp_path / "mine"), "--workers", "1", new=True) as running:
        answer = ask(running).json()
        assert (answer["model"], answer["label"] in ("0", "1", "2")) == ("mine", True)
        for process in (running.process.number, *running.readers()):
            assert "libtorch" not in Path(f"/proc/{process}/maps").read_text()


def test_a_run_that_cannot_be_exported_is_one_line(tmp_path):
    (tmp_path / "unfinished").mkdir()
    line = one_line(run(*MNISTLAB, "serve", "--port", 0, "--model", "unfinished", cwd=tmp_path))
    assert line.startswith("mnistlab: unfinished: ")


def test_one_server_does_not_do_both(files, tmp_path):
    options = ["--model", "reader", "--model", files[0]]
    line = one_line(run(*MNISTLAB, "serve", "--port", 0, *options, cwd=tmp_path))
    assert "one server cannot do both: reader reads digits, long classifies pictures;" in line


def test_the_run_of_a_reader_is_served_by_its_name_with_its_record(tmp_path):
    run_folder = tmp_path / "mine"
    run_folder.mkdir()
    shutil.copy(find_model("reader"), run_folder / "reader.bin")
    (run_folder / "record.json").write_text('{"steps": 3}')
    with served("--model", run_folder, "--model", "reader", "--workers", "1") as running:
        mine, shipped = running.client.get("/api/models").json()
        assert (mine["name"], mine["about"]["steps"]) == ("mine", 3)
        assert (shipped["name"], shipped["shape"], len(shipped["classes"])) == ("reader", [], 20)
        picture = encode(drawn("407", size=(320, 160), height=100))
        query = {"model": ["mine", "reader"]}
        answer = running.client.post("/api/read", params=query, content=picture).json()
        assert (answer["model"], answer["text"]) == ("mine", "407")
        assert [one["text"] for one in answer["also"]] == ["407"]


def test_a_server_of_digits_says_where_to_send_pictures():
    with served("--model", "lenet5", "--workers", "1") as running:
        response = ask(running)
        assert response.status_code == 404
        assert "read digits: POST to /api/read" in response.json()["error"]
