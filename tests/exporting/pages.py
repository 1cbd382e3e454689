"""Exported pages in a real browser: served under a sub-path as a course would host them, or opened
as files."""

import base64
import contextlib
import functools
import http.server
import threading

from tests.server.handwriting import write

NO_WORKERS = "globalThis.Worker = class { constructor() { throw new Error('refused'); } };"
SECONDS = 60
PROBABILITIES = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0)), found = [];
  for (let start = 0; start < bytes.length; start += 784) {
    found.push(await mnistlab.probabilities(bytes.slice(start, start + 784)));
  }
  return found;
}"""
READ = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  return mnistlab.read(new Blob([bytes]));
}"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def hosted(folder):
    """The address of a web server that knows nothing but files."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def visited(browser, address, script=None, **options):
    """A page; yields it and what it complained of or asked for, itself and what it made left
    out."""
    context = browser.new_context(**({"viewport": {"width": 1100, "height": 900}} | options))
    context.set_default_timeout(1000 * SECONDS)
    page, complaints = context.new_page(), []
    if script:
        page.add_init_script(script)
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on(
        "request",
        lambda request: (
            request.url == address
            or request.url.startswith(("data:", "blob:"))
            or complaints.append(f"request: {request.url}")
        ),
    )
    page.goto(address)
    try:
        yield page, complaints
    finally:
        context.close()


def probabilities(page, images):
    """What the page's network says of images, uint8 (n, 28, 28)."""
    return page.evaluate(PROBABILITIES, base64.b64encode(images.tobytes()).decode())


def read(page, content):
    """What the page reads in a picture's file, or what is wrong with it."""
    return page.evaluate(READ, base64.b64encode(content).decode())


def draw(page, text, left=0.1):
    """Write a number on the page's pad; ``left`` is in units of its height."""
    box = page.locator("#pad").bounding_box()
    for first, *others in write(text, left, 0.2, 0.55):
        page.mouse.move(box["x"] + first[0] * box["height"], box["y"] + first[1] * box["height"])
        page.mouse.down()
        for x, y in others:
            page.mouse.move(box["x"] + x * box["height"], box["y"] + y * box["height"])
        page.mouse.up()


def show(page, content):
    """Hand the page a picture's file, and wait until it is read."""
    page.evaluate("document.getElementById('said').textContent = ''")
    page.locator("#file").set_input_files(
        {"name": "n.png", "mimeType": "image/png", "buffer": content}
    )
    page.wait_for_function("document.getElementById('said').textContent.startsWith('Read')")


def expect_read(page, text):
    page.wait_for_function(
        "said => document.getElementById('said').textContent === said",
        arg=f"Read: {' '.join(text)}",
    )
    assert page.locator("#digits .digit").all_inner_texts() == list(text)
