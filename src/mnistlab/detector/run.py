"""The reader's training as a whole: rendered pages in, the model file and its record out.

First the detector is trained. Then other pages are looked at with it, and what it sees there trains
the classifier. Pages that neither has seen tell how far to trust each.
"""

import contextlib
import copy
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from mnistlab.data import load_dataset
from mnistlab.data.download import cache_folder
from mnistlab.detector.calibration import Answers, Calibration, combine, fit
from mnistlab.detector.classifier import CLASSES, Classifier
from mnistlab.detector.classifier_training import RATE as CLASSIFIER_RATE
from mnistlab.detector.classifier_training import train_classifier
from mnistlab.detector.cut_outs import CutOuts, collect, join
from mnistlab.detector.network import Detector
from mnistlab.detector.quantise import (
    IntegerNetwork,
    quantise_classifier,
    quantise_detector,
    read_model,
    write_model,
)
from mnistlab.detector.training import DECAY, PAGES, RATE, STATE, VIEWS, Crops, Progress, train
from mnistlab.detector.warm_start import start_classifier, start_detector
from mnistlab.errors import ModelError, RunError
from mnistlab.files import read_file
from mnistlab.recogniser.engine import Engine
from mnistlab.rendering.character_bank import CharacterBank, load_bank
from mnistlab.runs import (
    Environment,
    EpochMetrics,
    RunFolder,
    describe_environment,
    folder_lock,
    now,
    write_atomically,
)
from mnistlab.training.device import choose_device, describe_device

MODEL, RECORD = "reader.bin", "record.json"
STEPS = 60_000
"""Batches of the detector: two million crops, some hours on two cores."""
SHARDS, EPOCHS = 170, 3
"""Files of cut-outs that the classifier is trained on, and how often."""
HELD_OUT = 6_000
"""Of MNIST's training images, the last: pages to measure and calibrate with are written with them,
all others with the rest."""
_PAGES, _MEASURED = 250, 2
"""Pages of a file of cut-outs, and files that are measured and calibrated on."""
_STREAMS = 11, 99
"""Added to the seed for the pages that the classifier is trained on, and for those held out; the
detector has seen others."""
_REFINED, _REFINING, _REFINING_CLASSIFIER = 0.9, 1e-3, 5e-4
"""Where networks are trained on: share of the steps in which the detector's learning rate falls,
its highest one, and the classifier's. At a rate as high as at first it forgets."""
_AT_ONCE = 4096
"""Cut-outs that are classified at once."""
_CALIBRATED = 4
"""Batches that show how large activations become."""
_PLAIN = 0.15
"""Share of plain places that the classifier is shown, see :func:`collect`."""
_DETECTOR, _CUT_OUTS, _CLASSIFIER = "detector.bin", "cut_outs", "classifier.safetensors"
_LOOKING = "looking.bin"
_SETTINGS, _LOSSES = "settings.json", "losses.json"
_FILES = STATE, _SETTINGS, _LOSSES, _DETECTOR, _LOOKING, _CLASSIFIER
"""What a run needs to be resumed."""


class _Settings(BaseModel):
    """What a run is begun with."""

    steps: int
    shards: int
    epochs: int
    seed: int
    start: str


class Banks(NamedTuple):
    """What pages are written with: to train on, and to measure on."""

    train: CharacterBank
    held_out: CharacterBank


