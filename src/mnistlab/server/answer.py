"""The API's answers, as its OpenAPI document describes them."""

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """Any error."""

    error: str = Field(description="What is wrong, in one line.")


class Sight(BaseModel):
    """What one model read in a picture."""

    model: str = Field(description="The model's name.")
    width: int = Field(description="Of the picture in pixels, as one sees it.")
    height: int = Field(description="Of the picture in pixels.")
    error: None = Field(default=None, description="Null: there is none.")
    digits: str = Field(
        description='The digits, left to right, rows from top to bottom; "" if there are none.'
    )
    sure: bool = Field(description="Whether there are digits and all of them reach the threshold.")
    confidence: float = Field(description="Probability that all of it is right, 0 to 1.")
    boxes: list[list[int]] = Field(description="Left, top, right, bottom of each digit, in pixels.")
    probabilities: list[list[float]] = Field(
        description=(
            "Ten of each digit; they sum to 1, or to less where the model tells what is no digit."
        )
    )
    unsure: list[int] = Field(description="Places in digits that miss the threshold.")
    images: list[str] = Field(
        default=[],
        description="If asked for: 28x28 PNG of each digit as the network saw it, base64.",
    )


class ReadAnswer(Sight):
    """What was read."""

    also: list[Sight] = Field(description="The same of the further models asked for.")


class ModelAnswer(BaseModel):
    """A model that reads."""

    name: str = Field(description="What requests call it.")
    default: bool = Field(description="Whether it reads where a request names none.")
    about: dict[str, Any] = Field(description="What its file says of it: recipe, figures, version.")


class StateAnswer(BaseModel):
    """How the server is."""

    state: str = Field(description="alive, or ready.")
