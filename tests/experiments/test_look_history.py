"""Studies that remember their looks, and studies that end as soon as they are settled."""

import json
import os
import signal
import time

import numpy as np
import pytest

from mnistlab import MnistlabError, Recipe, compare, read_comparison, repeat
from mnistlab.experiments import InProcessExecutor
from mnistlab.experiments.look_history import FILE, PastLook, judge, note, past_looks
from mnistlab.experiments.trial_events import Looked, TrialFailed, TrialFinished
from mnistlab.runs import RunStore
from mnistlab.statistics import planned_looks
from tests.forks import PATIENCE, started
from tests.statistics.records import made_record


class Made:
    """An engine whose runs misclassified as many images as it is told, by recipe and seed."""

    description = "made up"

    def __init__(self, errors):
        self.errors = errors
        self.trained = []

    def run(self, trials, settings, on_event, should_stop):
        for trial in trials:
            count = self.errors[trial.recipe.name](trial.seed)
            if count is None:
                on_event(TrialFailed(trial, "its loss is not finite"))
                continue
            wrong = range(count)
            made = made_record(
                trial.recipe, trial.seed, wrong, fingerprint=FINGERPRINT[0], images=10_000
            )
            made = made.model_copy(
                update={
                    "data": made.data.model_copy(update={"train_images": 300}),
                    "predictions": made.predictions.model_copy(update={"train_accuracy": 0.99}),
                }
            )
            folder = RunStore(trial.folder.parent).folder(trial.recipe, trial.seed)
            with folder.lock():
                folder.finish(made, b"", np.zeros((1, 1), np.float32))
            self.trained.append((trial.recipe.name, trial.seed))
            on_event(TrialFinished(trial, made))


FINGERPRINT = []
PAIR = [
    Recipe(name=name, epochs=2, train_limit=300, momentum=momentum)
    for name, momentum in (("a", 0.9), ("b", 0.8))
]


@pytest.fixture(scope="module", autouse=True)
def _fingerprint():
    from mnistlab.data import load_dataset, take_subset

    FINGERPRINT[:] = [take_subset(load_dataset("mnist"), validation=0, limit=300).fingerprint]


def failing(seed):
    return alternating(seed) if seed < 4 else None


def alternating(seed):
    return 100 + 9 * (seed % 2) + seed % 5


APART = {"a": alternating, "b": lambda seed: alternating(seed) + 20 + seed % 3}
CLOSE = {"a": alternating, "b": lambda seed: alternating(seed) + seed % 2}
OPEN = {"a": alternating, "b": lambda seed: alternating(seed) + (25 if seed % 2 else -18)}


def test_a_settled_study_ends_early(tmp_path):
    seen, executor = [], Made(APART)
    result = compare(*PAIR, max_seeds=20, runs=tmp_path, executor=executor, on_event=seen.append)
    looks = [event.seeds for event in seen if isinstance(event, Looked)]
    assert looks == [6, 8, 10]
    assert result.verdict.startswith("a is better than b by 0.2")
    assert result.seeds == tuple(range(10))
    assert len(executor.trained) == 20
    assert result.comparison.differences[0].look == planned_looks(20)[10]
    assert result.comparison.remarks[0].startswith("look 3 of at most 8 planned looks")


def test_an_equivalent_one_too_and_an_open_one_goes_on_to_the_end(tmp_path):
    result = compare(*PAIR, max_seeds=20, runs=tmp_path / "close", executor=Made(CLOSE))
    assert result.comparison.differences[0].verdict == "equivalent"
    assert len(result.seeds) == 6
    result = compare(*PAIR, max_seeds=11, runs=tmp_path / "open", executor=Made(OPEN))
    assert result.comparison.differences[0].verdict == "inconclusive"
    assert len(result.seeds) == 11