class ReaderRecord(BaseModel):
    """What is known of a reader's training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(description="batches of the detector")
    crops: int = Field(description="of rendered pages, that the detector was trained on")
    start: str = Field(description="SHA-256 of the model whose detector it started from, if any")
    before: "ReaderRecord | None" = Field(description="what is known of that model, if anything")
    cut_outs: int = Field(description="that the classifier was trained on")
    seed: int
    digits: tuple[int, int] = Field(
        description="of MNIST's training set, that the pages were written with; held out"
    )
    parameters: dict[str, int] = Field(description="of the detector and the classifier")
    losses: list[Progress] = Field(description="the detector's, means of a hundred steps each")
    epochs: list[EpochMetrics] = Field(
        description="the classifier's, before it is averaged; tested on held-out pages"
    )
    calibration: Calibration
    named: float = Field(description="share of what is seen on held-out pages that is named right")
    model: str = Field(description="SHA-256 of the model file")
    environment: Environment
    finished: datetime


def train_reader(  # noqa: PLR0913 - all that may be said of a run
    folder: Path,
    *,
    steps: int = STEPS,
    shards: int = SHARDS,
    epochs: int = EPOCHS,
    seed: int = 0,
    start: Path | None = None,
    workers: int = 1,
    threads: int | None = None,
    device: str = "cpu",
    resume: bool = True,
    overwrite: bool = False,
    banks: Banks | None = None,
    report: Callable[[str], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ReaderRecord | None:
    """Train the reader's networks and write ``reader.bin`` and ``record.json``.

    A run that was interrupted goes on where it was, and ends in the same bits; one that is finished
    is read.

    Args:
        folder: of the run; it is made if missing.
        steps: batches of 32 crops that the detector is trained on.
        shards: files of cut-outs that the classifier is trained on, of 250 pages each; 0 keeps
            that of ``start``.
        epochs: of the classifier.
        seed: of the pages and of the networks' first weights.
        start: a reader's model, whose networks are trained on; with ``steps=0`` its detector is
            kept, with ``shards=0`` its classifier.
        workers: processes that render pages.
        threads: of PyTorch; ``None`` leaves them as they are.
        device: that trains the classifier, see :func:`mnistlab.training.device.choose_device`; the
            detector is trained on the CPU, which has to render its crops anyway.
        resume: go on with the run that the folder holds, if any.
        overwrite: start over whatever it holds.
        banks: what pages are written with; ``None`` is :func:`training_banks`.
        report: called with a line for every hundred steps, every file and every epoch.
        should_stop: asked often; if true, the run is left to be resumed.

    Returns:
        The record; ``None`` if the run was stopped.

    Raises:
        RunError: ``epochs`` is less than 1; another process trains in the folder, or it holds a run
            that is not to be gone on with, or one of another seed or length.
        DeviceError: there is no such device.
        ModelError: ``start`` cannot be read, or is no reader's model.
    """
    if not (steps and shards) and start is None:
        raise RunError("without steps or shards there has to be a model that is kept")
    if epochs < 1:
        raise RunError(f"epochs: must be at least 1, not {epochs}")
    trains_on = choose_device(device)
    if start:
        read_model(start)  # refused before anything is begun
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror or error}") from error
    with folder_lock(folder, busy="another process trains here"):
        origin = _hash_of(start) if start else ""
        wanted = _Settings(steps=steps, shards=shards, epochs=epochs, seed=seed, start=origin)
        if done := _check_folder(folder, wanted, resume=resume, overwrite=overwrite):
            return done
        if threads:
            torch.set_num_threads(threads)
        run = _Run(
            folder, wanted, banks or training_banks(), workers, trains_on, report, should_stop
        )
        return run.train(start)


class _Run(NamedTuple):
    folder: Path
    settings: _Settings
    banks: Banks
    workers: int
    device: torch.device
    report: Callable[[str], None]
    should_stop: Callable[[], bool]

    def train(self, start: Path | None) -> ReaderRecord | None:
        """Go through the stages; ``None`` if asked to stop."""
        if not self._make_detector(start) or not self._make_cut_outs(start):
            return None
        measured = join([_load(file) for file in self._shards(held_out=True)])
        if self.settings.shards:
            shown = join([_load(file) for file in self._shards(held_out=False)])
            trained = self._train_classifier(start, shown, measured)
            if trained is None:
                return None
            (network, epochs), count = trained, len(shown.kinds)
        else:
            network, count, epochs = self._kept_classifier(start), 0, []
        before = _record_of(start, self.settings.start) if start else None
        record = self._finish(network, measured, count, epochs, before)
        shutil.rmtree(self.folder / _CUT_OUTS)
        return record

    def _train_classifier(
        self, start: Path | None, shown: CutOuts, measured: CutOuts
    ) -> tuple[IntegerNetwork, list[EpochMetrics]] | None:
        torch.manual_seed(self.settings.seed)
        net, before = Classifier(), None
        network = read_model(start).get("classifier") if start else None
        if network:
            start_classifier(net, network, shown.images[:1024])
            before = copy.deepcopy(net).eval()
        epochs = train_classifier(
            net,
            self.folder / _CLASSIFIER,
            shown,
            measured,
            epochs=self.settings.epochs,
            seed=self.settings.seed,
            rate=_REFINING_CLASSIFIER if before else CLASSIFIER_RATE,
            device=self.device,
            report=self._tell,
            should_stop=self.should_stop,
        )
        if epochs is None:
            return None
        return quantise_classifier(net, measured.images[:4096], before), epochs

    def _kept_classifier(self, start: Path | None) -> IntegerNetwork:
        networks = read_model(start) if start else {}
        if "classifier" not in networks:
            raise ModelError(f"{start}: has no classifier that could be kept; give shards")
        return networks["classifier"]

    def _tell(self, done: EpochMetrics) -> None:
        right = f"{done.train_accuracy:.2%} right, {done.test_accuracy:.2%} on held-out pages"
        self.report(f"classifier, epoch {done.epoch} of {self.settings.epochs}: {right}")

    def _make_detector(self, start: Path | None) -> bool:
        """Train the detector and keep it as a model without a classifier; ``False`` if stopped."""
        target = self.folder / _DETECTOR
        if target.exists():
            return True
        networks = read_model(start) if start else {}
        networks.pop("classifier", None)
        if not self.settings.steps:
            write_model(target, networks)
            return True
        unseen = Crops(self.banks.held_out, self.settings.seed + _STREAMS[1], 0, _CALIBRATED)
        images = torch.cat([unseen.batch(number).images for number in range(_CALIBRATED)])
        pictures = images.numpy()[:, 0]

        def begin(net: Detector) -> None:
            if networks:
                start_detector(net, networks, pictures)

        told = _Losses(self.folder)

        def keep(progress: Progress) -> None:
            told.add(progress)
            found = f"{progress.found:.1%} of characters found, {progress.named:.1%} named right"
            self.report(f"detector, step {progress.step:,} of {self.settings.steps:,}: {found}")

        detector = train(
            self.folder,
            self.banks.train,
            steps=self.settings.steps,
            seed=self.settings.seed,
            workers=self.workers,
            # What is trained on needs to be refined.
            rate=_REFINING if networks else RATE,
            decay=_REFINED if networks else DECAY,
            start=begin,
            report=keep,
            should_stop=self.should_stop,
        )
        if detector is None:
            return False
        write_model(target, quantise_detector(detector, pictures))
        return True

    def _shards(self, *, held_out: bool) -> list[Path]:
        place = self.folder / _CUT_OUTS
        count = _MEASURED if held_out else self.settings.shards
        return [place / f"{'held-out' if held_out else 'train'}-{n}.npz" for n in range(count)]

    def _make_cut_outs(self, start: Path | None) -> bool:
        """Look at pages with the detector; ``False`` if asked to stop."""
        (self.folder / _CUT_OUTS).mkdir(exist_ok=True)
        # With what a classifier leaves over there is more to learn from.
        known = read_model(start) if start else {}
        networks = known | read_model(self.folder / _DETECTOR)
        write_model(self.folder / _LOOKING, networks)
        model = (self.folder / _LOOKING).read_bytes()
        for held_out, bank in enumerate(self.banks):
            seed = self.settings.seed + _STREAMS[held_out]
            plain = 1 if held_out else _PLAIN
            jobs = Shards(model, bank, seed, self._shards(held_out=bool(held_out)), plain)
            # This process only waits for them.
            workers = self.workers and self.workers + 1
            loader = torch.utils.data.DataLoader(jobs, batch_size=None, num_workers=workers)
            for file, count in loader:
                self.report(f"{Path(file).stem}: {count:,} cut-outs")
                if self.should_stop():
                    return False
        return True

    def _finish(
        self,
        classifier: IntegerNetwork,
        measured: CutOuts,
        cut_outs: int,
        epochs: list[EpochMetrics],
        before: ReaderRecord | None,
    ) -> ReaderRecord:
        """Calibrate, and write the model and its record."""
        networks = read_model(self.folder / _DETECTOR) | {"classifier": classifier}
        write_model(self.folder / MODEL, networks)
        engine = Engine((self.folder / MODEL).read_bytes())
        # All at once they would not fit into the core's memory.
        parts = range(0, len(measured.images), _AT_ONCE)
        logits = np.concatenate(
            [engine.classify(measured.images[at : at + _AT_ONCE]) for at in parts]
        )[:, :CLASSES]
        detected = torch.from_numpy(measured.detected)
        answers = Answers(
            torch.from_numpy(logits),
            (detected[:, :-1] + 1e-6).log(),
            detected[:, -1],
            torch.from_numpy(measured.kinds),
        )
        calibration = fit(answers)
        write_model(self.folder / MODEL, networks, calibration)
        said = combine(answers, torch.tensor(calibration)).argmax(1)
        steps, seed = self.settings.steps, self.settings.seed
        record = ReaderRecord(
            steps=steps,
            crops=steps * PAGES * VIEWS,
            start=self.settings.start,
            before=before,
            cut_outs=cut_outs,
            seed=seed,
            digits=(self.banks.train.digits, self.banks.held_out.digits),
            parameters={"detector": _count(Detector()), "classifier": _count(Classifier())},
            losses=_Losses(self.folder).all,
            epochs=epochs,
            calibration=calibration,
            named=float((said == answers.truth).float().mean()),
            model=hashlib.sha256((self.folder / MODEL).read_bytes()).hexdigest(),
            environment=describe_environment(
                describe_device(self.device),
                torch.get_num_threads(),
                "native" if self.device.type == "cpu" else "torch",
            ),
            finished=now(),
        )
        write_atomically(self.folder / RECORD, record.model_dump_json(indent=1))
        return record


class Shards(torch.utils.data.IterableDataset[tuple[str, int]]):
    """Files of cut-outs, made by any number of worker processes; those that exist are left."""

    def __init__(
        self, model: bytes, bank: CharacterBank, seed: int, files: list[Path], plain: float
    ) -> None:
        self._model, self._bank, self._seed, self._files = model, bank, seed, files
        self._plain = plain

    def __iter__(self) -> Iterator[tuple[str, int]]:
        worker = torch.utils.data.get_worker_info()
        torch.set_num_threads(1)
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        engine = Engine(self._model)
        for number in range(first, len(self._files), step):
            file = self._files[number]
            if file.exists():
                continue
            pages = range(number * _PAGES, (number + 1) * _PAGES)
            found = collect(engine, self._bank, self._seed, pages, plain=self._plain)
            _save(found, file)
            yield str(file), len(found.kinds)


class _Losses:
    """What was reported of a run's detector, interrupted ones included."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _LOSSES
        self.all: list[Progress] = []
        if self._file.exists():
            self.all = [Progress(*row) for row in json.loads(self._file.read_text("utf-8"))]

    def add(self, progress: Progress) -> None:
        # What came after the state that was kept comes again.
        self.all = [one for one in self.all if one.step < progress.step] + [progress]
        write_atomically(self._file, json.dumps(self.all))


