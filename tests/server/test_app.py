"""The API, over real connections to a server in a process of its own: what it answers."""

import base64
import io
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import onnx
import pytest
from PIL import Image

from mnistlab.answer import Answer
from mnistlab.recogniser import shipped_models
from tests.server.pictures import claiming, file, number, text_bomb
from tests.server.serving import served, until

AT_ONCE = 5
"""Seconds: generous, for a machine that does something else besides."""
PICTURE = number("407")


@pytest.fixture(scope="module")
def server():
    with served("--max-body", "1M", "--workers", "2") as running:
        yield running


def refusal(response, status):
    """The one line of a refusal."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    (message,) = response.json().values()
    assert list(response.json()) == ["error"]
    assert message
    assert "\n" not in message
    return message


def test_reads_a_picture(server):
    response = server.client.post("/api/read", content=PICTURE)
    answer = response.json()
    assert response.status_code == 200
    assert answer["digits"] == "407"
    assert answer["model"] == "reader"
    assert (answer["width"], answer["height"]) == Image.open(io.BytesIO(PICTURE)).size
    assert answer["error"] is None
    assert answer["also"] == []
    assert "images" not in answer
    ((group,),) = [line["groups"] for line in answer["lines"]]
    assert [len(one["probabilities"]) for one in group["characters"]] == [20] * 3
    assert response.headers["server-timing"].startswith("read;dur=")


def test_whatever_the_type_says_the_content_decides(server):
    for kind in (
        "image/png",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        response = server.client.post("/api/read", content=PICTURE, headers={"content-type": kind})
        assert response.json()["digits"] == "407"
    jpeg = file(Image.open(io.BytesIO(PICTURE)), "JPEG")
    assert server.client.post("/api/read", content=jpeg).json()["digits"] == "407"


def test_other_models_read_beside_the_first_and_images_show_what_they_saw(server):
    query = {"model": ["lenet5", "reader", "custom_mlp", "reader"], "images": "true"}
    answer = server.client.post("/api/read", params=query, content=PICTURE).json()
    assert [answer["model"], *(one["model"] for one in answer["also"])] == [
        "lenet5",
        "reader",
        "custom_mlp",
    ]
    alone = server.client.post("/api/read", params={"images": "true"}, content=PICTURE).json()
    alone.pop("also")
    assert answer["also"][0] == alone
    images = [Image.open(io.BytesIO(base64.b64decode(image))) for image in answer["images"]]
    assert [(image.size, image.mode) for image in images] == [((28, 28), "L")] * 3
    assert all(image.getextrema()[1] > 200 for image in images)


def test_a_blank_picture_has_no_digit(server):
    answer = server.client.post("/api/read", content=file(Image.new("L", (300, 200), 255))).json()
    assert (answer["text"], answer["sure"], answer["lines"]) == ("", False, [])


def test_answers_are_the_same_bytes_alone_and_in_a_crowd(server):
    pictures = [number(text) for text in ("1", "22", "358", "9")]
    alone = [server.client.post("/api/read", content=picture).content for picture in pictures]

    def ask(turn):
        while (
            response := server.client.post("/api/read", content=pictures[turn % 4])
        ).status_code == 503:
            time.sleep(0.02)
        return response.content

    with ThreadPoolExecutor(6) as crowd:
        assert list(crowd.map(ask, range(24))) == alone * 6


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 400, "empty"),
        (b"\0", 422, "not a picture"),
        (b"GIF89a", 422, ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "SVG"),
        (b"%PDF-1.7 ...", 422, "PDF"),
        (PICTURE[:60], 422, ""),
        (PICTURE[:-100], 422, "damaged"),
        (claiming(5000, 5000), 413, "megapixels"),
        (claiming(50_000, 50_000), 413, ""),
        (claiming(2_000_000_000, 2_000_000_000), 413, ""),
        (claiming(4000, 3000), 422, "damaged"),
        (claiming(0, 7), 422, ""),
        (text_bomb(), 422, ""),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else None,
)
def test_what_is_no_good_picture_is_refused_in_one_line_and_at_once(
    server, content, status, reason
):
    start = time.monotonic()
    message = refusal(server.client.post("/api/read", content=content), status)
    assert reason in message
    assert time.monotonic() - start < AT_ONCE


@pytest.mark.parametrize("place", range(0, len(PICTURE), 97))
def test_no_damage_ends_the_server(server, place):
    damaged = bytearray(PICTURE)
    damaged[place] ^= 0x55
    response = server.client.post("/api/read", content=bytes(damaged))
    assert response.status_code in (200, 413, 422)
    if response.status_code != 200:
        refusal(response, response.status_code)


def test_a_large_blank_picture_that_packs_well_is_read_or_refused_at_once(server):
    start = time.monotonic()
    response = server.client.post("/api/read", content=file(Image.new("L", (5000, 3200), 255)))
    assert response.json()["digits"] == ""
    assert time.monotonic() - start < AT_ONCE


def test_values_in_the_query_are_checked(server):
    def ask(query):
        return server.client.post(f"/api/read?{query}", content=PICTURE)

    assert refusal(ask("model=raeder"), 404) == "no model is called raeder; did you mean reader?"
    assert refusal(ask("model=reader&model=x"), 404).endswith(
        "there are reader, lenet5, custom_mlp"
    )
    assert "images" in refusal(ask("images=perhaps"), 422)
    assert refusal(ask("modle=reader"), 422) == "query: modle: unknown; did you mean model?"
    assert refusal(ask("zzz=1"), 422) == "query: zzz: unknown; known: model, images"


UNSEEN = "\x7f\x9b31m\u202e\u2028\ufeff"


def test_no_text_of_a_stranger_is_answered_raw(tmp_path, server):
    quoted = quote(UNSEEN)
    for path in (f"/{quoted}", f"/api/read?model={quoted}"):
        answer = server.client.post(path, content=PICTURE)
        assert answer.status_code >= 400
        assert answer.text.isprintable()
        assert "31m" in answer.json()["error"]
    model = onnx.load(shipped_models()["lenet5"])
    told = json.dumps({"title": f"title {UNSEEN}"}, ensure_ascii=False)
    onnx.helper.set_model_props(model, {"mnistlab": told})
    # Its seal would be broken.
    model.doc_string = ""
    onnx.save(model, tmp_path / "odd.onnx")
    with served(workers=1, models=[str(tmp_path / "odd.onnx")]) as other:
        until(lambda: other.client.get("/readyz").status_code == 200)
        answer = other.client.get("/api/models")
        assert answer.json()[0]["about"]["title"] == f"title {UNSEEN}"
        assert answer.text.isprintable()


def test_what_is_not_there_is_refused_in_json(server):
    assert "/docs" in refusal(server.client.get("/nowhere"), 404)
    refusal(server.client.get("/page.js/"), 404)
    refusal(server.client.get("/../pyproject.toml"), 404)
    response = server.client.get("/api/read")
    refusal(response, 405)
    assert response.headers["allow"] == "POST"
    refusal(server.client.delete("/"), 405)


def test_a_body_said_to_be_too_large_is_refused_before_it_comes(server):
    with socket.create_connection(("127.0.0.1", server.port), AT_ONCE) as connection:
        connection.sendall(
            b"POST /api/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert "1,048,576 bytes" in refusal(
        server.client.post("/api/read", content=bytes(2**20 + 1)), 413
    )
    refusal(server.client.post("/api/read", content=bytes(2**20)), 422)


def test_a_body_of_unsaid_length_is_refused_once_it_is_too_large(server):
    with socket.create_connection(("127.0.0.1", server.port), AT_ONCE) as connection:
        connection.sendall(
            b"POST /api/read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(20):
            connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    parts = (PICTURE[start : start + 1000] for start in range(0, len(PICTURE), 1000))
    assert server.client.post("/api/read", content=parts).json()["digits"] == "407"


@pytest.mark.parametrize(
    "rubbish",
    [b"\0\xff\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost x\r\n\r\n", b"A" * 99_999],
)
def test_what_is_not_http_is_refused(server, rubbish):
    with socket.create_connection(("127.0.0.1", server.port), AT_ONCE) as connection:
        connection.sendall(rubbish)
        head, _, body = connection.recv(4096).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert list(json.loads(body)) == ["error"]


def test_tells_its_models_its_state_and_its_counters(server):
    models = server.client.get("/api/models").json()
    assert [(model["name"], model["default"]) for model in models] == [
        ("reader", True),
        ("lenet5", False),
        ("custom_mlp", False),
    ]
    assert server.client.get("/healthz").json() == {"state": "alive"}
    assert server.client.get("/readyz").json() == {"state": "ready"}
    server.client.post("/api/read", content=PICTURE)
    counters = server.client.get("/metrics")
    assert counters.headers["content-type"].startswith("text/plain")
    assert 'mnistlab_requests_total{status="200"}' in counters.text
    assert server.metric("mnistlab_reading_seconds_count") >= 1
    assert server.metric("mnistlab_readers_alive") == 2
    assert server.metric("mnistlab_queue_length") == 0


def test_every_answer_is_guarded(server):
    for path in ("/", "/docs", "/page.js", "/api/models", "/nowhere", "/metrics"):
        headers = server.client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_describes_itself(server):
    document = server.client.get("/openapi.json").json()
    operation = document["paths"]["/api/read"]["post"]
    assert set(operation["requestBody"]["content"]) == {"application/octet-stream", "image/*"}
    assert set(operation["responses"]) == {"200", "400", "404", "408", "413", "422", "503"}
    described = [
        answer["content"]["application/json"]["schema"]
        for operations in document["paths"].values()
        for one in operations.values()
        for status, answer in one["responses"].items()
        if int(status) >= 400
    ]
    assert described == [{"$ref": "#/components/schemas/Problem"}] * 13
    reading = document["components"]["schemas"]["ReadAnswer"]
    for name, field in Answer.model_fields.items():
        assert reading["properties"][name]["description"] == field.description
    plain, full = (
        server.client.post(f"/api/read?images={images}", content=PICTURE).json()
        for images in ("false", "true")
    )
    assert set(reading["required"]) == set(plain)
    assert set(reading["properties"]) == set(full)
    page = server.client.get("/docs").text
    for path in document["paths"]:
        assert path in page
    assert "//cdn" not in page
    assert "https://" not in page


def test_a_form_is_told_how_to_send_a_picture(server):
    form = server.client.post("/api/read", files={"file": ("digits.png", PICTURE, "image/png")})
    assert "curl --data-binary" in refusal(form, 400)
    # What `curl --data @digits.png` makes of the file.
    stripped = PICTURE.translate(None, b"\0\r\n")
    kind = {"content-type": "application/x-www-form-urlencoded"}
    text = server.client.post("/api/read", content=stripped, headers=kind)
    assert "lost its line ends; send" in refusal(text, 400)
