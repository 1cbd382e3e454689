"""Trial: one run of an experiment."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.recipe import Recipe

PRELOAD = "MNISTLAB_PRELOAD"
"""Environment variable: data sets that a process loads when it starts, shared by those forked from
it."""


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
        """For people: ``lenet5, seed 3``, or ``lenet5, fold 2 of 5, seed 3``."""
        return f"{self.recipe.title}, seed {self.seed}"