def test_the_same_command_again_trains_nothing_and_says_the_same(tmp_path):
    first = compare(*PAIR, max_seeds=20, runs=tmp_path / "runs", executor=Made(APART))
    executor = Made(APART)
    again = compare(*PAIR, max_seeds=20, runs=tmp_path / "runs", executor=executor)
    assert executor.trained == []
    assert again.comparison == first.comparison
    first.write(tmp_path / "out")
    assert read_comparison(tmp_path / "out").comparison == first.comparison


def test_stopping_in_between_goes_on_with_the_same_plan(tmp_path):
    executor = Made(APART)
    stopped = compare(
        *PAIR,
        max_seeds=20,
        runs=tmp_path,
        executor=executor,
        should_stop=lambda: len(executor.trained) >= 12,
    )
    assert stopped is None
    executor = Made(APART)
    found = compare(*PAIR, max_seeds=20, runs=tmp_path, executor=executor)
    assert len(executor.trained) == 20 - 12
    assert found.comparison.differences[0].look.number == 3


def test_looking_again_is_remembered_corrected_and_said(tmp_path):
    verdicts = []
    for seeds in (8, 16):
        result = compare(*PAIR, seeds=seeds, runs=tmp_path / "runs", executor=Made(OPEN))
        verdicts.append(result.comparison.differences[0])
    assert [found.look.number for found in verdicts] == [1, 2]
    assert verdicts[1].look.earlier == (8,)
    assert verdicts[1].adjusted_p == min(1.0, 20 * max(verdicts[1].p, verdicts[1].adjusted_p / 20))
    assert result.comparison.remarks[0].startswith(
        "look 2 at these recipes, after looks at 8 seeds: "
    )
    # An earlier look stays what it was, also in another report.
    again = compare(*PAIR, seeds=8, runs=tmp_path / "runs", executor=Made(OPEN))
    assert again.comparison.differences[0] == verdicts[0]
    again.write(tmp_path / "elsewhere")
    result.write(tmp_path / "out")
    assert read_comparison(tmp_path / "elsewhere").comparison.differences[0] == verdicts[0]
    assert read_comparison(tmp_path / "out").comparison.differences[0] == verdicts[1]


def test_few_seeds_and_other_recipes_are_no_look(tmp_path):
    compare(*PAIR, seeds=5, runs=tmp_path, executor=Made(OPEN))
    assert not (tmp_path / FILE).exists()
    result = compare(*PAIR, seeds=8, runs=tmp_path, executor=Made(OPEN))
    third = PAIR[0].replace(name="c", momentum=0.7)
    other = compare(
        PAIR[0], third, seeds=9, runs=tmp_path, executor=Made(OPEN | {"c": alternating})
    )
    assert {
        found.look.number
        for found in (*result.comparison.differences, *other.comparison.differences)
    } == {1}


def test_a_plan_comes_before_the_first_look(tmp_path):
    compare(*PAIR, seeds=8, runs=tmp_path, executor=Made(OPEN))
    with pytest.raises(
        MnistlabError,
        match="were first compared there with 8 seeds and no plan; a plan has to come before",
    ):
        compare(*PAIR, max_seeds=20, runs=tmp_path, executor=Made(OPEN))
    compare(*PAIR, max_seeds=8, runs=tmp_path / "planned", executor=Made(OPEN))
    with pytest.raises(MnistlabError, match="with 6 seeds and `max_seeds=8`; a plan"):
        compare(*PAIR, max_seeds=20, runs=tmp_path / "planned", executor=Made(OPEN))
    # Without a plan, all looks of the plan together are one that came before.
    later = compare(*PAIR, seeds=16, runs=tmp_path / "planned", executor=Made(OPEN))
    assert later.comparison.differences[0].look.number == 2


