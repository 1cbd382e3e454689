"""The server under pressure: full queues, slow clients, dying readers, and its end."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.server.pictures import number
from tests.server.serving import alive, served, until
from tests.server.test_app import AT_ONCE, refusal

PICTURE = number("52")


@pytest.fixture(scope="module")
def server():
    with served(
        workers=2, queue=3, models=["reader"], max_body=20_000, body_seconds=1.5, idle_seconds=1.5
    ) as running:
        yield running


def read(server):
    return httpx.post(f"{server.url}/api/read", content=PICTURE, timeout=60)


def opened(server, head):
    connection = socket.create_connection(("127.0.0.1", server.port), AT_ONCE)
    connection.sendall(f"{head}\r\nHost: localhost\r\n".encode())
    return connection


def test_above_the_queue_all_are_refused_at_once_and_the_accepted_are_answered(server):
    with ThreadPoolExecutor(5) as crowd:
        with server.held():
            accepted = [crowd.submit(read, server) for _ in range(5)]
            until(lambda: server.metric("mnistlab_queue_length") == 3)
            start = time.monotonic()
            for _ in range(20):
                response = read(server)
                assert "busy" in refusal(response, 503)
                assert response.headers["retry-after"] == "1"
            # Not even the body is waited for.
            with opened(server, "POST /api/read HTTP/1.1") as connection:
                connection.sendall(b"Content-Length: 1000\r\n\r\n")
                assert connection.recv(4096).startswith(b"HTTP/1.1 503 ")
            assert time.monotonic() - start < AT_ONCE
            assert server.client.get("/healthz").status_code == 200
        assert [future.result().json()["digits"] for future in accepted] == ["52"] * 5
    assert server.metric("mnistlab_refused_total") == 21
    assert server.metric("mnistlab_queue_length") == 0


def test_slow_bodies_block_nobody_and_end_with_408(server):
    slow = [opened(server, "POST /api/read HTTP/1.1") for _ in range(30)]
    for connection in slow:
        connection.sendall(b"Content-Length: 1000\r\n\r\nabc")
    assert read(server).json()["digits"] == "52"
    for connection in slow:
        connection.settimeout(20)
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
        connection.close()


def test_uploads_hold_no_more_memory_together_than_they_may(server):
    held = [opened(server, "POST /api/read HTTP/1.1") for _ in range(17)]
    answers = []
    for connection in held:
        connection.sendall(b"Content-Length: 20000\r\n\r\n" + bytes(19_999))
    for connection in held:
        connection.settimeout(20)
        answers.append(connection.recv(4096)[9:12])
        connection.close()
    assert sorted(answers) == [b"408"] * 16 + [b"503"]
    assert read(server).json()["digits"] == "52"


def test_slow_heads_and_idle_connections_are_closed(server):
    with opened(server, "GET / HTTP/1.1") as slow, opened(server, "GET / HTTP/1.1") as idle:
        idle.sendall(b"\r\n")
        for connection in (slow, idle):
            connection.settimeout(20)
            while connection.recv(65536):
                pass


def test_who_leaves_in_the_midst_harms_nobody(server):
    for ending in (
        b"",
        b"Content-Length: 1000\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc",
    ):
        opened(server, "POST /api/read HTTP/1.1").close()
        with opened(server, "POST /api/read HTTP/1.1") as connection:
            connection.sendall(ending)
    assert read(server).json()["digits"] == "52"


def test_a_killed_reader_is_replaced_and_its_picture_read_again(server):
    before = server.metric("mnistlab_reader_deaths_total")
    with ThreadPoolExecutor(2) as crowd:
        with server.held() as readers:
            asked = [crowd.submit(read, server) for _ in range(2)]
            time.sleep(0.3)
            for reader in readers:
                os.kill(reader, signal.SIGKILL)
        assert [future.result().json()["digits"] for future in asked] == ["52", "52"]
    until(lambda: server.metric("mnistlab_readers_alive") == 2)
    assert server.metric("mnistlab_reader_deaths_total") == before + 2
    os.kill(server.readers()[0], signal.SIGKILL)
    assert read(server).json()["digits"] == "52"
    until(lambda: server.metric("mnistlab_readers_alive") == 2)


def test_a_picture_that_takes_too_long_is_given_up():
    with served(workers=1, models=["reader"], picture_seconds=0.5) as server:
        with server.held() as (reader,):
            assert "longer than 0.5 s" in refusal(read(server), 422)
            until(lambda: not alive(reader))
        assert read(server).json()["digits"] == "52"
        # Whom nobody reaches any more is not waited for either.
        assert server.end() == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_was_accepted_is_finished_before_the_end(how):
    with served(workers=1, models=["reader"]) as server, ThreadPoolExecutor(2) as crowd:
        server.client.get("/healthz")
        with server.held() as readers:
            accepted = [crowd.submit(read, server) for _ in range(2)]
            until(lambda: server.metric("mnistlab_queue_length") == 1)
            for reader in readers:
                os.kill(reader, how)  # as a terminal or a supervisor does to a whole group
            server.process.send(how)
            # Refused, or cut off if the door is shut in that very moment.
            with pytest.raises((httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError)):
                until(lambda: httpx.get(f"{server.url}/healthz").status_code == 0)
        assert [future.result().json()["digits"] for future in accepted] == ["52", "52"]
        assert server.ended() == 0
        assert not any(map(alive, readers))


def test_readers_do_not_outlive_a_killed_server():
    with served(workers=2, models=["reader"]) as server, ThreadPoolExecutor(1) as crowd:
        readers = server.readers()
        asked = crowd.submit(read, server)
        server.end(signal.SIGKILL)
        assert asked.exception() is None or isinstance(asked.exception(), httpx.TransportError)
        until(lambda: not any(map(alive, readers)))
