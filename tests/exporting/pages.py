"""Exported pages in a real browser: served under a sub-path as a course would host them, or opened
as files."""

import base64
import contextlib
import functools
import http.server
import threading

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
