"""RunRecord: what one run was and what it measured, in a file that a person can read."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
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
from mnistlab.runs.initial_weights import FrozenWeights, InitialWeights, weight_notes
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
from mnistlab.runs.watching import best_epoch, out_of_patience
from mnistlab.text import csv_row, html_table, listed

LARGEST_RECORD = 1 << 26
"""Bytes of a ``record.json``; a million misclassified images take half as many."""
_ROUNDING, _MILLISECOND = 1e-9, 1e-3
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
        watched_loss: mean cross-entropy in nats over the watched images, by the weights tested;
            ``None`` if the recipe watches none.
        watched_accuracy: share of them classified correctly, 0 to 1.
    """

    epoch: Size
    train_loss: TrainLoss
    train_accuracy: Share
    test_loss: Loss
    test_accuracy: Share
    train_seconds: Quantity
    test_seconds: Quantity
    images_per_second: Quantity
    watched_loss: Loss | None = None
    watched_accuracy: Share | None = None

    @model_serializer(mode="wrap")
    def _leave_out_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_none(serialise(self))


class DataSummary(_Frozen):
    """Which images a run saw; the fingerprint is :attr:`mnistlab.data.Dataset.fingerprint`.

    Attributes:
        train_images: number of images trained on.
        watched_images: number of images that were scored after each epoch, for early stopping or
            the learning rate, but neither trained on nor tested on.
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
    watched_images: Count = 0

    @model_serializer(mode="wrap")
    def _leave_out_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = serialise(self)
        for field in ("places", "watched_images"):
            if not getattr(self, field):
                content.pop(field, None)
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
    """The figures to quote: those of the weights that are kept.

    Attributes:
        test_accuracy: share of the images tested on that are classified correctly, 0 to 1.
        test_loss: mean cross-entropy over them, in nats.
        test_errors: how many of them are not.
        best_epoch: the one with the highest test accuracy. Its accuracy is optimistic, since it is
            chosen on the test images themselves.
        best_test_accuracy: that accuracy.
        epoch: whose weights are kept, if early stopping chose them, on images that are not tested
            on; ``None`` is the last.
    """

    test_accuracy: float
    test_loss: float
    test_errors: int
    best_epoch: int
    best_test_accuracy: float
    epoch: int | None = None

    @model_serializer(mode="wrap")
    def _leave_out_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_none(serialise(self))


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
        kept: the figures of the epoch whose weights are kept, where early stopping chose it;
            ``None`` is the last, see :attr:`outcome`.
        source: digest of a user model's file, see :class:`mnistlab.recipe.Source`.
        imports: digests of the files that it imports, by module name; ``None`` in records of older
            versions.
        init: what the recipe's initial weights gave; ``None`` if it names none.
        frozen: what was not trained, since the recipe freezes it; ``None`` if it freezes nothing.
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
    kept: EpochMetrics | None = None
    source: str = ""
    imports: dict[str, str] | None = None
    init: InitialWeights | None = None
    frozen: FrozenWeights | None = None
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
        for key in ("kept", "code", "class_weights", "scores", "init", "frozen"):
            if not content.get(key):
                content.pop(key, None)
        return content

    @model_validator(mode="after")
    def _is_consistent(self) -> "RunRecord":
        if [epoch.epoch for epoch in self.history] != list(range(1, len(self.history) + 1)):
            raise ValueError("history: not epochs 1, 2, ...")
        if self.recipe.loss == "cross_entropy" and any(e.train_loss < -1e-6 for e in self.history):
            raise ValueError("history: a negative cross-entropy")
        if bool(self.kept) != bool(self.recipe.patience):
            raise ValueError("kept: is there if, and only if, the recipe has patience")
        if len(self.history) != self.recipe.epochs and not self.stopped_early:
            raise ValueError(f"history: not the {self.recipe.epochs} epochs of the recipe")
        if self.kept and not self.is_pooled:
            best = best_epoch(self.recipe, self.history)
            if not best or self.kept != self.history[best - 1]:
                raise ValueError(f"kept: not epoch {best}, the best one on the watched images")
            if out_of_patience(self.recipe, self.history[:-1]):
                raise ValueError("history: longer than the recipe's patience")
        if self.recipe.fold and len(self.data.places) != self.data.test_images:
            raise ValueError(f"data.places: not of the fold's {self.data.test_images:,} images")
        if self.predictions:
            self.predictions.check(self.data.test_images, len(self.data.classes))
        return self

    @property
    def is_pooled(self) -> bool:
        """Whether it is made of all folds' records, see :func:`pool_folds`."""
        return bool(self.recipe.folds) and not self.recipe.fold

    @property
    def outcome(self) -> EpochMetrics:
        """The figures of the epoch whose weights are kept."""
        return self.kept or self.history[-1]

    def at(self, epoch: int) -> EpochMetrics:
        """Return an epoch's figures, from 1; after the last one, those of the weights kept."""
        return self.history[epoch - 1] if epoch <= len(self.history) else self.outcome

    @property
    def stopped_early(self) -> bool:
        """Whether the run ended since the watched images had not improved for long enough."""
        if self.is_pooled:
            return len(self.history) < self.recipe.epochs
        return out_of_patience(self.recipe, self.history)

    @property
    def ending(self) -> str:
        """After which epoch training ended, in words: ``stopped at epoch 17, weights of epoch
        14``.
        """
        last = len(self.history)
        if not self.kept:
            return f"after epoch {last}"
        return (
            f"{'stopped at' if self.stopped_early else 'after'} epoch {last}, weights of epoch"
            f" {self.kept.epoch}"
        )

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
    def init_digest(self) -> str:
        """SHA-256 of the weights that it started from; empty if they were all drawn."""
        return self.init.sha256 if self.init else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was chosen or lost in fitting the images to the model, what its initial and its
        frozen weights are, and how much each class counts, each a short sentence.
        """
        weights = class_weight_notes(self.class_weights, self.data.classes)
        return (*self.model_input.notes, *weight_notes(self.init, self.frozen), *weights)

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
        """The figures of the weights that are kept, and the best epoch's beside them."""
        last = self.outcome
        best = max(self.history, key=lambda epoch: epoch.test_accuracy)
        return FinalFigures(
            test_accuracy=last.test_accuracy,
            test_loss=last.test_loss,
            test_errors=round((1 - last.test_accuracy) * self.data.test_images),
            best_epoch=best.epoch,
            best_test_accuracy=best.test_accuracy,
            epoch=self.kept.epoch if self.kept else None,
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
            ("Parameters", f"{self.parameters:,}{self._frozen_too()}"),
            ("Epochs", self.ending if self.kept else str(len(self.history))),
            (f"{on.capitalize()} accuracy", f"{100 * final.test_accuracy:.2f} %"),
            (f"{on.capitalize()} loss", f"{final.test_loss:.4f}"),
            ("Errors", f"{final.test_errors:,} of {self.data.test_images:,}"),
            ("Seconds", f"{self.seconds:.1f}"),
        ]
        return html_table((), rows)

    def _frozen_too(self) -> str:
        return f", and {self.frozen.parameters:,} frozen" if self.frozen else ""

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
        for place, epoch in enumerate(self.history):
            if epoch.watched_accuracy is not None:
                name, images = f"history.{place}.watched_accuracy", self.data.watched_images
                refuse_fraction(name, epoch.watched_accuracy, images)
        if self.predictions:
            self.predictions.refuse_contradictions()
            refuse_fraction(
                "predictions.train_accuracy",
                self.predictions.train_accuracy,
                self.data.train_images,
            )
            refuse_other_accuracy(
                self.outcome.test_accuracy,
                len(self.predictions.mistakes),
                self.data.test_images,
            )
            if self.scores and self.scores != score_classes(self.predictions, self.data.classes):
                raise ValueError("scores: not those that follow from the predictions")
        refuse_other_seconds(content.get("seconds", self.seconds), self.history)
        wanted = {f"final.{name}": value for name, value in self.final.model_dump().items()}
        stored = content.get("final")
        found = (
            {f"final.{name}": value for name, value in stored.items()}
            if isinstance(stored, dict)
            else {}
        )
        for name in wanted.keys() & found.keys():
            if found[name] != wanted[name]:
                raise ValueError(
                    f"{name}: {found[name]!r}, but the other figures give {wanted[name]!r}"
                )


