"""``mnistlab serve``: a page to draw digits on, or to show pictures to, and an API."""

import logging
import re
from pathlib import Path
from typing import Any

import click

from mnistlab.cli.options import threshold_option
from mnistlab.cli.output import echo, warn
from mnistlab.cli.path_types import NAME, Place
from mnistlab.errors import ServerError

_EXTRA = {"fastapi", "starlette", "uvicorn", "h11", "prometheus_client"}
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def _as_bytes(_context: click.Context, _option: click.Parameter, value: str) -> int:
    found = re.fullmatch(r"(\d{1,12})([kmg]?)(i?b)?", value.strip().lower())
    if not found or int(found[1]) == 0:
        raise click.BadParameter(f"{value} is not a size; 500k, 8M or a number of bytes is")
    return int(found[1]) * _UNITS[found[2]]


@click.command(short_help="A page that reads or classifies, and an API.")
@click.option(
    "--host",
    default="127.0.0.1",
    help="Address to listen on; 0.0.0.0 is all.  [127.0.0.1: this machine only]",
)
@click.option(
    "--port", default=8000, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [8000]"
)
@click.option(
    "--model",
    "models",
    type=NAME,
    multiple=True,
    metavar="MODEL",
    help="Model to read or classify with; repeatable, the first is the default.",
)
@click.option(
    "--workers", type=click.IntRange(1, 1024), help="Processes that read pictures.  [one per core]"
)
@click.option(
    "--queue",
    type=click.IntRange(0, 10**9),
    help="Requests that may wait; further ones get 503 at once.  [one per worker]",
)
@click.option(
    "--max-body",
    default="8M",
    callback=_as_bytes,
    help="Largest file accepted, such as 500k or 8M.  [8M]",
)
@click.option(
    "--max-pixels",
    default=16_000_000,
    type=click.IntRange(1, 10**9),
    help="Largest picture, width times height.  [16e6]",
)
@threshold_option
@click.option(
    "--report", type=Place(), help="A comparison's folder, or report.html, to show on a second tab."
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="Further host name to answer to: example.org, *.example.org, or * for any; repeatable.",
)
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help=(
        "Site whose pages may use the API (CORS), such as https://example.org, or *; repeatable. "
        " [none]"
    ),
)
@click.option(
    "--root-path",
    default="",
    metavar="PREFIX",
    help="Prefix of the paths behind a proxy, such as /digits.",
)
@click.option(
    "--log-format",
    default="text",
    type=click.Choice(["text", "json"]),
    help="text, or json: an object per line.  [text]",
)
@click.option(
    "--access-log/--no-access-log", default=True, help="Log every request, on stderr.  [yes]"
)
@click.option("--quiet", "-q", is_flag=True, help="Log problems only.")
def serve(*, report: Path | None, quiet: bool, log_format: str, **options: Any) -> None:
    """Serve a page to draw digits on, and an API that reads them from pictures.

    A MODEL is a shipped one's name (reader, lenet5, custom_mlp: the default is all three), a file
    that `mnistlab export` wrote, or a run's folder. Of any other classes than the ten digits, the
    page and the API classify pictures instead. /docs describes the API.
    """
    try:
        from mnistlab.server.launch import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _EXTRA:
            raise ServerError(
                "serve needs an extra; install it: pip install 'mnistlab[serve]'"
            ) from error
        raise
    from mnistlab.server import Settings

    if report and not (report / "report.html" if report.is_dir() else report).is_file():
        warn(f"note: {report} holds no report yet; the page shows it as soon as there is one")
    # What is left out has the server's own default.
    for name in ("models", "workers", "threshold"):
        if options[name] in (None, ()):
            del options[name]
    options["root_path"] = options["root_path"].rstrip("/")
    settings = Settings(report=report, quiet=quiet, log_format=log_format, **options)

    def announce(address: str) -> None:
        if log_format == "json":
            told = {"event": "ready", "fields": {"address": address}}
            logging.getLogger("mnistlab.server").info("ready at %s", address, extra=told)
        elif not quiet:
            echo(f"mnistlab: ready at {address}, Ctrl-C ends it")

    run(settings, announce)
