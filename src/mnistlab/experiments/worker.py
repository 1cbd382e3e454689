"""Worker: trains one task, in this process or in one of its own."""

import contextlib
import os
import time
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

from mnistlab.data import Dataset, load_dataset
from mnistlab.errors import BusyError, MnistlabError
from mnistlab.experiments.trial import PRELOAD, Settings, Trial
from mnistlab.experiments.trial_events import (
    Listener,
    TrialFailed,
    TrialFinished,
    TrialProgress,
    TrialStarted,
    TrialStopped,
)
from mnistlab.training import EpochDone, Event, RunFinished, RunStarted, train
from mnistlab.training.device import cuda_devices, preload_optimizers

_PATIENCE = 0.2
"""Seconds between two looks at a folder that another process holds."""

load = cache(load_dataset)


def run_trial(
    trial: Trial,
    settings: Settings,
    on_event: Listener,
    should_stop: Callable[[], bool],
    *,
    gpu: int | None = None,
    folder: Path | None = None,
    dataset: Dataset | None = None,
) -> None:
    """Train a task, going on with what its folder holds; whatever goes wrong is told as
    ``TrialFailed``.

    A folder that another process holds is waited for: it may be the rest of an experiment whose
    driver was killed.

    Args:
        trial: what to train.
        settings: how.
        on_event: told ``TrialStarted``, ``TrialProgress`` and, last, one of ``TrialFinished``,
            ``TrialFailed``, ``TrialStopped``.
        should_stop: asked every few milliseconds.
        gpu: number of the CUDA device.
        folder: where to train instead of the task's own folder.
        dataset: the images; ``None`` loads them by the recipe's ``data``.
    """

    def relay(event: Event) -> None:
        match event:
            case RunStarted():
                on_event(TrialStarted(trial, event.epochs_done))
            case EpochDone():
                on_event(TrialProgress(trial, event.metrics))
            case RunFinished():
                on_event(TrialFinished(trial, event.record))

    while True:
        try:
            trained = train(
                trial.recipe,
                dataset or load(trial.recipe.data),
                seed=trial.seed,
                folder=folder or trial.folder,
                resume=True,
                device=settings.device,
                gpu=gpu,
                threads=settings.threads,
                kernels=settings.kernels,
                on_event=relay,
                should_stop=should_stop,
            )
        except BusyError:
            if should_stop():
                on_event(TrialStopped(trial))
                return
            time.sleep(_PATIENCE)
            continue
        except MnistlabError as error:
            on_event(TrialFailed(trial, str(error)))
        except Exception as error:  # one run's fault must not end the others
            on_event(TrialFailed(trial, f"{type(error).__name__}: {error}"))
        else:
            if trained is None:
                on_event(TrialStopped(trial))
        return


def work(connection: Connection, trial: Trial, settings: Settings, slot: int | None) -> None:
    """Train a task in a process of its own, telling the driver through the connection.

    Anything that comes from the driver, its end included, asks to stop with a checkpoint.

    Args:
        connection: to the driver.
        trial: what to train.
        settings: how.
        slot: number of this run among those that go on side by side, which spreads them over the
            CUDA devices; ``None`` leaves the device to the settings.
    """

    def tell(event: object) -> None:
        # A driver that is gone is noticed when the run next asks whether to stop.
        try:
            connection.send(event)
        except OSError:
            return

    def asked() -> bool:
        try:
            return connection.poll()
        # On Windows so the end of the driver is told.
        except OSError:
            return True

    gpus = cuda_devices() if slot is not None else 0
    try:
        run_trial(
            trial, settings, tell, asked, gpu=slot % gpus if slot is not None and gpus else None
        )
    except KeyboardInterrupt:
        # Not the user's, whose signal is ignored here: a model raised it.
        tell(TrialFailed(trial, "KeyboardInterrupt, raised by the run itself"))


def _preload(sources: str) -> None:
    preload_optimizers()
    for source in sources.split(os.pathsep):
        # What cannot be loaded is told by the run that needs it.
        with contextlib.suppress(MnistlabError):
            load(source)


if PRELOAD in os.environ:
    _preload(os.environ[PRELOAD])
