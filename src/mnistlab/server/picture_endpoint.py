"""Picture endpoint: what all routes have in common that take a picture's file."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, model_validator

from mnistlab.errors import did_you_mean
from mnistlab.server.answer import Problem
from mnistlab.server.pool import Pool
from mnistlab.server.refusal import Refusal
from mnistlab.server.settings import Settings
from mnistlab.server.task import PATHS, Task
from mnistlab.server.upload import Uploads, departure
from mnistlab.text import shorten

_BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": (
            "The picture's file as it is: PNG, JPEG, WebP, AVIF, HEIC (where the server has"
            " mnistlab[heic]), BMP, GIF, TIFF or PPM; its content tells which."
        ),
        "content": {"application/octet-stream": _BINARY, "image/*": _BINARY},
    }
}
"""What such a route takes, for the API's description."""
_RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
_REFUSALS: dict[int, str] = {
    400: "No body, or a broken one",
    404: "No such model, or the models do something else",
    408: "The body came too slowly",
    413: "A file too large, or a picture of too many pixels",
    422: "Not a picture that is read, a damaged one, or an unknown or wrong value in the query",
    503: "All readers are busy and the queue is full, or they are still loading",
}


class PictureQuery(BaseModel):
    """The query of a request; a name that it has no field for is refused with the one meant."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, query: dict[str, Any]) -> dict[str, Any]:
        for name in query:
            if name not in cls.model_fields:
                known = f"known: {', '.join(cls.model_fields)}"
                raise ValueError(
                    f"{shorten(name)}: unknown; {did_you_mean(name, cls.model_fields) or known}"
                )
        return query


class PictureEndpoint:
    """Receives a picture, has it answered by a reader process, and sends that answer.

    Args:
        task: what its route does with a picture.
        settings: of the server.
        pool: of the reader processes.
        uploads: where bodies arrive.
    """

    def __init__(self, task: Task, settings: Settings, pool: Pool, uploads: Uploads) -> None:
        self._task, self._names = task, settings.names
        self._pool, self._uploads = pool, uploads

    async def answer(
        self, request: Request, asked: Sequence[str], wanted: dict[str, Any]
    ) -> Response:
        """Return the response to one picture.

        Args:
            request: its body is the picture's file.
            asked: names of models; none is the default one.
            wanted: what else the reader process is told.

        Raises:
            Refusal: every reason why there is no answer.
        """
        if (found := self._pool.task) not in (None, self._task):
            raise Refusal(404, _OTHERWISE[found])
        order = {"models": self._choose(asked)} | wanted
        # A place is only taken once the body is there: a slow one keeps nobody else waiting.
        self._pool.check_room()
        async with self._uploads.receive(request) as picture, departure(request) as left:
            answer = await self._pool.answer(picture, order, left=left)
        if answer.head["status"] != 200:
            raise Refusal(answer.head["status"], Problem.model_validate_json(answer.body).error)
        timing = {"Server-Timing": f"{self._task};dur={1000 * answer.head['seconds']:.1f}"}
        return Response(answer.body, 200, timing, "application/json")

    def _choose(self, asked: Sequence[str]) -> list[str]:
        """Return the models that answer, each once."""
        for name in asked:
            if name not in self._names:
                known = did_you_mean(name, self._names) or f"there are {', '.join(self._names)}"
                raise Refusal(404, f"no model is called {shorten(name, 100)}; {known}")
        return list(dict.fromkeys(asked)) or [self._names[0]]


_OTHERWISE = {
    "classify": (
        f"this server's models classify pictures and read no digits: POST to {PATHS['classify']}"
    ),
    "read": (
        f"this server's models read digits: POST to {PATHS['read']}; for pictures of other classes"
        " start mnistlab serve --model RUN"
    ),
}


def describe_refusals() -> dict[int | str, dict[str, Any]]:
    """Return the responses of such a route that are errors, for the API's description."""
    described: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": text} for status, text in _REFUSALS.items()
    }
    described[503]["headers"] = _RETRY
    return described
