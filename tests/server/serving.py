"""A server in a process of its own, as users start it."""

import contextlib
import json
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from tests.forks import PATIENCE, PROGRAM, SERVER, Command, started

pytest.importorskip("fastapi")

_ADDRESS = re.compile(r"http://[^\s,\"]+")
_HOUR = 3600
"""Seconds that one may be shared by tests."""


class Server:
    """A running server: its process, address, and readers."""

    def __init__(self, process, url):
        self.process, self.url = process, url
        self.client = httpx.Client(base_url=url, timeout=30)

    @property
    def port(self):
        return httpx.URL(self.url).port

    def readers(self):
        """The numbers of its reader processes."""
        children = Path(f"/proc/{self.process.number}/task/{self.process.number}/children")
        return [int(number) for number in children.read_text().split()]

    def metric(self, name):
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        return None

    @contextlib.contextmanager
    def held(self):
        """All readers stand still inside the block."""
        readers = self.readers()
        for reader in readers:
            os.kill(reader, signal.SIGSTOP)
        try:
            yield readers
        finally:
            for reader in readers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(reader, signal.SIGCONT)

    def end(self, how=signal.SIGTERM, seconds=20):
        """Send it a signal, and return its exit status."""
        self.process.send(how)
        return self.ended(seconds)

    def ended(self, seconds=20):
        """Wait for its end, and return its exit status."""
        until(lambda: not self.process.running, seconds)
        return self.process.wait().returncode


@contextlib.contextmanager
def served(*options, log=None, new=False, **settings):
    """Start a server on a free port with the program's options, or with settings; it is ended with
    the block.

    It is forked with all modules loaded, or ``new``, an interpreter of its own. What it says on
    standard error goes to the file ``log``.
    """
    if not Path("/proc/self/task").exists():
        pytest.skip("needs Linux's /proc")
    command = ["serve", "--port", "0", *options]
    with tempfile.TemporaryDirectory() as folder:
        log = log or Path(folder) / "log"
        if new:
            start = [sys.executable, "-m", "mnistlab", *command]
            process = Command(start, Path.cwd(), Path(folder) / "server", stderr=log)
        else:
            if settings:
                command = [json.dumps({"port": 0} | settings)]
            process = started().start(
                *command,
                cwd=Path.cwd(),
                env=os.environ,
                call=SERVER if settings else PROGRAM,
                stderr=log,
                seconds=_HOUR,
            )
        try:
            # For programs it says in its log, not on standard output, that it is ready.
            until(lambda: "http://" in _said(process, log) or not process.running, PATIENCE)
            server = Server(process, _ADDRESS.search(_said(process, log))[0])
            with server.client:
                yield server
        finally:
            if process.running:
                process.send(signal.SIGTERM)
            until(lambda: not process.running, PATIENCE)
            process.wait()


def _said(process, log):
    return process.stdout + log.read_text()


def until(condition, seconds=10):
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.02)
    return found


def alive(number):
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
