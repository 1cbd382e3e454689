"""Where one request ends and the next begins: nothing ambiguous is answered twice; HEAD is GET
without its body."""

import json
import re

import pytest

from tests.reliability.wire import POST, opened
from tests.server.pictures import number

PICTURE = number("52")
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        f"{POST}Content-Length: 3\r\n{CHUNKED}\r\n3\r\nabc\r\n0\r\n\r\n".encode(),
        f"{POST}{CHUNKED}Content-Length: 44\r\n\r\n0\r\n\r\n".encode(),
        f"{POST}{CHUNKED}Content-Length: {len(PICTURE)}\r\n\r\n{len(PICTURE):x}\r\n".encode()
        + PICTURE
        + b"\r\n0\r\n\r\n",
        (
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nTransfer-Encoding:"
            b" chunked\r\n\r\n0\r\n\r\n"
        ),
        f"{POST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc".encode(),
        f"{POST}Content-Length: 3, 4\r\n\r\nabc".encode(),
        f"{POST}Content-Length: +3\r\n\r\nabc".encode(),
        f"{POST}{CHUNKED}{CHUNKED}\r\n3\r\nabc\r\n0\r\n\r\n".encode(),
        f"{POST}Transfer-Encoding: chunked, identity\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode(),
        f"{POST}Transfer-Encoding : chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode(),
        f"{POST}{CHUNKED}\r\n3\r\nabcX\r\n0\r\n\r\n".encode(),
    ],
    ids=lambda request_: request_[42:90].decode("latin-1").encode("unicode_escape").decode(),
)
def test_an_ambiguous_end_is_refused_and_nothing_after_it_is_a_request(guarded, request_):
    with opened(guarded) as connection:
        connection.sendall(request_ + NEXT)
        said = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert said.count(b"HTTP/1.1 ") == 1
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in said.lower()
    assert list(json.loads(said.partition(b"\r\n\r\n")[2])) == ["error"]


def test_two_whole_requests_at_once_are_two(guarded):
    with opened(guarded) as connection:
        connection.sendall(
            f"{POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc".encode() + NEXT
        )
        said = b""
        while said.count(b'{"error"') < 2:
            part = connection.recv(2**16)
            assert part
            said += part
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"422", b"404"]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "/page.js",
            "/healthz",
            "/readyz",
            "/metrics",
            "/api/models",
            "/docs",
            "/openapi.json",
        ),
        *("/report", "/report.html", "/nowhere", "/api/read"),
    ],
)
def test_head_says_what_get_says_without_the_body(guarded, path):
    got, head = (guarded.client.request(method, path) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (got.status_code, b"")
    changing = {"date", *(["content-length"] if path == "/metrics" else [])}
    first, second = (
        {n: v for n, v in one.headers.items() if n not in changing} for one in (got, head)
    )
    assert first == second
    assert int(head.headers["content-length"]) > 0
    with opened(guarded) as connection:
        connection.sendall(
            f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        said = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert said.endswith(b"\r\n\r\n")


def test_what_a_path_takes_is_told(guarded):
    for path in ("/", "/healthz"):
        assert guarded.client.delete(path).headers["allow"] == "GET, HEAD"
