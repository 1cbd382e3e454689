"""The fields of a training step that exclude or need one another: loss, optimiser, schedule."""

from typing import TYPE_CHECKING

from mnistlab.errors import RecipeError

if TYPE_CHECKING:
    from mnistlab.recipe.recipe import Recipe

_OF_SCHEDULES = {
    "step_size": ("step",),
    "milestones": ("multistep",),
    "gamma": ("step", "multistep", "exponential", "plateau"),
    "plateau_patience": ("plateau",),
}
_MIXING = ("mixup", "cutmix")
_OF_CROSS_ENTROPY = ("class_weights", "label_smoothing", *_MIXING)


def refuse_step(recipe: "Recipe") -> None:
    """Refuse fields of a training step that contradict one another.

    Raises:
        RecipeError: the message names the field and the remedy.
    """
    _refuse_schedule(recipe)
    if recipe.clip_norm and recipe.clip_value:
        raise RecipeError("clip_value: gradients are clipped by norm or by value; leave one at 0")
    _refuse_loss(recipe)


def _refuse_loss(recipe: "Recipe") -> None:
    own = ":" in recipe.loss
    if recipe.loss == "cross_entropy":
        return
    for key in _OF_CROSS_ENTROPY:
        if getattr(recipe, key) and (own or key not in _MIXING):
            reason = (
                "; a loss of your own gets one label per image, and would have to do this itself"
                if own
                else f", not {recipe.loss}"
            )
            raise RecipeError(f"{key}: works with loss cross_entropy only{reason}")


def _refuse_schedule(recipe: "Recipe") -> None:
    for key, schedules in _OF_SCHEDULES.items():
        changed = getattr(recipe, key) != type(recipe).model_fields[key].default
        if changed and recipe.schedule not in schedules:
            raise RecipeError(
                f"{key}: has no effect with schedule {recipe.schedule}; it is for"
                f" {', '.join(schedules)}"
            )
    if recipe.schedule == "step" and not recipe.step_size:
        raise RecipeError("step_size: schedule step needs it, in epochs, such as 10")
    if recipe.schedule == "multistep" and not recipe.milestones:
        raise RecipeError("milestones: schedule multistep needs them, in epochs, such as [30, 40]")
    if any(one >= two for one, two in zip(recipe.milestones, recipe.milestones[1:], strict=False)):
        raise RecipeError(f"milestones: must ascend; found {list(recipe.milestones)}")
