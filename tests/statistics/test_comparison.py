"""Comparisons and their verdicts."""

import json

import numpy as np
import pytest

from mnistlab import Recipe
from mnistlab.statistics import (
    Comparison,
    Difference,
    Interval,
    NewImages,
    RunGroup,
    Summary,
    band,
    class_errors,
    compare,
    confusion,
    hardest,
)
from mnistlab.statistics.remarks import on_new_images, on_odd_runs
from mnistlab.statistics.verdict import p_value, points
from tests.statistics.records import made_group

BETTER, WORSE = [8, 9, 7, 8, 10, 9, 8, 7], [19, 21, 20, 18, 22, 20, 19, 21]


def test_a_settled_question():
    found = compare([made_group("lenet5", WORSE), made_group("custom_mlp", BETTER)])
    assert (
        found.verdict
        == "custom_mlp is better than lenet5 by 1.17 points (95 % interval 1.07 to 1.28, p = 0.008,"
        " 8 seeds)"
    )
    assert found.remarks[0].startswith(
        "on new images of the same kind, too, custom_mlp would be better than lenet5 ("
    )
    assert found.difference("custom_mlp", "lenet5").mean == pytest.approx(-1.175)
    assert found.settled


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_few_seeds_tell_nothing_whatever_the_figures(seeds):
    found = compare([made_group("a", [0] * seeds), made_group("b", [500] * seeds)])
    assert found.verdict.startswith(
        f"too few seeds to tell ({seeds}; at least 6 are needed): a is ahead of b by 50.00"
    )
    assert not found.settled
    assert found.remarks == ()


def test_equivalent_recipes():
    found = compare([made_group("a", [10, 11] * 6), made_group("b", [11, 10] * 6)], margin=0.2)
    assert (
        found.verdict
        == "a and b are equivalent within 0.2 points (p < 0.001 for a larger difference): a and b"
        " are even (95 % interval −0.07 to 0.07, p = 1.00, 12 seeds)"
    )
    assert found.settled


def test_better_but_within_the_margin():
    found = compare([made_group("a", [10] * 7), made_group("b", [11] * 7)], margin=0.5)
    assert (
        found.verdict
        == "a is better than b by 0.10 points (95 % interval 0.10 to 0.10, p = 0.016, 7 seeds),"
        " though within the margin of 0.5 points"
    )


def test_an_open_question_says_how_many_seeds_it_would_take():
    found = compare(
        [made_group("a", [10, 12, 9, 11, 10, 8]), made_group("b", [11, 10, 10, 11, 9, 11])]
    )
    # Of the sums 1 - 2 + 1 + 0 - 1 + 3 with all signs, 26 of 32 are 2 or more from 0.
    assert (
        found.verdict
        == "inconclusive: a is ahead of b by 0.03 points (95 % interval −0.15 to 0.22, p = 0.81, 6"
        " seeds)"
    )
    # One image of 1,000 is as much as the margin. The number is the one at which the non-central t
    # distribution gives the test a power of 0.8; the difference that was seen, 0.03 points, is no
    # reason for advice.
    assert (
        found.remarks[-1]
        == "four of five new studies would show a difference of 0.1 points with about 27 seeds, and"
        " equivalence within 0.1 points, if there is no difference, with about 28 seeds"
    )


def test_five_seeds_are_too_few_for_advice():
    found = compare([made_group("a", [10, 12, 9, 11, 10]), made_group("b", [11, 10, 10, 11, 9])])
    assert not any("new studies" in remark for remark in found.remarks)


def test_small_test_sets_are_advised_in_whole_images():
    """A tenth of a point of 60 images is no image at all."""
    one, other = (
        made_group(name, errors, images=60)
        for name, errors in (("a", [1, 2, 1, 5, 1, 2]), ("b", [2, 1, 4, 1, 3, 1]))
    )
    found = compare([one, other])
    (advice,) = (remark for remark in found.remarks if "new studies" in remark)
    assert "a difference of one image with about" in advice
    assert advice.endswith(
        "seeds; one of 60 test images is 1.7 points, too many to show equivalence within 0.1"
    )
    assert "80,000" not in advice
    assert found.differences[0].verdict == "inconclusive"


