"""Slow clients, by the hundred: none of them keeps another one out, nor the server from ending."""

import contextlib
import json
import select
import signal
import socket
import time

import httpx
import pytest

from tests.reliability.wire import answer
from tests.server.pictures import number
from tests.server.serving import served
from tests.server.test_app import AT_ONCE, refusal

LARGEST = 20_000
PICTURE = number("52")
POST = b"POST /api/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def server():
    with served(workers=1, models=["lenet5"], max_body=LARGEST) as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "report.html").write_bytes(bytes(REPORT))
    limits = {"stall_seconds": 1.0, "idle_seconds": 1.0, "min_rate": 500}
    with served(
        workers=1, models=["lenet5"], report=str(folder / "report.html"), **limits
    ) as running:
        yield running


REPORT = 30_000_000


@contextlib.contextmanager
def many(server, count, said):
    """So many connections that have said something, and then nothing."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 100:
        if hard != resource.RLIM_INFINITY and hard < count + 100:
            pytest.skip("so many files may not be open")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, hard))
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(count):
            connections.append(stack.enter_context(connected(server)))
            with contextlib.suppress(ConnectionError):
                connections[-1].sendall(said)
        yield connections


def connected(server):
    return socket.create_connection(("127.0.0.1", server.port), 20)


def read(server):
    return httpx.post(f"{server.url}/api/read", content=PICTURE, timeout=AT_ONCE)


def all_of(connection):
    """What comes until the server closes the connection."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(2**20):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (600, POST % 1000 + b"abc"),
        (17, POST % LARGEST + bytes(LARGEST - 1)),
        (1001, b""),
        (1001, b"POST /api/read HTTP/1.1\r\nHo"),
    ],
    ids=["uploads", "large uploads", "idle connections", "heads"],
)
def test_stalled_clients_keep_nobody_out(server, count, said):
    with many(server, count, said):
        for _ in range(5):
            assert read(server).json()["digits"] == "52"


def test_of_two_uploads_the_slower_gives_way(server):
    with many(server, 16, POST % LARGEST + bytes(LARGEST - 1)) as slow:
        assert read(server).status_code == 200
        # The one that was silent longest; the others are still waited for.
        assert answer(slow[0])[0] == 503
        slow[-1].sendall(b"\0")
        assert answer(slow[-1])[0] == 422


def test_a_body_has_a_least_rate(strict):
    with connected(strict) as trickling:
        trickling.sendall(POST % 10_000)
        while not select.select([trickling], [], [], 0.05)[0]:
            trickling.sendall(b"a")
        status, body = answer(trickling)
    assert status == 408
    assert b"fewer than 500 bytes a second" in body


def test_a_body_that_is_slow_but_steady_is_read(strict):
    def parts():
        for start in range(0, len(PICTURE), 400):
            yield PICTURE[start : start + 400]
            time.sleep(0.25)

    assert len(PICTURE) > 1600
    assert strict.client.post("/api/read", content=parts()).json()["digits"] == "52"


def test_a_connection_in_steady_use_is_kept(strict):
    with connected(strict) as connection:
        for _ in range(4):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert answer(connection)[0] == 200
            time.sleep(0.4)


def ask_for_report(connection):
    connection.sendall(b"GET /report.html HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_an_answer_that_nobody_reads_is_given_up(strict):
    with connected(strict) as connection:
        ask_for_report(connection)
        time.sleep(2.5)
        assert len(all_of(connection)) < REPORT


def test_an_answer_that_is_read_slowly_is_sent_to_its_end(strict):
    with connected(strict) as connection:
        ask_for_report(connection)
        length = 0
        for _ in range(8):
            length += len(connection.recv(2_000_000, socket.MSG_WAITALL))
            time.sleep(0.2)
        assert length + len(all_of(connection)) > REPORT


def test_the_end_waits_only_moments_for_who_stalls(tmp_path):
    (tmp_path / "report.html").write_bytes(bytes(REPORT))
    with (
        served(
            "--model",
            "lenet5",
            "--workers",
            "1",
            "--no-access-log",
            "--report",
            str(tmp_path),
            log=tmp_path / "log",
        ) as server,
        connected(server) as sending,
        connected(server) as reading,
    ):
        sending.sendall(POST % 1000 + b"abc")
        ask_for_report(reading)
        time.sleep(0.2)
        assert server.end(signal.SIGTERM, seconds=10) == 0
        status, body = answer(sending)
    assert (status, json.loads(body)) == (503, {"error": "the server is ending; try again"})
    assert (tmp_path / "log").read_text().splitlines() == [
        "mnistlab: ending; requests under way: 1",
        "mnistlab: warning: refused 127.0.0.1 with 503: the server is ending; try again",
        "mnistlab: warning: ended; requests answered: 1, cut off: 1",
    ]


def test_refusals_of_short_bodies_keep_the_connection(server):
    with connected(server) as connection:
        for _ in range(2):
            connection.sendall(POST.replace(b"read", b"raed") % 3 + b"abc")
            assert answer(connection)[0] == 404
    assert "20,000 bytes" in refusal(
        server.client.post("/api/read", content=bytes(LARGEST + 1)), 413
    )
