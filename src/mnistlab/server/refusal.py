"""Refusal: an error answer, always one line of JSON."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from mnistlab.server.answer import Problem
from mnistlab.text import to_json

_LOGGER = logging.getLogger(__name__)
LEFT = 499
"""nginx's status for a client that left before its answer; logged, never sent."""


class PrintableResponse(JSONResponse):
    """A response in JSON that does no harm to a terminal, whatever text of others it quotes."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return to_json(content, indent=None).encode()


class Refusal(Exception):  # noqa: N818
    """An error, raised anywhere in a request and answered as JSON.

    Args:
        status: of HTTP, 400 to 599.
        message: one line for the client.
        retry_after: seconds after which the client may try again.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        retry_after: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = (headers or {}) | (
            {} if retry_after is None else {"Retry-After": str(retry_after)}
        )


def problem(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return the response with this error as its body."""
    return Response(Problem.body(message), status, headers, "application/json")


def refuse(refusal: Refusal, scope: Scope) -> Response:
    """Return the response to a refused request, and log the refusal."""
    fields = {
        "status": refusal.status,
        "reason": str(refusal),
        "client": (scope.get("client") or ["-"])[0],
    }
    if refusal.status != LEFT:
        told = {"event": "refusal", "fields": fields}
        _LOGGER.warning("refused %(client)s with %(status)d: %(reason)s", fields, extra=told)
    return problem(refusal.status, str(refusal), refusal.headers)


def answer_in_json(app: FastAPI) -> None:
    """Make an application answer every error, those of its framework included, as one line of
    JSON.
    """
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _wrong_address)
    app.add_exception_handler(RequestValidationError, _wrong_values)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101
    return refuse(error, request.scope)


async def _wrong_address(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"
    messages = {
        404: (
            f"nothing is at {request.url.path}; {request.scope.get('root_path', '')}/docs lists"
            " what there is"
        ),
        405: f"{request.url.path} does not take {request.method}",
    }
    return problem(error.status_code, messages.get(error.status_code, str(error.detail)), headers)


async def _wrong_values(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    complaints = [
        f"{'.'.join(map(str, one['loc'][1:])) or one['loc'][0]}:"
        f" {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors()
    ]
    return problem(422, "; ".join(complaints))
