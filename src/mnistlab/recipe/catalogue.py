"""The recipes that come with mnistlab."""

from difflib import get_close_matches

from mnistlab.errors import RecipeError
from mnistlab.recipe.recipe import Recipe

_BEST = Recipe(
    name="best62k",
    model="convnet",
    channels=((20,), (32, 36, 48, 64)),
    stem=5,
    batch_norm=True,
    fit="none",
    size=28,
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
        Recipe(name="lenet5"),
        Recipe(name="custom_mlp", batch_norm=True, dropout=0.3, rotation=0.2, blur=(0.1, 1.0)),
        Recipe(name="mlp", model="mlp"),
        _BEST,
        _BEST.replace(
            name="reader",
            validation=5000,
            rotation=12.0,
            translation=1.5,
            scale=0.15,
            shear=12.0,
            blur=(0.1, 1.0),
            scraps=6000,
            epochs=24,
        ),
    )
}

DISPLAY_NAMES = {
    "lenet5": "LeNet-5",
    "custom_mlp": "CustomMLP",
    "mlp": "MLP",
    "best62k": "Best of 62k",
    "reader": "Reader",
}


def built_in(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        RecipeError: there is none; the message lists those there are.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    near = get_close_matches(name, BUILT_IN, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    known = ", ".join(BUILT_IN)
    raise RecipeError(f"{name}: no such recipe; {hint}known: {known}; or a .toml file, or path/to/file.py:build")
