"""RunRecord: what one run was and what it measured, in a file that a person can read."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    computed_field,
    model_serializer,
    model_validator,
)

from mnistlab.errors import RecipeError, RunError
from mnistlab.recipe import ModelInput, Recipe, Source
from mnistlab.runs.checksum import add_checksum, read_checked
from mnistlab.runs.confusion import Scores, score_classes
from mnistlab.runs.predictions import (
    MAX_LOSS,
    Count,
    Loss,
    Predictions,
    Quantity,
    Seed,
    Share,
    Size,
)
from mnistlab.text import csv_row, html_table

LARGEST_RECORD = 1 << 26
"""Bytes of a ``record.json``; a million misclassified images take half as many."""
_ROUNDING = 1e-9
TrainLoss = Annotated[float, Field(ge=-MAX_LOSS, le=MAX_LOSS)]
_LIST_OF_NUMBERS = re.compile(r"\[\n\s+([-+.\deE]+(?:,\s+[-+.\deE]+)*)\s+\]")


class _Frozen(BaseModel):
    # Unknown keys are ignored, so that records of later versions stay readable.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class EpochMetrics(_Frozen):
    """One epoch's figures.

    Attributes:
        epoch: from 1.
        train_loss: mean loss over the epoch's training images, as they were trained on (augmented,
            with dropout, by the weights of the moment): cross-entropy in nats, with the recipe's
            ``label_smoothing`` and ``class_weights``, or a loss of the user's own.
        train_accuracy: share of them classified correctly, 0 to 1.
        test_loss: mean cross-entropy in nats over the images tested on (those held out of training,
            if the recipe has ``validation``), by the weights at the epoch's end.
        test_accuracy: share of them classified correctly, 0 to 1.
        train_seconds: wall time of the training part.
        test_seconds: wall time of the test.
        images_per_second: training images a second.
    """

    epoch: Size
    train_loss: TrainLoss
    train_accuracy: Share
    test_loss: Loss
    test_accuracy: Share
    train_seconds: Quantity
    test_seconds: Quantity
    images_per_second: Quantity


class DataSummary(_Frozen):
    """Which images a run saw; the fingerprint is :attr:`mnistlab.data.Dataset.fingerprint`.

    Attributes:
        places: of a cross-validation's fold, where its images stand among all that were divided,
            ascending; of other runs nothing.
    """

    name: str
    fingerprint: str
    train_images: Size
    test_images: Size
    image_size: tuple[Size, Size]
    channels: Literal[1, 3] = 1
    classes: tuple[str, ...] = Field(min_length=1)
    note: str = ""
    places: tuple[Count, ...] = ()

    @model_serializer(mode="wrap")
    def _leave_out_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = serialise(self)
        if not self.places:
            content.pop("places", None)
        return content

    @property
    def notes(self) -> list[str]:
        """The note's sentences, one by one."""
        return [sentence for sentence in self.note.split("; ") if sentence]


class Environment(_Frozen):
    """Where a run was trained: versions by package name, and the hardware; ``memory_gib`` is 0
    where it is not known.
    """

    versions: dict[str, str]
    platform: str
    processor: str
    cores: Size
    memory_gib: Quantity
    device: str
    threads: Size
    kernels: str = "torch"
    """The build of the native kernels that were used, or ``torch`` for plain PyTorch."""


class FinalFigures(_Frozen):
    """The figures to quote: those of the final epoch. The best epoch's are optimistic, since it is
    chosen on the test images themselves.
    """

    test_accuracy: float
    test_loss: float
    test_errors: int
    best_epoch: int
    best_test_accuracy: float


class CodeDigest(_Frozen):
    """Which code a run used beside its model's, see :class:`mnistlab.recipe.Source`.

    Attributes:
        source: digest of its file.
        imports: digests of the files that it imports, by module name.
    """

    source: str
    imports: dict[str, str] = {}

    @classmethod
    def of(cls, source: Source) -> "CodeDigest":
        """Return that of code as it was read."""
        return cls(source=source.digest, imports=source.imports)


