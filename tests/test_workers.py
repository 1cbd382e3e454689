"""Workers: real processes that answer, die, are interrupted and are left busy."""

import contextlib
import os
import signal
import sys
import time

import pytest

from mnistlab.workers import Ended, Workers

SECONDS = 30


def count(connection, first):
    """Answer each number by one more; end at zero, and exit with status 3 at one."""
    connection.send(first)
    with contextlib.suppress(EOFError):
        while number := connection.recv():
            if number == 1:
                sys.exit(3)
            connection.send(number + 1)


def sleep(connection):
    connection.send(sys.modules["__main__"].__dict__.get("MARK"))
    while True:
        time.sleep(1)


def receive(workers):
    """The next message of any worker."""
    for _ in range(SECONDS):
        for worker, message in workers.receive(1.0):
            return worker, message
    raise TimeoutError


@pytest.fixture
def workers():
    with Workers() as workers:
        yield workers


def test_a_worker_answers_with_its_job_beside_it_until_it_ends(workers):
    started = workers.start(count, 10, job="counting")
    assert not started.heard
    assert receive(workers) == (started, 10)
    assert started.heard
    assert started.send(5)
    worker, message = receive(workers)
    assert (worker.job, message, len(workers)) == ("counting", 6, 1)
    assert worker.send(0)
    assert receive(workers) == (worker, Ended("ended with status 0"))
    assert len(workers) == 0
    assert not worker.send(5)


@pytest.mark.parametrize(("death", "how"), [("exit", "ended with status 3"), ("kill", "SIGKILL")])
def test_a_death_is_received_with_its_reason_and_the_others_go_on(workers, death, how):
    doomed, other = (workers.start(count, first, job=None) for first in (10, 20))
    assert {receive(workers)[1], receive(workers)[1]} == {10, 20}
    if death == "exit":
        doomed.send(1)
    else:
        os.kill(doomed.process.pid, signal.SIGKILL)
    worker, message = receive(workers)
    assert worker is doomed
    assert isinstance(message, Ended)
    assert how in message.how
    assert list(workers) == [other]
    other.send(2)
    assert receive(workers) == (other, 3)


def test_who_is_busy_when_the_block_is_left_is_killed_and_nobody_hears_an_interrupt(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "MARK", "the user's script", raising=False)
    with Workers(seconds=0.1) as workers:
        worker = workers.start(sleep, job=None)
        assert receive(workers) == (worker, None)
        os.kill(worker.process.pid, signal.SIGINT)
        assert list(workers.receive(0.5)) == []
        assert worker.process.is_alive()
    assert worker.process.exitcode == -signal.SIGKILL
