"""Recipe: everything that decides the outcome of a training run, but the seed."""

import hashlib
import json
import keyword
import math
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from mnistlab.errors import RecipeError, did_you_mean
from mnistlab.fit import Fit
from mnistlab.recipe.step import refuse_step
from mnistlab.recipe.tested import TestedOn, tested_on
from mnistlab.text import printable, shorten, shown


@dataclass(frozen=True)
class Regulariser:
    """Marks a field as part of a regulariser that an ablation turns off; the field's default is its
    neutral value.
    """

    name: str


_LONGEST_NAME, _LONGEST_NAME_BYTES = 100, 200
"""Characters and UTF-8 bytes of a recipe's name, with which folders of runs begin."""


_OF_MODELS = frozenset(
    (
        "activation",
        "activations",
        "filters",
        "hidden",
        "hidden_layers",
        "hidden_size",
        "hidden_units",
        "kernel_size",
        "layers",
        "nonlinearity",
        "num_layers",
        "padding",
        "pooling",
        "stride",
        "units",
        "width",
    )
)
_OF_OPTIMIZERS = frozenset(("alpha", "amsgrad", "betas", "dampening", "eps", "epsilon", "rho"))
_OF_RUNS = frozenset(("device", "folder", "gpu", "kernels", "resume", "seed", "seeds", "threads"))
Sigma = Annotated[float, Field(ge=0, le=10)]
Strength = Annotated[float, Field(ge=0, le=1)]
Channels = Annotated[int, Field(ge=1, le=4096)]
Group = Annotated[tuple[Channels, ...], Field(min_length=1, strict=False)]
Augmentation = Annotated[float, Regulariser("augmentation")]
Auto = Literal["auto"]
Mean = Annotated[float, Field(ge=0, le=1)]
Std = Annotated[float, Field(gt=0, le=1)]
# Not strict, since TOML and JSON have lists only.
Means = Annotated[tuple[Mean, Mean, Mean], Field(strict=False)]
Stds = Annotated[tuple[Std, Std, Std], Field(strict=False)]
_UNTIL_THE_END = ("cosine", "onecycle")
"""Schedules whose every step depends on how many epochs there are."""
_UNMARKED: dict[str, Any] = {"size": 32, "mean": 0.1307, "std": 0.3081}
"""Values that leave a digest as it is: the defaults from before data had a say in them."""


def _triple(given: object) -> object:
    """Return a number three times, and anything else as it is."""
    return (given,) * 3 if isinstance(given, int | float) else given


def _single(given: object) -> object:
    """Return a text as a tuple of it, and anything else as it is."""
    return (given,) if isinstance(given, str) else given


