"""The API's answers, as its OpenAPI document describes them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mnistlab.answer import Answer
from mnistlab.server.task import Task
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
        description="On request only: of each character what was seen of it, a PNG in base64",
    )


class ReadAnswer(ModelReading):
    """What the model asked for reads, and what further models read."""

    also: list[ModelReading] = Field(description="The same fields for each further model")


class ClassShare(BaseModel):
    """A class, and how probable it is."""

    label: str = Field(description="The class's name")
    probability: float = Field(description="0 to 1; those of all classes sum to 1")


class ClassifyAnswer(BaseModel):
    """The likeliest classes of a picture."""

    # Only sent on request.
    model_config = ConfigDict(
        extra="forbid",
        json_schema_serialization_defaults_required=True,
        json_schema_extra=lambda schema: schema["required"].remove("image"),
    )

    model: str = Field(description="The model's name")
    width: int = Field(description="Of the upright picture, in pixels")
    height: int = Field(description="Of the upright picture, in pixels")
    error: None = Field(description="Always null: an error has another status")
    label: str = Field(description="The likeliest class")
    probability: float = Field(description="Its probability, 0 to 1")
    sure: bool = Field(description="Whether that reaches the threshold")
    threshold: float = Field(description="The server's `--threshold`")
    temperature: float = Field(description="By which the model's logits are divided")
    calibrated: bool = Field(
        description="Whether that was fitted, on images the model was not trained on"
    )
    top: list[ClassShare] = Field(
        description="The likeliest classes, the likeliest first, as many as were asked for"
    )
    image: str = Field(
        default="",
        description="On request only: what the model saw, a PNG in base64",
    )


class ModelAnswer(BaseModel):
    """A model that reads or classifies."""

    name: str = Field(description="Its name in requests")
    default: bool = Field(description="Whether it answers where a request names none")
    task: Task | None = Field(
        description="`read` for digits, `classify` for the whole picture; null while it is loading"
    )
    classes: list[str] = Field(description="Names of its classes, in its order")
    shape: list[int] = Field(
        description="Channels, height and width of the images that it takes, in pixels; empty for"
        " the reader, which takes pictures of any size"
    )
    about: dict[str, Any] = Field(description="What its file says of it: recipe, figures, version")


class StateAnswer(BaseModel):
    """The server's state."""

    state: str = Field(description="`alive` or `ready`")
