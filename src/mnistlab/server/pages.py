"""The page's files, served unchanged."""

from fastapi import FastAPI
from fastapi.responses import Response

from mnistlab.page import served
from mnistlab.server.report import tabs

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_ALWAYS_ASK = {"Cache-Control": "no-cache"}


def add_pages(app: FastAPI, *, report: bool) -> None:
    """Give an application a route for each file of the page; ``/`` is ``index.html``.

    Args:
        app: the application.
        report: whether the page links to a report.
    """
    for name, content in served().items():
        if name == "index.html" and report:
            content = _with_tabs(content.decode()).encode()
        address, kind = "/" if name == "index.html" else f"/{name}", _KINDS[name.rpartition(".")[2]]
        _add(app, address, Response(content, headers=_ALWAYS_ASK | {"content-type": kind}))


def _with_tabs(page: str) -> str:
    style = '<link rel="stylesheet" href="page.css">\n'
    page = page.replace(style, f'{style}<link rel="stylesheet" href="tabs.css">\n')
    return page.replace('  <p class="kicker">mnistlab</p>\n', tabs(at_report=False))


def _add(app: FastAPI, address: str, response: Response) -> None:
    async def page() -> Response:
        return Response(response.body, headers=dict(response.headers))

    app.add_api_route(address, page, methods=["GET"], include_in_schema=False)
