"""The recipes that come with mnistlab."""

from typing import Any

from mnistlab.errors import RecipeError, did_you_mean
from mnistlab.recipe.recipe import Recipe

_MNIST: dict[str, Any] = {"size": 32, "mean": 0.1307, "std": 0.3081}
"""MNIST's own mean and standard deviation, which make a recipe the same on any part of it."""

_BEST = Recipe(
    **_MNIST | {"size": 28},
    name="best62k",
    model="convnet",
    channels=((20,), (32, 36, 48, 64)),
    stem=5,
    batch_norm=True,
    fit="none",
    rotation=8.0,
    translation=2.0,
    scale=0.08,
    shear=6.0,
    elastic=1.0,
    epochs=20,
    learning_rate=0.1,
    nesterov=True,
    weight_decay=0.0001,
    schedule="cosine",
    warmup=1.0,
    averaging=0.999,
)

BUILT_IN = {
    recipe.name: recipe
    for recipe in (
        Recipe(**_MNIST, name="lenet5"),
        Recipe(
            **_MNIST,
            name="custom_mlp",
            batch_norm=True,
            dropout=0.3,
            rotation=0.2,
            blur=(0.1, 1.0),
        ),
        Recipe(**_MNIST, name="mlp", model="mlp"),
        _BEST,
        _BEST.replace(
            name="small10k",
            channels=((8,), (12, 16, 19, 22)),
            rotation=5.0,
            translation=1.5,
            scale=0.06,
            shear=4.0,
            elastic=0.7,
            epochs=50,
        ),
        Recipe(
            **_MNIST | {"size": 14},
            name="sprint99",
            model="convnet",
            channels=((12,), (20, 32)),
            batch_norm=True,
            fit="resize",
            epochs=3,
            learning_rate=0.15,
            nesterov=True,
            weight_decay=0.0005,
            schedule="onecycle",
        ),
        Recipe(
            name="cifar_small",
            data="cifar10",
            model="convnet",
            channels=((24, 28), (40, 44), (48, 22)),
            batch_norm=True,
            size=36,
            flip_horizontal=0.5,
            crop=2,
            epochs=10,
            learning_rate=0.2,
            nesterov=True,
            weight_decay=0.0005,
            schedule="onecycle",
        ),
        _BEST.replace(
            name="robust",
            rotation=0.0,
            translation=0.0,
            scale=0.0,
            shear=0.0,
            elastic=2.0,
            filtering=0.8,
            noise=0.4,
            erasing=0.7,
            inversion=0.5,
            epochs=10,
            weight_decay=0.0,
            averaging=0.998,
        ),
    )
}

DISPLAY_NAMES = {
    "lenet5": "LeNet-5",
    "custom_mlp": "CustomMLP",
    "mlp": "MLP",
    "best62k": "Best62k",
    "small10k": "Small10k",
    "sprint99": "Sprint99",
    "cifar_small": "CifarSmall",
    "robust": "Robust",
}


def built_in(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        RecipeError: there is none; the message lists those there are.

    Examples:
        >>> from mnistlab import built_in
        >>> built_in("custom_mlp").dropout
        0.3
        >>> built_in("lenet")
        Traceback (most recent call last):
        mnistlab.errors.RecipeError: lenet: no such recipe; did you mean lenet5?...
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    known = f"known: {', '.join(BUILT_IN)}; or a .toml file, or path/to/file.py:build"
    raise RecipeError(f"{name}: no such recipe; {did_you_mean(name, BUILT_IN) or known}")
