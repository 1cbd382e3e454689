"""What users call a recipe, in Python as on the command line."""

import os

import pytest

import mnistlab
from mnistlab import MnistlabError, Recipe, built_in, read_recipe
from mnistlab.recipe import resolve_recipe, to_toml

NET = """
from torch import nn


def build(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""


@pytest.fixture
def there(tmp_path, monkeypatch):
    """In a folder with a recipe and its model in a folder of their own."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "net.py").write_text(NET)
    (tmp_path / "sub" / "my.toml").write_text('model = "net.py:build"\nepochs = 1\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_way_to_name_a_recipe(there):
    assert resolve_recipe("lenet5") == built_in("lenet5")
    assert resolve_recipe(built_in("mlp")) == built_in("mlp")
    by_file = resolve_recipe("sub/my.toml")
    assert (
        by_file
        == read_recipe("sub/my.toml")
        == read_recipe(there / "sub/my.toml").replace(model="sub/net.py:build")
    )
    assert resolve_recipe("sub/net.py:build") == Recipe(name="net", model="sub/net.py:build")
    assert resolve_recipe("sub/net.py:wide") == Recipe(name="net_wide", model="sub/net.py:wide")
    assert resolve_recipe("lenet5", epochs=5, dropout=0.5) == built_in("lenet5").replace(
        epochs=5, dropout=0.5
    )


def test_a_models_path_is_relative_to_the_recipes_file_from_wherever_it_is_named(
    there, monkeypatch
):
    for folder, path in ((".", "sub/my.toml"), ("sub", "my.toml"), ("sub", "../sub/my.toml")):
        monkeypatch.chdir(there / folder)
        code, _, function = read_recipe(path).model.rpartition(":")
        assert (os.path.realpath(code), function) == (str(there / "sub" / "net.py"), "build")
    monkeypatch.chdir(there / "sub")
    # As it was before: beside the recipe nothing is put before the name, so digests stay.
    assert read_recipe("my.toml").model == "net.py:build"


def test_other_models_of_a_file_stay_as_they_are(there):
    for model in ("lenet5", "package.module:build", "/abs/net.py:build", "~/net.py:build"):
        (there / "sub" / "x.toml").write_text(f'model = "{model}"\n')
        assert read_recipe("sub/x.toml").model == model


def test_a_path_that_was_meant_from_the_current_folder_is_refused_with_the_right_one(there):
    (there / "sub" / "old.toml").write_text('model = "sub/net.py:build"\n')
    with pytest.raises(MnistlabError, match=r"sub/old\.toml: model: .* so write net\.py:build"):
        read_recipe("sub/old.toml")


def test_a_recipe_that_is_written_elsewhere_names_the_same_model(there):
    recipe = read_recipe("sub/my.toml")
    for folder in (there / "sub", there / "out" / "deep", there):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "written.toml").write_text(to_toml(recipe, folder))
        found = read_recipe(folder / "written.toml").model.rpartition(":")[0]
        assert os.path.realpath(found) == str(there / "sub" / "net.py")


def test_a_sweep_names_its_recipe_and_models_from_its_own_folder(there):
    from mnistlab.experiments.grid import read_grid

    (there / "sub" / "grid.toml").write_text(
        'recipe = "my.toml"\n[grid]\nmodel = ["net.py:build", "mlp"]\n'
    )
    models = [recipe.model for recipe in read_grid("sub/grid.toml").candidates()]
    assert models == ["sub/net.py:build", "mlp"]


@pytest.mark.parametrize(
    ("recipe", "changes", "said"),
    [
        ("none.toml", {}, "none.toml: cannot be read"),
        ("sub/net.py", {}, "for example sub/net.py:build"),
        (7, {}, "a recipe is a Recipe, the name of a built-in one"),
        ("lenet5", {"lr": 0.1}, "lr: unknown key; did you mean learning_rate?"),
        ("lenet5", {"learning-rate": 0.1}, "did you mean learning_rate?"),
        ("lenet5", {"optimizer": "admaw"}, "did you mean adamw? found"),
        ("lenet5", {"activation": "relu"}, "activation: unknown key; it is a part of the model"),
        ("lenet5", {"seeds": 3}, "an option of the run, `seeds=`"),
        ("lenet5", {"batchnorm": True}, "did you mean batch_norm?"),
    ],
)
def test_what_was_meant_is_said(there, recipe, changes, said):
    with pytest.raises(MnistlabError) as refusal:
        resolve_recipe(recipe, **changes)
    assert said in str(refusal.value)


def test_a_model_is_trained_resumed_and_loaded_by_its_recipes_file(there, few):
    options = {"data": str(few), "folder": "run"}
    trained = mnistlab.train("sub/my.toml", **options)
    assert trained.record.recipe.model == "sub/net.py:build"
    again = mnistlab.train("sub/my.toml", resume=True, **options)
    assert again.record == trained.record
    loaded = mnistlab.load("run")
    assert (loaded.test_logits == trained.test_logits).all()
    other = mnistlab.train("sub/net.py:build", epochs=1, data=str(few), folder="run", resume=True)
    assert other.record.recipe.digest == trained.record.recipe.digest
