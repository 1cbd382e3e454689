"""Answer: what a picture says, as JSON, CSV and the server's API put it."""

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """What is read in a picture; the default is a picture without digits.

    Every program that reads answers gets these fields: ``Reading.as_dict()``, ``mnistlab predict``
    and ``POST /api/read`` derive from this one definition.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )

    digits: str = Field(
        default="",
        description='The digits, left to right, rows from top to bottom; `""` if there are none',
    )
    sure: bool = Field(
        default=False, description="Whether there are digits and all of them reach the threshold"
    )
    confidence: float = Field(
        default=0.0,
        description="Probability that all digits are correct, 0 to 1; 0 if there are none",
    )
    boxes: list[list[int]] = Field(
        default=[],
        description="Left, top, right and bottom of each digit, in pixels of the upright picture",
    )
    probabilities: list[list[float]] = Field(
        default=[],
        description=(
            "Ten per digit, for 0 to 9; they sum to 1, less the probability that it is no digit"
        ),
    )
    unsure: list[int] = Field(
        default=[], description="Positions in `digits`, from 0, of those below the threshold"
    )
