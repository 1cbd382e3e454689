"""Worker: trains one trial, in this process or in one of its own."""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from multiprocessing.connection import Connection
from pathlib import Path

from mnistlab.data import Dataset
from mnistlab.data.loading import Loader
from mnistlab.errors import BusyError, MnistlabError
from mnistlab.experiments.trial import PRELOAD, Trial
from mnistlab.experiments.trial_events import (
    Listener,
    TrialFailed,
    TrialFinished,
    TrialProgress,
    TrialStarted,
    TrialStopped,
    TrialWaiting,
)
from mnistlab.recipe import Recipe
from mnistlab.runs import RunOptions
from mnistlab.training import EpochDone, Event, RunFinished, RunStarted, train
from mnistlab.training.device import cuda_devices

_PATIENCE = 0.2
"""Seconds between two attempts to train in a folder in which another process is training."""

_loader = Loader()


def run_trial(
    trial: Trial,
    options: RunOptions,
    on_event: Listener,
    should_stop: Callable[[], bool],
    *,
    folder: Path | None = None,
    dataset: Dataset | None = None,
) -> None:
    """Train a trial, resuming what its folder holds; whatever goes wrong is a ``TrialFailed``.

    A folder in which another process is training is waited for: that may be what is left of an
    experiment whose driver was killed.

    Args:
        trial: what to train.
        options: where and how.
        on_event: called with ``TrialStarted``, ``TrialProgress`` and, last, one of
            ``TrialFinished``, ``TrialFailed``, ``TrialStopped``.
        should_stop: asked every few milliseconds.
        folder: where to train instead of the trial's own folder.
        dataset: the images; ``None`` loads them by the recipe's ``data``.
    """
    waiting = False
    while True:
        try:
            finished = _train(trial, options, on_event, should_stop, folder, dataset)
        except BusyError:
            if not waiting:
                on_event(TrialWaiting(trial))
                waiting = True
            if should_stop():
                finished = False
            else:
                time.sleep(_PATIENCE)
                continue
        except MnistlabError as error:
            on_event(TrialFailed(trial, str(error)))
            return
        except Exception as error:  # one run's fault must not end the others
            on_event(TrialFailed(trial, f"{type(error).__name__}: {error}"))
            return
        if not finished:
            on_event(TrialStopped(trial))
        return


def _train(
    trial: Trial,
    options: RunOptions,
    on_event: Listener,
    should_stop: Callable[[], bool],
    folder: Path | None,
    dataset: Dataset | None,
) -> bool:
    """Train a trial once; whether it came to the end."""

    def relay(event: Event) -> None:
        match event:
            case RunStarted():
                notes = tuple(f"{trial.recipe.model}: {note}" for note in event.notes)
                on_event(TrialStarted(trial, event.epochs_done, notes))
            case EpochDone():
                on_event(TrialProgress(trial, event.metrics))
            case RunFinished():
                on_event(TrialFinished(trial, event.record))

    trained = train(
        trial.recipe,
        dataset or _loader.load(trial.recipe),
        seed=trial.seed,
        folder=folder or trial.folder,
        resume=True,
        on_event=relay,
        should_stop=should_stop,
        **asdict(options),
    )
    return trained is not None


def work(connection: Connection, trial: Trial, options: RunOptions, slot: int | None) -> None:
    """Train a trial in a process of its own, sending its events to the driver.

    Anything that comes from the driver, the end of the connection included, asks to stop with a
    checkpoint.

    Args:
        connection: to the driver.
        trial: what to train.
        options: where and how.
        slot: number of this run among those in progress, which spreads them over the CUDA devices;
            ``None`` leaves the device to the options.
    """

    def tell(event: object) -> None:
        # A driver that has ended is noticed when the run next asks whether to stop.
        try:
            connection.send(event)
        except OSError:
            return

    def asked() -> bool:
        try:
            return connection.poll()
        # On Windows the end of the driver shows this way.
        except OSError:
            return True

    if slot is not None and (gpus := cuda_devices()):
        options = replace(options, gpu=slot % gpus)
    try:
        run_trial(trial, options, tell, asked)
    except KeyboardInterrupt:
        # The user's Ctrl-C is ignored here, so a model raised it.
        tell(TrialFailed(trial, "KeyboardInterrupt, raised by the run itself"))


def _preload(data_keys: str) -> None:
    for key in data_keys.splitlines():
        # The run that needs it says what cannot be loaded.
        with contextlib.suppress(MnistlabError):
            _loader.load(Recipe.model_validate_json(key))


if PRELOAD in os.environ:
    _preload(os.environ[PRELOAD])
