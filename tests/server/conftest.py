"""A server, a browser, and visits to its page."""

import shutil

import pytest

from tests.browser import FLAGS
from tests.server.serving import served

SECONDS = 20


@pytest.fixture(scope="module")
def server():
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium here; on Debian: apt-get install chromium")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def visit(server, browser):
    """Open the page; at the end nothing may have gone wrong, nor out to other hosts."""
    contexts, complaints, expected = [], [], []

    def visit(expect=(), **options):
        expected.extend(expect)
        contexts.append(browser.new_context(**({"viewport": {"width": 1100, "height": 900}} | options)))
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
        pytest.importorskip("playwright.sync_api").expect(page.locator("#models tr")).to_have_count(3)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [complaint for complaint in complaints if not any(part in complaint for part in expected)] == []
