"""A run from beginning to end: trained, saved in its folder, stopped and resumed."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistlab.arguments import as_path, thread_count
from mnistlab.data import Dataset
from mnistlab.data.loading import load_for, take_for
from mnistlab.errors import DataError, KernelError, ModelError, RunError, TrainingError
from mnistlab.models.user_model import user_errors
from mnistlab.recipe import Recipe, Source, read_code, read_source, resolve_recipe
from mnistlab.runs import (
    CodeDigest,
    DataSummary,
    RunFolder,
    RunRecord,
    best_epoch,
    check_prerequisites,
    describe_environment,
    digest_of,
    now,
    refuse_seed,
    score_classes,
    summarise_predictions,
)
from mnistlab.runs.options import ignore, never
from mnistlab.training.backend import AS_BEGUN, KERNELS
from mnistlab.training.checkpoint import (
    CheckpointHeader,
    pack_checkpoint,
    pack_model,
    read_header,
    restore,
)
from mnistlab.training.code_trust import add_trusted
from mnistlab.training.device import choose_device, describe_device, torch_threads
from mnistlab.training.events import (
    EpochDone,
    Event,
    Listener,
    RunFinished,
    RunStarted,
    RunStopped,
)
from mnistlab.training.negatives import add_negatives
from mnistlab.training.optimizers import check_optimizer
from mnistlab.training.resumption import (
    refuse_difference,
    refuse_other_code,
    refuse_other_kernels,
    refuse_other_run,
    refuse_other_source,
    refuse_other_weights,
)
from mnistlab.training.trained import TrainedModel, load_trained
from mnistlab.training.trainer import Trainer


def train(  # noqa: PLR0913 - the public signature
    recipe: Recipe | Path | str | nn.Module,
    dataset: Dataset | Path | str | None = None,
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
    **changes: Any,
) -> TrainedModel | None:
    """Train a recipe.

    Args:
        recipe: a recipe, a built-in one's name, a ``.toml`` file, or a model of your own as
            ``path/to/file.py:build``; what ``mnistlab train`` takes. Or a module that is in memory:
            a copy of it is trained from the weights that it has, which no record can say, so that
            nothing of it is kept in a folder.
        dataset: the images, of which the recipe may take a part, or what ``data=`` may be: a known
            data set's name, a folder or a file; ``None`` loads what ``recipe.data`` names.
        seed: 0 to 10**18; decides the weights, the order of images, augmentation and dropout.
        folder: where the run's files go, with a checkpoint after every epoch; ``None`` keeps
            nothing.
        resume: resume the run that the folder holds, if it holds one. A finished run is read and
            not trained again, unless the recipe has more epochs than it: then these follow, and it
            ends in the same bits as if it had been asked for them at first. Where it could not
            (schedules ``cosine`` and ``onecycle``, ``swa``), that is refused.
        overwrite: start over whatever the folder holds.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        gpu: number of the CUDA device.
        threads: CPU threads to compute on; ``None`` is one per core. With the native kernels any
            number gives the same bits; on plain PyTorch a resumed run uses as many as it began
            with.
        kernels: ``auto`` takes the native kernels where they fit, ``torch`` plain PyTorch.
        on_event: called with each of :mod:`mnistlab.training.events`.
        should_stop: asked before every batch, or every few; when true, the run is kept as it is and
            can be resumed.
        changes: fields of the recipe and their new values, for example ``epochs=5``.

    Returns:
        The trained model, or ``None`` if it was asked to stop before the end.

    Raises:
        MnistlabError: of the kind that fits: a recipe, data, model, device or folder that cannot be
            used. It is a ``BusyError`` if another process is training in the folder.
    """
    refuse_seed(seed)
    threads = thread_count("threads", threads)
    if folder == "":
        raise RunError("the name of the run's folder is empty; name one, the current one is .")
    if dataset is not None and "data" in changes:
        raise RunError("the data are given twice, as the data set and as `data=`; leave one out")
    if isinstance(dataset, str | Path):
        dataset, changes = None, changes | {"data": dataset}
    if dataset is not None and not isinstance(dataset, Dataset):
        raise DataError(
            f"{type(dataset).__name__}: is no data set; make one with mnistlab.make_dataset, or"
            " give a known one's name, a folder or a file"
        )
    module = None
    if isinstance(recipe, nn.Module):
        module, recipe = recipe, _recipe_of(recipe, folder)
    recipe = resolve_recipe(recipe, **changes)
    chosen = choose_device(device, gpu)
    place = None if folder is None else RunFolder(as_path("folder", folder, "a path"))
    # Before anything that the folder holds is removed.
    weights = check_run(
        recipe,
        place,
        kernels=kernels,
        occupied=resume or overwrite,
        in_memory=module is not None,
    )
    dataset = take_for(recipe, dataset or load_for(recipe))
    run = _Run(recipe, seed, dataset, place, chosen, threads, kernels, on_event, module, weights)
    if place is None:
        return run.train(should_stop)
    with place.lock():
        if overwrite:
            place.clear()
        elif place.finished and not _goes_on(run, place):
            return _reuse(run, place)
        return run.train(should_stop)


def check_run(
    recipe: Recipe,
    folder: RunFolder | None,
    *,
    kernels: str = "auto",
    occupied: bool = False,
    in_memory: bool = False,
) -> bytes:
    """Refuse what needs no data to be refused, and return the recipe's initial weights.

    Args:
        recipe: what is to be trained.
        folder: where, if anything is kept.
        kernels: see :func:`train`.
        occupied: whether the folder may hold a run.
        in_memory: whether the model is there, so that its code is not needed.

    Raises:
        MnistlabError: of the kind that fits.
    """
    if kernels not in KERNELS:
        raise KernelError(f"{kernels}: no such kernels; one of {', '.join(KERNELS)}")
    if folder and not occupied:
        _refuse_occupied(folder, recipe)
    if folder and recipe.init:
        _refuse_own_weights(folder, recipe.init)
    check_optimizer(recipe.optimizer)
    # A run that is gone on with says by itself that its model has changed.
    held = folder is not None and (folder.begun or folder.finished)
    return check_prerequisites(recipe, in_memory=in_memory or held)


def _recipe_of(module: nn.Module, folder: object) -> Recipe:
    """Return the recipe of a module that is in memory.

    Raises:
        ModelError: there is a folder, from which it could neither be resumed nor read.
    """
    name = type(module).__name__
    if folder is not None:
        raise ModelError(
            f"{name}: a module that is in memory cannot be kept in a folder; write a function that"
            " builds it into a file, and train 'path/to/file.py:build' instead, or leave folder out"
        )
    return Recipe(name=name, model=f"memory:{name}")


def _refuse_occupied(folder: RunFolder, recipe: Recipe) -> None:
    remedies = "`overwrite=True` to start over, or choose another folder"
    if folder.finished:
        use = "use it"
        # A damaged one is to be named by whoever reads it.
        with contextlib.suppress(RunError):
            done = folder.read_record().recipe.epochs
            if recipe.epochs > done:
                use = f"go on with it, from {done} to {recipe.epochs} epochs"
        raise RunError(
            f"{folder.path}: holds a finished run; give `resume=True` to {use}, {remedies}"
        )
    if folder.begun:
        # Another process that is training it is the better reason.
        with folder.lock():
            pass
        raise RunError(
            f"{folder.path}: holds an unfinished run; give `resume=True` to resume it, {remedies}"
        )


def _refuse_own_weights(folder: RunFolder, init: str) -> None:
    """Refuse to write over the weights that a run starts from."""
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        own, place = folder.path.resolve(), Path(init).expanduser().resolve()
        if own in (place, place.parent):
            raise RunError(
                f"{folder.path}: its own weights are those to start from (init = {init}), and would"
                " be written over; choose another folder"
            )


@dataclass(frozen=True)
class _Run:
    """What to train, where, and how; ``dataset`` is the part that the recipe takes."""

    recipe: Recipe
    seed: int
    dataset: Dataset
    folder: RunFolder | None
    device: torch.device
    threads: int | None
    kernels: str
    on_event: Listener
    module: nn.Module | None = None
    weights: bytes = b""

    def train(self, should_stop: Callable[[], bool]) -> TrainedModel | None:
        """Train from the folder's checkpoint, or from the start; ``None`` if asked to stop."""
        recipe, module = self.recipe, self.module
        source = read_source(recipe.model) if module is None else Source(recipe.model)
        code = read_code(recipe)
        checkpoint = self._checkpoint(source, code)
        threads, kernels, started = self.threads, self.kernels, now()
        if checkpoint:
            started = checkpoint.header.started
            if checkpoint.header.kernels == "torch":
                kernels = kernels if kernels == "torch" else AS_BEGUN
                threads = checkpoint.header.threads
        with torch_threads(threads) as used:
            dataset = add_negatives(self.dataset, recipe)
            trainer = Trainer(
                recipe,
                dataset,
                self.seed,
                self.device,
                kernels,
                source,
                module,
                code,
                weights=self.weights,
            )
            add_trusted(source)
            if checkpoint:
                checkpoint.restore(trainer)
            self.on_event(_start_event(trainer, dataset, used))
            if not self._train_epochs(trainer, used, started, should_stop):
                return None
            with user_errors(recipe.model, "the final test"):
                trainer.swap_in_final()
                logits = trainer.test_logits().cpu().numpy()
            if np.isnan(logits).any():
                raise TrainingError(f"{recipe.model}: its logits are NaN in the final test")
            record = _record(trainer, dataset, self.dataset.fingerprint, logits, used, started)
        with user_errors(recipe.model, "state_dict", ModelError):
            weights, model = pack_model(trainer.model), trainer.model.cpu().eval()
        if self.folder:
            more = not (recipe.bound_to_epochs or record.stopped_early)
            self.folder.finish(record, weights, logits, keep_checkpoint=more)
        self.on_event(RunFinished(record))
        return TrainedModel(record, model, logits)

    def _checkpoint(self, source: Source, code: Mapping[str, Source]) -> "_Checkpoint | None":
        """Return the folder's checkpoint, if it is one of this run."""
        if not (self.folder and self.folder.has_checkpoint):
            return None
        content = self.folder.read_checkpoint()
        header = read_header(content, str(self.folder.checkpoint_file))
        refuse_other_run(
            self.folder.path,
            header,
            self.recipe,
            self.seed,
            source,
            self.dataset.fingerprint,
            self.device.type,
            self.threads,
        )
        refuse_other_weights(self.folder.path, header.init, digest_of(self.weights))
        refuse_other_code(self.folder.path, header.code, code)
        return _Checkpoint(self.folder, header, content)

    def _train_epochs(
        self,
        trainer: Trainer,
        threads: int,
        started: datetime,
        should_stop: Callable[[], bool],
    ) -> bool:
        """Train to the last epoch, with a checkpoint after each; whether it came to the end."""

        def keep() -> None:
            if self.folder:
                with user_errors(self.recipe.model, "state_dict", ModelError):
                    content = pack_checkpoint(trainer, self.dataset.fingerprint, threads, started)
                self.folder.write_checkpoint(content)

        def listen(event: Event) -> None:
            if isinstance(event, EpochDone):
                keep()
            self.on_event(event)

        try:
            finished = trainer.run(listen, should_stop)
        except TrainingError as error:
            done = len(trainer.history)
            raise TrainingError(
                f"{error}; {self.folder.path} keeps the run up to epoch {done}"
                if self.folder and done
                else str(error)
            ) from error
        if not finished:
            keep()
            self.on_event(RunStopped(trainer.epoch, trainer.batch, len(trainer.bounds)))
        return finished


