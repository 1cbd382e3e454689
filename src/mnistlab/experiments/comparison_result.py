"""ComparisonResult: recipes over seeds, their figures, and the files that report them."""

import math
import os
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data import undo_draw
from mnistlab.data.loading import load_for, take_for
from mnistlab.data_frame import DataFrame
from mnistlab.errors import DataError
from mnistlab.experiments.archive import Archive, Group, write_archive
from mnistlab.experiments.look_history import judge, looks_at, past_looks
from mnistlab.report import run_frame
from mnistlab.report.result import Plots, Result, Tables
from mnistlab.runs import pool_fingerprints
from mnistlab.statistics import MARGIN, Comparison, Look, Metric, RunGroup, compare
from mnistlab.statistics.metric import METRIC_NAMES


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonResult(Result):
    """What :func:`mnistlab.compare` and :func:`mnistlab.ablation` return; it needs the records
    alone, no PyTorch.

    In a notebook it shows its verdict and its table. :meth:`table` takes ``recipes``, ``short``
    (the same for a terminal), ``pairs``, ``runs``, ``losses``,
    ``metrics`` (accuracy, macro F1, balanced accuracy) or ``classes``; :meth:`plot` ``accuracies``,
    ``curves``, ``calibration``, ``classes``, ``paired1``, ``forest``, ... :meth:`write` leaves
    ``comparison.json`` too, from which :func:`mnistlab.read_comparison` makes the result again.

    Attributes:
        title: for people.
        groups: the runs, one group per recipe.
        baseline: the label that all others are compared with; empty compares every pair.
        failures: a line for the runs that could not be finished for the same reason; they count for
            nothing.
        command: the command that makes it again; empty if none made it.
        runs: the folder that holds the runs' folders.
        headline: what a sweep says instead of a verdict; its best candidate was chosen by these
            very figures, so that the others are ranked and not tested against it. Empty for a
            comparison.
        margin: points of :attr:`metric` within which two recipes count as equivalent.
        max_seeds: of the plan that the study follows; 0 if it follows none.
    """

    title: str
    groups: tuple[RunGroup, ...]
    baseline: str = ""
    failures: tuple[str, ...] = ()
    command: str = ""
    runs: Path | None = None
    headline: str = ""
    margin: float = MARGIN
    max_seeds: int = 0

    @cached_property
    def comparison(self) -> Comparison:
        """Every figure: summaries, differences, verdict, remarks."""
        ranking = bool(self.headline)
        past = past_looks(self.runs) if self.runs and not ranking else ()
        pairs = len(self.groups) - 1 if self.baseline else math.comb(len(self.groups), 2)

        def look(one: RunGroup, other: RunGroup) -> Look:
            pair = (one.recipe.digest, other.recipe.digest)
            return judge(
                past,
                pair,
                one.seeds,
                self.max_seeds,
                study_seeds=len(self.seeds),
                comparisons=pairs,
                metric=self.metric,
            )

        found = compare(self.groups, self.baseline, margin=self.margin, judge=look, ranking=ranking)
        known = looks_at(past, self.digests)
        changed = known and known[0].margin != self.margin
        first = METRIC_NAMES[known[0].metric] if known else ""
        remarks = [
            (
                f"the first look was by {first}; choosing the metric after a look proves nothing"
                if known and known[0].metric != self.metric
                else ""
            ),
            (
                f"the margin was {known[0].margin:g} points at the first look; choosing it after a"
                " look proves nothing"
                if changed
                else ""
            ),
            *found.remarks,
        ]
        return found.model_copy(
            update={
                "verdict": self.headline or found.verdict,
                "remarks": tuple(filter(None, remarks)),
            }
        )

    @property
    def metric(self) -> Metric:
        """By which the recipes are judged."""
        return self.groups[0].metric

    @property
    def digests(self) -> list[str]:
        """Those of the recipes, which identify the comparison."""
        return sorted(group.recipe.digest for group in self.groups)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that any recipe was trained with."""
        return tuple(sorted({seed for group in self.groups for seed in group.seeds}))

    @property
    def verdict(self) -> str:
        """One plain sentence."""
        return self.comparison.verdict

    @property
    def remarks(self) -> list[str]:
        """What else has to be said beside the verdict."""
        return list(self.comparison.remarks)

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, as ``summary.json`` has it."""
        from mnistlab.report.comparison_report import summary

        return summary(self.groups, self.comparison, self.command)

    def to_dataframe(self) -> DataFrame:
        """Return the runs as a pandas ``DataFrame``, see :func:`mnistlab.report.run_frame`.

        Raises:
            MnistlabError: pandas is not installed.
        """
        return run_frame(self.groups)

    def _tables(self) -> Tables:
        from mnistlab.report import comparison_report as tables
        from mnistlab.report.class_tables import class_score_table

        kinds = {
            "recipes": tables.recipe_table,
            "short": tables.short_table,
            "pairs": tables.pair_table,
            "runs": tables.run_table,
            "losses": tables.loss_table,
        }
        made = {kind: partial(make, self.comparison) for kind, make in kinds.items()}
        made["metrics"] = partial(tables.metric_table, self.groups)
        return made | {"classes": partial(class_score_table, self.groups)}

    def _plots(self) -> Plots:
        from mnistlab.report.comparison_report import draw_plots

        return draw_plots(self.groups, self.comparison)

    def _write(self, folder: Path) -> list[Path]:
        from mnistlab.report.comparison_report import write_comparison_report

        files = write_comparison_report(
            folder,
            self.title,
            self.groups,
            self.comparison,
            command=self.command,
            failures=self.failures,
            test_images=self._test_images(),
        )
        return [*files, write_archive(folder, self._archive(folder))]

    def _archive(self, folder: Path) -> Archive:
        return Archive(
            title=self.title,
            baseline=self.baseline,
            runs=_from(folder, Path(self.runs or folder / "runs")),
            groups=tuple(
                Group(label=group.label, digest=group.recipe.digest, seeds=group.seeds)
                for group in self.groups
            ),
            failures=self.failures,
            command=self.command,
            headline=self.headline,
            margin=self.margin,
            max_seeds=self.max_seeds,
            metric=self.metric,
            comparison=self.comparison.model_dump(mode="json"),
        )

    def _test_images(self) -> NDArray[np.uint8] | None:
        """Return the images that the runs were tested on, or ``None`` if they are gone."""
        record = self.groups[0].records[0]
        recipes = record.recipe.by_fold
        try:
            whole = load_for(record.recipe)
            found = pool_fingerprints([take_for(one, whole).fingerprint for one in recipes])
            if found != record.data.fingerprint:
                return None
            tested = (
                take_for(recipes[0], whole).test if len(recipes) == 1 else undo_draw(whole).train
            )
        except DataError:
            return None
        return tested.images


def _from(folder: Path, runs: Path) -> str:
    """Return the path from a folder to the runs' folder; on another drive the absolute path."""
    try:
        return Path(os.path.relpath(runs, folder)).as_posix()
    except ValueError:
        return runs.absolute().as_posix()
