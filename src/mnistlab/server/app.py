"""The application: its routes and middleware; :mod:`mnistlab.server.launch` runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from mnistlab.errors import ServerError
from mnistlab.server.access import Access, Tally
from mnistlab.server.answer import ModelAnswer, Problem, StateAnswer
from mnistlab.server.classify_endpoint import add_classifying
from mnistlab.server.docs import docs_page
from mnistlab.server.gate import Gate
from mnistlab.server.guard import Guard
from mnistlab.server.host import Hosts
from mnistlab.server.linger import Linger
from mnistlab.server.metrics import Metrics
from mnistlab.server.origin import Origins, Preflights
from mnistlab.server.pages import add_pages
from mnistlab.server.picture_endpoint import PictureEndpoint
from mnistlab.server.pool import Pool
from mnistlab.server.read_endpoint import add_reading
from mnistlab.server.refusal import PrintableResponse, answer_in_json, problem
from mnistlab.server.report import add_report
from mnistlab.server.settings import Settings
from mnistlab.server.target import Target
from mnistlab.server.upload import Uploads

_ABOUT = """Reads handwritten digits in any ordinary picture: `POST` its file to `/api/read`.

A server of other models classifies pictures instead: `POST` them to `/api/classify`. `/api/models`
says what this one does.

The body of every error is one line of JSON, `{"error": "..."}`; 503 comes with `Retry-After`."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application; its reader processes start and end with its lifespan.

    Args:
        settings: all of them; the default reads with the shipped models.

    Returns:
        An ASGI application. Its ``state`` has ``pool``, the :class:`~mnistlab.server.pool.Pool`;
        ``tally``, the :class:`~mnistlab.server.access.Tally`; and ``end``, to be called when the
        server begins to end.

    Raises:
        ServerError: ``root_path`` is a path that the server uses itself, or a host's name is none.
    """
    chosen = settings or Settings()
    metrics, tally = Metrics(), Tally()
    pool, uploads = Pool(chosen, metrics), Uploads(chosen)

    def end() -> None:
        pool.stopping = True
        uploads.end()

    def ending() -> bool:
        return pool.stopping

    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncIterator[None]:
        pool.start()
        yield
        await pool.close()

    app = FastAPI(
        title="mnistlab",
        description=_ABOUT,
        version=version("mnistlab"),
        default_response_class=PrintableResponse,
        docs_url=None,
        redoc_url=None,
        lifespan=run,
        redirect_slashes=False,
    )
    app.state.pool, app.state.tally, app.state.end = pool, tally, end
    cors: dict[str, Any] = {
        "allow_origins": chosen.allow_origins,
        "allow_methods": ["GET", "HEAD", "POST"],
        "expose_headers": ["Retry-After", "Server-Timing"],
    }
    # The last one added is the first one that a request passes.
    app.add_middleware(Target, prefix=chosen.root_path)
    if chosen.allow_origins:
        app.add_middleware(Preflights, **cors)
    app.add_middleware(Gate, hosts=Hosts(chosen.host, chosen.allow_hosts))
    app.add_middleware(Guard)
    if chosen.allow_origins:
        app.add_middleware(Origins, **cors)
    app.add_middleware(Access, metrics=metrics, tally=tally, ending=ending)
    app.add_middleware(Linger, ending=ending)
    answer_in_json(app)
    add_reading(app, PictureEndpoint("read", chosen, pool, uploads))
    add_classifying(app, PictureEndpoint("classify", chosen, pool, uploads))
    _add_state(app, chosen, pool, metrics)
    add_pages(app, pool, report=chosen.report is not None)
    if chosen.report is not None:
        add_report(app, chosen.report)
    _check_prefix(app, chosen.root_path)
    return app


def _check_prefix(app: FastAPI, prefix: str) -> None:
    """Refuse a prefix that is a path of the server: whether a proxy removed it would be unknown."""
    for route in app.routes:
        path = getattr(route, "path", "")
        if prefix and f"{path}/".startswith(f"{prefix}/"):
            raise ServerError(
                f"--root-path {prefix} is an address of the server's own, {path}: choose another"
            )


def _add_state(app: FastAPI, settings: Settings, pool: Pool, metrics: Metrics) -> None:
    @app.get(
        "/api/models",
        response_model=list[ModelAnswer],
        summary="The models",
        response_description="The models, the default one first",
        tags=["reading"],
    )
    async def models() -> list[ModelAnswer]:
        default = settings.names[0]
        return [
            ModelAnswer(
                **{"classes": [], "shape": [], "about": {}} | pool.models.get(n, {}),
                name=n,
                default=n == default,
                task=pool.task,
            )
            for n in settings.names
        ]

    @app.get(
        "/healthz",
        response_model=StateAnswer,
        summary="Whether the server is alive",
        response_description="The server is alive",
        tags=["operation"],
    )
    async def healthz() -> StateAnswer:
        return StateAnswer(state="alive")

    @app.get(
        "/readyz",
        response_model=StateAnswer,
        responses={
            503: {
                "model": Problem,
                "description": "The models are loading, or the server is ending",
            }
        },
        summary="Whether pictures are read",
        response_description="Pictures are read",
        tags=["operation"],
    )
    async def readyz() -> Response:
        if pool.ready:
            return Response('{"state":"ready"}', media_type="application/json")
        return problem(
            503,
            "the server is ending" if pool.stopping else "the readers are loading",
            {"Retry-After": "1"},
        )

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        summary="Counters for Prometheus",
        response_description="Prometheus's text format",
        tags=["operation"],
    )
    async def counters() -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi(), str(request.base_url)))
