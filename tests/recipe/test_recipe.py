import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab import Recipe, built_in
from mnistlab.errors import RecipeError
from mnistlab.recipe import BUILT_IN, allowed
from mnistlab.runs.store import run_name


def test_the_course_recipes_are_the_published_ones():
    lenet5, custom = built_in("lenet5"), built_in("custom_mlp")
    for recipe in (lenet5, custom):
        assert (recipe.epochs, recipe.batch_size, recipe.learning_rate, recipe.momentum) == (
            50,
            128,
            0.01,
            0.9,
        )
        assert (recipe.mean, recipe.std, recipe.fit, recipe.size) == (0.1307, 0.3081, "pad", 32)
    assert (lenet5.batch_norm, lenet5.dropout, lenet5.rotation, lenet5.blur) == (
        False,
        0,
        0,
        (0, 0),
    )
    assert (custom.batch_norm, custom.dropout, custom.rotation, custom.blur) == (
        True,
        0.3,
        0.2,
        (0.1, 1.0),
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"droput": 0.3}, "droput: unknown key; did you mean dropout?"),
        ({"zzz": 1}, "zzz: unknown key; `mnistlab recipe show lenet5` prints the known ones, and"),
        ({"dropout": 1}, "dropout: must be a number from 0 to below 1; found 1"),
        ({"dropout": "much"}, 'dropout: must be a number from 0 to below 1; found "much"'),
        ({"dropout": float("nan")}, "dropout: must be a number"),
        ({"learning_rate": 0}, "learning_rate: must be a number above 0 to 100; found 0"),
        ({"epochs": 0}, "epochs: must be a whole number from 1 to 100,000; found 0"),
        ({"epochs": 2.5}, "epochs: must be a whole number"),
        ({"epochs": True}, "epochs: must be a whole number"),
        ({"batch_norm": 1}, "batch_norm: must be true or false; found 1"),
        ({"fit": "cut"}, 'fit: must be one of pad, resize, crop, none; found "cut"'),
        (
            {"size": "big"},
            'size: must be auto, or a whole number from 8 to 512; found "big"',
        ),
        ({"size": 7}, "size: must be auto, or a whole number from 8 to 512; found 7"),
        ({"colour": "red"}, 'colour: must be one of auto, grey, rgb; found "red"'),
        *(
            (
                {"mean": mean},
                "mean: must be auto, or a number from 0 to 1, or three numbers, each a number from"
                " 0 to 1; found",
            )
            for mean in (1.5, "own", [0.1, 0.2], [0.1, 0.2, 1.1], True)
        ),
        (
            {"std": [0.1, 0.2, 0]},
            "std: must be auto, or a number above 0 to 1, or three numbers, each a number above 0",
        ),
        ({"blur": 1}, "blur: must be two numbers [low, high], each a number from 0 to 10; found 1"),
        ({"blur": [0.1, "x"]}, "blur: must be two numbers"),
        ({"blur": [1, 0.1]}, "blur: the range must ascend; found [1.0, 0.1]"),
        (
            {"channels": [[0]]},
            "channels: must be a list of lists, such as [[16, 16], [32, 32]], each number a whole",
        ),
        ({"channels": [[]]}, "channels: must be a list of lists"),
        ({"channels": [4]}, "channels: must be a list of lists"),
        ({"stem": 0}, "stem: must be a whole number from 1 to 15; found 0"),
        ({"name": "a/b"}, "name: must be letters of any script, digits"),
        ({"name": ""}, "name: must be letters of any script, digits"),
        *(
            ({"name": name}, "name: must be letters of any script")
            for name in (
                *("..", "-a", "a b", "a\\b", "a\n", "가:나", "a\u200db", "\u0301a"),
                *("a" * 101, "가" * 67),
            )
        ),
        ({"data": ""}, "data: must be a text that is not empty"),
        (
            {"swa": 5, "averaging": 0.9},
            "swa: a mean of the last epochs' weights and a moving average exclude each other",
        ),
        ({"swa": 51}, "swa: must be at most epochs, which is 50; found 51"),
        *(
            ({name: value, "batch_size": 1}, f"batch_size: must be at least 2 with {name}")
            for name, value in (("batch_norm", True), ("mixup", 0.2), ("cutmix", 1))
        ),
        ({"mixup": -0.1}, "mixup: must be a number from 0 to 100; found -0.1"),
        ({"flip_horizontal": 1.5}, "flip_horizontal: must be a number from 0 to 1; found 1.5"),
        ({"crop": 2.5}, "crop: must be a whole number from 0 to 512; found 2.5"),
        *(
            (
                {"colour_jitter": strengths},
                "colour_jitter: must be three numbers [brightness, contrast, saturation], or one"
                " for all, each a number from 0 to 1; found",
            )
            for strengths in (1.5, True, "much", [0.1, 0.2], [0.1, 0.2, -0.1], [0.1, 0.2, True])
        ),
        ({"color_jitter": 0.4}, "color_jitter: unknown key; did you mean colour_jitter?"),
        (
            {"optimizer": "adm"},
            "optimizer: must be one of sgd, adamw, adam, rmsprop, adagrad, adadelta, or a class"
            ' such as torch.optim.NAdam; did you mean adam? found "adm"',
        ),
        ({"optimizer_options": [1]}, "optimizer_options: must be a table of names and numbers"),
        ({"optimizer_options": {"eps": None}}, "optimizer_options: must be a table of names"),
        ({"optimizer_options": {"a b": 1}}, "optimizer_options: must be a table of names"),
        ({"betas": [0.9, 0.99]}, "betas: unknown key; it is an option of the optimiser"),
        ({"grad_clip": 1}, "grad_clip: unknown key; did you mean clip_norm?"),
        ({"clip_norm": 1, "clip_value": 1}, "clip_value: gradients are clipped by norm or by"),
        ({"clip_norm": -1}, "clip_norm: must be a number from 0 to 1,000,000; found -1"),
        (
            {"loss": "hinge"},
            "loss: must be one of cross_entropy, binary_cross_entropy, mse, focal, or",
        ),
        ({"loss": "mse", "label_smoothing": 0.1}, "label_smoothing: works with loss cross_entropy"),
        *(
            ({"loss": "x.py:f", key: value}, f"{key}: works with loss cross_entropy only")
            for key, value in (
                *(("mixup", 0.2), ("cutmix", 1), ("label_smoothing", 0.1)),
                ("class_weights", "balanced"),
            )
        ),
        *(
            (
                {"class_weights": weights},
                "class_weights: must be balanced, or a list, each a number",
            )
            for weights in ("balance", [1, 0], [1, "x"], {"a": -1}, {}, 3, [True, True])
        ),
        ({"random_crop": 4}, "random_crop: unknown key; did you mean crop?"),
    ],
)
def test_an_impossible_value_is_refused_in_one_line_that_names_the_key(values, message):
    for attempt in (Recipe.parse, lambda v: Recipe(**v), lambda v: Recipe().replace(**v)):
        with pytest.raises(RecipeError) as caught:
            attempt(values)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_one_strength_of_colour_jitter_is_that_of_all_three():
    assert Recipe(colour_jitter=0.4) == Recipe(colour_jitter=(0.4, 0.4, 0.4))
    assert Recipe(colour_jitter=1).colour_jitter == (1.0, 1.0, 1.0)
    assert Recipe.parse({"colour_jitter": [0.4, 0, 0.1]}).colour_jitter == (0.4, 0.0, 0.1)
    assert Recipe(colour_jitter=0).digest == Recipe().digest


