"""The files of the page, served as they are."""

from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import Response

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_ALWAYS_ASK = {"Cache-Control": "no-cache"}


def add_pages(app: FastAPI) -> None:
    """Give an application a route for each file of the page; ``/`` is ``index.html``."""
    for file in files(__package__).joinpath("page").iterdir():
        _, _, ending = file.name.rpartition(".")
        if ending in _KINDS:
            address = "/" if file.name == "index.html" else f"/{file.name}"
            _add(app, address, Response(file.read_bytes(), headers=_ALWAYS_ASK | {"content-type": _KINDS[ending]}))


def _add(app: FastAPI, address: str, response: Response) -> None:
    async def page() -> Response:
        return Response(response.body, headers=dict(response.headers))

    app.add_api_route(address, page, methods=["GET", "HEAD"], include_in_schema=False)