@pytest.mark.parametrize(
    ("seeds", "images", "could"),
    [
        (0.01, 0.02, "more seeds or more images could settle it"),
        (0.3, 0.02, "more seeds could settle it, more images alone could not"),
        (0.02, 0.3, "more images could settle it, more seeds alone could not"),
        (0.2, 0.2, "it would take more of both to settle it"),
        # Less than what is left of the margin of 0.1 points, 0.067: they could be equivalent.
        (0.2, 0.06, "more seeds could settle it, more images alone could not"),
    ],
)
def test_whether_seeds_or_images_could_settle_it_on_new_images(seeds, images, could):
    (made,) = compare(
        [made_group("a", [10, 12, 9, 11, 10, 8]), made_group("b", [11, 10, 10, 11, 9, 11])]
    ).differences
    found = NewImages(
        interval=Interval(low=-0.3, high=0.36),
        seeds_reach=seeds,
        images_reach=images,
        images_p=0.01,
    )
    assert (
        on_new_images(made.model_copy(update={"new_images": found}))
        == "on new images of the same kind it is open which of a and b is better (95 % interval"
        f" −0.30 to 0.36); more test images could narrow it to about ±{seeds:.2f} points at best,"
        f" more seeds to about ±{images:.2f}: {could}"
    )


def test_an_interval_that_the_verdict_has_is_not_repeated():
    (made,) = compare([made_group("b", WORSE), made_group("a", BETTER)]).differences
    found = made.new_images.model_copy(update={"interval": made.simultaneous})
    assert (
        on_new_images(made.model_copy(update={"new_images": found}))
        == "on new images of the same kind, too, a would be better than b (with the same interval)"
    )


def test_a_leader_of_three_with_few_seeds_is_told_with_names_and_leads():
    found = compare([made_group(name, [n] * 3) for name, n in (("a", 30), ("b", 10), ("c", 10))])
    assert (
        found.verdict
        == "too few seeds to tell (3; at least 7 are needed to compare 3 pairs): so far b is ahead"
        " of a (by 2.00 points); even with c"
    )


def test_a_recipe_against_itself_is_never_said_to_lack_images():
    """Both misclassify other images in each run, so that images have no part in the difference."""
    said = []
    for seed in range(40):
        draws = np.random.default_rng(seed)
        pair = [
            made_group(name, draws.binomial(1000, 0.01, 8).tolist(), random=draws) for name in "ab"
        ]
        said += [r for r in compare(pair).remarks if r.startswith("on new images")]
    # Of 40 true nulls, one-sided at 5 %, three standard errors more.
    assert sum("images could settle it" in remark for remark in said) <= 6
    assert sum("so more seeds are what could settle it" in remark for remark in said) >= 30


def test_the_remark_on_new_images_agrees_with_its_interval():
    """Whenever it is said to be open, the interval contains 0 or passes the margin."""
    for seed in range(60):
        draws = np.random.default_rng([seed, 3])
        one = made_group("a", draws.binomial(1000, 0.01, 6).tolist(), random=draws)
        other = made_group("b", draws.binomial(1000, 0.017, 6).tolist(), random=draws)
        found = compare([one, other])
        (difference,) = found.differences
        interval = difference.new_images.interval
        if any("it is open which" in remark for remark in found.remarks):
            assert not interval.excludes_zero
        if difference.verdict == "inconclusive":
            assert not interval.excludes_zero


def test_the_lower_loss_is_told_apart_from_the_higher_accuracy():
    one = made_group("a", BETTER, losses=[0.05 + 0.001 * seed for seed in range(8)])
    other = made_group("b", WORSE, losses=[0.03 + 0.001 * (seed % 3) for seed in range(8)])
    found = compare([one, other])
    assert found.verdict.startswith("a is better than b")
    assert found.remarks[1].startswith(
        "b has a lower test loss than a, by 0.0226 nats (95 % interval 0.02"
    )
    even = compare([made_group("a", BETTER), made_group("b", WORSE)]).remarks[1]
    assert even.startswith("which test loss is lower is open: a and b are even (")


def test_held_out_images_are_not_called_test_images():
    recipes = [Recipe(name=name, validation=1000) for name in "ab"]
    found = compare([made_group(recipe.name, BETTER, recipe) for recipe in recipes])
    assert not [remark for remark in found.remarks if "test loss" in remark]
    assert [remark for remark in found.remarks if "validation loss" in remark]
    assert not [
        remark for remark in found.remarks if "test images" in remark.replace("held-out", "")
    ]


def test_every_pair_is_compared_and_the_best_is_held_against_the_others():
    found = compare(
        [made_group("a", BETTER), made_group("b", WORSE), made_group("c", [n + 1 for n in BETTER])]
    )
    assert [(d.first, d.second) for d in found.differences] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert (
        found.verdict
        == "a is better than b (by 1.17), c (by 0.10) (points; margin 0.1, p < 0.05 corrected"
        " for 3 pairs, 8 seeds)"
    )
    assert found.remarks == ()


