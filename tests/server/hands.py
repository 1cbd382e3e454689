"""Hands that draw on the page, and eyes that wait for what it says."""

import time

import pytest

from tests.server.conftest import SECONDS
from tests.server.handwriting import write

sync_api = pytest.importorskip("playwright.sync_api")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def paths(page, text, left=0.1, top=0.2, height=0.6):
    """Where a hand goes that writes a number; all in units of the pad's height."""
    box = page.locator("#pad").bounding_box()
    for stroke in write(text, left, top, height):
        yield [(box["x"] + x * box["height"], box["y"] + y * box["height"]) for x, y in stroke]


def draw(page, text, **place):
    for first, *others in paths(page, text, **place):
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()


def wait_for(page, said):
    """Wait until the page says so; Playwright's own waiting looks less and less often."""
    deadline = time.monotonic() + SECONDS
    while (found := page.locator("#said").text_content()) != said:
        assert time.monotonic() < deadline, f"the page says {found!r}, not {said!r}"
        page.wait_for_timeout(30)


def expect_read(page, text):
    """Wait until the page has read so, sure of it or not."""
    said, deadline = f"Read: {' '.join(text)}", time.monotonic() + SECONDS
    while (found := page.locator("#said").text_content()).partition(". Unsure")[0] != said:
        assert time.monotonic() < deadline, f"the page says {found!r}, not {said!r}"
        page.wait_for_timeout(30)
    assert page.locator("#digits .digit").all_inner_texts() == list(text)


def expect_nothing(page):
    """Nothing is read yet, or no longer: which is not the same as no digit."""
    sync_api.expect(page.locator("#nothing")).to_have_text("–")
    assert page.locator("#digits").is_hidden()


def expect_no_digit(page):
    wait_for(page, "Read: no digit")
    sync_api.expect(page.get_by_text("no digit", exact=True)).to_be_visible()
    assert page.locator("#digits").is_hidden()
