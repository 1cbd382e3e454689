"""Grids: which candidates a sweep's file asks for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab import MnistlabError
from mnistlab.experiments.grid import Grid, Span, describe, read_grid

GRID = """
recipe = "custom_mlp"
seeds = 2
validation = 5000
[set]
epochs = 3
[grid]
dropout = [0.0, 0.3]
learning_rate = [0.01, 0.03, 0.1]
"""


def written(tmp_path, text):
    path = tmp_path / "grid.toml"
    path.write_text(text)
    return path


def test_every_combination_is_a_candidate(tmp_path):
    grid = read_grid(written(tmp_path, GRID))
    found = grid.candidates()
    assert [describe(recipe, grid.fields) for recipe in found] == [
        f"dropout={dropout} learning_rate={rate}"
        for dropout in (0.0, 0.3)
        for rate in (0.01, 0.03, 0.1)
    ]
    assert {(recipe.epochs, recipe.validation, recipe.batch_norm) for recipe in found} == {
        (3, 5000, True)
    }


def test_equal_candidates_are_one():
    assert len(Grid(grid={"dropout": [0.1, 0.1, 0.2]}).candidates()) == 2


def test_the_weight_of_one_class_is_searched(tmp_path):
    text = "[set.class_weights]\ncrab = 2\n[grid]\nclass_weights.shell = [3, 4.5]\n"
    grid = read_grid(written(tmp_path, text))
    found = grid.candidates()
    assert [recipe.class_weights for recipe in found] == [
        {"crab": 2, "shell": 3},
        {"crab": 2, "shell": 4.5},
    ]
    assert describe(found[1], grid.fields) == "class_weights.shell=4.5"


def test_options_of_the_optimiser_are_searched_one_by_one(tmp_path):
    text = """
