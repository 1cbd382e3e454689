"""The second tab: the latest comparison report, read anew whenever it is asked for."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from mnistlab.files import read_file

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
<iframe src="report.html" title="The latest comparison report"></iframe>
</body>
</html>
"""
_ABSENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>no report yet</title><link rel="stylesheet" href="base.css">
</head>
<body><main><h1>No report yet</h1><p>mnistlab compare lenet5 custom_mlp --seeds 20</p></main></body>
</html>
"""
# A report is one file with its style and pictures in it; it has no scripts, and none that got into
# it may run.
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

    @app.get("/report", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(_PAGE.format(tabs=tabs(at_report=True)))

    @app.get("/report.html", include_in_schema=False)
    def report() -> HTMLResponse:
        file = source / "report.html" if source.is_dir() else source
        try:
            return HTMLResponse(read_file(file), headers=_POLICY)
        except OSError:
            return HTMLResponse(_ABSENT, status_code=404, headers=_POLICY)
