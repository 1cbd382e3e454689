"""``POST /api/read``: a picture's file in, its digits out."""

from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import Field

from mnistlab.server.answer import ReadAnswer
from mnistlab.server.picture_endpoint import (
    BODY,
    PictureEndpoint,
    PictureQuery,
    describe_refusals,
)
from mnistlab.server.task import PATHS


class ReadQuery(PictureQuery):
    """The query of a request."""

    model: list[str] = Field(
        default=[], description="Models to read with; the first answers. [the default one]"
    )
    images: bool = Field(default=False, description="Also send what the network saw of each digit.")


def add_reading(app: FastAPI, endpoint: PictureEndpoint) -> None:
    """Give an application the route."""

    @app.post(
        PATHS["read"],
        response_model=ReadAnswer,
        responses=describe_refusals(),
        openapi_extra=BODY,
        summary="Read the digits in a picture",
        response_description="What was read, which may be no digit",
        tags=["reading"],
    )
    async def read(request: Request, query: Annotated[ReadQuery, Query()]) -> Response:
        return await endpoint.answer(request, query.model, {"images": query.images})
