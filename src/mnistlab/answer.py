"""Answer: what a picture says, as JSON, CSV and the server's API put it."""

from pydantic import BaseModel, ConfigDict, Field

from mnistlab.characters import CHARACTERS


class _Part(BaseModel):
    """What has fixed fields, all of them always there."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )


class _Text(_Part):
    """What has a text and a place."""

    text: str = Field(description="What is read")
    sure: bool = Field(description="Whether it is sure: see the answer's `sure`")
    confidence: float = Field(description="Probability that `text` is correct, 0 to 1")
    box: list[int] = Field(
        description="Left, top, right and bottom, in pixels of the upright picture"
    )


class CharacterAnswer(_Text):
    """A digit or a sign."""

    cut: bool = Field(description="Whether the picture's edge cuts it")
    probabilities: list[float] = Field(
        description=(
            f"Twenty, for `{CHARACTERS}` and, last, for other ink such as a letter; they sum to 1"
        )
    )


class GroupAnswer(_Text):
    """What stands together: a number, a date."""

    characters: list[CharacterAnswer] = Field(description="Left to right")


class LineAnswer(_Text):
    """A line of writing."""

    groups: list[GroupAnswer] = Field(description="Its numbers, left to right")


class CellAnswer(_Text):
    """A cell of a table; `text` is empty if it is blank."""


class TableAnswer(_Part):
    """A table or a form."""

    box: list[int] = Field(
        description="Left, top, right and bottom, in pixels of the upright picture"
    )
    rows: list[list[CellAnswer]] = Field(
        description="From top to bottom; each has a cell for every column"
    )


class Answer(_Part):
    """What is read in a picture; the default is a picture without digits.

    Every program that reads answers gets these fields: ``Reading.as_dict()``, ``mnistlab predict``
    and ``POST /api/read`` derive from this one definition.
    """

    text: str = Field(
        default="",
        description=(
            "What it says, with signs, a space between two numbers and a line break between two"
            ' lines; `""` if it says nothing'
        ),
    )
    digits: str = Field(default="", description="Only the digits of `text`")
    sure: bool = Field(
        default=False,
        description=(
            "Whether there are characters, all of them reach the threshold, none is cut by the"
            " picture's edge, and no ink that may be a character was left out"
        ),
    )
    confidence: float = Field(
        default=0.0,
        description="Probability that `text` is correct, 0 to 1; 0 if it says nothing",
    )
    lines: list[LineAnswer] = Field(
        default=[],
        description=(
            "From top to bottom; each has `text`, `sure`, `confidence`, `box`, and `groups` (its"
            " numbers), which have the same and `characters`, which have the same, `cut` and"
            " `probabilities`"
        ),
    )
    tables: list[TableAnswer] = Field(
        default=[],
        description=(
            "Each has `box` and `rows`, lists of cells with `text`, `sure`, `confidence` and `box`;"
            " blank cells are there"
        ),
    )
    left_out: list[list[int]] = Field(
        default=[], description="Boxes of unread ink that may be a character"
    )
    notes: list[str] = Field(
        default=[],
        description="What else there is to say, such as `a character is cut by the edge`",
    )
