"""Refusal: why a request gets no reading; always one line of JSON."""

import json

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response


class Refusal(Exception):  # noqa: N818
    """An answer other than what was asked for.

    Args:
        status: of HTTP, 400 to 599.
        message: one line, for whoever asked.
        retry_after: seconds after which asking again may do.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


def problem(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return the response that says what is wrong."""
    content = json.dumps({"error": " ".join(message.split())}, ensure_ascii=False)
    return Response(content, status, headers, "application/json")


def answer_in_json(app: FastAPI) -> None:
    """Have every error of an application, its framework's own included, answered as one line of JSON."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _wrong_address)
    app.add_exception_handler(RequestValidationError, _wrong_values)
    app.add_exception_handler(Exception, _broken)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return problem(error.status, str(error), headers)


async def _wrong_address(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    messages = {
        404: f"nothing is at {request.url.path}; /docs lists what there is",
        405: f"{request.url.path} does not take {request.method}",
    }
    return problem(error.status_code, messages.get(error.status_code, str(error.detail)), dict(error.headers or {}))


async def _wrong_values(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    complaints = [f"{'.'.join(map(str, one['loc'][1:])) or one['loc'][0]}: {one['msg']}" for one in error.errors()]
    return problem(422, "; ".join(complaints))


async def _broken(_request: Request, _error: Exception) -> Response:
    return problem(500, "the server made a mistake; its log says more")
