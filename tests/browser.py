"""A real browser for tests of pages: Chromium, driven by Playwright."""

import asyncio
import contextlib
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

# The first has no windows, and takes a third less time.
BROWSERS = "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@contextlib.contextmanager
def chromium():
    """A running browser."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no browser here; on Debian: apt-get install chromium-headless-shell")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


def run_async(coroutine):
    """Do as :func:`asyncio.run`, in a thread of its own: in this one Playwright's loop runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@contextlib.contextmanager
def opened(browser, path, width=1100, scheme="light", media="screen"):
    """Open a file; yields the page and the list of everything that went wrong or out: errors,
    warnings, requests."""
    complaints = []
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.emulate_media(media=media, color_scheme=scheme)
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on(
        "dialog",
        lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()),
    )
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
    try:
        yield page, complaints
    finally:
        page.close()


def show(page, width, scheme="light"):
    """Have an open page shown so wide, in a light or dark scheme."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(media="screen", color_scheme=scheme)


def cut_off(page):
    """What is wider than its place and shows no cue of it, and the page itself if it scrolls
    sideways."""
    found = page.evaluate(
        """[...document.querySelectorAll('body *')]
            .filter(e => !(e instanceof SVGElement) && e.clientWidth
                         && e.scrollWidth > e.clientWidth + 1)
            .filter(e => getComputedStyle(e).display != 'inline')
            .map(e => [e.tagName, e.getAttribute('aria-label') || '', getComputedStyle(e).overflowX,
                       getComputedStyle(e).backgroundAttachment,
                       getComputedStyle(e).backgroundImage])"""
    )
    bad = [
        (tag, label)
        for tag, label, overflow, attachment, image in found
        if overflow != "auto"
        or "local" not in attachment
        or "scroll" not in attachment
        or "gradient" not in image
    ]
    return bad + (
        [] if page.evaluate("document.documentElement.scrollWidth <= innerWidth") else ["the page"]
    )
