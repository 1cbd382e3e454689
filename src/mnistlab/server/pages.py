"""The files of the page, served as they are."""

from fastapi import FastAPI
from fastapi.responses import Response

from mnistlab.page import served

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_ALWAYS_ASK = {"Cache-Control": "no-cache"}


def add_pages(app: FastAPI) -> None:
    """Give an application a route for each file of the page; ``/`` is ``index.html``."""
    for name, content in served().items():
        address, kind = "/" if name == "index.html" else f"/{name}", _KINDS[name.rpartition(".")[2]]
        _add(app, address, Response(content, headers=_ALWAYS_ASK | {"content-type": kind}))


def _add(app: FastAPI, address: str, response: Response) -> None:
    async def page() -> Response:
        return Response(response.body, headers=dict(response.headers))

    app.add_api_route(address, page, methods=["GET", "HEAD"], include_in_schema=False)
