"""Code that a recipe names beside its model: a loss or an optimiser of the user's own."""

from mnistlab.recipe.recipe import Recipe
from mnistlab.recipe.source import Source, read_source


def read_code(recipe: Recipe) -> dict[str, Source]:
    """Read the code of a recipe's ``loss`` and ``optimizer``, as far as they name any.

    Returns:
        By field. PyTorch's own classes are not among them, since records have its version.
    """
    code = {}
    for field in ("loss", "optimizer"):
        reference = getattr(recipe, field)
        if ":" not in reference and "." in reference and not reference.startswith("torch."):
            reference = ":".join(reference.rsplit(".", 1))
        if ":" in reference:
            code[field] = read_source(reference)
    return code
