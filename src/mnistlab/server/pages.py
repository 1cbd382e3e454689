"""The page's files, served unchanged."""

from fastapi import FastAPI
from fastapi.responses import Response

from mnistlab.page import served
from mnistlab.server.pool import Pool
from mnistlab.server.report import tabs
from mnistlab.server.task import Task

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_ALWAYS_ASK = {"Cache-Control": "no-cache"}


def add_pages(app: FastAPI, pool: Pool, *, report: bool) -> None:
    """Give an application a route for each file of the page; ``/`` is the one for what the models
    do.

    Args:
        app: the application.
        pool: knows what they do.
        report: whether the page links to a report.
    """
    homes: dict[Task, Response] = {}
    for name, content in served().items():
        stem, _, ending = name.rpartition(".")
        if ending == "html" and report:
            content = _with_tabs(content.decode()).encode()
        response = Response(content, headers=_ALWAYS_ASK | {"content-type": _KINDS[ending]})
        if ending == "html":
            homes["classify" if stem == "classify" else "read"] = response
        else:
            _add(app, f"/{name}", response)

    async def home() -> Response:
        # What the models do is known once they are loaded, as it says in ``/readyz``.
        response = homes[pool.task or "read"]
        return Response(response.body, headers=dict(response.headers))

    app.add_api_route("/", home, methods=["GET"], include_in_schema=False)


def _with_tabs(page: str) -> str:
    style = '<link rel="stylesheet" href="page.css">\n'
    page = page.replace(style, f'{style}<link rel="stylesheet" href="tabs.css">\n')
    return page.replace('  <p class="kicker">mnistlab</p>\n', tabs(at_report=False))


def _add(app: FastAPI, address: str, response: Response) -> None:
    async def page() -> Response:
        return Response(response.body, headers=dict(response.headers))

    app.add_api_route(address, page, methods=["GET"], include_in_schema=False)
