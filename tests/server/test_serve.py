"""``mnistlab serve`` as a user types it."""

import signal
import socket

import pytest

from tests.cli.processes import MNISTLAB, refusal, run
from tests.forks import started
from tests.server.pictures import number
from tests.server.serving import served


def test_says_where_it_is_and_ends_on_ctrl_c():
    with served("--model", "lenet5", "--workers", "1", new=True) as server:
        answer = server.client.post("/api/read", content=number("3")).json()
        assert (answer["model"], answer["digits"]) == ("lenet5", "3")
        assert server.end(signal.SIGINT) == 0


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal(run(*MNISTLAB, "serve", "--port", port, cwd=tmp_path))
    assert line.startswith(f"mnistlab: cannot listen on 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--model", "raeder"], "did you mean reader?"),
        (["--model", "nothing.onnx"], "nothing.onnx: cannot be read"),
        (["--host", "256.1.1.1"], "cannot listen on 256.1.1.1:"),
        (["--max-body", "much"], "much is not a size"),
        (["--max-body", "0"], "0 is not a size"),
        (["--workers", "0"], "--workers"),
        (["--threshold", "2"], "--threshold"),
        (["--host", "n\udcffu"], r"cannot listen on n\udcffu:"),
        (["--host", "n" * 70], "cannot listen on n"),
        (["--max-pixels", "9" * 400], "--max-pixels"),
        (["--queue", "9" * 400], "--queue"),
    ],
)
def test_what_cannot_be_served_is_one_line(tmp_path, options, reason):
    assert reason in refusal(run(*MNISTLAB, "serve", "--port", 0, *options, cwd=tmp_path))


def test_a_missing_extra_is_one_line(tmp_path):
    line = refusal(started().run("fastapi", "serve", cwd=tmp_path, call="tests.forks:run_without"))
    assert line == "mnistlab: serve needs an extra; install it: pip install 'mnistlab[serve]'"
