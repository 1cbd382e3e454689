"""Comparison: several recipes over seeds, with every figure and the verdict."""

from collections.abc import Sequence
from itertools import combinations

from pydantic import BaseModel, ConfigDict

from mnistlab.recipe import TestedOn
from mnistlab.statistics.difference import MARGIN, Difference, Judge, compare_pairs
from mnistlab.statistics.metric import Metric
from mnistlab.statistics.remarks import on_folds, on_metric, on_versions, remarks_on
from mnistlab.statistics.run_group import RunGroup
from mnistlab.statistics.summary import Summary, summarise
from mnistlab.statistics.verdict import pronounce_all


class Comparison(BaseModel):
    """What a comparison found.

    Attributes:
        tested_on: ``test``, or ``validation`` if the runs were tested on held-out training images.
        baseline: the label that all others are compared with; empty if every pair is compared.
        summaries: one per recipe, in the order given.
        differences: one per pair: all pairs, or the baseline less each other one; none for a
            ranking.
        verdict: one plain sentence on the images tested on.
        remarks: sentences on what else a reader should know.
    """

    model_config = ConfigDict(frozen=True)

    tested_on: TestedOn
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

    @property
    def metric(self) -> Metric:
        """By which the recipes are judged."""
        return self.summaries[0].metric

    @property
    def classes_matter(self) -> bool:
        """Whether accuracy alone says too little: classes differ much in size, or recipes are
        judged by another metric.
        """
        return self.summaries[0].macro_f1 is not None

    @property
    def informative(self) -> tuple[Difference, ...]:
        """The differences that the verdict is about: the baseline's, or the best recipe's."""
        return tuple(
            found for found in self.differences if self.anchor in (found.first, found.second)
        )

    @property
    def anchor(self) -> str:
        """The label that the verdict is about."""
        return self.baseline or max(self.summaries, key=lambda summary: summary.judged.mean).label

    @property
    def settled(self) -> bool:
        """Whether the verdict is conclusive for every pair that it is about."""
        return all(found.settled for found in self.informative)


def compare(
    groups: Sequence[RunGroup],
    baseline: str = "",
    *,
    margin: float = MARGIN,
    judge: Judge | None = None,
    ranking: bool = False,
) -> Comparison:
    """Compare recipes.

    Args:
        groups: at least one, each with a different label, all judged by the same metric.
        baseline: label of the recipe to compare all others with, as an ablation does; empty
            compares every pair.
        margin: points of the metric within which two recipes count as equivalent, above 0.
        judge: says which look at a pair it is; the first one unless given.
        ranking: whether the best was chosen by these very figures, so that nothing may be tested
            against it.

    Raises:
        RunError: a pair has no seed in common, or other images.
    """
    if ranking:
        pairs = []
    elif baseline:
        whole = next(group for group in groups if group.label == baseline)
        pairs = [(whole, group) for group in groups if group is not whole]
    else:
        pairs = list(combinations(groups, 2))
    found = Comparison(
        tested_on=groups[0].tested_on,
        baseline=baseline,
        summaries=tuple(map(summarise, groups)),
        differences=tuple(compare_pairs(pairs, margin, judge)),
        verdict="",
        remarks=(),
    )
    remarks = [
        *filter(None, [on_folds(found.summaries[0])]),
        *filter(None, [on_metric(found.metric) if found.differences else ""]),
        *remarks_on(found.informative, found.summaries, len(found.differences)),
        *on_versions(groups),
    ]
    alone = "" if ranking else f"{found.anchor} alone: nothing to compare it with"
    verdict = pronounce_all(found.informative, found.anchor) if found.informative else alone
    return found.model_copy(update={"verdict": verdict, "remarks": tuple(remarks)})