class RunRecord(_Frozen):
    """One finished run.

    Attributes:
        parameters: number of trainable parameters.
        source: digest of a user model's file, see :class:`mnistlab.recipe.Source`.
        imports: digests of the files that it imports, by module name; ``None`` in records of older
            versions.
        code: of a loss and an optimiser of the user's own, by the recipe's field.
        class_weights: what the recipe's ``class_weights`` came to, in the order of the classes.
        input: what the model was given; ``None`` in records of older versions, see
            :attr:`model_input`.
        predictions: how the final weights classify each image; ``None`` in records of older
            versions.
        scores: figures of each class, written out; ``None`` in records of older versions, see
            :attr:`class_scores`.
        started: when training started.
        seconds: training and testing time, summed over the epochs.
    """

    format: Literal[1] = 1
    recipe: Recipe
    seed: Seed
    data: DataSummary
    parameters: Count
    history: tuple[EpochMetrics, ...] = Field(min_length=1)
    source: str = ""
    imports: dict[str, str] | None = None
    code: dict[str, CodeDigest] = {}
    class_weights: tuple[float, ...] = ()
    input: ModelInput | None = None
    predictions: Predictions | None = None
    scores: Scores | None = None
    environment: Environment
    started: AwareDatetime

    @model_serializer(mode="wrap")
    def _leave_out_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = serialise(self)
        for key in ("code", "class_weights", "scores"):
            if not content.get(key):
                content.pop(key, None)
        return content

    @model_validator(mode="after")
    def _is_consistent(self) -> "RunRecord":
        if [epoch.epoch for epoch in self.history] != list(range(1, self.recipe.epochs + 1)):
            raise ValueError(f"history: not the {self.recipe.epochs} epochs of the recipe")
        if self.recipe.fold and len(self.data.places) != self.data.test_images:
            raise ValueError(f"data.places: not of the fold's {self.data.test_images:,} images")
        if self.predictions:
            self.predictions.check(self.data.test_images, len(self.data.classes))
        return self

    @property
    def model_input(self) -> ModelInput:
        """What the model was given; of records that do not say, grey images of fixed size."""
        if self.input:
            return self.input
        recipe, (height, width) = self.recipe, self.data.image_size
        size = 32 if recipe.size == "auto" else recipe.size
        if recipe.fit == "pad":
            height, width = max(height, size), max(width, size)
        elif recipe.fit != "none":
            height, width = size, size
        mean = 0.1307 if isinstance(recipe.mean, str | tuple) else recipe.mean
        std = 0.3081 if isinstance(recipe.std, str | tuple) else recipe.std
        return ModelInput(
            channels=1, height=height, width=width, fit=recipe.fit, mean=(mean,), std=(std,)
        )

    @property
    def brightness(self) -> float | None:
        """Mean of the training images' pixels, 0 to 1; ``None`` where the recipe sets the mean."""
        mean = self.model_input.mean
        return round(sum(mean) / len(mean), 4) if self.recipe.mean == "auto" else None

    @property
    def class_scores(self) -> Scores | None:
        """Precision, recall and F1 of each class, and the means; ``None`` where the record lacks
        predictions.
        """
        if self.predictions is None:
            return self.scores
        return score_classes(self.predictions, self.data.classes)

    @property
    def macro_f1(self) -> float | None:
        """Mean of the classes' F1, 0 to 1; ``None`` where the record lacks predictions."""
        scores = self.class_scores
        return scores.macro_f1 if scores else None

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of the classes' recalls, 0 to 1; ``None`` where the record lacks predictions."""
        scores = self.class_scores
        return scores.balanced_accuracy if scores else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def final(self) -> FinalFigures:
        """The final epoch's figures, and the best epoch's beside them."""
        last = self.history[-1]
        best = max(self.history, key=lambda epoch: epoch.test_accuracy)
        return FinalFigures(
            test_accuracy=last.test_accuracy,
            test_loss=last.test_loss,
            test_errors=round((1 - last.test_accuracy) * self.data.test_images),
            best_epoch=best.epoch,
            best_test_accuracy=best.test_accuracy,
        )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def seconds(self) -> float:
        """Training and testing time, summed over the epochs."""
        return total_seconds(self.history)

    @property
    def training_seconds(self) -> float:
        """Training time, summed over the epochs, without the tests between them."""
        return sum(epoch.train_seconds for epoch in self.history)

    def _repr_html_(self) -> str:
        final, on = self.final, self.recipe.tested_on
        rows = [
            ("Recipe", self.recipe.name),
            ("Seed", str(self.seed)),
            ("Data", self.data.name),
            ("Parameters", f"{self.parameters:,}"),
            ("Epochs", str(len(self.history))),
            (f"{on.capitalize()} accuracy", f"{100 * final.test_accuracy:.2f} %"),
            (f"{on.capitalize()} loss", f"{final.test_loss:.4f}"),
            ("Errors", f"{final.test_errors:,} of {self.data.test_images:,}"),
            ("Seconds", f"{self.seconds:.1f}"),
        ]
        return html_table((), rows)

    def to_json(self, files: Mapping[str, str] | None = None) -> str:
        """Return the text of ``record.json``, with each list of numbers on one line.

        Args:
            files: checksums of the files beside it, by name.
        """
        text = self.model_dump_json(indent=2)
        return add_checksum(
            _LIST_OF_NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text), files
        )

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> "RunRecord":
        """Read the text of a ``record.json``.

        Raises:
            RunError: not a record, or damaged; the message starts with ``name``.
        """
        try:
            record = cls.model_validate_json(text)
        except (ValidationError, RecipeError) as error:
            raise RunError(
                f"{name}: not a run's record, or of a later version: {reason(error)}"
            ) from None
        try:
            content = read_checked(text)[0]
            record._refuse_contradictions(content)
        except ValueError as error:
            raise RunError(f"{name}: {reason(error)}") from None
        return record

    def _refuse_contradictions(self, content: dict[str, Any]) -> None:
        """Refuse a file whose figures contradict each other, including the derived ones."""
        refuse_fractions(self.history, self.data.train_images, self.data.test_images)
        if self.predictions:
            self.predictions.refuse_contradictions()
            refuse_fraction(
                "predictions.train_accuracy",
                self.predictions.train_accuracy,
                self.data.train_images,
            )
            refuse_other_accuracy(
                self.history[-1].test_accuracy,
                len(self.predictions.mistakes),
                self.data.test_images,
            )
            if self.scores and self.scores != score_classes(self.predictions, self.data.classes):
                raise ValueError("scores: not those that follow from the predictions")
        wanted = {f"final.{name}": value for name, value in self.final.model_dump().items()} | {
            "seconds": self.seconds
        }
        stored = content.get("final")
        found = (
            {f"final.{name}": value for name, value in stored.items()}
            if isinstance(stored, dict)
            else {}
        )
        found["seconds"] = content.get("seconds", self.seconds)
        for name in wanted.keys() & found.keys():
            if found[name] != wanted[name]:
                raise ValueError(
                    f"{name}: {found[name]!r}, but the other figures give {wanted[name]!r}"
                )


