"""The reader's training as a whole: rendered pages in, the model file and its record out."""

import hashlib
from collections.abc import Callable
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
from mnistlab.detector.training import PAGES, VIEWS, Crops, Progress, examples, generator, train
from mnistlab.rendering.character_bank import CharacterBank, load_bank
from mnistlab.runs import Environment, describe_environment, folder_lock, now, write_atomically

MODEL, RECORD = "reader.bin", "record.json"
STEPS = 60_000
"""Batches: two million crops, some hours on two cores."""
DIGITS = 24_000
"""Of MNIST's training images, the first, which the pages are written with."""
_HELD_OUT = 24
"""Batches of pages that the networks have not seen, to calibrate them with."""


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
    finished: str


def train_reader(
    folder: Path,
    *,
    steps: int = STEPS,
    seed: int = 0,
    workers: int = 1,
    report: Callable[[Progress], None] = lambda _: None,
) -> ReaderRecord:
    """Train the reader's networks and write ``reader.bin`` and ``record.json``.

    A run that was interrupted goes on where it was, and ends in the same bits.

    Args:
        folder: of the run; it is made if missing.
        steps: batches of 32 crops.
        seed: of the pages and of the networks' first weights.
        workers: processes that render pages.
        report: called every hundred steps.

    Raises:
        RunError: another process trains in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with folder_lock(folder, busy="another process trains here"):
        bank = training_bank()
        told: list[Progress] = []

        def keep(progress: Progress) -> None:
            told.append(progress)
            report(progress)

        detector, named = train(folder, bank, steps=steps, seed=seed, workers=workers, report=keep)
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
            losses=told,
            calibration=calibration,
            found=_found(said, batches),
            named=_named(answers, calibration),
            model=hashlib.sha256((folder / MODEL).read_bytes()).hexdigest(),
            environment=describe_environment("cpu", 1, "native"),
            finished=now(),
        )
        write_atomically(folder / RECORD, record.model_dump_json(indent=1))
    return record


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
    return float((named == answers.truth).float().mean())
