"""ModelInput: the shape of a model's input, and how images become it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mnistlab.fit import Fit, Placement, place


class ModelInput(BaseModel):
    """What a model was given: the shape of its input, and how images become it.

    Attributes:
        channels: 1 for grey, 3 for red, green and blue.
        height: in pixels.
        width: in pixels.
        fit: how images of another size are brought to this one, see :func:`place`.
        mean: per channel, subtracted from pixels in 0..1.
        std: per channel, divides them then.
        notes: what was chosen or lost, each a short sentence.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    channels: Literal[1, 3]
    height: int = Field(ge=1, le=4096)
    width: int = Field(ge=1, le=4096)
    fit: Fit
    mean: tuple[float, ...]
    std: tuple[float, ...]
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(channels, height, width)``."""
        return self.channels, self.height, self.width

    def place(self, image: tuple[int, int]) -> Placement:
        """Return how an image of this height and width is brought to the input's size."""
        return place(image, (self.height, self.width), self.fit)

    def describe(self) -> str:
        """Return it in words, for example ``32x32 pixels, grey``."""
        return f"{self.height}x{self.width} pixels, {'colour' if self.channels == 3 else 'grey'}"
