"""A server, a browser, and visits to its page."""

import functools
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from tests.server.serving import served

SECONDS = 20


@pytest.fixture(scope="session")
def server():
    with served() as running:
        yield running


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Another site, by its address; at 127.0.0.1 it is a third one, whose pages may not ask."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text(
        "<!doctype html><link rel=icon href='data:,'><title>another site</title>"
    )
    handler = functools.partial(SimpleHTTPRequestHandler, directory=folder)
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def guarded(tmp_path_factory, site):
    """A server as it runs behind a proxy: further names, another site's pages, a prefix, a
    report."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "report.html").write_text("<h1>b wins</h1>")
    options = ["--model", "lenet5", "--workers", "1", "--max-body", "100k", "--report", str(folder)]
    options += [
        "--allow-host",
        "digits.example.org",
        "--allow-host",
        "*.test",
        "--root-path",
        "/digits/",
    ]
    options += ["--allow-origin", site, "--allow-origin", "https://example.org"]
    with served(*options, log=folder / "log") as running:
        running.log = folder / "log"
        yield running


@pytest.fixture
def visit(server, browser):
    """Open the page; at the end nothing may have gone wrong, nor out to other hosts."""
    contexts, complaints, expected = [], [], []

    def visit(expect=(), **options):
        expected.extend(expect)
        contexts.append(
            browser.new_context(**({"viewport": {"width": 1100, "height": 900}} | options))
        )
        contexts[-1].set_default_timeout(1000 * SECONDS)
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((server.url, "data:", f"blob:{server.url}"))
                or complaints.append(f"request: {request.url}")
            ),
        )
        page.goto(server.url)
        pytest.importorskip("playwright.sync_api").expect(page.locator("#models tr")).to_have_count(
            3
        )
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [
        complaint for complaint in complaints if not any(part in complaint for part in expected)
    ] == []
