"""The reader's training as a whole: rendered pages in, the model file and its record out."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mnistlab.data import load_dataset
from mnistlab.data.download import cache_folder
from mnistlab.detector.calibration import Answers, Calibration, collect, combine, fit
from mnistlab.detector.loss import Batch
from mnistlab.detector.network import MIDDLE, prepare
from mnistlab.detector.quantise import quantise_classifier, quantise_detector, write_model
from mnistlab.detector.training import (
    PAGES,
    STATE,
    VIEWS,
    Crops,
    Progress,
    examples,
    generator,
    train,
)
from mnistlab.errors import RunError
from mnistlab.rendering.character_bank import CharacterBank, load_bank
from mnistlab.runs import (
    Environment,
    RunFolder,
    describe_environment,
    folder_lock,
    now,
    write_atomically,
)

MODEL, RECORD = "reader.bin", "record.json"
STEPS = 60_000
"""Batches: two million crops, some hours on two cores."""
DIGITS = 24_000
"""Of MNIST's training images, the first, which the pages are written with."""
_HELD_OUT = 24
"""Batches of pages that the networks have not seen, to calibrate them with."""


_SETTINGS, _LOSSES = "settings.json", "losses.json"
_FILES = STATE, _SETTINGS, _LOSSES
"""What a run needs to be resumed."""


class _Settings(BaseModel):
    """What a run is begun with."""

    steps: int
    seed: int


class ReaderRecord(BaseModel):
    """What is known of a reader's training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(description="batches")
    crops: int = Field(description="of rendered pages, two photographs of each")
    seed: int
    digits: int = Field(description="of MNIST's training set, that the pages were written with")
    parameters: dict[str, int] = Field(description="of the detector and the classifier")
    losses: list[Progress] = Field(description="means of a hundred steps each")
    calibration: Calibration
    found: float = Field(description="share of characters of unseen crops that the detector finds")
    named: float = Field(description="share of what is seen in unseen crops that is named right")
    model: str = Field(description="SHA-256 of the model file")
    environment: Environment
    finished: datetime


def train_reader(  # noqa: PLR0913 - all that may be said of a run
    folder: Path,
    *,
    steps: int = STEPS,
    seed: int = 0,
    workers: int = 1,
    threads: int | None = None,
    resume: bool = True,
    overwrite: bool = False,
    bank: CharacterBank | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    after_step: Callable[[int], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ReaderRecord | None:
    """Train the reader's networks and write ``reader.bin`` and ``record.json``.

    A run that was interrupted goes on where it was, and ends in the same bits; one that is finished
    is read.

    Args:
        folder: of the run; it is made if missing.
        steps: batches of 32 crops.
        seed: of the pages and of the networks' first weights.
        workers: processes that render pages.
        threads: of PyTorch; ``None`` leaves them as they are.
        resume: go on with the run that the folder holds, if any.
        overwrite: start over whatever it holds.
        bank: what pages are written with; ``None`` is :func:`training_bank`.
        report: called every hundred steps.
        after_step: called after each, with their number so far.
        should_stop: asked after each; if true, the run is left to be resumed.

    Returns:
        The record; ``None`` if the run was stopped.

    Raises:
        RunError: another process trains in the folder, or it holds a run that is not to be gone on
            with, or one of another seed or length.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror or error}") from error
    with folder_lock(folder, busy="another process trains here"):
        if overwrite:
            for name in (*_FILES, MODEL, RECORD):
                (folder / name).unlink(missing_ok=True)
        if done := _check_folder(folder, _Settings(steps=steps, seed=seed), resume=resume):
            return done
        if threads:
            torch.set_num_threads(threads)
        bank = bank or training_bank()
        told = _Losses(folder)

        def keep(progress: Progress) -> None:
            told.add(progress)
            report(progress)

        trained = train(
            folder,
            bank,
            steps=steps,
            seed=seed,
            workers=workers,
            report=keep,
            after_step=after_step,
            should_stop=should_stop,
        )
        if trained is None:
            return None
        detector, named = trained
        unseen = Crops(bank, seed + 1_000_000, 0, _HELD_OUT)
        batches = [unseen.batch(number) for number in range(_HELD_OUT)]
        answers = Answers(
            *(
                torch.cat(part)
                for part in zip(*(collect(detector, named, one) for one in batches), strict=True)
            )
        )
        calibration = fit(answers)
        images = np.concatenate([one.images.numpy()[:, 0] for one in batches[:4]])
        with torch.no_grad():
            said = [detector(prepare(one.images)) for one in batches[:4]]
        cut_outs = [
            examples(out, one, generator(seed, number))[0]
            for number, (out, one) in enumerate(zip(said, batches, strict=False))
        ]
        networks = quantise_detector(detector, images)
        networks["classifier"] = quantise_classifier(named, _grey(torch.cat(cut_outs)))
        write_model(folder / MODEL, networks, calibration)
        record = ReaderRecord(
            steps=steps,
            crops=steps * PAGES * VIEWS,
            seed=seed,
            digits=DIGITS,
            parameters={
                name: sum(parameter.numel() for parameter in net.parameters())
                for name, net in (("detector", detector), ("classifier", named))
            },
            losses=told.all,
            calibration=calibration,
            found=_found(said, batches),
            named=_named(answers, calibration),
            model=hashlib.sha256((folder / MODEL).read_bytes()).hexdigest(),
            environment=describe_environment("cpu", 1, "native"),
            finished=now(),
        )
        write_atomically(folder / RECORD, record.model_dump_json(indent=1))
    return record