_DEEPEST = 3
"""Lists within lists in a keyword argument."""


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Return keyword arguments with lists for tuples, as TOML and JSON give them."""
    for name in given:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError("not an argument's name")
    return {name: _argument(value) for name, value in given.items()}


def _argument(value: object, depth: int = 0) -> object:
    if isinstance(value, list | tuple) and depth < _DEEPEST:
        return [_argument(part, depth + 1) for part in value]
    if not isinstance(value, str | int | float) or not math.isfinite(
        0 if isinstance(value, str | int) else value
    ):
        raise ValueError("not a plain value")
    return value


Arguments = Annotated[
    dict[str, Any], AfterValidator(_arguments), WithJsonSchema({"type": "object"})
]
TABLES = ("build", "optimizer_options", "class_weights")
"""Fields whose entries can be changed one by one, as in ``build.width``."""
Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Weight = Annotated[float, Field(gt=0, le=10**6)]
Milestone = Annotated[int, Field(ge=1, le=100_000)]


class Recipe(BaseModel):
    """One frozen, validated description of a run.

    Every field has a default, so a recipe states only what is particular to it. A regulariser is a
    field whose neutral value turns it off; an ablation is therefore a :meth:`replace`.

    Raises:
        RecipeError: an unknown key, a wrong type or an impossible value, by whichever way the
            recipe is made.

    Examples:
        >>> from mnistlab import Recipe
        >>> recipe = Recipe(name="strong_dropout", dropout=0.5)
        >>> recipe.epochs, recipe.replace(epochs=20).epochs
        (50, 20)
        >>> Recipe(dropout=1.5)
        Traceback (most recent call last):
        mnistlab.errors.RecipeError: dropout: must be a number from 0 to below 1; found 1.5
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    name: str = Field(
        "unnamed",
        pattern=r"^[\p{L}\p{N}_][\w.-]*$",
        description="label in tables and file names",
    )
    data: str = Field("mnist", min_length=1, description="a known data set's name, or a path")
    train_limit: int = Field(
        0, ge=0, le=10**9, description="training images used, drawn once at random; 0 is all"
    )
    validation: Literal["given"] | Annotated[int, Field(ge=0, le=10**9)] = Field(
        0,
        description=(
            "training images held out and tested on instead of the test set; given takes the data's"
            " own validation set; 0 is none"
        ),
    )
    folds: Literal[0] | Annotated[int, Field(ge=2, le=100)] = Field(
        0, description="parts of a cross-validation of the training images; 0 is none"
    )
    fold: int = Field(
        0,
        ge=0,
        le=100,
        description="the one of them that a run is tested on, from 1; 0 is each in turn",
    )
    group: str = Field(
        "",
        max_length=200,
        description=(
            "what tells from a file's name which images are held out together: a separator, or a"
            " regular expression with parentheses; empty is none"
        ),
    )
    skip_damaged: bool = Field(default=False, description="leave damaged pictures out")
    model: str = Field(
        "lenet5",
        min_length=1,
        description="lenet5, mlp, convnet, path/to/file.py:build or package.module:build",
    )
    build: Arguments = Field(
        {},
        description="your own model: keyword arguments for its function, such as {width = 32}",
    )
    # Not strict, since TOML and JSON have lists only; the numbers within are.
    channels: tuple[Group, ...] = Field(
        (),
        strict=False,
        description="convnet: channels of its convolutions, 2x2 max-pooling between groups",
    )
    stem: int = Field(
        3,
        ge=1,
        le=15,
        description="convnet: side of the first convolution's kernel; the others are 3x3",
    )
    batch_norm: Annotated[bool, Regulariser("batch_norm")] = Field(
        default=False, description="batch normalisation after each layer but the last"
    )
    dropout: Annotated[float, Regulariser("dropout")] = Field(
        0.0, ge=0, lt=1, description="fraction of units dropped before the last layer; 0 is none"
    )

    colour: Literal["auto", "grey", "rgb"] = Field(
        "auto", description="auto keeps the data's colour if the model takes it; grey; rgb"
    )
    fit: Fit = Field(
        "pad",
        description=(
            "how images reach `size`: black border (larger ones are scaled down), bilinear scaling,"
            " scaling and cutting, or not at all"
        ),
    )
    size: Auto | Annotated[int, Field(ge=8, le=512)] = Field(
        "auto", description="side of the model's input, pixels; auto follows the data and the model"
    )
    mean: Auto | Mean | Means = Field(
        "auto",
        union_mode="left_to_right",
        description="subtracted from pixels in 0..1; auto is the training images' own, per channel",
    )
    std: Auto | Std | Stds = Field(
        "auto",
        union_mode="left_to_right",
        description="divisor after that; auto is the training images' own, per channel",
    )

    rotation: Augmentation = Field(
        0.0, ge=0, le=180, description="augmentation: degrees, uniform in +-rotation; 0 is none"
    )
    translation: Augmentation = Field(
        0.0,
        ge=0,
        le=100,
        description="augmentation: pixels in both directions, uniform in +-translation",
    )
    scale: Augmentation = Field(
        0.0, ge=0, le=0.9, description="augmentation: size times a factor uniform in 1 +-scale"
    )
    shear: Augmentation = Field(
        0.0, ge=0, le=60, description="augmentation: degrees, uniform in +-shear"
    )
    elastic: Augmentation = Field(
        0.0,
        ge=0,
        le=100,
        description="augmentation: pixels, standard deviation of smooth local displacements",
    )
    erasing: Augmentation = Field(
        0.0,
        ge=0,
        le=1,
        description="augmentation: probability that a random box is filled with one grey",
    )
    noise: Augmentation = Field(
        0.0,
        ge=0,
        le=1,
        description=(
            "augmentation: Gaussian noise, its standard deviation uniform up to this; 0 is none"
        ),
    )
    inversion: Augmentation = Field(
        0.0,
        ge=0,
        le=1,
        description="augmentation: probability that black and white are swapped; 0 is none",
    )
    filtering: Augmentation = Field(
        0.0,
        ge=0,
        le=1,
        description="augmentation: probability of a random linear filter, 3x3 or 5x5; 0 is none",
    )
    # Not strict, as above.
    blur: Annotated[tuple[Sigma, Sigma], Regulariser("augmentation")] = Field(
        (0.0, 0.0),
        strict=False,
        json_schema_extra={"values": "two numbers [low, high]"},
        description="augmentation: sigma range of a 3x3 Gaussian, pixels",
    )

    flip_horizontal: Augmentation = Field(
        0.0,
        ge=0,
        le=1,
        description="augmentation: probability of a flip from left to right; 0 is none",
    )
    flip_vertical: Augmentation = Field(
        0.0,
        ge=0,
        le=1,
        description="augmentation: probability of a flip from top to bottom; 0 is none",
    )
    crop: Annotated[int, Regulariser("augmentation")] = Field(
        0,
        ge=0,
        le=512,
        description=(
            "augmentation: pixels of black padding before a random crop to the old size; 0 is none"
        ),
    )
    # Not strict, as above.
    colour_jitter: Annotated[
        tuple[Strength, Strength, Strength], BeforeValidator(_triple), Regulariser("augmentation")
    ] = Field(
        (0.0, 0.0, 0.0),
        strict=False,
        json_schema_extra={
            "values": "three numbers [brightness, contrast, saturation], or one for all"
        },
        description=(
            "augmentation: brightness, contrast, saturation times factors uniform in 1 +-these; 0"
            " is none"
        ),
    )
    cutout: Annotated[int, Regulariser("augmentation")] = Field(
        0,
        ge=0,
        le=512,
        description="augmentation: pixels, side of a random black square; 0 is none",
    )
    mixup: Augmentation = Field(
        0.0,
        ge=0,
        le=100,
        description=(
            "augmentation: pairs of images averaged, weights from Beta(mixup, mixup); 0 is none"
        ),
    )
    cutmix: Augmentation = Field(
        0.0,
        ge=0,
        le=100,
        description=(
            "augmentation: a box of another image pasted in, area from Beta(cutmix, cutmix); 0 is"
            " none"
        ),
    )

    negatives: Annotated[int, Regulariser("negatives")] = Field(
        0,
        ge=0,
        le=10**7,
        description=(
            "training images of a class none to add: cut digits, touching digits, scribbles"
        ),
    )

    init: str = Field(
        "",
        max_length=4096,
        description=(
            "weights to start from: a finished run's folder or a .safetensors file; empty is none"
        ),
    )
    # Not strict, as above.
    freeze: Annotated[tuple[Pattern, ...], BeforeValidator(_single)] = Field(
        (),
        strict=False,
        json_schema_extra={"words": 'a text, or a list of texts, such as ["conv*"]'},
        description="parameters that are not trained, by name or pattern, such as conv*",
    )

    epochs: int = Field(50, ge=1, le=100_000, description="passes over the training images")
    patience: int = Field(
        0,
        ge=0,
        le=100_000,
        description=(
            "early stopping: epochs without improvement on the watched images before training"
            " stops, and the best epoch's weights are kept; 0 is none"
        ),
    )
    min_delta: float = Field(
        0.0, ge=0, le=100, description="early stopping: smaller improvements do not count"
    )
    monitor: Literal["loss", "accuracy"] = Field(
        "loss", description="what of the watched images patience and plateau go by"
    )
    validation_fraction: float = Field(
        0.1,
        gt=0,
        lt=1,
        description=(
            "share of the training images that patience and plateau watch, unless the data have"
            " a validation set of their own; they are not trained on"
        ),
    )
    batch_size: int = Field(128, ge=1, le=1_000_000, description="images per step")
    optimizer: (
        Literal["sgd", "adamw", "adam", "rmsprop", "adagrad", "adadelta"]
        | Annotated[
            str,
            Field(
                pattern="[.:]",
                max_length=4096,
                json_schema_extra={"words": "a class such as torch.optim.NAdam"},
            ),
        ]
    ) = Field(
        "sgd",
        description="one of these of torch.optim, or a class by path: torch.optim.NAME,"
        " package.module.NAME or path/to/file.py:NAME",
    )
    optimizer_options: Arguments = Field(
        {}, description="the optimiser's other keyword arguments, such as {betas = [0.9, 0.99]}"
    )
    learning_rate: float = Field(
        0.01, gt=0, le=100, description="the optimiser's largest step size"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD's momentum; 0 is none")
    nesterov: bool = Field(default=False, description="SGD's momentum in Nesterov's form")
    weight_decay: Annotated[float, Regulariser("weight_decay")] = Field(
        0.0, ge=0, le=10, description="decay of the weights towards zero; 0 is none"
    )
    schedule: Literal[
        "constant", "cosine", "onecycle", "step", "multistep", "exponential", "plateau"
    ] = Field(
        "constant",
        description=(
            "learning rate: constant, falling to 0, rising for 30 % of the steps, then falling, or"
            " times gamma: every step_size epochs, at milestones, after each epoch, or when the"
            " watched images no longer improve"
        ),
    )
    gamma: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="step, multistep, exponential, plateau: factor of the learning rate",
    )
    step_size: int = Field(
        0, ge=0, le=100_000, description="step: epochs from one fall of the rate to the next"
    )
    # Not strict, as above.
    milestones: tuple[Milestone, ...] = Field(
        (), strict=False, description="multistep: epochs after which the rate falls, ascending"
    )
    plateau_patience: int = Field(
        10,
        ge=0,
        le=100_000,
        description="plateau: epochs without improvement that are borne before it falls",
    )
    warmup: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="epochs of linear rise to the learning rate; not for onecycle",
    )
    clip_norm: float = Field(
        0.0, ge=0, le=10**6, description="largest norm of all gradients together; 0 is no clipping"
    )
    clip_value: float = Field(
        0.0, ge=0, le=10**6, description="largest size of each gradient; 0 is no clipping"
    )
    loss: (
        Literal["cross_entropy", "binary_cross_entropy", "mse", "focal"]
        | Annotated[
            str,
            Field(
                pattern=":",
                max_length=4096,
                json_schema_extra={"words": "a function such as path/to/file.py:focal"},
            ),
        ]
    ) = Field(
        "cross_entropy",
        description=(
            "cross_entropy, focal, or of one-hot labels binary_cross_entropy or mse; or"
            " path/to/file.py:function, package.module:function"
        ),
    )
    class_weights: (
        Annotated[Literal["", "balanced"], Field(json_schema_extra={"words": "balanced"})]
        | Annotated[tuple[Weight, ...], Field(strict=False)]
        | Annotated[dict[str, Weight], Field(min_length=1)]
    ) = Field(
        "",
        union_mode="left_to_right",
        description=(
            "weights of the classes in the loss: balanced (rare ones more), a list in their order,"
            " or a table by name; empty is none"
        ),
    )
    label_smoothing: Annotated[float, Regulariser("label_smoothing")] = Field(
        0.0,
        ge=0,
        lt=1,
        description="fraction of the target spread evenly over all classes; 0 is none",
    )
    averaging: Annotated[float, Regulariser("averaging")] = Field(
        0.0,
        ge=0,
        lt=1,
        description="decay of the moving average of weights that is tested and kept; 0 is none",
    )
    swa: Annotated[int, Regulariser("averaging")] = Field(
        0,
        ge=0,
        le=100_000,
        description="last epochs whose mean weights are tested and kept instead; 0 is none",
    )

    shifts: Annotated[int, Regulariser("shifts")] = Field(
        0,
        ge=0,
        le=4,
        description=(
            "test images are also read shifted by up to this many pixels, and averaged; 0 is none"
        ),
    )

    @field_validator("name")
    @classmethod
    def _normalise_name(cls, name: str) -> str:
        """Return a name in Unicode's NFC, the form that every file system keeps."""
        name = unicodedata.normalize("NFC", name)
        if len(name) > _LONGEST_NAME or len(name.encode()) > _LONGEST_NAME_BYTES:
            raise ValueError("too long")
        if printable(name) != name:
            raise ValueError("unseen characters")
        return name

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_in_one_line(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            recipe = handler(values)
        except ValidationError as error:
            raise RecipeError(_describe(cls, error)) from None
        _refuse_of_models(recipe)
        if recipe.blur[0] > recipe.blur[1]:
            raise RecipeError(f"blur: the range must ascend; found {list(recipe.blur)}")
        if recipe.nesterov and not (recipe.optimizer == "sgd" and recipe.momentum):
            raise RecipeError(
                "nesterov: needs optimizer sgd with momentum above 0; set nesterov = false"
            )
        refuse_step(recipe)
        if recipe.warmup and recipe.schedule == "onecycle":
            raise RecipeError("warmup: onecycle has a rise of its own; leave warmup at 0")
        _refuse_folds(recipe)
        _refuse_unwatched(recipe)
        if recipe.swa and recipe.averaging:
            raise RecipeError(
                "swa: a mean of the last epochs' weights and a moving average exclude each other"
            )
        if recipe.swa > recipe.epochs:
            raise RecipeError(
                f"swa: must be at most epochs, which is {recipe.epochs}; found {recipe.swa}"
            )
        needy = [name for name in ("batch_norm", "mixup", "cutmix") if getattr(recipe, name)]
        if needy and recipe.batch_size == 1:
            raise RecipeError(
                f"batch_size: must be at least 2 with {needy[0]}, which needs two images"
            )
        return recipe

    @classmethod
    def parse(cls, values: dict[str, Any]) -> "Recipe":
        """Make a recipe of plain values, as TOML or JSON give them (lists for ranges, whole numbers
        for floats).
        """
        return cls.model_validate(values)

    def replace(self, **changes: Any) -> "Recipe":
        """Return the same recipe with some fields changed, validated anew.

        A field ``build.width``, ``optimizer_options.eps`` or ``class_weights.shell`` changes one
        entry of that table.
        """
        values = self.model_dump()
        for key, value in changes.items():
            table, dot, name = key.partition(".")
            if dot and table in TABLES:
                entries = values[table] or {}
                if not isinstance(entries, dict):
                    raise RecipeError(f"{key}: {table} is no table but {shown(entries)}")
                values[table] = entries | {name: value}
            else:
                values[key] = value
        return self.parse(values)

    def value(self, key: str) -> Any:
        """Return a field's value as JSON has it; that of ``build.width`` is ``None`` without it."""
        table, dot, name = key.partition(".")
        found = self.model_dump(mode="json", include={table})[table]
        if not dot:
            return found
        return found.get(name) if isinstance(found, dict) else None

    def __hash__(self) -> int:
        # Not of the fields, since a table has no hash.
        return hash(self.model_dump_json())

    def trains_as(self, other: "Recipe") -> bool:
        """Return whether both are the same training; their names do not count."""
        return self._content() == other._content()

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that name what this recipe trains.

        Neither the label nor fields at their defaults count: a renamed recipe is the same training,
        and a field that a later version adds leaves old digests as they were.
        """
        return hashlib.sha256(json.dumps(self._content(), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def data_key(self) -> str:
        """What decides which images are loaded, as the JSON of a recipe."""
        return self.model_dump_json(include={"data", "size", "fit", "group", "skip_damaged"})

    @property
    def tested_on(self) -> TestedOn:
        """``validation`` if runs are tested on held-out training images, ``test`` if on the test
        set.
        """
        return tested_on(self.validation, self.folds)

    @property
    def watches(self) -> bool:
        """Whether runs watch held-out training images, which are neither trained nor tested on."""
        return bool(self.patience) or self.schedule == "plateau"

    @property
    def bound_to_epochs(self) -> str:
        """What makes runs of more epochs other runs from the first step on; empty if nothing."""
        if self.schedule in _UNTIL_THE_END:
            return f"schedule {self.schedule}"
        return f"swa = {self.swa}" if self.swa else ""

    @property
    def title(self) -> str:
        """The name, and the fold if it is one fold's recipe: ``lenet5, fold 2 of 5``."""
        return f"{self.name}, fold {self.fold} of {self.folds}" if self.fold else self.name

    @property
    def by_fold(self) -> tuple["Recipe", ...]:
        """The recipes that runs are made of: one for each fold, or this one if it is a run's."""
        if not self.folds or self.fold:
            return (self,)
        return tuple(self.replace(fold=fold) for fold in range(1, self.folds + 1))

    def _content(self) -> dict[str, Any]:
        content = self.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
        for key, value in self.model_dump(mode="json", include=set(_UNMARKED)).items():
            content[key] = value
            if value == _UNMARKED[key] or (value == "auto" and self._auto_is_unmarked(key)):
                del content[key]
        return content

    def _auto_is_unmarked(self, key: str) -> bool:
        """Return whether ``auto`` comes to the value that leaves a digest as it is."""
        return self.data == "mnist" and (key != "size" or ":" not in self.model)


def _refuse_of_models(recipe: Recipe) -> None:
    """Refuse fields of a model that it does not have."""
    if (recipe.model == "convnet") != bool(recipe.channels):
        raise RecipeError(
            "channels: model convnet needs them, such as [[16, 16], [32, 32]], and no other has"
            " them"
        )
    if recipe.model != "convnet" and recipe.stem != Recipe.model_fields["stem"].default:
        raise RecipeError(f"stem: has no effect on {recipe.model}; model convnet alone has one")
    if recipe.build and ":" not in recipe.model:
        raise RecipeError(
            f"build: {', '.join(recipe.build)} would go to a function of your own; model"
            f" {recipe.model} is built in and takes fields of the recipe"
        )


def _refuse_folds(recipe: Recipe) -> None:
    if recipe.folds and recipe.validation:
        raise RecipeError(
            "folds: cross-validation holds out each fold in turn; leave validation at 0"
        )
    if recipe.fold and not recipe.folds:
        raise RecipeError("fold: has no effect without folds, the number of parts; set that, too")
    if recipe.fold > recipe.folds:
        raise RecipeError(
            f"fold: must be at most folds, which is {recipe.folds}; found {recipe.fold}"
        )


def _refuse_unwatched(recipe: Recipe) -> None:
    if recipe.swa and recipe.patience:
        raise RecipeError(
            "patience: the best epoch's weights and a mean of the last epochs' (swa) exclude each"
            " other; leave one of them at 0"
        )
    needs = {
        "min_delta": ("patience above 0", bool(recipe.patience)),
        "monitor": ("patience above 0 or schedule plateau", recipe.watches),
        "validation_fraction": ("patience above 0 or schedule plateau", recipe.watches),
    }
    for key, (what, has) in needs.items():
        if not has and getattr(recipe, key) != Recipe.model_fields[key].default:
            raise RecipeError(f"{key}: has no effect without {what}")


def _describe(recipe: type[Recipe], error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    if not problem["loc"]:
        return f"a recipe is a table of keys and values; found {shown(problem['input'])}"
    key = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        name = shorten(key)
        if isinstance(problem["input"], dict):
            return f"{name}: unknown key; the only table in a recipe is build, the rest are keys"
        known = (
            "`mnistlab recipe show lenet5` prints the known ones, and arguments of your own model"
            f" are set as `build.{name}`"
        )
        hint = _elsewhere(key) or did_you_mean(key, recipe.model_fields) or known
        return f"{name}: unknown key; {hint}"
    if problem["type"] == "string_unicode":
        return f"{key}: must be UTF-8; found {shown(problem['input'])}; rename it"
    options, found = _options(key), problem["input"]
    hint = did_you_mean(found, options) if options and isinstance(found, str) else ""
    return f"{key}: must be {allowed(key)}; {hint and hint + ' '}found {shown(found)}"


def _options(key: str) -> list[str]:
    """Return the values that a field takes, if it takes a few words only."""
    schema = Recipe.model_json_schema()["properties"][key]
    return [word for part in schema.get("anyOf", [schema]) for word in part.get("enum", ())]


def _elsewhere(key: str) -> str:
    """Say where something is set that a recipe has no field for; nothing if that is not known."""
    plain = key.lower().replace("-", "_")
    if plain in _OF_MODELS:
        return (
            "it is a part of the model, so write a model of your own, path/to/file.py:build, and"
            f" set its argument as `build.{plain}`"
        )
    if plain in _OF_OPTIMIZERS:
        return f"it is an option of the optimiser, `optimizer_options.{plain}=`"
    if plain in _OF_RUNS:
        return f"it is no field of a recipe but an option of the run, `{plain}=`"
    return ""


def allowed(key: str) -> str:
    """Say in words which values a field takes, for example ``a number from 0 to below 1``."""
    return _words(Recipe.model_json_schema()["properties"][key])


def _words(schema: dict[str, Any]) -> str:
    match schema:
        case {"anyOf": options}:
            return ", or ".join(map(_words, options))
        case {"words": words}:
            return str(words)
        case {"const": option}:
            return str(option)
        case {"enum": options}:
            return "one of " + ", ".join(options)
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "object" | "array"}:
            return _words_of_several(schema)
        case {"type": "string", "pattern": _}:
            return (
                "letters of any script, digits, '.', '_' and '-', not starting with '.' or '-', at"
                f" most {_LONGEST_NAME} characters and {_LONGEST_NAME_BYTES} bytes"
            )
        case {"type": "string"}:
            return "a text that is not empty"
    return _number_words(schema)


def _words_of_several(schema: dict[str, Any]) -> str:
    match schema:
        case {"additionalProperties": dict(item)}:
            return f"a table by name, each {_words(item)}"
        case {"type": "object"}:
            return "a table of names and numbers, texts, true, false or lists of these"
        case {"prefixItems": [item, *_]}:
            return f"{schema.get('values', 'three numbers')}, each {_words(item)}"
        case {"items": {"items": item}}:
            return f"a list of lists, such as [[16, 16], [32, 32]], each number {_words(item)}"
    return f"a list, each {_words(schema['items'])}"


def _number_words(schema: dict[str, Any]) -> str:
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    low = (
        f"from {schema['minimum']:,}"
        if "minimum" in schema
        else f"above {schema['exclusiveMinimum']:,}"
    )
    high = (
        f"to {schema['maximum']:,}"
        if "maximum" in schema
        else f"to below {schema['exclusiveMaximum']:,}"
    )
    return f"{kind} {low} {high}"
