"""Comparisons and their verdicts."""

import json

import numpy as np
import pytest

from mnistlab.statistics import Comparison, band, class_errors, compare, confusion, hardest, minimum_seeds
from mnistlab.statistics.verdict import p_value, points
from tests.statistics.records import made_sample

BETTER, WORSE = [8, 9, 7, 8, 10, 9, 8, 7], [19, 21, 20, 18, 22, 20, 19, 21]


def test_a_settled_question():
    found = compare([made_sample("lenet5", WORSE), made_sample("custom_mlp", BETTER)])
    assert found.verdict == (
        "custom_mlp is better than lenet5 by 1.18 points (95 % interval 1.07 to 1.28, p = 0.008, 8 seeds)"
    )
    assert found.remarks[0].startswith("on new images of the same kind, too, custom_mlp would be better than lenet5 (")
    assert found.difference("custom_mlp", "lenet5").mean == pytest.approx(-1.175)


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_few_seeds_tell_nothing_whatever_the_figures(seeds):
    found = compare([made_sample("a", [0] * seeds), made_sample("b", [500] * seeds)])
    assert found.verdict.startswith(f"too few seeds to tell ({seeds}; at least 6 are needed): a is ahead of b by 50.00")


def test_an_open_question_says_how_many_seeds_it_would_take():
    found = compare([made_sample("a", [10, 12, 9, 11, 10, 8]), made_sample("b", [11, 10, 10, 11, 9, 11])])
    assert found.verdict == (
        "not settled: a is ahead of b by 0.03 points (95 % interval −0.15 to 0.22, p = 0.81, 6 seeds)"
    )
    assert "on new images of the same kind it is open which of a and b is better" in found.remarks[0]
    # Of the sums 1 - 2 + 1 - 1 + 3 with all signs, 26 of 32 are 2 or more from 0. The numbers of seeds are those at
    # which the non-central t distribution gives the test a power of 0.8.
    assert found.remarks[2] == (
        "to see it in four of five comparisons, a difference of 0.03 points would need about 270 seeds, "
        "one of 0.05 points would need about 99 seeds, one of 0.10 points would need about 27 seeds"
    )


def test_the_lower_loss_is_told_apart_from_the_higher_accuracy():
    one = made_sample("a", BETTER, losses=[0.05 + 0.001 * seed for seed in range(8)])
    other = made_sample("b", WORSE, losses=[0.03 + 0.001 * (seed % 3) for seed in range(8)])
    found = compare([one, other])
    assert found.verdict.startswith("a is better than b")
    assert found.remarks[1].startswith("b has a lower test loss than a, by 0.0226 nats (95 % interval 0.02")
    assert "in test loss nothing is settled" in compare([made_sample("a", BETTER), made_sample("b", WORSE)]).remarks[1]


def test_even_recipes():
    found = compare([made_sample("a", [10] * 6), made_sample("b", [10] * 6)])
    assert found.verdict == "not settled: a and b are even (95 % interval 0.00 to 0.00, p = 1.00, 6 seeds)"


def test_every_pair_is_compared_and_the_best_is_held_against_the_others():
    found = compare([made_sample("a", BETTER), made_sample("b", WORSE), made_sample("c", [n + 1 for n in BETTER])])
    assert [(d.first, d.second) for d in found.differences] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found.verdict == (
        "a is better than b (by 1.18), c (by 0.10) (points, p < 0.05 corrected for 3 comparisons, 8 seeds)"
    )


def test_an_ablation_is_held_against_the_whole():
    same = [BETTER[-1], *BETTER[:-1]]
    samples = [made_sample(name, counts) for name, counts in (("w", BETTER), ("x", WORSE), ("y", same))]
    found = compare(samples, baseline="w")
    assert [(d.first, d.second) for d in found.differences] == [("w", "x"), ("w", "y")]
    assert found.verdict.startswith("w is better than x (by 1.18); not settled against y (0.00) (")


def test_an_ablation_that_settles_nothing():
    same = [BETTER[-1], *BETTER[:-1]]
    found = compare([made_sample("w", BETTER), made_sample("x", same), made_sample("y", same[::-1])], baseline="w")
    assert found.verdict == (
        "not settled: w against x (0.00), y (0.00) (points, p < 0.05 corrected for 2 comparisons, 8 seeds)"
    )


@pytest.mark.parametrize(("comparisons", "seeds"), [(1, 6), (2, 7), (7, 9), (28, 11)])
def test_more_comparisons_need_more_seeds(comparisons, seeds):
    assert minimum_seeds(comparisons) == seeds
    assert comparisons * 2 / 2**seeds < 0.05 or seeds == 6


def test_many_comparisons_of_few_seeds_tell_nothing():
    found = compare([made_sample("w", [5] * 6), *(made_sample(f"v{n}", [50 + n] * 6) for n in range(7))], baseline="w")
    assert found.verdict == (
        "too few seeds to tell (6; at least 9 are needed for 7 comparisons): w is ahead of 7 of 7 others so far"
    )


def test_the_same_records_give_the_same_figures():
    samples = [made_sample("a", BETTER), made_sample("b", WORSE)]
    assert compare(samples) == compare(samples)
    assert Comparison.model_validate_json(json.dumps(compare(samples).model_dump())) == compare(samples)


def test_one_recipe_alone():
    assert compare([made_sample("a", [1, 2])]).verdict == "a alone: nothing to compare it with"


def test_figures_are_written_for_people():
    assert [p_value(p) for p in (0.0001, 0.0342, 0.5)] == ["p < 0.001", "p = 0.034", "p = 0.50"]
    assert [points(value) for value in (-0.0001, 0.0, -1.234)] == ["0.00", "0.00", "−1.23"]
    # Two decimals would hide on which side of 0 it lies.
    assert [points(value) for value in (-0.003, 0.0049)] == ["−0.003", "0.005"]


def test_the_confusion_matrix_by_hand():
    # Images 0 to 11 are 0, 1, ... 9, 0, 1; each misread one is taken for the class above.
    table = confusion(made_sample("a", [12, 0]))
    assert table.sum() == 2000
    assert table.diagonal().sum() == 2000 - 12
    assert table[0, 1] == table[1, 2] == 2
    assert table[9, 0] == 1
    found = class_errors(made_sample("a", [12, 0]))
    assert [one.error for one in found[:3]] == pytest.approx([1.0, 1.0, 0.5])


def test_the_hardest_images_and_their_votes():
    found = hardest([made_sample("a", [3, 2]), made_sample("b", [3, 0, 1])])
    # Image 0 is misread by four of five runs, image 1 by three, image 2 by two.
    assert [(hard.image, hard.label, hard.wrong) for hard in found] == [(0, 0, 4), (1, 1, 3)]
    assert found[0].votes == ((1, 4), (0, 1))


def test_a_band_over_seeds():
    sample = made_sample("a", [1] * 11, losses=list(np.linspace(0.1, 0.2, 11)))
    found = band(sample, "test_loss")
    assert found.epochs.tolist() == [1, 2]
    assert found.mean == pytest.approx([0.3, 0.15])
    assert (found.low[1], found.high[1]) == pytest.approx((0.11, 0.19))