def test_a_plan_goes_on_when_a_seed_fails_for_every_recipe(tmp_path):
    """With five seeds the first look settles nothing and is not remembered; the next one is."""
    errors = {
        name: lambda seed, count=count: None if seed == 2 else count(seed)
        for name, count in APART.items()
    }
    result = compare(*PAIR, max_seeds=20, runs=tmp_path, executor=Made(errors))
    assert result.verdict.startswith("a is better than b")
    assert len(result.seeds) == 9
    looks = json.loads((tmp_path / FILE).read_text())["looks"]
    assert [len(look["seeds"]) for look in looks] == [7, 9]
    short = compare(*PAIR, max_seeds=6, runs=tmp_path / "short", executor=Made(errors))
    assert short.verdict.startswith("too few seeds to tell (5; at least 6 are needed)")
    assert not (tmp_path / "short" / FILE).exists()


TRIO = [*PAIR, PAIR[0].replace(name="c", momentum=0.7)]
THREE = OPEN | {"c": alternating}


def test_leaving_a_recipe_out_or_adding_one_forgets_no_look(tmp_path):
    """A look at a set of recipes is a look at each pair of them."""
    compare(*TRIO, seeds=8, runs=tmp_path, executor=Made(THREE))
    fewer = compare(*PAIR, seeds=10, runs=tmp_path, executor=Made(THREE)).comparison
    assert fewer.differences[0].look.earlier == (8,)
    more = compare(*TRIO, seeds=12, runs=tmp_path, executor=Made(THREE)).comparison
    assert more.difference("a", "b").look.earlier == (8, 10)
    assert more.difference("a", "c").look.earlier == (8,)
    fourth = TRIO[0].replace(name="d", momentum=0.6)
    both = compare(TRIO[0], fourth, seeds=12, runs=tmp_path, executor=Made(THREE | {"d": failing}))
    assert both.comparison.differences[0].look.number == 1


def test_the_same_runs_seen_among_more_pairs_still_allow_for_them(tmp_path):
    compare(*TRIO, seeds=8, runs=tmp_path, executor=Made(THREE))
    fewer = compare(*PAIR, seeds=8, runs=tmp_path, executor=Made(THREE)).comparison
    (found,) = fewer.differences
    assert (found.look.number, found.comparisons) == (1, 3)
    assert fewer.remarks[0] == (
        "these runs were first compared in a study of 3 pairs: p and intervals still allow for all"
        " of them"
    )
    assert not [
        remark
        for remark in compare(
            *TRIO, seeds=8, runs=tmp_path, executor=Made(THREE)
        ).comparison.remarks
        if "first compared" in remark
    ]


def test_pairs_at_different_looks_are_told_apart(tmp_path):
    compare(*PAIR, seeds=8, runs=tmp_path, executor=Made(THREE))
    more = compare(*TRIO, seeds=10, runs=tmp_path, executor=Made(THREE)).comparison
    looks = {(d.first, d.second): d.look.number for d in more.differences}
    assert looks == {("a", "b"): 2, ("a", "c"): 1, ("b", "c"): 1}
    assert [remark for remark in more.remarks if remark.startswith("look 2 at a and b, after")]


def test_reports_of_a_growing_folder_of_runs_are_looks(tmp_path):
    """Repeat one recipe, repeat the other, report; more seeds, and report again."""
    for number, (one, other) in enumerate([(8, 8), (8, 12), (12, 12), (16, 16)]):
        for recipe, seeds in zip(PAIR, (one, other)):
            repeat(recipe, seeds=seeds, runs=tmp_path, executor=Made(OPEN))
        found = read_comparison(tmp_path).comparison.differences[0].look
        # Seeds that only one of the two has are no new look at the pair.
        assert found.number == (1, 1, 2, 3)[number]
    assert found.earlier == (8, 12)
    assert read_comparison(tmp_path).comparison.differences[0].look == found
    later = compare(*PAIR, seeds=20, runs=tmp_path, executor=Made(OPEN))
    assert later.comparison.differences[0].look.number == 4


def test_runs_in_a_read_only_folder_are_reported_all_the_same(tmp_path, monkeypatch):
    for recipe in PAIR:
        repeat(recipe, seeds=8, runs=tmp_path, executor=Made(OPEN))
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
    assert read_comparison(tmp_path).comparison.differences[0].look.number == 1
    assert not (tmp_path / FILE).exists()


