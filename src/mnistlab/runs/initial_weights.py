"""What a record says of the weights that a run started from, and of those that it did not train."""

from pydantic import BaseModel, ConfigDict

from mnistlab.runs.predictions import Count
from mnistlab.text import counted, listed

_SHOWN = 6
"""Names in a sentence."""


class InitialWeights(BaseModel):
    """What a run started from.

    Attributes:
        sha256: of the file that holds the tensors, 64 hexadecimal digits.
        taken: names of the model's parameters and buffers that were given values.
        reshaped: those that have another shape in the file, and were left as they were drawn.
        missing: those that are not in the file, and were left as they were drawn.
        unused: tensors of the file that the model has no place for.
        notes: what else has to be said, each a short sentence.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    sha256: str
    taken: tuple[str, ...]
    reshaped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What fitted, for people; without full stops."""
        parts = [f"{len(self.taken)} of {self._count} tensors taken"]
        for names, what in (
            (self.reshaped, "of another shape and drawn anew"),
            (self.missing, "missing and drawn anew"),
            (self.unused, "not used"),
        ):
            if names:
                parts.append(f"{len(names)} {what} ({listed(names, _SHOWN)})")
        return (f"initial weights: {', '.join(parts)}", *self.notes)

    @property
    def _count(self) -> int:
        """How many tensors the model has."""
        return len(self.taken) + len(self.reshaped) + len(self.missing)


class FrozenWeights(BaseModel):
    """What a run did not train.

    Attributes:
        parameters: how many numbers; they do not count among a record's ``parameters``.
        tensors: names of the parameters.
        measuring: batch norm layers among them, whose running statistics follow the images
            nevertheless.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    parameters: Count
    tensors: tuple[str, ...]
    measuring: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is frozen, for people; without full stops."""
        said = f"frozen: {counted(self.parameters, 'parameter')} ({listed(self.tensors, _SHOWN)})"
        if not self.measuring:
            return (said,)
        return (
            said,
            f"batch norm in frozen layers ({listed(self.measuring, _SHOWN)}) still normalises by"
            " each batch and measures running statistics, as in PyTorch",
        )


def weight_notes(init: InitialWeights | None, frozen: FrozenWeights | None) -> tuple[str, ...]:
    """Return the sentences of both, as far as there are any."""
    return (*(init.sentences if init else ()), *(frozen.sentences if frozen else ()))
