"""The API's answers, as its OpenAPI document describes them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mnistlab.answer import Answer
from mnistlab.text import to_json


class Problem(BaseModel):
    """The body of every error, whatever its status."""

    error: str = Field(description="What is wrong, in one line")

    @classmethod
    def body(cls, message: str) -> bytes:
        """Return a message of any form as such a body."""
        return to_json(cls(error=" ".join(message.split())).model_dump(), indent=None).encode()


class ModelReading(Answer):
    """What one model reads in a picture."""

    # Only sent on request.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema["required"].remove("images"))

    model: str = Field(description="The model's name")
    width: int = Field(description="Of the upright picture, in pixels")
    height: int = Field(description="Of the upright picture, in pixels")
    error: None = Field(default=None, description="Always null: an error has another status")
    images: list[str] = Field(
        default=[],
        description="On request only: each digit as the network saw it, a 28x28 PNG in base64",
    )


class ReadAnswer(ModelReading):
    """What the model asked for reads, and what further models read."""

    also: list[ModelReading] = Field(description="The same fields for each further model")


class ModelAnswer(BaseModel):
    """A model that reads."""

    name: str = Field(description="Its name in requests")
    default: bool = Field(description="Whether it reads where a request names none")
    about: dict[str, Any] = Field(description="What its file says of it: recipe, figures, version")


class StateAnswer(BaseModel):
    """The server's state."""

    state: str = Field(description="`alive` or `ready`")