def test_a_planned_look_is_judged_as_planned_after_the_same_seeds_by_hand(tmp_path):
    executor = Made(OPEN)
    compare(
        *PAIR,
        max_seeds=10,
        runs=tmp_path,
        executor=executor,
        should_stop=lambda: len(executor.trained) >= 13,
    )
    by_hand = compare(*PAIR, seeds=10, runs=tmp_path, executor=Made(OPEN))
    assert by_hand.comparison.differences[0].look.level == 0.0025
    planned = compare(*PAIR, max_seeds=10, runs=tmp_path, executor=Made(OPEN))
    assert planned.comparison.differences[0].look == planned_looks(10)[10]
    planned.write(tmp_path / "out")
    assert read_comparison(tmp_path / "out").comparison == planned.comparison
    # And each stays what it was.
    again = compare(*PAIR, seeds=10, runs=tmp_path, executor=Made(OPEN))
    assert again.comparison.differences[0] == by_hand.comparison.differences[0]


def test_a_plan_for_more_recipes_comes_before_the_first_look_at_any_two(tmp_path):
    compare(*PAIR, seeds=8, runs=tmp_path, executor=Made(THREE))
    with pytest.raises(MnistlabError, match="a plan has to come before the first look"):
        compare(*TRIO, max_seeds=20, runs=tmp_path, executor=Made(THREE))


def test_looks_noted_by_set_alone_are_still_read(tmp_path):
    """As files have it that were written before a recipe could lack some of the seeds."""
    look = {"recipes": ["a", "b", "c"], "seeds": list(range(8)), "margin": 0.1}
    (tmp_path / FILE).write_text(json.dumps({"format": 1, "looks": [look]}))
    past = past_looks(tmp_path)
    assert judge(past, ("c", "a"), range(9)).earlier == (8,)
    assert judge(past, ("c", "d"), range(9)).earlier == ()


def test_another_margin_after_a_look_is_said(tmp_path):
    compare(*PAIR, seeds=8, runs=tmp_path, executor=Made(OPEN))
    result = compare(*PAIR, seeds=8, margin=5.0, runs=tmp_path, executor=Made(OPEN))
    assert result.comparison.remarks[0].startswith(
        "the margin was 0.1 points at the first look; choosing it after"
    )


def test_a_plan_goes_on_after_a_look_in_between(tmp_path):
    executor = Made(OPEN)
    compare(
        *PAIR,
        max_seeds=12,
        runs=tmp_path,
        executor=executor,
        should_stop=lambda: len(executor.trained) >= 14,
    )
    between = compare(*PAIR, seeds=9, runs=tmp_path, executor=Made(OPEN))
    assert between.comparison.differences[0].look.earlier == (8,)
    result = compare(*PAIR, max_seeds=12, runs=tmp_path, executor=Made(OPEN))
    assert result.comparison.differences[0].look == planned_looks(12)[12]


def test_a_recipe_that_fails_does_not_switch_the_correction_off(tmp_path):
    """Of three recipes one cannot be trained from seed 4 on; the other two are judged by the plan
    all the same."""
    trio = [*PAIR, PAIR[0].replace(name="c", momentum=0.7)]
    result = compare(*trio, max_seeds=10, runs=tmp_path, executor=Made(OPEN | {"c": failing}))
    pair = result.comparison.difference("a", "b")
    assert (len(pair.seeds), pair.look.number, pair.look.planned) == (10, 3, 3)
    assert result.comparison.remarks[0].startswith("look 3 of at most 3")


def test_a_report_keeps_the_margin_that_was_fixed(tmp_path):
    compare(*PAIR, seeds=8, margin=5.0, runs=tmp_path / "runs", executor=Made(OPEN))
    found = read_comparison(tmp_path / "runs").comparison
    assert found.differences[0].margin == 5.0
    assert not [remark for remark in found.remarks if "margin was" in remark]