def history_csv(record: RunRecord) -> str:
    """Return every epoch's figures as comma-separated values, under the names of
    :class:`EpochMetrics`.
    """
    rows = ([str(value) for value in epoch.model_dump().values()] for epoch in record.history)
    return "".join(map(csv_row, (EpochMetrics.model_fields, *rows)))


class _Epoch(Protocol):
    """An epoch's accuracies and times."""

    @property
    def train_accuracy(self) -> float: ...
    @property
    def test_accuracy(self) -> float: ...
    @property
    def train_seconds(self) -> float: ...
    @property
    def test_seconds(self) -> float: ...


def total_seconds(history: Iterable[_Epoch]) -> float:
    """Return training and testing time, summed over epochs."""
    return round(sum(epoch.train_seconds + epoch.test_seconds for epoch in history), 3)


def refuse_fractions(history: Iterable[_Epoch], train_images: int, test_images: int) -> None:
    """Refuse epochs whose accuracies are not those of whole images.

    Raises:
        ValueError: one is not.
    """
    for place, epoch in enumerate(history):
        refuse_fraction(f"history.{place}.train_accuracy", epoch.train_accuracy, train_images)
        refuse_fraction(f"history.{place}.test_accuracy", epoch.test_accuracy, test_images)


def refuse_fraction(name: str, accuracy: float, images: int) -> None:
    """Refuse an accuracy that no whole number of correct images gives.

    Raises:
        ValueError: it differs by more than rounding; the message starts with ``name``.
    """
    correct = accuracy * images
    if abs(correct - round(correct)) > _ROUNDING * images:
        raise ValueError(f"{name}: {accuracy:.9g} is not the accuracy of {images:,} images")


def refuse_other_accuracy(accuracy: float, mistakes: int, images: int) -> None:
    """Refuse an accuracy that does not follow from the number of mistakes.

    Raises:
        ValueError: it differs by more than rounding.
    """
    follows = 1 - mistakes / images
    if abs(accuracy - follows) > _ROUNDING:
        raise ValueError(
            f"test_accuracy: {accuracy:.6g}, but with {mistakes:,} of {images:,} images"
            f" misclassified it is {follows:.6g}"
        )


def reason(error: Exception) -> str:
    """Return one line that says why a file could not be read, and where in it."""
    said = str(getattr(error, "strerror", None) or error)
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the text"
        said = f"{where}: {problem['msg'].removeprefix('Value error, ')}"
    # It may quote the file, which can hold control characters.
    return "".join(
        letter if letter.isprintable() else ascii(letter)[1:-1] for letter in " ".join(said.split())
    )


def now() -> datetime:
    """Return the current local time with its time zone, to the second."""
    return datetime.now().astimezone().replace(microsecond=0)
