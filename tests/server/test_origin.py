"""Pages of other sites: they may ask only where an option says so, and then read refusals too
(CORS)."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mnistlab.errors import ServerError
from mnistlab.server import Settings
from tests.browser import run_async
from tests.server.hands import sync_api
from tests.server.pictures import claiming, number
from tests.server.serving import until
from tests.server.test_app import refusal

PICTURE = number("52")
PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
}


def test_a_site_that_was_named_may_ask(guarded, site):
    for origin in (site, "https://example.org"):
        asked = guarded.client.options("/api/read", headers=PREFLIGHT | {"origin": origin})
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == origin
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert "content-type" in asked.headers["access-control-allow-headers"].lower()
        answer = guarded.client.post("/api/read", content=PICTURE, headers={"origin": origin})
        assert answer.json()["digits"] == "52"
        assert answer.headers["access-control-allow-origin"] == origin
        assert "origin" in answer.headers["vary"].lower()
        assert "Retry-After" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:1", "https://example.org.evil", "null"]
)
def test_another_may_not(guarded, origin):
    asked = guarded.client.options("/api/read", headers=PREFLIGHT | {"origin": origin})
    assert "--allow-origin" in refusal(asked, 400)
    answer = guarded.client.get("/api/models", headers={"origin": origin})
    for response in (asked, answer):
        assert "access-control-allow-origin" not in response.headers


def test_a_preflight_to_another_host_is_refused_as_all_else(guarded, site):
    headers = PREFLIGHT | {"origin": site, "host": "evil.example"}
    asked = guarded.client.options("/api/read", headers=headers)
    assert "--allow-host" in refusal(asked, 400)
    assert asked.headers["access-control-allow-origin"] == site


def test_refusals_can_be_read_too(guarded, site):
    def ask(path, **options):
        headers = {"origin": site} | options.pop("headers", {})
        response = guarded.client.request(
            options.pop("method", "POST"), path, headers=headers, **options
        )
        assert response.headers["access-control-allow-origin"] == site
        return response.status_code

    assert ask("/nowhere") == 404
    assert ask("/api/read", method="GET") == 405
    assert ask("/api/read", content=b"") == 400
    assert ask("/api/read", content=b"no picture") == 422
    assert ask("/api/read", content=claiming(50_000, 50_000)) == 413
    assert ask("/api/read", content=bytes(200_000)) == 413
    assert ask("/api/read", headers={"host": "evil.example"}) == 400
    with ThreadPoolExecutor(2) as crowd, guarded.held():
        accepted = [
            crowd.submit(guarded.client.post, "/api/read", content=PICTURE) for _ in range(2)
        ]
        until(lambda: guarded.metric("mnistlab_queue_length") == 1)
        assert ask("/api/read", content=PICTURE) == 503
    assert [future.result().json()["digits"] for future in accepted] == ["52"] * 2


def test_a_mistake_of_the_server_can_be_read_too():
    from mnistlab.server.app import create_app

    app = create_app(Settings(models=("lenet5",), allow_origins=("*",)))
    app.add_api_route("/broken", lambda: 1 / 0, methods=["GET"])

    async def ask():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            return await client.get("/broken", headers={"origin": "http://any.example"})

    response = run_async(ask())
    assert response.status_code == 500
    assert list(response.json()) == ["error"]
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "origin",
    ["localhost:3000", "http://localhost:3000/", "https://example.org/page", "", "http://*"],
)
def test_what_is_no_origin_is_refused_at_the_start(origin):
    with pytest.raises(ServerError, match="is not an origin: "):
        Settings(allow_origins=(origin,))


ASK = """async ([url, bytes]) => {
  const body = new Blob([new Uint8Array(bytes)], { type: "image/png" });
  try {
    const response = await fetch(`${url}/api/read`, { method: "POST", body });
    return [response.status, (await response.json()).digits ?? null];
  } catch (error) {
    return [0, null];
  }
}"""


def test_in_a_browser_a_page_of_another_site_reads_only_where_it_may(browser, guarded, site):
    page = browser.new_page()
    for address, may in ((site, True), (site.replace("localhost", "127.0.0.1"), False)):
        page.goto(address)
        sync_api.expect(page).to_have_title("another site")
        for content, found in ((PICTURE, [200, "52"]), (bytes(110_000), [413, None])):
            assert page.evaluate(ASK, [guarded.url, list(content)]) == (found if may else [0, None])
    page.close()