def _check_folder(
    folder: Path, wanted: _Settings, *, resume: bool, overwrite: bool
) -> ReaderRecord | None:
    """Return the record of a run that is finished, and keep what a new one is begun with.

    Raises:
        RunError: there is a run that is not to be gone on with, or is another one.
    """
    settings = folder / _SETTINGS
    if RunFolder(folder).record_file.exists() and not settings.exists():
        raise RunError(f"{folder}: holds a recipe's run; choose another folder")
    if overwrite and settings.exists():
        for name in (*_FILES, MODEL, RECORD):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / _CUT_OUTS, ignore_errors=True)
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
                f"{folder}: holds a run of {begun.steps:,} steps, {begun.shards:,} shards,"
                f" {begun.epochs:,} epochs and seed {begun.seed}, or one that started from another"
                " model; give the same, or `overwrite=True` to start over"
            )
        if (folder / RECORD).exists() and (folder / MODEL).exists():
            return ReaderRecord.model_validate_json((folder / RECORD).read_bytes())
    except ValueError as error:
        raise RunError(f"{folder}: is damaged; give `overwrite=True` to start over") from error
    return None


def _hash_of(model: Path) -> str:
    try:
        return hashlib.sha256(read_file(model)).hexdigest()
    except OSError as error:
        raise ModelError(f"{model}: cannot be read: {error.strerror or error}") from error