def test_entries_of_a_table_are_changed_one_by_one():
    recipe = Recipe(optimizer="adam", optimizer_options={"betas": (0.9, 0.99)})
    changed = recipe.replace(**{"optimizer_options.eps": 1e-3})
    assert changed.optimizer_options == {"betas": [0.9, 0.99], "eps": 1e-3}
    assert changed.value("optimizer_options.eps") == 1e-3
    assert recipe.value("optimizer_options.eps") is None
    assert len({recipe, changed, changed.replace(name="other")}) == 3
    assert recipe.digest != changed.digest
    with pytest.raises(RecipeError, match=r"momentum\.x: unknown key"):
        recipe.replace(**{"momentum.x": 1})


def test_one_class_is_given_a_weight():
    recipe = Recipe().replace(**{"class_weights.sea shell": 3}, **{"class_weights.a.b": 2})
    assert recipe.class_weights == {"sea shell": 3, "a.b": 2}
    assert recipe.value("class_weights.a.b") == 2
    assert Recipe().value("class_weights.a.b") is None
    assert Recipe(class_weights=[1, 2]).value("class_weights.a.b") is None


@pytest.mark.parametrize("weights", ["balanced", (1, 2)])
def test_what_is_no_table_has_no_entries(weights):
    with pytest.raises(RecipeError, match=r"class_weights\.shell: class_weights is no table but"):
        Recipe(class_weights=weights).replace(**{"class_weights.shell": 3})
    with pytest.raises(RecipeError, match=r"build\.width: build is no table but \["):
        Recipe().replace(build=[1], **{"build.width": 3})


