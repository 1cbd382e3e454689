"""Behind a reverse proxy that puts a prefix before all paths, whether it takes it off or passes it
on."""

import contextlib
import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urljoin

import pytest

from mnistlab.errors import ServerError
from mnistlab.server import Settings
from tests.server.hands import draw, expect_read, sync_api
from tests.server.pictures import number

PASSED = ("host", "content-type")


@contextlib.contextmanager
def proxied(server, *, strips):
    """The address of a proxy that hands on what is below /digits."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if not self.path.startswith("/digits"):
                self.send_error(404)
                return
            path = (self.path.removeprefix("/digits") or "/") if strips else self.path
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {
                name: value for name, value in self.headers.items() if name.lower() in PASSED
            }
            headers |= {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
            with contextlib.closing(
                http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            ) as onward:
                onward.request(self.command, path, body, headers)
                answer = onward.getresponse()
                content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() in ("content-type", "content-security-policy", "location", "allow"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join()


@pytest.mark.parametrize("strips", [True, False])
def test_the_page_its_links_and_its_requests_stay_below_the_prefix(browser, guarded, strips):
    with proxied(guarded, strips=strips) as address:
        page = browser.new_page()
        failed = []
        page.on("response", lambda one: one.status >= 400 and failed.append((one.status, one.url)))
        page.on(
            "request", lambda one: one.url.startswith(f"{address}/digits") or failed.append(one.url)
        )
        page.goto(f"{address}/digits" if not strips else f"{address}/digits/")
        assert page.url == f"{address}/digits/"
        draw(page, "7")
        expect_read(page, "7")
        page.get_by_role("link", name="the API").click()
        sync_api.expect(page.get_by_role("heading", name="/api/read")).to_be_visible()
        assert (
            f"{address.replace('http:', 'https:')}/digits/api/read"
            in page.locator("pre").inner_text()
        )
        for link in page.locator("a").all():
            assert page.request.get(urljoin(page.url, link.get_attribute("href"))).ok
        page.locator(".kicker a").click()
        page.get_by_role("link", name="Report").click()
        inside = page.frame_locator("iframe")
        sync_api.expect(inside.get_by_role("heading", name="b wins")).to_be_visible()
        page.get_by_role("link", name="Draw").click()
        sync_api.expect(page.get_by_role("heading", name="Write a number")).to_be_visible()
        page.close()
        assert failed == []


def test_every_path_is_there_with_the_prefix_and_without(guarded):
    picture = number("52")
    for prefix in ("", "/digits"):
        for path in ("/", "/page.js", "/healthz", "/docs", "/openapi.json", "/report"):
            assert (
                guarded.client.get(f"http://127.0.0.1:{guarded.port}{prefix}{path}").status_code
                == 200
            )
        read = guarded.client.post(
            f"http://127.0.0.1:{guarded.port}{prefix}/api/read", content=picture
        )
        assert read.json()["digits"] == "52"
    for path in ("/digitsdocs", "/digits/digits/docs", "//digits/docs"):
        answer = guarded.client.get(f"http://127.0.0.1:{guarded.port}{path}")
        assert answer.status_code == 404
        assert "/digits/docs lists" in answer.json()["error"]
    document = guarded.client.get(f"http://127.0.0.1:{guarded.port}/openapi.json").json()
    assert document["servers"] == [{"url": "/digits"}]


def test_the_bare_prefix_leads_to_the_page(guarded):
    answer = guarded.client.get(
        f"http://127.0.0.1:{guarded.port}/digits?a=b", follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (308, "/digits/?a=b")


def test_no_link_leads_to_the_root(guarded):
    for path in ("/", "/docs", "/report"):
        page = guarded.client.get(f"http://127.0.0.1:{guarded.port}{path}").text
        links = re.findall(r'(?:href|src|action)="([^"]*)"', page)
        assert links
        assert not [link for link in links if link.startswith(("/", "http"))]


@pytest.mark.parametrize(
    "prefix", ["digits", "/digits/", "//digits", "/a b", "/a/../b", "/a?b", "/a%2f", "/\x1b[31m"]
)
def test_what_is_no_prefix_is_refused_at_the_start(prefix):
    with pytest.raises(ServerError, match="is not a prefix of paths: /digits is"):
        Settings(root_path=prefix)


@pytest.mark.parametrize("prefix", ["/api", "/docs", "/api/read"])
def test_a_prefix_that_is_a_path_of_its_own_is_refused_at_the_start(prefix):
    from mnistlab.server.app import create_app

    with pytest.raises(ServerError, match="an address of the server's own"):
        create_app(Settings(root_path=prefix))