@pytest.mark.parametrize(
    "change",
    [
        {"max_seeds": 3},
        {"max_seeds": 10**9},
        {"max_seeds": 6, "seeds": list(range(20))},
        {"comparisons": 10**18},
        {"margin": float("inf")},
        {"margin": 0},
        {"seeds": "x"},
    ],
)
def test_what_no_look_can_be_is_refused(change, tmp_path):
    look = {"recipes": ["a", "b"], "seeds": list(range(6)), "margin": 0.1} | change
    (tmp_path / FILE).write_text(json.dumps({"format": 1, "looks": [look]}))
    with pytest.raises(MnistlabError, match=r"looks\.json: cannot be read as looks at runs"):
        past_looks(tmp_path)


@pytest.mark.parametrize("margin", [0, -1, 101, float("nan"), float("inf"), "0.1"])
def test_impossible_margins_and_plans_are_refused(margin, tmp_path):
    with pytest.raises(MnistlabError, match="margin: points of accuracy, above 0 and at most 100"):
        compare(*PAIR, seeds=6, margin=margin, runs=tmp_path, executor=Made(OPEN))
    with pytest.raises(MnistlabError, match="max_seeds: 6 to 1,000; found 5"):
        compare(*PAIR, max_seeds=5, runs=tmp_path, executor=Made(OPEN))


def test_a_damaged_memory_is_named(tmp_path):
    (tmp_path / FILE).write_text('{"format": 1, "looks": [{}]}')
    with pytest.raises(
        MnistlabError, match=r"looks\.json: cannot be read as looks at runs: looks\.0"
    ):
        past_looks(tmp_path)


def test_a_run_that_failed_leaves_its_look_the_one_that_was_planned():
    past = [PastLook(recipes=("a", "b"), seeds=tuple(range(7)), margin=0.1, max_seeds=20)]
    assert judge(past, ("b", "a"), range(7)) == planned_looks(20)[8]
    assert judge([], ("b", "a"), range(5), 20, study_seeds=7) == planned_looks(20)[8]


def test_processes_that_remember_at_once_lose_nothing(tmp_path):
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    looks = [
        PastLook(recipes=("a", "b"), seeds=tuple(range(count)), margin=0.1)
        for count in range(6, 14)
    ]
    with context.Pool(4) as pool:
        pool.starmap(note, [(tmp_path, look) for look in looks])
    assert {len(look.seeds) for look in past_looks(tmp_path)} == set(range(6, 14))


def test_kill_9_loses_no_look_of_a_real_command(tmp_path, few):
    """The command is killed behind its first look, and the same one goes on with the same plan."""
    command = ["compare", "mlp", "lenet5", "--until-settled", "--max-seeds", "8"]
    command += ["--data", few, "--epochs", "1", "--margin", "0.001", "-q"]
    process = started().start(*command, cwd=tmp_path)
    runs, deadline = tmp_path / "comparison" / "runs", time.monotonic() + PATIENCE
    while len(list(runs.glob("*/record.json"))) < 13:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send(signal.SIGKILL)
    assert process.wait().returncode == -signal.SIGKILL
    (first,) = json.loads((runs / FILE).read_text())["looks"]
    assert len(first["seeds"]) == 6
    again = started().run(*command, cwd=tmp_path)
    assert again.returncode == 0, again
    looks = json.loads((runs / FILE).read_text())["looks"]
    assert looks[0] == first
    assert [(len(look["seeds"]), look["max_seeds"]) for look in looks] == [(6, 8), (8, 8)]
    assert "look 2 of at most 2 planned looks" in again.stdout
    assert len(list(runs.glob("*/record.json"))) == 16


def test_sequential_studies_run_in_this_process_as_well(tmp_path, few):
    pair = [
        Recipe(name=name, model="mlp", data=str(few), epochs=1, learning_rate=rate)
        for name, rate in (("a", 0.05), ("b", 1e-6))
    ]
    result = compare(*pair, max_seeds=10, runs=tmp_path, executor=InProcessExecutor())
    assert result.verdict.startswith("a is better than b")
    assert len(result.seeds) == 8