recipe = "mlp"
[set]
optimizer_options = { eps = 0.001 }
[grid]
optimizer = ["adam", "torch.optim.NAdam"]
optimizer_options.betas = [[0.9, 0.99], [0.8, 0.9]]
class_weights = ["balanced"]
"""
    grid = read_grid(written(tmp_path, text))
    found = grid.candidates()
    assert [(recipe.optimizer, recipe.optimizer_options) for recipe in found] == [
        (name, {"eps": 0.001, "betas": betas})
        for name in ("adam", "torch.optim.NAdam")
        for betas in ([0.9, 0.99], [0.8, 0.9])
    ]
    assert describe(found[0], grid.fields) == (
        'optimizer="adam" optimizer_options.betas=[0.9, 0.99] class_weights="balanced"'
    )
    random = Grid.model_validate(
        {
            "recipe": "mlp",
            "random": {
                "samples": 9,
                "fields": {"optimizer_options": {"dampening": {"low": 0.1, "high": 0.5}}},
            },
        }
    )
    drawn = [recipe.optimizer_options["dampening"] for recipe in random.candidates()]
    assert len(set(drawn)) > 5
    assert 0.1 <= min(drawn) <= max(drawn) <= 0.5


def test_losses_are_relative_to_the_sweeps_file(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.py").write_text("")
    path = written(tmp_path / "sub", '[grid]\nloss = ["cross_entropy", "own.py:focal"]\n')
    monkeypatch.chdir(tmp_path)
    losses = [recipe.loss for recipe in read_grid(path.relative_to(tmp_path)).candidates()]
    assert losses == ["cross_entropy", "sub/own.py:focal"]


def test_a_random_sample_follows_from_its_seed():
    fields = {
        "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
        "batch_size": [32, 64],
        "size": {"low": 32, "high": 34},
    }
    grids = [
        Grid.model_validate({"random": {"samples": 40, "seed": seed, "fields": fields}})
        for seed in (0, 0, 1)
    ]
    one, same, other = (grid.candidates() for grid in grids)
    assert one == same
    assert one != other
    assert {recipe.batch_size for recipe in one} == {32, 64}
    assert {recipe.size for recipe in one} == {32, 33, 34}
    rates = np.log10([recipe.learning_rate for recipe in one])
    assert (rates.min() >= -3) & (rates.max() <= -1)
    assert 10 < (rates < -2).sum() < 30


@given(st.integers(-50, 50), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_whole_numbers_keep_to_their_span(low, width, seed):
    value = Span(low=low, high=low + width).draw(np.random.default_rng(seed))
    assert isinstance(value, int)
    assert low <= value <= low + width


@given(st.floats(1e-6, 1), st.floats(1.5, 1000), st.booleans(), st.integers(0, 2**32 - 1))
def test_numbers_keep_to_their_span(low, factor, log, seed):
    value = Span(low=low, high=low * factor, log=log).draw(np.random.default_rng(seed))
    assert low * 0.999 <= value <= low * factor * 1.001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[grid]\ndropout = [0.1]\n[random]\nsamples = 2\nfields = {dropout = [0.1]}",
            r"give \[grid\] or \[random\]",
        ),
        ("seeds = 3", r"give \[grid\] or \[random\], one of them"),
        ("[grid]\ndropout = []", r"\[grid\]: dropout: a field without values"),
        (
            "[set]\ndropout = 0.1\n[grid]\ndropout = [0.2]",
            r"dropout: varied, and in \[set\] as well",
        ),
        ("[grid]\ndropout = 0.1", "grid.dropout: must be a list of values, such as .*; found 0.1"),
        ("grid = 3", "grid: must be a table; found 3"),
        (
            "[random]\nsamples = 2\nfields = {dropout = 0.1}",
            r"random.fields.dropout: must be a list of values, or a range such as .*; found 0.1",
        ),
        ("sedes = 3\n[grid]\ndropout = [0.1]", "sedes: unknown key; did you mean seeds"),
        ("[gird]\ndropout = [0.1]", "gird: unknown key; did you mean grid"),
        (
            "seeds = 0\n[grid]\ndropout = [0.1]",
            "seeds: must be greater than or equal to 1; found 0",
        ),
        (
            "[random]\nsamples = 2\nfields = {dropout = {low = 0.5, high = 0.1}}",
            "low must be below high; found 0.5 and 0.1",
        ),
        (
            "[random]\nsamples = 2\nfields = {dropout = {low = 0.0, high = 0.1, log = true}}",
            "low must be above 0",
        ),
        ("[grid", "cannot be read as TOML"),
    ],
)
def test_what_is_no_grid_is_refused_in_one_line(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(MnistlabError, match=message) as refusal:
        read_grid(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)


def test_an_unknown_field_is_named(tmp_path):
    path = written(tmp_path, "[grid]\ndropuot = [0.1]")
    with pytest.raises(MnistlabError, match="dropuot: unknown key; did you mean dropout") as found:
        read_grid(path)
    assert str(found.value).startswith(f"{path}: ")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MnistlabError, match=r"none\.toml: cannot be read"):
        read_grid(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[grid]\nname = ["a", "b"]', "name: the same for all candidates; leave it out"),
        (
            "[grid]\nvalidation = [10, 20]",
            "validation: the same for all candidates; give it at the top of the file",
        ),
        (
            "[set]\nvalidation = 7\n[grid]\ndropout = [0.1]",
            "validation: the same for all candidates",
        ),
        (
            "[grid]\ntrain_limit = [10, 20]",
            r"train_limit: the same for all candidates; give it under \[set\]",
        ),
        ("[random]\nsamples = 2\nfields = {dropout = []}", "random.fields.dropout: "),
        (
            "[random]\nsamples = 2\nfields = {dropout = {low = 0.0, high = inf}}",
            "random.fields.dropout",
        ),
        (
            "[random]\nsamples = 2\nfields = {dropout = {low = -1e308, high = 1e308}}",
            "random.fields.dropout",
        ),
        ("[random]\nsampels = 2\nfields = {dropout = [0.1]}", "random.samp"),
    ],
)
def test_what_would_only_fail_after_training_is_refused_before(tmp_path, text, message):
    with pytest.raises(MnistlabError, match=message) as refusal:
        read_grid(written(tmp_path, text))
    assert "\n" not in str(refusal.value)
    assert "function-" not in str(refusal.value)


def test_candidates_are_named_after_what_sets_them_apart(tmp_path):
    names = [recipe.name for recipe in read_grid(written(tmp_path, GRID)).candidates()]
    assert names[0] == "dropout_0.0-learning_rate_0.01"
    assert len(set(names)) == 6
