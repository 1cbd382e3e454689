"""Downloads from a real server on this machine that behaves as badly as real ones do."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mnistlab.data import download
from mnistlab.data.download import RemoteFile, cache_folder, fetch
from mnistlab.errors import DataError

CONTENT = bytes(range(256)) * 4000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Moody(BaseHTTPRequestHandler):
    """Serves CONTENT: /good whole, /cut breaks off at each first half, /norange likewise without
    resumption."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        tries = sum(path == self.path for path, _ in self.server.requests)
        wanted = self.headers.get("Range")
        start = (
            int(wanted.removeprefix("bytes=").rstrip("-"))
            if wanted and self.path != "/norange"
            else 0
        )
        if self.path == "/missing":
            return self.send_error(404)
        if self.path == "/busy" and tries < 3:
            return self.send_error(503)
        if start >= len(CONTENT):
            return self.send_error(416)
        content = b"\0" * len(CONTENT) if self.path == "/wrong" else CONTENT
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        breaks = self.path == "/cut" or (self.path in ("/once", "/norange") and tries == 1)
        self.wfile.write(body[: len(body) // 2] if breaks else body)
        return None

    def log_message(self, *args):
        pass


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(download, "_BACKOFF_SECONDS", 0.01)


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as running:
        running.requests = []
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def remote(server, *paths):
    return RemoteFile(
        "file.bin", MD5, tuple(f"http://127.0.0.1:{server.server_port}{path}" for path in paths)
    )


def test_a_file_is_fetched_once_and_its_progress_told(server, tmp_path):
    told = []
    path = fetch(remote(server, "/good"), tmp_path, lambda *progress: told.append(progress))
    assert path.read_bytes() == CONTENT
    assert told[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    fetch(remote(server, "/good"), tmp_path)
    assert len(server.requests) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


def test_a_broken_connection_is_resumed_where_it_broke(server, tmp_path):
    assert fetch(remote(server, "/once"), tmp_path).read_bytes() == CONTENT
    (_, first), (_, second) = server.requests
    assert first == "bytes=0-"
    assert int(second.removeprefix("bytes=").rstrip("-")) > 0


def test_a_later_attempt_goes_on_where_an_earlier_one_stopped(server, tmp_path):
    with pytest.raises(DataError, match="no mirror could be reached"):
        fetch(remote(server, "/cut"), tmp_path)
    held = (tmp_path / "file.bin.part").stat().st_size
    assert len(CONTENT) // 2 <= held < len(CONTENT)
    assert fetch(remote(server, "/good"), tmp_path).read_bytes() == CONTENT
    assert server.requests[-1] == ("/good", f"bytes={held}-")


def test_a_server_without_resumption_is_asked_for_the_whole(server, tmp_path):
    assert fetch(remote(server, "/norange"), tmp_path).read_bytes() == CONTENT


def test_a_complete_part_is_not_fetched_again(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert fetch(remote(server, "/good"), tmp_path).read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(server, tmp_path):
    assert fetch(remote(server, "/busy"), tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 3


@pytest.mark.parametrize("first", ["/missing", "/wrong"])
def test_the_next_mirror_is_tried(server, tmp_path, first):
    assert fetch(remote(server, first, "/good"), tmp_path).read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == [first, "/good"]


def test_a_damaged_part_is_thrown_away_not_kept_for_ever(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"\1" * 1000)
    assert fetch(remote(server, "/good", "/good"), tmp_path).read_bytes() == CONTENT


def test_when_nothing_helps_every_reason_is_given(server, tmp_path):
    dead = "http://127.0.0.1:9/file"
    file = remote(server, "/missing", "/wrong")
    with pytest.raises(DataError) as caught:
        fetch(RemoteFile(file.name, file.md5, (dead, *file.urls)), tmp_path)
    message = str(caught.value)
    for part in (
        "file.bin",
        "127.0.0.1:9: ConnectionError",
        "HTTP 404",
        "another checksum",
        "put the file into",
    ):
        assert part in message
    assert str(tmp_path) in message
    assert "\n" not in message


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be stored"):
        fetch(remote(server, "/good"), tmp_path / "file")


def test_the_cache_can_be_put_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("MNISTLAB_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MNISTLAB_CACHE")
    assert cache_folder().name == "mnistlab"
    assert isinstance(cache_folder(), Path)