def test_an_ablation_is_held_against_the_whole():
    same = [BETTER[-1], *BETTER[:-1]]
    groups = [
        made_group(name, counts) for name, counts in (("w", BETTER), ("x", WORSE), ("y", same))
    ]
    found = compare(groups, baseline="w")
    assert [(d.first, d.second) for d in found.differences] == [("w", "x"), ("w", "y")]
    assert found.verdict.startswith("w is better than x (by 1.17); inconclusive against y (0.00) (")
    wide = compare(groups, baseline="w", margin=0.4)
    assert wide.verdict.startswith(
        "w is better than x (by 1.17); equivalent to y (0.00) (points; margin 0.4, "
    )


def test_an_ablation_that_settles_nothing():
    same = [BETTER[-1], *BETTER[:-1]]
    found = compare(
        [made_group("w", BETTER), made_group("x", same), made_group("y", same[::-1])], baseline="w"
    )
    assert (
        found.verdict == "inconclusive: w against x (0.00), y (0.00) (points; margin 0.1, p < 0.05"
        " corrected for 2 pairs, 8 seeds)"
    )


def test_many_comparisons_of_few_seeds_tell_nothing_and_ties_are_no_lead():
    others = [made_group(f"v{n}", [50 + n] * 6) for n in range(5)]
    found = compare(
        [made_group("w", [5] * 6), *others, *(made_group(n, [3, 7, 2, 8, 4, 6]) for n in "xy")],
        baseline="w",
    )
    assert (
        found.verdict
        == "too few seeds to tell (6; at least 13 are needed to compare 7 pairs): so far w is ahead"
        " of v0 (by 4.50 points), v1 (by 4.60 points), v2 (by 4.70 points), v3 (by 4.80 points), v4"
        " (by 4.90 points); even with x, y"
    )


def test_a_ranking_tests_nothing_against_the_winner_it_chose():
    found = compare([made_group("a", BETTER), made_group("b", WORSE)], ranking=True)
    assert (found.differences, found.verdict, found.remarks) == ((), "", ())


COLLAPSED = [10, 11, 9, 10, 12, 10, 11, 10, 9, 720]


def test_one_collapsed_run_is_told_to_carry_the_difference():
    """a is ahead on average, though nearly every run of b beats nearly every run of a."""
    found = compare(
        [made_group("a", [12, 13, 11, 12, 14, 12, 13, 12, 11, 13]), made_group("b", COLLAPSED)]
    )
    assert found.verdict.startswith("inconclusive: a is ahead of b by 6.89 points")
    assert (
        found.remarks[0]
        == "seed 9 of b reaches 28.00 % where its others reach 98.80 to 99.10 %: without such seeds"
        " a would be 0.20 points behind b, with them it is 6.89 points ahead of it"
    )
    assert found.differences[0].interquartile_mean == pytest.approx(-0.2)
    assert found.summaries[1].odd_seeds == (9,)


def test_an_odd_run_that_changes_nothing_is_no_remark():
    found = compare(
        [made_group("a", [500, 505, 495] * 3), made_group("b", [10, 11, 9, 10, 12, 10, 11, 10, 30])]
    )
    assert not [remark for remark in found.remarks if "would be" in remark and "seed" in remark]


@pytest.mark.parametrize("turned", [False, True])
def test_an_odd_run_that_hides_a_difference_is_told_in_either_order(turned):
    """Without its collapsed run a is 0.7 points ahead; with it, both are nearly even."""
    one = made_group("a", [10, 11, 9, 10, 12, 10, 11, 10, 9, 80])
    other = made_group("b", [17, 18, 16, 17, 19, 17, 18, 17, 16, 18])
    found = compare([other, one] if turned else [one, other])
    assert (
        found.remarks[0]
        == "seed 9 of a reaches 92.00 % where its others reach 98.80 to 99.10 %: without such seeds"
        " a would be 0.70 points ahead of b, with them it is 0.01 points ahead of it"
    )


@pytest.mark.parametrize("turned", [False, True])
def test_an_odd_run_that_makes_two_recipes_even_is_told_in_either_order(turned):
    one = made_group("a", [10] * 9 + [110])
    other = made_group("b", [20] * 10)
    found = compare([other, one] if turned else [one, other])
    assert found.differences[0].mean == pytest.approx(0)
    assert found.remarks[0].endswith(
        "without such seeds a would be 1.00 points ahead of b, with them it is even with it"
    )


def test_two_large_differences_of_ordinary_runs_are_told():
    """Every run is ordinary among its own recipe's, but two pairs differ as no other pair does."""
    one = [100, 200, 300, 100, 200, 300, 100, 300, 100, 100]
    other = [101, 202, 301, 102, 201, 302, 101, 301, 300, 300]
    found = compare([made_group("a", one), made_group("b", other)])
    assert [summary.odd_seeds for summary in found.summaries] == [(), ()]
    assert found.remarks[0].startswith("the differences of seeds 8, 9 are far from all others: ")