def history_csv(record: RunRecord) -> str:
    """Return every epoch's figures as comma-separated values, under the names of
    :class:`EpochMetrics`; those of watched images are left out if there are none.
    """
    rows = [epoch.model_dump() for epoch in record.history]
    return "".join(map(csv_row, (rows[0], *(map(str, row.values()) for row in rows))))


def _without_none(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value is not None}


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
    return round(math.fsum(epoch.train_seconds + epoch.test_seconds for epoch in history), 3)


def refuse_other_seconds(seconds: Any, history: Iterable[_Epoch]) -> None:
    """Refuse a time that is not the epochs' sum.

    Raises:
        ValueError: it differs by more than the last digit, which depends on the version of Python
            that added them up.
    """
    follows, close = total_seconds(history), 2 * _MILLISECOND
    # Without a difference, which overflows for a whole number of many digits.
    if not (isinstance(seconds, int | float) and follows - close < seconds < follows + close):
        raise ValueError(f"seconds: {str(seconds)[:40]}, but the epochs' add up to {follows!r}")


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


def have_one_model(records: Sequence[RunRecord]) -> bool:
    """Return whether the code of runs' models was the same, as far as the records tell: those of
    older versions do not know what it imported.
    """
    imports = [record.imports for record in records if record.imports is not None]
    return len({record.source for record in records}) == 1 and all(
        one == imports[0] for one in imports
    )


def class_weight_notes(weights: Sequence[float], classes: Sequence[str]) -> tuple[str, ...]:
    """Return one line with the weight of each class in the loss; none if they weigh the same."""
    pairs = zip(classes, weights, strict=bool(weights))
    told = listed([f"{name}: {weight:.4g}" for name, weight in pairs])
    return (f"class weights: {told}",) if weights else ()
