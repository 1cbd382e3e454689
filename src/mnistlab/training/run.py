"""A whole run: train a recipe, keep its folder, stop and go on."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mnistlab.data import Dataset, load_dataset, take_subset
from mnistlab.errors import KernelError, ModelError, RunError, TrainingError
from mnistlab.models.user_errors import user_errors
from mnistlab.recipe import Recipe, built_in, read_source
from mnistlab.runs import (
    MAX_SEED,
    DataSummary,
    RunFolder,
    RunRecord,
    describe_environment,
    now,
    summarise_predictions,
)
from mnistlab.training.backend import KERNELS
from mnistlab.training.checkpoint import pack_checkpoint, pack_model, read_header, restore
from mnistlab.training.code_trust import remember
from mnistlab.training.device import choose_device, computing_threads, describe_device
from mnistlab.training.events import (
    EpochDone,
    Event,
    Listener,
    RunFinished,
    RunStarted,
    RunStopped,
    ignore,
    never,
)
from mnistlab.training.negatives import add_negatives
from mnistlab.training.resumption import (
    refuse_difference,
    refuse_other_kernels,
    refuse_other_run,
    refuse_other_source,
)
from mnistlab.training.trained import TrainedModel, load_trained
from mnistlab.training.trainer import Trainer


def train(
    recipe: Recipe | str,
    dataset: Dataset | None = None,
    *,
    seed: int = 0,
    folder: Path | str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    gpu: int | None = None,
    threads: int | None = None,
    kernels: str = "auto",
    on_event: Listener = ignore,
    should_stop: Callable[[], bool] = never,
) -> TrainedModel | None:
    """Train a recipe.

    Args:
        recipe: a recipe, or the name of a built-in one.
        dataset: the images, of which the recipe may take a part; ``None`` loads what
            ``recipe.data`` names.
        seed: 0 to 10**18; decides the weights, the order of images, augmentation and dropout.
        folder: where the run's files go, with a checkpoint after every epoch; ``None`` keeps
            nothing.
        resume: go on with what the folder holds, if anything; a finished run is read and not
            trained again.
        overwrite: start over whatever the folder holds.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        gpu: number of the CUDA device.
        threads: CPU threads to compute on; ``None`` is one a core. With the fast layers any number
            gives the same bits; on plain PyTorch a resumed run goes on with as many as it began
            with.
        kernels: ``auto`` takes the fast layers where they fit, ``torch`` plain PyTorch.
        on_event: told of progress.
        should_stop: asked before every batch, or every few; when true, the run is kept as it is and
            can be resumed.

    Returns:
        The trained model, or ``None`` if it was asked to stop before the end.

    Raises:
        MnistlabError: of the kind that fits: a recipe, data, model, device or folder that cannot be
            used.
    """
    if kernels not in KERNELS:
        raise KernelError(f"{kernels}: no such kernels; one of {', '.join(KERNELS)}")
    if not 0 <= seed <= MAX_SEED:
        raise RunError(f"the seed must be from 0 to {MAX_SEED:,}")
    if folder == "":
        raise RunError("the name of the run's folder is empty; name one, the current one is .")
    recipe = built_in(recipe) if isinstance(recipe, str) else recipe
    chosen = choose_device(device, gpu)
    run_folder = RunFolder(Path(folder)) if folder is not None else None
    if run_folder and not (resume or overwrite):
        _refuse_occupied(run_folder)
    dataset = take_subset(
        dataset or load_dataset(recipe.data), validation=recipe.validation, limit=recipe.train_limit
    )
    if run_folder is None:
        return _train(recipe, dataset, seed, chosen, None, threads, kernels, on_event, should_stop)
    with run_folder.lock():
        if overwrite:
            run_folder.clear()
        elif run_folder.finished:
            return _reuse(recipe, dataset, seed, run_folder, on_event)
        return _train(
            recipe, dataset, seed, chosen, run_folder, threads, kernels, on_event, should_stop
        )


def _refuse_occupied(folder: RunFolder) -> None:
    remedies = "or --overwrite to start over, or name another folder"
    if folder.finished:
        raise RunError(f"{folder.path}: holds a finished run; give --resume to use it, {remedies}")
    if folder.begun:
        raise RunError(
            f"{folder.path}: holds an unfinished run; give --resume to go on, {remedies}"
        )


def _train(
    recipe: Recipe,
    dataset: Dataset,
    seed: int,
    device: torch.device,
    folder: RunFolder | None,
    threads: int | None,
    kernels: str,
    on_event: Listener,
    should_stop: Callable[[], bool],
) -> TrainedModel | None:
    content, header, started = b"", None, now()
    source = read_source(recipe.model)
    if folder and folder.begun:
        content = folder.read_checkpoint()
        header = read_header(content, str(folder.checkpoint_file))
        refuse_other_run(
            folder.path, header, recipe, seed, source, dataset.fingerprint, device.type, threads
        )
        started = header.started
        if header.kernels == "torch":
            kernels, threads = "torch", header.threads
    with computing_threads(threads) as used:
        enlarged = add_negatives(dataset, recipe)
        trainer = Trainer(recipe, enlarged, seed, device, kernels, source)
        remember(source)
        if folder and header:
            refuse_other_kernels(folder.path, header.kernels, trainer.backend.kernels)
            with user_errors(recipe.model, "taking back its state", ModelError):
                restore(trainer, header, content, str(folder.checkpoint_file))
        on_event(_start_event(trainer, enlarged, used))

        def keep() -> None:
            if folder:
                with user_errors(recipe.model, "giving its state", ModelError):
                    content = pack_checkpoint(trainer, dataset.fingerprint, used, started)
                folder.write_checkpoint(content)

        def listen(event: Event) -> None:
            if isinstance(event, EpochDone):
                keep()
            on_event(event)

        try:
            finished = trainer.run(listen, should_stop)
        except TrainingError as error:
            done = len(trainer.history)
            raise TrainingError(
                f"{error}; {folder.path} keeps the run up to epoch {done}"
                if folder and done
                else str(error)
            ) from error
        if not finished:
            keep()
            on_event(RunStopped(trainer.epoch, trainer.batch, len(trainer.bounds)))
            return None
        with user_errors(recipe.model, "the test in the end"):
            trainer.adopt_averages()
            logits = trainer.test_logits().cpu().numpy()
        if np.isnan(logits).any():
            raise TrainingError(f"{recipe.model}: its logits are no numbers in the test at the end")
        record = _record(trainer, enlarged, dataset.fingerprint, logits, used, started)
    with user_errors(recipe.model, "giving its state", ModelError):
        weights, model = pack_model(trainer.model), trainer.model.cpu().eval()
    if folder:
        folder.finish(record, weights, logits)
    on_event(RunFinished(record))
    return TrainedModel(record, model, logits)


def _reuse(
    recipe: Recipe, dataset: Dataset, seed: int, folder: RunFolder, on_event: Listener
) -> TrainedModel:
    record = folder.read_record()
    refuse_difference(
        folder.path,
        record.recipe,
        record.seed,
        record.data.fingerprint,
        recipe,
        seed,
        dataset.fingerprint,
    )
    source = read_source(recipe.model)
    refuse_other_source(folder.path, record.source, record.imports, source)
    remember(source)
    trained = load_trained(folder, trusted=True)
    on_event(RunFinished(record, reused=True))
    return trained


def _start_event(trainer: Trainer, dataset: Dataset, threads: int) -> RunStarted:
    return RunStarted(
        recipe=trainer.recipe,
        seed=trainer.seed,
        parameters=trainer.parameters,
        device=describe_device(trainer.device),
        threads=threads,
        kernels=trainer.backend.kernels,
        reason=trainer.backend.reason,
        train_images=len(dataset.train),
        test_images=len(dataset.test),
        epochs_done=len(trainer.history),
        batches=len(trainer.bounds),
    )


def _record(
    trainer: Trainer,
    dataset: Dataset,
    fingerprint: str,
    logits: NDArray[np.float32],
    threads: int,
    started: datetime,
) -> RunRecord:
    return RunRecord(
        recipe=trainer.recipe,
        seed=trainer.seed,
        data=DataSummary(
            name=dataset.name,
            fingerprint=fingerprint,
            train_images=len(dataset.train),
            test_images=len(dataset.test),
            image_size=dataset.image_size,
            classes=dataset.classes,
            note=dataset.note,
        ),
        parameters=trainer.parameters,
        history=tuple(trainer.history),
        source=trainer.source.digest,
        imports=trainer.source.imports,
        predictions=summarise_predictions(*trainer.score_training(), logits, dataset.test.labels),
        environment=describe_environment(
            describe_device(trainer.device), threads, trainer.backend.kernels
        ),
        started=started,
    )