@pytest.mark.parametrize(("key", "meant"), [("droput", "dropout"), ("lr", "learning_rate")])
def test_a_hint_is_not_drowned_by_a_list(key, meant):
    with pytest.raises(RecipeError) as caught:
        Recipe.parse({key: 0.3})
    assert str(caught.value) == f"{key}: unknown key; did you mean {meant}?"


def test_every_field_says_what_it_allows_and_what_it_is():
    for key, field in Recipe.model_fields.items():
        assert allowed(key)
        assert field.description


def test_a_recipe_cannot_be_changed_in_place():
    with pytest.raises(Exception, match="frozen"):
        Recipe().dropout = 0.5


def test_the_digest_tells_trainings_apart_and_ignores_labels():
    assert len({recipe.digest for recipe in BUILT_IN.values()}) == len(BUILT_IN)
    assert built_in("lenet5").replace(name="other").digest == built_in("lenet5").digest
    assert Recipe(dropout=0.1).digest != Recipe(dropout=0.2).digest


def test_the_digest_is_that_of_earlier_versions():
    # A changed digest would orphan every run on disk.
    assert built_in("lenet5").digest == "44136fa3"
    assert built_in("custom_mlp").digest == "2809c6e9"


@given(
    dropout=st.floats(0, 0.99),
    epochs=st.integers(1, 1000),
    low=st.floats(0, 1),
    width=st.floats(0, 1),
)
def test_json_gives_the_recipe_back(dropout, epochs, low, width):
    recipe = Recipe(dropout=dropout, epochs=epochs, blur=(low, low + width))
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_an_unknown_built_in_suggests_a_near_one():
    with pytest.raises(
        RecipeError, match=r"custom_mpl: no such recipe; did you mean custom_mlp\?$"
    ):
        built_in("custom_mpl")


@pytest.mark.parametrize(
    "name", ["드롭아웃", "정규화_0.5-b", "сеть", "δίκτυο", "हिन्दी", "شبكة", "a" * 100, "가" * 66]
)
def test_a_name_may_be_of_any_script_and_names_a_folder(name, tmp_path):
    recipe = Recipe(name=name)
    assert recipe.digest == Recipe().digest
    folder = tmp_path / run_name(recipe, 0)
    folder.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_a_name_is_kept_in_its_composed_form():
    decomposed = unicodedata.normalize("NFD", "한글")
    assert decomposed != "한글"
    assert Recipe(name=decomposed).name == "한글"