@pytest.mark.parametrize("seeds", [6, 7, 8, 10, 20])
def test_equal_recipes_with_normal_noise_are_not_said_to_hang_on_a_few_seeds(seeds):
    """However large the noise is against that of single images."""
    draws, said, studies = np.random.default_rng([5, seeds]), 0, 400
    for _ in range(studies):
        rows = np.rint(draws.normal(3000, 900, (2, seeds))).astype(int).clip(0, 10_000)
        one, other = (
            Summary.model_construct(
                label=name,
                test_images=10_000,
                errors=tuple(row.tolist()),
                accuracies=tuple((100 - row / 100).tolist()),
                seeds=tuple(range(seeds)),
                odd_seeds=(),
                metric="accuracy",
                spread=None,
                **dict.fromkeys(
                    ("interquartile_mean", "std", "median", "lowest", "highest", "accuracy"), 0.0
                ),
                interval=None,
            )
            for name, row in zip("ab", rows)
        )
        points = (rows[1] - rows[0]) / 100
        difference = Difference.model_construct(
            first="a",
            second="b",
            seeds=one.seeds,
            differences=tuple(points.tolist()),
            mean=float(points.mean()),
        )
        said += bool(on_odd_runs(difference, one, other))
    assert said / studies <= 0.01 + 2 * (0.01 * 0.99 / studies) ** 0.5


def of_version(group, **versions):
    records = [
        record.model_copy(
            update={
                "environment": record.environment.model_copy(
                    update={"versions": record.environment.versions | versions}
                )
            }
        )
        for record in group.records
    ]
    return RunGroup(group.label, tuple(records))


def test_runs_of_two_versions_are_pointed_out():
    one, other = made_group("a", BETTER), made_group("b", WORSE)
    assert not [remark for remark in compare([one, other]).remarks if "versions" in remark]
    found = compare([of_version(one, mnistlab="0.1.0"), of_version(other, mnistlab="0.2.0")])
    assert (
        found.remarks[-1]
        == "these runs were made with different mnistlab versions, which may explain the difference"
        " (a: 0.1.0; b: 0.2.0)"
    )


def test_what_pairing_brought_is_told():
    shared = [9, 14, 8, 12, 10, 16, 9, 11]
    found = compare(
        [made_group("a", shared), made_group("b", [n + 5 + k % 3 for k, n in enumerate(shared)])]
    )
    assert found.differences[0].correlation == pytest.approx(0.95, abs=0.04)
    assert [
        remark
        for remark in found.remarks
        if remark.startswith("runs of the same seed have a correlation of 0.9")
    ]


def test_the_same_records_give_the_same_figures():
    groups = [made_group("a", BETTER), made_group("b", WORSE)]
    assert compare(groups) == compare(groups)
    assert Comparison.model_validate_json(json.dumps(compare(groups).model_dump())) == compare(
        groups
    )


def test_one_recipe_alone():
    assert compare([made_group("a", [1, 2])]).verdict == "a alone: nothing to compare it with"


def test_figures_are_written_for_people():
    assert [p_value(p) for p in (0.0001, 0.0342, 0.5)] == ["p < 0.001", "p = 0.034", "p = 0.50"]
    assert [points(value) for value in (-0.0001, 0.0, -1.234)] == ["0.00", "0.00", "−1.23"]
    # Two decimals would hide on which side of 0 it lies.
    assert [points(value) for value in (-0.003, 0.0049)] == ["−0.003", "0.005"]


def test_the_confusion_matrix_by_hand():
    # Images 0 to 11 are 0, 1, ... 9, 0, 1; each misclassified one is taken for the class above.
    table = confusion(made_group("a", [12, 0]))
    assert table.sum() == 2000
    assert table.diagonal().sum() == 2000 - 12
    assert table[0, 1] == table[1, 2] == 2
    assert table[9, 0] == 1
    found = class_errors(made_group("a", [12, 0]))
    assert [one.error for one in found[:3]] == pytest.approx([1.0, 1.0, 0.5])


def test_the_hardest_images_and_their_votes():
    found = hardest([made_group("a", [3, 2]), made_group("b", [3, 0, 1])])
    # Image 0 is misclassified by four of five runs, image 1 by three, image 2 by two.
    assert [(hard.image, hard.label, hard.wrong) for hard in found] == [(0, 0, 4), (1, 1, 3)]
    assert found[0].votes == ((1, 4), (0, 1))


def test_a_band_over_seeds():
    group = made_group("a", [1] * 11, losses=list(np.linspace(0.1, 0.2, 11)))
    found = band(group, "test_loss")
    assert found.epochs.tolist() == [1, 2]
    assert found.mean == pytest.approx([0.3, 0.15])
    assert (found.low[1], found.high[1]) == pytest.approx((0.11, 0.19))
