"""``POST /api/read``: a picture's file in, its digits out."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from mnistlab.errors import did_you_mean
from mnistlab.server.answer import Problem, ReadAnswer
from mnistlab.server.pool import Pool
from mnistlab.server.refusal import Refusal
from mnistlab.server.settings import Settings
from mnistlab.server.upload import Uploads, departure

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": (
            "The picture's file as it is: PNG, JPEG, WebP, BMP, GIF, TIFF or PPM; its content tells"
            " which."
        ),
        "content": {"application/octet-stream": _BINARY, "image/*": _BINARY},
    }
}
_RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
_REFUSALS: dict[int, str] = {
    400: "No body, or a broken one",
    404: "No such model",
    408: "The body came too slowly",
    413: "A file too large, or a picture of too many pixels",
    422: "Not a picture that is read, a damaged one, or an unknown or wrong value in the query",
    503: "All readers are busy and the queue is full, or they are still loading",
}


class ReadQuery(BaseModel):
    """The query of a request."""

    model_config = ConfigDict(extra="forbid")

    model: list[str] = Field(
        default=[], description="Models to read with; the first answers. [the default one]"
    )
    images: bool = Field(default=False, description="Also send what the network saw of each digit.")


def add_reading(app: FastAPI, settings: Settings, pool: Pool, uploads: Uploads) -> None:
    """Give an application the route."""

    @app.post(
        "/api/read",
        response_model=ReadAnswer,
        responses=_describe_refusals(),
        openapi_extra=_BODY,
        summary="Read the digits in a picture",
        response_description="What was read, which may be no digit",
        tags=["reading"],
    )
    async def read(request: Request, query: Annotated[ReadQuery, Query()]) -> Response:
        models = _choose(query.model, settings.names)
        # A place is only taken once the body is there: a slow one keeps nobody else waiting.
        pool.check_room()
        async with uploads.receive(request) as picture, departure(request) as left:
            answer = await pool.read(picture, models, images=query.images, left=left)
        if answer.head["status"] != 200:
            raise Refusal(answer.head["status"], Problem.model_validate_json(answer.body).error)
        timing = {"Server-Timing": f"read;dur={1000 * answer.head['seconds']:.1f}"}
        return Response(answer.body, 200, timing, "application/json")


def _choose(asked: list[str], known: tuple[str, ...]) -> list[str]:
    """Return the models to read with, each once."""
    for name in asked:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise Refusal(404, f"no model is called {name[:100]}; {hint}")
    return list(dict.fromkeys(asked)) or [known[0]]


def _describe_refusals() -> dict[int | str, dict[str, Any]]:
    described: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": text} for status, text in _REFUSALS.items()
    }
    described[503]["headers"] = _RETRY
    return described
