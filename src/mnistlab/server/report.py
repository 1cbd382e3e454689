"""The second tab: the latest comparison report, read again at every request."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from mnistlab.files import read_file
from mnistlab.server.refusal import Refusal

TABS = """<nav class="tabs" aria-label="Pages">
  <a href="./"{draw}>Draw</a>
  <a href="report"{report}>Report</a>
</nav>
"""
_HERE = ' aria-current="page"'
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mnistlab: the latest report</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="base.css">
<link rel="stylesheet" href="tabs.css">
</head>
<body class="framed">
<header>
{tabs}</header>
{content}
</body>
</html>
"""
_FRAME = '<iframe src="report.html" title="The latest comparison report"></iframe>'
_ABSENT = """<main>
<h1>No report yet</h1>
<p>A comparison writes one: <code>mnistlab compare lenet5 custom_mlp --seeds 20</code></p>
</main>"""
# A report is one file that holds its style and images. It has no scripts; one that got into it must
# not run.
_POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; "
        "frame-ancestors 'self'"
    )
}


def tabs(*, at_report: bool) -> str:
    """Return the links between the two pages as HTML."""
    return TABS.format(draw="" if at_report else _HERE, report=_HERE if at_report else "")


def add_report(app: FastAPI, source: Path) -> None:
    """Give an application the pages ``/report`` and ``/report.html``.

    Args:
        app: the application.
        source: a ``report.html``, or the folder that holds it or will.
    """

    def read() -> bytes | None:
        try:
            return read_file(source / "report.html" if source.is_dir() else source)
        except OSError:
            return None

    @app.get("/report", include_in_schema=False)
    def page() -> HTMLResponse:
        content = _ABSENT if read() is None else _FRAME
        return HTMLResponse(_PAGE.format(tabs=tabs(at_report=True), content=content))

    @app.get("/report.html", include_in_schema=False)
    def report() -> HTMLResponse:
        content = read()
        if content is None:
            raise Refusal(404, "there is no report yet; mnistlab compare writes one")
        return HTMLResponse(content, headers=_POLICY)
