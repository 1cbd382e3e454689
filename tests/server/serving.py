"""A server in a process of its own, as users start it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

pytest.importorskip("fastapi")

SERVE = [
    sys.executable,
    "-c",
    (
        "import sys; from mnistlab.cli.app import run; from mnistlab.cli.serve import serve;"
        " sys.exit(run(serve))"
    ),
]
_WITH_SETTINGS = [
    sys.executable,
    "-c",
    (
        "import json, pathlib, sys; from mnistlab.server import Settings; from"
        " mnistlab.server.launch import serve\ntold = json.loads(sys.argv[1])\nreport ="
        " told.pop('report', None)\nserve(Settings(**told, report=report and pathlib.Path(report)),"
        " lambda url: print('at', url, flush=True))"
    ),
]


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
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
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

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(20)


@contextlib.contextmanager
def served(*options, log=None, **settings):
    """Start a server on a free port with the program's options, or with settings; it is ended with
    the block.

    What it says on standard error goes to the file ``log``.
    """
    if not Path("/proc/self/task").exists():
        pytest.skip("needs Linux's /proc")
    if options or not settings:
        command = [*SERVE, "--port", "0", *options]
    else:
        command = [*_WITH_SETTINGS, json.dumps({"port": 0} | settings)]
    with open(log, "w") if log else contextlib.nullcontext() as stderr:  # noqa: PTH123
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    try:
        # For programs it says in its log, not here, that it is ready.
        line = (
            until(lambda: re.search(r".*http://.*\n", log.read_text()), 30)[0]
            if "json" in options
            else process.stdout.readline()
        )
        assert "http://" in line, line
        url = re.search(r"http://[^\s,\"]+", line)[0]
        server = Server(process, url)
        with server.client:
            yield server
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)
        process.stdout.close()


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