def _record_of(model: Path, digest: str) -> ReaderRecord | None:
    """Return the record beside a model file, if it is that model's."""
    for file in (model.with_name(RECORD), model.with_suffix(".json")):
        with contextlib.suppress(OSError, ValueError):
            record = ReaderRecord.model_validate_json(file.read_bytes())
            if record.model == digest:
                return record
    return None


def training_banks() -> Banks:
    """Return the digits and letters that pages are written with."""
    train = load_dataset("mnist").train
    images, labels = np.asarray(train.images).reshape(-1, 28, 28), np.asarray(train.labels)
    parts = slice(-HELD_OUT), slice(-HELD_OUT, None)
    return Banks(*(load_bank(images[part], labels[part], cache_folder()) for part in parts))


def _save(found: CutOuts, file: Path) -> None:
    content = io.BytesIO()
    np.savez(
        content,
        images=found.images,
        kinds=found.kinds.astype(np.uint8),
        detected=found.detected.astype(np.float16),
        offsets=found.offsets.astype(np.float16),
    )
    write_atomically(file, content.getvalue())


def _load(file: Path) -> CutOuts:
    with np.load(file) as held:
        return CutOuts(
            held["images"],
            held["kinds"].astype(np.int64),
            held["detected"].astype(np.float32),
            held["offsets"].astype(np.float32),
        )


def _count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())