@dataclass(frozen=True)
class _Checkpoint:
    folder: RunFolder
    header: CheckpointHeader
    content: bytes

    def restore(self, trainer: Trainer) -> None:
        refuse_other_kernels(self.folder.path, self.header.kernels, trainer.backend.kernels)
        with user_errors(trainer.recipe.model, "load_state_dict", ModelError):
            restore(trainer, self.header, self.content, str(self.folder.checkpoint_file))


def _goes_on(run: _Run, folder: RunFolder) -> bool:
    """Return whether more epochs are to follow on a finished run.

    Raises:
        RunError: it is another run, or they cannot follow.
    """
    recipe = run.recipe
    record = folder.read_record()
    refuse_difference(
        folder.path,
        record.recipe,
        record.seed,
        record.data.fingerprint,
        recipe,
        run.seed,
        run.dataset.fingerprint,
    )
    if recipe.epochs == record.recipe.epochs or record.stopped_early:
        return False
    if not folder.has_checkpoint:
        raise RunError(
            f"{folder.path}: holds a finished run of {record.recipe.epochs} epochs, but no"
            f" {folder.checkpoint_file.name} to go on from (earlier versions kept none, and it can"
            " be pruned); start over with `overwrite=True`, or choose another folder"
        )
    return True


def _reuse(run: _Run, folder: RunFolder) -> TrainedModel:
    recipe, record = run.recipe, folder.read_record()
    source = read_source(recipe.model)
    refuse_other_source(folder.path, record.source, record.imports, source)
    refuse_other_weights(folder.path, record.init_digest, digest_of(run.weights))
    refuse_other_code(folder.path, record.code, read_code(recipe))
    add_trusted(source)
    trained = load_trained(folder, trusted=True)
    run.on_event(RunFinished(record, reused=True))
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
        notes=trainer.notes,
        frozen=trainer.frozen.parameters if trainer.frozen else 0,
    )


