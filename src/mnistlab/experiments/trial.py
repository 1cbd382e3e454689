"""Trial: one run that an experiment wants, and how it is to be trained."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.recipe import Recipe

PRELOAD = "MNISTLAB_PRELOAD"
"""Environment variable: the data sets that a process loads at its start, for those forked from it
to share."""


@dataclass(frozen=True)
class Trial:
    """One recipe with one seed.

    Attributes:
        recipe: its name is the label under which the run is shown.
        seed: the run's.
        folder: where the run's files are, or will be.
    """

    recipe: Recipe
    seed: int
    folder: Path

    @property
    def title(self) -> str:
        """For people: ``lenet5, seed 3``."""
        return f"{self.recipe.name}, seed {self.seed}"


@dataclass(frozen=True)
class Settings:
    """What all tasks of an experiment share and no result depends on, beyond rounding.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        kernels: ``auto`` or ``torch``.
        threads: CPU threads of each run.
    """

    device: str = "auto"
    kernels: str = "auto"
    threads: int = 1
