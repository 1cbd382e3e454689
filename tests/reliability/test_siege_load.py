"""The server under more load than it can bear: whom it lets in, what it keeps, how it recovers, and
how it ends."""

import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi")

from benchmarks.serving import Client, drawing
from tests.browser import run_async
from tests.reliability.wire import HANG, answer, opened, post
from tests.server.serving import served

MORE_MEMORY = 60
"""Megabytes that all of its processes together may hold after the load beyond what they held
before."""
PICTURE = drawing()


def memory(server):
    """Megabytes that the server and its readers hold."""
    return sum(
        int(
            next(
                line
                for line in Path(f"/proc/{number}/status").read_text().splitlines()
                if "VmRSS" in line
            ).split()[1]
        )
        / 1024
        for number in (server.process.number, *server.readers())
    )


def median_alone(client, seconds):
    return run_async(client.in_turns(1, seconds)).median


def test_under_too_much_load_the_rest_is_refused_and_nothing_grows(effort, account):
    seconds, before_it = effort(1, 60), effort(0.4, 1.0)
    with served("--model", "reader", "--workers", "2", new=True) as server:
        client = Client(server.port, PICTURE)
        run_async(client.in_turns(2, before_it))
        alone = median_alone(client, before_it)
        capacity = run_async(client.in_turns(2, effort(0.6, 10))).answered
        before = memory(server)
        for times in effort((5,), (1, 2, 5)):
            load = run_async(client.at_rate(times * capacity, seconds))
            began = time.perf_counter()
            with opened(server) as connection:
                connection.sendall(post(PICTURE))
                assert answer(connection)[0] == 200
            recovered = time.perf_counter() - began
            assert load.failed == 0
            assert load.answered > 0
            assert times == 1 or load.refused > 0
            assert recovered < HANG
            account(
                f"load of {times} times the capacity",
                tried=round(load.asked * seconds),
                outcome="answered, or refused with 503 and Retry-After",
                capacity_per_second=capacity,
                answered_per_second=load.answered,
                refused_share=round(load.refused / load.asked, 3),
                p99_milliseconds=load.p99,
                alone_milliseconds=alone,
                first_after_milliseconds=round(1000 * recovered, 1),
                alone_after_milliseconds=median_alone(client, before_it),
                megabytes_before=round(before),
                megabytes_after=round(memory(server)),
            )
        assert memory(server) < before + MORE_MEMORY
        assert server.metric("mnistlab_reader_deaths_total") == 0
        assert server.metric("mnistlab_queue_length") == 0


def ask_on(server, outcomes, began):
    """Ask one after another; the server says to go on with the body once a request is in."""
    while True:
        inside = False
        try:
            with opened(server) as connection:
                connection.sendall(post(PICTURE, "Expect: 100-continue\r\n")[: -len(PICTURE)])
                inside = connection.recv(25, socket.MSG_WAITALL).startswith(b"HTTP/1.1 100 ")
                if inside:
                    began.set()
                    connection.sendall(PICTURE)
                found = answer(connection)
        except OSError:
            found = None
        outcomes.append((inside, found and found[0]))
        if found is None:
            return


def test_an_end_under_load_loses_nothing_that_got_in(effort, account):
    answered = 0
    for turn in range(effort(2, 20)):
        random = np.random.default_rng(turn)
        with served(workers=2, queue=100, models=["reader"]) as server:
            outcomes, began = [], threading.Event()
            crowd = [
                threading.Thread(target=ask_on, args=(server, outcomes, began)) for _ in range(24)
            ]
            for one in crowd:
                one.start()
            assert began.wait(HANG)
            time.sleep(float(random.uniform(0.2, 1.5)))
            server.process.send(signal.SIGTERM)
            for one in crowd:
                one.join(HANG)
            assert server.ended(HANG) == 0
        inside = [status for got_in, status in outcomes if got_in]
        assert inside == [200] * len(inside)
        assert all(status is None for got_in, status in outcomes if not got_in)
        answered += len(inside)
    assert answered
    outcome = "every request that got in was answered with 200; exit status 0"
    account(
        "SIGTERM with 24 clients asking",
        tried=effort(2, 20),
        outcome=outcome,
        requests_answered=answered,
    )