def _record(
    trainer: Trainer,
    dataset: Dataset,
    fingerprint: str,
    logits: NDArray[np.float32],
    threads: int,
    started: datetime,
) -> RunRecord:
    predictions = summarise_predictions(*trainer.score_training(), logits, dataset.test.labels)
    return RunRecord(
        recipe=trainer.recipe,
        seed=trainer.seed,
        data=DataSummary(
            name=dataset.name,
            fingerprint=fingerprint,
            train_images=len(dataset.train),
            test_images=len(dataset.test),
            image_size=dataset.image_size,
            channels=dataset.channels,
            classes=dataset.classes,
            note=dataset.note,
            watched_images=len(dataset.watched) if dataset.watched is not None else 0,
            places=tuple(dataset.drawn.tolist()) if dataset.drawn is not None else (),
        ),
        parameters=trainer.parameters,
        history=tuple(trainer.history),
        kept=(
            trainer.history[best_epoch(trainer.recipe, trainer.history) - 1]
            if trainer.recipe.patience
            else None
        ),
        source=trainer.source.digest,
        imports=trainer.source.imports,
        init=trainer.init,
        frozen=trainer.frozen,
        code={field: CodeDigest.of(source) for field, source in trainer.code.items()},
        class_weights=trainer.class_weights,
        input=trainer.input,
        predictions=predictions,
        scores=score_classes(predictions, dataset.classes),
        environment=describe_environment(
            describe_device(trainer.device), threads, trainer.backend.kernels
        ),
        started=started,
    )
