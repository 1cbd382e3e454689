"""What the server tells on standard error."""

import json
import logging
import os
import re
import sys
import time

import pytest

from mnistlab.server.log import TextFormatter
from tests.reliability.wire import answer, opened
from tests.server.pictures import number
from tests.server.serving import served, until

PICTURE = number("52")
OPTIONS = ("--model", "lenet5", "--workers", "1", "--max-body", "100k")
LINE = re.compile(
    r'(\S+) - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "(\S+) (\S+) HTTP/1\.1" (\d{3}) (\d+)'
    r" (\d+\.\d)ms"
)


def talk(server):
    """Ask what has its line each, and what might do harm in a terminal."""
    server.client.post("/api/read?model=lenet5", content=PICTURE)
    server.client.head("/healthz")
    with opened(server) as connection:
        connection.sendall(
            b'GET /a"%1b[31m\x7f'[:-1]
            + b" HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.2.3.4\x9b31m\r\n\r\n"
        )
        assert answer(connection)[0] == 404
        connection.sendall(b"GET /a\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer(connection)[0] == 400
    for _ in range(30):
        server.client.post("/api/read", content=bytes(200_000))
    server.client.get("/healthz", headers={"host": "evil.example"})
    server.client.get("/metrics", headers={"host": "evil.example\x9b31m".encode("latin-1")})


def test_a_line_for_each_request_refusals_and_the_end(tmp_path):
    log = tmp_path / "log"
    with served(*OPTIONS, log=log) as server:
        talk(server)
        assert server.end() == 0
    text = log.read_text()
    assert all(line.isprintable() for line in text.splitlines())
    requests = [LINE.fullmatch(line).groups() for line in text.splitlines() if line[0].isdigit()]
    assert [(method, path, status) for _, method, path, status, *_ in requests[:3]] == [
        ("POST", "/api/read?model=lenet5", "200"),
        ("HEAD", "/healthz", "200"),
        ("GET", "/a%22%1b[31m", "404"),
    ]
    assert [client for client, *_ in requests[:3]] == ["127.0.0.1", "127.0.0.1", "1.2.3.4\\x9b31m"]
    assert int(requests[0][4]) > 200
    assert requests[1][4] == "0"
    assert sum(status == "413" for _, _, _, status, *_ in requests) == 30
    told = [
        line
        for line in text.splitlines()
        if line.startswith("mnistlab: warning: refused 127.0.0.1 with ")
    ]
    sizes = [
        line for line in told if "413: the picture's file is larger than 102,400 bytes" in line
    ]
    assert 1 <= len(sizes) < 15
    assert "400: this server is not called 'evil.example'" in told[-1]
    assert len([line for line in text.splitlines() if "Invalid HTTP request" in line]) == 1
    assert text.splitlines()[-2:] == [
        "mnistlab: ending; requests under way: 0",
        "mnistlab: ended; requests answered: 35, cut off: 0",
    ]


def test_for_programs_each_line_is_an_object(tmp_path):
    log = tmp_path / "log"
    with served(*OPTIONS, "--log-format", "json", log=log) as server:
        assert server.process.running
        talk(server)
        time.sleep(1.1)
        server.client.post("/api/read", content=bytes(200_000))
        server.end()
    text = log.read_text()
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    told = [json.loads(line) for line in text.splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"]) for one in told)
    assert told[0]["event"] == "ready"
    assert told[0]["address"] == server.url
    first = next(one for one in told if one["event"] == "request")
    assert first.pop("ms") > 0
    assert first.pop("bytes") > 200
    assert first == {
        "time": first["time"],
        "level": "info",
        "event": "request",
        "client": "127.0.0.1",
        "method": "POST",
        "path": "/api/read?model=lenet5",
        "protocol": "HTTP/1.1",
        "status": 200,
    }
    last = [one for one in told if one["event"] == "refusal" and one["status"] == 413][-1]
    assert last["reason"].startswith("the picture's file is larger")
    assert 0 < last["more"] < 30
    assert told[-1]["event"] == "ended"
    assert (told[-1]["answered"], told[-1]["cut"]) == (36, 0)


def test_quiet_tells_of_trouble_only(tmp_path):
    log = tmp_path / "log"
    with served(workers=1, models=["lenet5"], quiet=True, log=log) as server:
        server.client.get("/healthz")
        server.client.get("/healthz", headers={"host": "evil.example"})
        until(lambda: "refused" in log.read_text())
        server.end()
    (line,) = log.read_text().splitlines()
    assert line.startswith("mnistlab: warning: refused 127.0.0.1 with 400: ")


def test_no_stranger_writes_a_line_of_its_own(guarded):
    before = len(guarded.log.read_text())
    guarded.client.post(
        "/api/read?model=x%0a10.0.0.9%20-%20-%20forged%0d%0aso%E2%80%A8it", content=PICTURE
    )
    told = until(
        lambda: "forged" in guarded.log.read_text()[before:] and guarded.log.read_text()[before:]
    )
    assert all(
        line.startswith(("127.0.0.1 - - [", "mnistlab: warning: refused "))
        for line in told.splitlines()
    )
    assert r"x\n10.0.0.9 - - forged\r\nso\u2028it" in told


def test_the_lines_of_a_mistake_cannot_pass_for_others():
    try:
        raise ValueError("first\n10.0.0.9 - - forged\x1b[31m")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "a\nmistake\n", (), sys.exc_info())
    first, *others = TextFormatter().format(record).split("\n")
    assert first == r"mnistlab: error: a\nmistake"
    assert all(line.startswith("    ") for line in others)
    assert others[-1] == r"    10.0.0.9 - - forged\x1b[31m"


def test_what_is_no_request_of_ours_is_not_advised(guarded):
    before = len(guarded.log.read_text())
    for protocol in ("h2c", "websocket"):
        answer = guarded.client.get(
            "/healthz", headers={"upgrade": protocol, "connection": "upgrade"}
        )
        assert answer.status_code == 200
    assert not [
        line
        for line in guarded.log.read_text()[before:].splitlines()
        if line.startswith("mnistlab: ")
    ]


def test_a_refused_picture_says_why(guarded):
    before = len(guarded.log.read_text())
    guarded.client.post("/api/read", content=b"no picture")
    assert "refused 127.0.0.1 with 422: " in guarded.log.read_text()[before:]


NOISY = r"""
import sys
if "mnistlab.server.reader" in sys.orig_argv:
    print("\x1b[31mlibrary\n10.0.0.9 - - forged\x9b", file=sys.stderr, flush=True)
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_reader_process_prints_is_a_line_of_the_log(form, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(NOISY, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    log = tmp_path / "log"
    with served(*OPTIONS, "--log-format", form, log=log) as server:
        until(lambda: "library" in log.read_text())
        server.end()
    text = log.read_text()
    assert all(line.isprintable() for line in text.splitlines())
    (line,) = (line for line in text.splitlines() if "library" in line)
    if form == "json":
        assert json.loads(line)["event"] == "reader"
        assert "\x1b[31mlibrary | 10.0.0.9 - - forged\x9b" in json.loads(line)["message"]
    else:
        assert line.startswith(r"mnistlab: warning: a reader process said: \x1b[31mlibrary | 10.0")
