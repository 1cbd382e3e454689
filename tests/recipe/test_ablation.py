"""Ablations: what is found in a recipe's fields and taken away."""

import pytest

from mnistlab import MnistlabError, Recipe, built_in
from mnistlab.recipe import ablate, regularisers

NEUTRAL = {"batch_norm": False, "dropout": 0.0, "rotation": 0.0, "blur": (0.0, 0.0)}


def test_the_regularisers_of_custom_mlp():
    assert regularisers(built_in("custom_mlp")) == {
        "batch_norm": {"batch_norm": True},
        "dropout": {"dropout": 0.3},
        "augmentation": {"rotation": 0.2, "blur": (0.1, 1.0)},
    }


def test_without_each_with_each_alone_and_bare():
    whole = built_in("custom_mlp")
    found = {variant.name: variant for variant in ablate(whole)}
    assert list(found) == [
        "custom_mlp",
        *(f"custom_mlp-without-{name}" for name in ("batch_norm", "dropout", "augmentation")),
        *(f"custom_mlp-only-{name}" for name in ("batch_norm", "dropout", "augmentation")),
        "custom_mlp-bare",
    ]
    assert found["custom_mlp-without-dropout"] == whole.replace(
        name="custom_mlp-without-dropout", dropout=0.0
    )
    alone = whole.replace(
        name="custom_mlp-only-dropout", **{k: v for k, v in NEUTRAL.items() if k != "dropout"}
    )
    assert found["custom_mlp-only-dropout"] == alone
    # Bare it is the original LeNet-5, whose runs are then used.
    assert found["custom_mlp-bare"].digest == built_in("lenet5").digest


def test_one_regulariser_leaves_two_recipes():
    assert [variant.name for variant in ablate(Recipe(name="r", dropout=0.5))] == [
        "r",
        "r-without-dropout",
    ]


def test_two_regularisers_leave_four():
    names = [variant.name for variant in ablate(Recipe(name="r", dropout=0.5, shifts=1))]
    assert names == ["r", "r-without-dropout", "r-without-shifts", "r-bare"]
    for averaged in ({"averaging": 0.9}, {"swa": 10}):
        names = [variant.name for variant in ablate(Recipe(name="r", dropout=0.5, **averaged))]
        assert names == ["r", "r-without-dropout", "r-without-averaging", "r-bare"]


def test_every_kind_of_augmentation_is_one_regulariser():
    fields = {
        "rotation": 1.0,
        "translation": 1.0,
        "scale": 0.1,
        "shear": 1.0,
        "elastic": 1.0,
        "erasing": 0.1,
        "flip_horizontal": 0.5,
        "flip_vertical": 0.5,
        "crop": 4,
        "colour_jitter": (0.1, 0.2, 0.3),
        "cutout": 8,
        "mixup": 0.2,
        "cutmix": 1.0,
    }
    assert regularisers(Recipe(**fields)) == {"augmentation": fields}
    bare = ablate(Recipe(name="r", dropout=0.5, **fields))[-1]
    assert bare == Recipe(name="r-bare")
    others = {"weight_decay": 0.1, "label_smoothing": 0.1}
    assert list(regularisers(Recipe(**others))) == ["weight_decay", "label_smoothing"]


def test_a_bare_recipe_has_nothing_to_take_away():
    with pytest.raises(MnistlabError, match="lenet5: has no regulariser to remove"):
        ablate(built_in("lenet5"))
