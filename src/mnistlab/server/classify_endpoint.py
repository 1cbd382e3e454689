"""``POST /api/classify``: a picture's file in, its likeliest classes out."""

from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import Field

from mnistlab.server.answer import ClassifyAnswer
from mnistlab.server.picture_endpoint import (
    BODY,
    PictureEndpoint,
    PictureQuery,
    describe_refusals,
)
from mnistlab.server.task import PATHS


class ClassifyQuery(PictureQuery):
    """The query of a request."""

    model: str | None = Field(
        default=None, description="The model that classifies. [the default one]"
    )
    top: int = Field(
        default=5, ge=1, le=10_000, description="How many classes to send, the likeliest first."
    )
    image: bool = Field(default=False, description="Also send what the model saw.")


def add_classifying(app: FastAPI, endpoint: PictureEndpoint) -> None:
    """Give an application the route."""

    @app.post(
        PATHS["classify"],
        response_model=ClassifyAnswer,
        responses=describe_refusals(),
        openapi_extra=BODY,
        summary="Classify a picture",
        response_description="The likeliest classes, of which the model may be unsure",
        tags=["classifying"],
    )
    async def classify(request: Request, query: Annotated[ClassifyQuery, Query()]) -> Response:
        asked = [] if query.model is None else [query.model]
        return await endpoint.answer(request, asked, {"top": query.top, "image": query.image})
