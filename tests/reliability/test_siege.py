"""The server besieged: requests made up from its own description, broken ones, huge ones, slow and
half-closed ones."""

import json
import socket
import time

import numpy as np
import pytest
import requests

pytest.importorskip("schemathesis")
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi import checks

from tests.reliability.oddities import COLOUR, JPEG, PNG, encode
from tests.reliability.wire import HANG, POST, answer, opened, post
from tests.server.pictures import claiming, number
from tests.server.serving import served, until

LIMIT = 100_000
PICTURE = number("407")
BODIES = [
    PICTURE,
    PNG,
    JPEG,
    encode(COLOUR, "GIF"),
    PNG[:99],
    claiming(50_000, 50_000),
    b"",
    b"\0",
    bytes(LIMIT + 1),
]
CONFORMS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
ODD_REQUESTS = {
    "an unknown method": b"BREW /api/read HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a wrong method": b"DELETE /api/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT": b"CONNECT x:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/1.0": b"GET /healthz HTTP/1.0\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(99),
    "a path upwards": b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a path upwards in disguise": (
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ),
    "a path of other bytes": b"GET /%ff%fe%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a path of many strokes": b"GET " + b"/" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a whole address": b"GET http://elsewhere/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a huge path": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a huge header": b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 70_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
    "an upgrade": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    ),
    "a negative length": (POST + "Content-Length: -1\r\n\r\n").encode(),
    "a length in letters": (POST + "Content-Length: many\r\n\r\n").encode(),
    "a length of a thousand digits": (POST + f"Content-Length: {'9' * 1000}\r\n\r\n").encode(),
    "two lengths": (POST + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd").encode(),
    "a length, and chunks": (
        (
            POST + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ).encode()
    ),
    "an unknown coding": (POST + "Transfer-Encoding: gzip\r\n\r\nabc").encode(),
    "chunks of letters": (POST + "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n").encode(),
    "a chunk of a huge size": (
        (POST + f"Transfer-Encoding: chunked\r\n\r\n{'f' * 16}\r\nabc").encode()
    ),
    "multipart without a boundary": (
        (POST + "Content-Type: multipart/form-data\r\nContent-Length: 3\r\n\r\nabc").encode()
    ),
    "multipart cut off": (
        (
            POST + 'Content-Type: multipart/form-data; boundary="b"\r\nContent-Length:'
            " 9\r\n\r\n--b\r\nCont"
        ).encode()
    ),
    "a type of no sense": (
        (POST + "Content-Type: \xff;;=\r\nContent-Length: 3\r\n\r\nabc").encode("latin-1")
    ),
    "a compressed body": (POST + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc").encode(),
    "a query of other bytes": (
        (
            POST.replace("read", "read?model=%ff%00&images=%f0") + "Content-Length: 0\r\n\r\n"
        ).encode()
    ),
    "a thousand models": (
        (
            POST.replace("read", "read?" + "model=reader&" * 1000) + "Content-Length: 0\r\n\r\n"
        ).encode()
    ),
}
UNFINISHED = {"a chunk of a huge size"}


@pytest.fixture(scope="module")
def server():
    with served(
        workers=2, queue=300, models=["reader", "lenet5"], max_body=LIMIT, body_seconds=20
    ) as running:
        yield running


def test_what_its_description_allows_and_what_not_is_answered_as_it_says(server, effort, account):
    load_all_checks()
    document, statuses = server.client.get("/openapi.json").json(), {}
    count = effort(12, 500)
    with requests.Session() as session:
        for found in schemathesis.openapi.from_dict(document).get_all_operations():
            modes = (
                list(GenerationMode)
                if found.ok().path == "/api/read"
                else [GenerationMode.POSITIVE]
            )
            for mode in modes:

                @seed(7)
                @settings(
                    max_examples=count,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                )
                @given(
                    case=found.ok().as_strategy(generation_mode=mode),
                    body=st.none() | st.sampled_from(BODIES),
                )
                def ask(case, body):
                    if body is not None and case.method == "POST":
                        case.body = body
                    response = case.call(base_url=server.url, session=session, timeout=HANG)
                    case.validate_response(response, checks=CONFORMS)
                    statuses[response.status_code] = statuses.get(response.status_code, 0) + 1

                ask()
    assert all(status < 500 for status in statuses)
    outcome = "every answer as the OpenAPI document says; none of 500 or more"
    told = {f"status_{status}": times for status, times in sorted(statuses.items())}
    account(
        "requests made up from the OpenAPI document",
        tried=sum(statuses.values()),
        outcome=outcome,
        **told,
    )


@pytest.mark.parametrize("name", ODD_REQUESTS)
def test_odd_requests_are_answered_or_refused_and_harm_nobody(server, name):
    with opened(server) as connection:
        connection.sendall(ODD_REQUESTS[name])
        if name in UNFINISHED:
            connection.shutdown(socket.SHUT_WR)
        found = answer(connection)
    if name not in UNFINISHED:
        status, body = found
        assert status < 500
        assert status == 200 or list(json.loads(body)) == ["error"]
    assert server.client.post("/api/read", content=PICTURE).json()["digits"] == "407"


@pytest.mark.parametrize(
    "head",
    [POST + f"Content-Length: {10**10}\r\n\r\n", POST + "Transfer-Encoding: chunked\r\n\r\n"],
)
def test_a_body_over_the_limit_is_refused_and_not_read_to_its_end(server, head):
    part, taken = bytes(65_536), 0
    with opened(server) as connection:
        connection.sendall(head.encode())
        if "chunked" not in head:
            assert answer(connection)[0] == 413
        ended = False
        while not ended and taken < 200_000_000:
            try:
                connection.sendall(
                    f"{len(part):x}\r\n".encode() + part + b"\r\n" if "chunked" in head else part
                )
                taken += len(part)
            except ConnectionError:
                ended = True
    assert ended
    assert taken < 64 * 2**20


def test_a_body_somewhat_over_the_limit_gets_to_know_even_if_it_reads_only_afterwards(server):
    for _ in range(20):
        assert server.client.post("/api/read", content=bytes(10 * LIMIT)).status_code == 413


def test_while_hundreds_are_slow_others_are_answered(server, effort, account):
    alone = sorted(measure(server) for _ in range(effort(5, 100)))
    slow = [opened(server) for _ in range(200)]
    for place, connection in enumerate(slow):
        begun = (b"POST /api", POST.encode(), post(PICTURE)[:-50])[place % 3]
        connection.sendall(begun)
    beside = sorted(measure(server) for _ in range(effort(20, 300)))
    for connection in slow:
        connection.close()
    figures = {"p99_alone": np.quantile(alone, 0.99), "p99_beside": np.quantile(beside, 0.99)}
    account(
        "requests beside 200 slow connections",
        tried=len(beside),
        outcome="all answered",
        **{
            f"{name}_milliseconds": round(1000 * float(value), 1) for name, value in figures.items()
        },
    )


def measure(server):
    began = time.perf_counter()
    assert server.client.post("/api/read", content=PICTURE).json()["digits"] == "407"
    return time.perf_counter() - began


def test_who_breaks_off_at_any_byte_harms_nobody(server):
    for length in range(0, len(post(PICTURE)), 199):
        with opened(server) as connection:
            connection.sendall(post(PICTURE)[:length])
            connection.shutdown(socket.SHUT_WR)
            answer(connection)
    assert server.client.post("/api/read", content=PICTURE).json()["digits"] == "407"


def test_a_picture_whose_client_has_left_is_not_read(server, effort, account):
    before, count = server.metric("mnistlab_reading_seconds_count"), effort(20, 200)
    with server.held():
        asked = [opened(server) for _ in range(count)]
        for connection in asked:
            connection.sendall(post(PICTURE))
        until(lambda: server.metric("mnistlab_queue_length") == count - 2, HANG)
        for connection in asked:
            connection.close()
        until(lambda: server.metric("mnistlab_queue_length") == 0, HANG)
    # Two were with the readers when their clients left.
    until(lambda: server.metric("mnistlab_reading_seconds_count") == before + 2, HANG)
    account(
        "clients that leave while queued",
        tried=count,
        outcome="none read but the two that the readers had",
    )
