"""Comparison: several recipes over the same seeds, every figure that the question needs, and the verdict."""

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from mnistlab.statistics.difference import Difference, adjust, pair
from mnistlab.statistics.sample import Sample
from mnistlab.statistics.summary import Summary, summarise
from mnistlab.statistics.verdict import pronounce_all, pronounce_on_loss, pronounce_on_new_images, pronounce_on_seeds

_SEED = 0


class Comparison(BaseModel):
    """What a comparison found.

    Attributes:
        tested_on: ``test``, or ``validation`` if the runs were tested on held-out training images.
        baseline: the label that all others are held against; empty if every pair is compared.
        summaries: one a recipe, in the order given.
        differences: one a pair: all pairs, or the baseline less each other.
        verdict: one plain sentence on this test set.
        remarks: sentences on new images, on test loss, and on how many seeds an open question would need.
    """

    model_config = ConfigDict(frozen=True)

    tested_on: Literal["test", "validation"]
    baseline: str
    summaries: tuple[Summary, ...]
    differences: tuple[Difference, ...]
    verdict: str
    remarks: tuple[str, ...]

    def difference(self, first: str, second: str) -> Difference:
        """Return the difference of two labels, in the order in which it was taken.

        Raises:
            KeyError: that pair was not compared.
        """
        for found in self.differences:
            if {found.first, found.second} == {first, second}:
                return found
        raise KeyError((first, second))


def compare(samples: Sequence[Sample], baseline: str = "", random: np.random.Generator | None = None) -> Comparison:
    """Compare recipes.

    Args:
        samples: with labels of their own, at least one.
        baseline: label of the one to hold all others against, as an ablation does; empty compares every pair.
        random: for bootstraps and permutations; ``None`` starts one that gives the same figures every time.

    Raises:
        RunError: a pair has no seed in common, or other images.
    """
    random = random or np.random.default_rng(_SEED)
    if baseline:
        whole = next(sample for sample in samples if sample.label == baseline)
        pairs = [(whole, sample) for sample in samples if sample is not whole]
    else:
        pairs = list(combinations(samples, 2))
    summaries = tuple(summarise(sample, random) for sample in samples)
    differences = adjust([pair(first, second, random) for first, second in pairs])
    anchor = baseline or max(summaries, key=lambda summary: summary.accuracy).label
    telling = [found for found in differences if anchor in (found.first, found.second)]
    verdict = pronounce_all(telling, anchor) if telling else f"{anchor} alone: nothing to compare it with"
    # With many pairs the table says it better.
    sayings = (pronounce_on_new_images, pronounce_on_loss, pronounce_on_seeds)
    remarks = [say(found) for say in sayings for found in telling[:1]]
    return Comparison(
        tested_on="validation" if samples[0].recipe.validation else "test",
        baseline=baseline,
        summaries=summaries,
        differences=tuple(differences),
        verdict=verdict,
        remarks=tuple(filter(None, remarks)) if len(telling) == 1 else (),
    )
