"""A real browser for tests of pages: Debian's chromium, driven by Playwright."""

import contextlib
import shutil

import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def opened(path, width=1100, scheme="light", media="screen"):
    """Open a file; yields the page and the list of everything that went wrong or out: errors, warnings, requests."""
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium here; on Debian: apt-get install chromium")
    complaints = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.emulate_media(media=media, color_scheme=scheme)
            page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
            page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
            page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
            url = path.resolve().as_uri()
            page.on(
                "request",
                lambda request: (
                    request.url == url
                    or request.url.startswith("data:")
                    or complaints.append(f"request: {request.url}")
                ),
            )
            page.goto(url)
            yield page, complaints
        finally:
            browser.close()