class _Losses:
    """What was reported of a run, interrupted ones included."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _LOSSES
        self.all: list[Progress] = []
        if self._file.exists():
            self.all = [Progress(*row) for row in json.loads(self._file.read_text("utf-8"))]

    def add(self, progress: Progress) -> None:
        # What came after the state that was kept comes again.
        self.all = [one for one in self.all if one.step < progress.step] + [progress]
        write_atomically(self._file, json.dumps(self.all))


def _check_folder(folder: Path, wanted: "_Settings", *, resume: bool) -> ReaderRecord | None:
    """Return the record of a run that is finished, and keep what a new one is begun with.

    Raises:
        RunError: there is a run that is not to be gone on with, or is another one.
    """
    if (other := RunFolder(folder)).record_file.exists() and not (folder / MODEL).exists():
        raise RunError(f"{other.path}: holds a recipe's run; choose another folder")
    settings = folder / _SETTINGS
    if not settings.exists():
        write_atomically(settings, wanted.model_dump_json())
        return None
    if not resume:
        kind = "a finished" if (folder / RECORD).exists() else "an unfinished"
        raise RunError(
            f"{folder}: holds {kind} run; give `resume=True` to go on with it, `overwrite=True` to"
            " start over, or choose another folder"
        )
    try:
        begun = _Settings.model_validate_json(settings.read_bytes())
        if begun != wanted:
            raise RunError(
                f"{folder}: holds a run of {begun.steps:,} steps and seed {begun.seed}; give the"
                " same, or `overwrite=True` to start over"
            )
        if (folder / RECORD).exists() and (folder / MODEL).exists():
            return ReaderRecord.model_validate_json((folder / RECORD).read_bytes())
    except ValueError as error:
        raise RunError(f"{folder}: is damaged; give `overwrite=True` to start over") from error
    return None


def training_bank() -> CharacterBank:
    """Return the digits and letters that training pages are written with."""
    train = load_dataset("mnist").train
    images = np.asarray(train.images[:DIGITS]).reshape(-1, 28, 28)
    return load_bank(images, np.asarray(train.labels[:DIGITS]), cache_folder())


def _grey(cut_outs: torch.Tensor) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = cut_outs.round().clamp(0, 255).byte().numpy()[:, 0]
    return grey


def _found(said: list[torch.Tensor], batches: list[Batch]) -> float:
    """Return the share of characters whose cells the detector says hold one."""
    pairs = zip(said, batches, strict=False)
    seen = [(out[:, MIDDLE] > 0)[one.tall > 0] for out, one in pairs]
    return float(torch.cat(seen).float().mean())


def _named(answers: Answers, calibration: Calibration) -> float:
    """Return the share of places that both networks together name right."""
    named = combine(answers, torch.tensor(calibration)).argmax(1)
    return float((named == answers.truth).float().mean().nan_to_num())
