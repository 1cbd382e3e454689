import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab import Recipe, built_in, read_recipe
from mnistlab.errors import RecipeError
from mnistlab.recipe import BUILT_IN, to_toml


@pytest.mark.parametrize("recipe", BUILT_IN.values(), ids=str)
def test_what_is_shown_can_be_read_back(recipe, tmp_path):
    path = tmp_path / "shown.toml"
    path.write_text(to_toml(recipe), encoding="utf-8")
    assert read_recipe(path) == recipe


@given(
    data=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    rate=st.floats(1e-30, 100),
    momentum=st.floats(0, 1, exclude_max=True),
)
def test_any_recipe_survives_toml(data, rate, momentum):
    recipe = Recipe(data=data, learning_rate=rate, momentum=momentum)
    assert Recipe.parse(tomllib.loads(to_toml(recipe))) == recipe


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(
    weights=st.one_of(
        st.dictionaries(names, st.floats(1e-6, 1e6), min_size=1),
        st.lists(st.floats(1e-6, 1e6), min_size=1),
    ),
    options=st.dictionaries(
        st.from_regex(r"\A[a-z_]{1,9}[0-9]\Z"),
        st.one_of(st.booleans(), st.floats(-9, 9), names, st.lists(st.integers(-9, 9))),
    ),
)
def test_any_table_survives_toml_and_json(weights, options):
    recipe = Recipe(optimizer="adam", class_weights=weights, optimizer_options=options)
    assert Recipe.parse(tomllib.loads(to_toml(recipe))) == recipe
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_a_loss_and_an_optimiser_are_found_beside_the_file(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.py").write_text("")
    text = 'loss = "own.py:focal"\noptimizer = "own.py:Lion"\nmodel = "own.py:build"\n'
    (tmp_path / "sub" / "my.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    recipe = read_recipe("sub/my.toml")
    assert (recipe.loss, recipe.optimizer) == ("sub/own.py:focal", "sub/own.py:Lion")
    shown = to_toml(recipe, tmp_path / "sub")
    assert 'loss = "own.py:focal"' in shown
    (tmp_path / "sub" / "again.toml").write_text(shown)
    assert read_recipe("sub/again.toml") == recipe


def test_every_key_is_shown_with_a_comment():
    lines = to_toml(built_in("custom_mlp")).splitlines()
    assert [line.split(" = ")[0] for line in lines] == list(Recipe.model_fields)
    assert all("  # " in line for line in lines)


def test_a_file_states_only_what_differs_and_names_itself(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("dropout = 0.25\nrotation = 5\n", encoding="utf-8")
    assert read_recipe(path) == Recipe(name="mine", dropout=0.25, rotation=5.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"dropout = ", "cannot be read as TOML"),
        (b"\xff\xfe", "cannot be read as TOML"),
        (b"dropuot = 0.1", "dropuot: unknown key; did you mean dropout?"),
        (b"epochs = " + 9 * b"123456789" * 999, "cannot be read as TOML"),
        (b"channels = " + 9999 * b"[", "cannot be read as TOML"),
        (b"#" * (1 << 20) + b"\nepochs = 3", "a few lines are enough"),
        (b"epochs = 2024-01-01", "epochs: must be a whole number"),
        (b"[training]\nepochs = 3", "training: unknown key"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_the_mark_that_windows_editors_write_is_no_part_of_the_recipe(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfdropout = 0.5\n")
    assert read_recipe(tmp_path / "a.toml").dropout == 0.5


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"nowhere\.toml: cannot be read"):
        read_recipe(tmp_path / "nowhere.toml")
