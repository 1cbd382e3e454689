"""Ablation: a recipe without each of its regularisers in turn, with each alone, and with none."""

from mnistlab.errors import RecipeError
from mnistlab.recipe.recipe import Recipe, Regulariser


def regularisers(recipe: Recipe) -> dict[str, dict[str, object]]:
    """Return the regularisers that a recipe uses, found from its fields.

    Returns:
        By name, in the order of the fields: those fields that differ from their neutral value, with
        their value in this recipe. All kinds of augmentation are one regulariser.
    """
    found: dict[str, dict[str, object]] = {}
    for field, info in Recipe.model_fields.items():
        for mark in info.metadata:
            value = getattr(recipe, field)
            if isinstance(mark, Regulariser) and value != info.default:
                found.setdefault(mark.name, {})[field] = value
    return found


def ablate(recipe: Recipe) -> list[Recipe]:
    """Return the recipe as it is, without each regulariser, with each alone, and with none; no
    variant twice.

    Args:
        recipe: with at least one regulariser.

    Raises:
        RecipeError: it has none.
    """
    found = regularisers(recipe)
    if not found:
        raise RecipeError(
            f"{recipe.name}: has no regulariser to remove (no augmentation, dropout, batch_norm,"
            " ...)"
        )
    variants = [recipe]
    variants += [
        _without(recipe, f"without-{name}", {name: fields}) for name, fields in found.items()
    ]
    for name in found:
        others = {other: fields for other, fields in found.items() if other != name}
        variants.append(_without(recipe, f"only-{name}", others))
    variants.append(_without(recipe, "bare", found))
    distinct: dict[str, Recipe] = {}
    for variant in variants:
        distinct.setdefault(variant.digest, variant)
    return list(distinct.values())


def _without(recipe: Recipe, label: str, taken: dict[str, dict[str, object]]) -> Recipe:
    neutral = {
        field: Recipe.model_fields[field].default for fields in taken.values() for field in fields
    }
    return recipe.replace(name=f"{recipe.name}-{label}", **neutral)
