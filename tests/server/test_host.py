"""The Host header: who may be asked for, so that no other site's page reads answers (DNS
rebinding)."""

import socket

import pytest

from mnistlab.errors import ServerError
from mnistlab.server.host import Hosts
from tests.reliability.wire import answer, opened
from tests.server.test_app import refusal


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "digits.localhost",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.8.9.10",
        ),
        *(
            "[::1]",
            "[::1]:8000",
            "[0:0:0:0:0:0:0:1]",
            "Digits.Example.org:443",
            "a.test",
            "a.b.test",
        ),
    ],
)
def test_own_names_are_answered(guarded, host):
    assert guarded.client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evillocalhost",
        ),
        *(
            "example.org",
            "a.digits.example.org",
            "test",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "[::1",
            "::1",
            "127.1",
        ),
        *(
            "",
            "a b",
            "localhost@evil.example",
            "evil.example#localhost",
            "localhost:8000:1",
            "localhost,evil.example",
        ),
    ],
)
def test_other_names_are_refused_and_the_option_is_named(guarded, host):
    for path in ("/", "/healthz", "/api/models", "/metrics"):
        message = refusal(guarded.client.get(path, headers={"host": host}), 400)
        assert "--allow-host NAME" in message
        assert host in message


def test_without_the_header_only_what_no_browser_speaks_is_answered(guarded):
    for version, status in (("1.0", 200), ("1.1", 400)):
        with opened(guarded) as connection:
            connection.sendall(f"GET /healthz HTTP/{version}\r\n\r\n".encode())
            assert answer(connection)[0] == status
    with opened(guarded) as connection:
        connection.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
        )
        assert answer(connection)[0] == 400


def test_a_whole_uri_is_asked_for_like_its_path_and_its_host_counts(guarded):
    for uri, host, status in (
        ("http://localhost/healthz", "localhost", 200),
        ("HTTP://Digits.Example.org:80/healthz?a=b", "evil.example", 200),
        ("https://localhost", "localhost", 200),
        ("http://localhost/no%0awhere", "localhost", 404),
        ("http://evil.example/healthz", "localhost", 400),
        ("http://localhost@evil.example/healthz", "localhost", 400),
    ):
        with opened(guarded) as connection:
            connection.sendall(f"GET {uri} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert answer(connection)[0] == status, uri


def test_a_server_for_other_machines_goes_by_every_address_and_its_own_names():
    name = socket.gethostname()
    for bound in ("0.0.0.0", "::", "192.168.1.7", "digits.lan"):
        hosts = Hosts(bound, ())
        for own in (
            "192.168.1.7:8000",
            "[fd00::7]:8000",
            "127.0.0.1",
            "localhost",
            name,
            f"{name.split('.')[0]}.local",
        ):
            assert own in hosts
        assert "evil.example" not in hosts
    assert "digits.lan:8000" in Hosts("digits.lan", ())
    assert "evil.example" in Hosts("127.0.0.1", ("*",))


@pytest.mark.parametrize(
    "name", ["http://example.org", "example.org:80", "a*.org", "*.*", "", "a b", "ex\x1b[31m"]
)
def test_what_is_no_name_is_refused_at_the_start(name):
    with pytest.raises(ServerError, match="is not a host: ") as refused:
        Hosts("127.0.0.1", (name,))
    assert str(refused.value).isprintable()
