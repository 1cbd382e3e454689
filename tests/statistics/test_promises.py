"""What the statistics promise, by the simulations of ``make simulations`` with fewer campaigns."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import simulations
from mnistlab.statistics import planned_looks, unplanned_look
from mnistlab.statistics.looks import FIRST_LOOK
from mnistlab.statistics.mean_test import equivalence_p, mean_test

RECORD = Path(__file__).parents[2] / "results" / "simulations" / "summary.json"
FIGURES = json.loads(RECORD.read_text(encoding="utf-8"))["figures"]
NOT_USED = "(not "


def held(promised, found, campaigns, *, at_most):
    """Whether a share keeps its promise within three standard errors."""
    error = 3 * math.sqrt(promised * (1 - promised) / campaigns)
    return found <= promised + error if at_most else found >= promised - error


@pytest.mark.parametrize(
    ("simulation", "campaigns"),
    [
        (simulations.false_alarms, 1000),
        (simulations.families, 600),
        (simulations.superiorities, 200),
        (simulations.looks, 6000),
        (simulations.until_settled, 2000),
        (simulations.advice, 3000),
    ],
)
def test_a_simulation_keeps_what_is_promised(simulation, campaigns):
    rows = list(simulation(np.random.default_rng(7), campaigns))
    assert rows
    broken = []
    for figure, setting, promised, found in rows:
        if NOT_USED in figure or math.isnan(promised):
            continue
        if not held(promised, found, campaigns, at_most=promised < 0.1):
            broken.append((figure, setting, found))
    # Looks that are not corrected break it, so that the test can fail.
    uncorrected = [row for row in broken if "uncorrected" in row[0]]
    assert broken == uncorrected
    assert len(uncorrected) == (3 if simulation is simulations.looks else 0)


@pytest.mark.parametrize("seeds", [6, 9, 20])
@pytest.mark.parametrize("look", [FIRST_LOOK, planned_looks(20)[10], unplanned_look((6, 8))])
def test_the_simulated_verdicts_are_the_programs(seeds, look):
    """Against Difference's own rules, whose tests take one study at a time."""
    draws = np.random.default_rng(seeds)
    rows = np.concatenate(
        [simulations.differences(draws, effect, (60, seeds)) for effect in (0, 0.3, 1.2)]
    )
    rows[0], rows[1] = 0, 3
    for row, found in zip(rows, simulations.verdicts(rows, look), strict=True):
        points = 100 * row / simulations.IMAGES
        if mean_test(points, look.level, row).adjusted_p < 0.05:
            assert found == "better"
        elif equivalence_p(points, 0.1, 0.01) < look.equivalence_level:
            assert found == "equivalent"
        else:
            assert found == "inconclusive"


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: f"{row['figure']}; {row['setting']}")
def test_the_published_figures_keep_their_promises(row):
    if row["promised"] is None or NOT_USED in row["figure"] or "uncorrected" in row["figure"]:
        return
    assert held(row["promised"], row["found"], row["campaigns"], at_most=row["promised"] < 0.1)


def test_the_page_shows_the_table():
    page = (RECORD.parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
    for row in FIGURES:
        if not row["figure"].startswith("Boundary"):
            promised = "" if row["promised"] is None else f"{100 * row['promised']:.1f}"
            cells = f"| {row['figure']} | {row['setting']} | {row['campaigns']:,} | {promised} | "
            assert f"{cells}{100 * row['found']:.1f} |" in page


def test_the_page_compares_the_designs_by_the_same_record():
    page = (RECORD.parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
    found = {(row["figure"], row["setting"]): round(100 * row["found"]) for row in FIGURES}
    for name, shown in (
        ("Wang-Tsiatis 0.25", "Wang and Tsiatis, Δ = 0.25"),
        ("Pocock", "Pocock"),
        ("O'Brien-Fleming", "O'Brien and Fleming"),
        ("anytime-valid", "anytime-valid (normal mixture, Robbins, 1970; knows the SD)"),
    ):
        half, whole = (f"{name}, every 2 seeds, {effect} SD apart" for effect in ("0.5", "1"))
        cells = [
            found["Boundary: found", half],
            found["Boundary: found", whole],
            found["Boundary: runs saved", whole],
        ]
        assert f"| {shown} | {cells[0]} % | {cells[1]} % | {cells[2]} % |" in page
