"""RunFolder: the files of one run, and the lock that keeps two processes from sharing it."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import RunError
from mnistlab.files import read_file
from mnistlab.runs.atomic import find_strays, write_atomically
from mnistlab.runs.checksum import checksum, read_checksums
from mnistlab.runs.lock import LOCK_NAME, folder_lock
from mnistlab.runs.record import LARGEST_RECORD, RunRecord, history_csv, reason

_BESIDE = ("curves.png",)
"""What commands write beside a run's own files."""
_MOST_WEIGHTS = 1 << 33
"""Bytes of a file of weights or logits; a thousand million parameters take half as many."""


class RunFolder:
    """One run's folder.

    While the run is in progress it holds ``checkpoint.safetensors``. A finished one holds
    ``model.safetensors``, ``test_logits.npy`` (float32, ``(test images, classes)``),
    ``history.csv`` (a row per epoch) and ``record.json``, which is written last: its presence means
    that the run is finished. The record has checksums of the first two, which are checked whenever
    they are read. Where more epochs can follow, the checkpoint stays. While they are trained, the
    folder holds the finished run and the checkpoint of the longer one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record_file = path / "record.json"
        self.model_file = path / "model.safetensors"
        self.logits_file = path / "test_logits.npy"
        self.checkpoint_file = path / "checkpoint.safetensors"
        self.history_file = path / "history.csv"

    @property
    def finished(self) -> bool:
        """Whether a finished run's record is there."""
        return os.path.lexists(self.record_file)

    @property
    def begun(self) -> bool:
        """Whether an unfinished run's checkpoint is there, and no finished run."""
        return not self.finished and self.has_checkpoint

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a state to train on from."""
        return os.path.lexists(self.checkpoint_file)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder for this process, make it if it is not there, and remove what a killed
        process left.

        Raises:
            BusyError: another process holds it.
            RunError: it cannot be made or cleared.
        """
        made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be used: {error.strerror or error}") from error
        busy = "in progress: another process is training in this folder; wait, or name another"
        with folder_lock(self.path, busy=busy):
            try:
                self._clear_leftovers()
                yield
            finally:
                # Folders that were made for this run are removed if nothing came of it. Windows
                # does not unlink what is open, and then they stay.
                with contextlib.suppress(OSError):
                    if made and [file.name for file in self.path.iterdir()] == [LOCK_NAME]:
                        (self.path / LOCK_NAME).unlink()
                        for folder in made:
                            folder.rmdir()

    def _clear_leftovers(self) -> None:
        """Remove what a killed process left of the files that this lock protects."""
        strays = find_strays(self.path)
        for file in (
            self.record_file,
            self.model_file,
            self.logits_file,
            self.checkpoint_file,
            self.history_file,
        ):
            self._remove(*strays.get(file.name, ()))

    def _what_it_is(self) -> str:
        """Say what there is instead of a finished run."""
        if not self.path.exists():
            return "there is no such folder"
        if self.begun:
            return "holds an unfinished run; resume it as it was started, with `resume=True`"
        below = [*self.path.glob("*/record.json"), *self.path.glob("runs/*/record.json")]
        if len(below) > 1:
            return (
                f"holds several runs; name the folder of one, mnistlab runs {self.path} lists them"
            )
        return f"holds a run further down: {below[0].parent}" if below else "holds no finished run"

    def read_record(self) -> RunRecord:
        """Return the finished run's record.

        Raises:
            RunError: there is none, or it is damaged.
        """
        if not self.finished:
            raise RunError(f"{self.path}: {self._what_it_is()}")
        try:
            return RunRecord.from_json(
                read_file(self.record_file, LARGEST_RECORD), str(self.record_file)
            )
        except OSError as error:
            raise RunError(f"{self.record_file}: cannot be read: {error.strerror}") from error

    def read_logits(self) -> NDArray[np.float32]:
        """Return the test logits of the weights that are kept, ``(test images, classes)``.

        Raises:
            RunError: there are none, or the file is damaged.
        """
        content = self._read_checked(self.logits_file)
        try:
            logits = np.load(io.BytesIO(content), allow_pickle=False)
        # Without a checksum, a header may promise more than fits into memory, or be none at all.
        except Exception as error:
            raise RunError(f"{self.logits_file}: cannot be read: {reason(error)}") from error
        if not isinstance(logits, np.ndarray) or logits.ndim != 2 or logits.dtype.kind != "f":
            raise RunError(
                f"{self.logits_file}: cannot be read: not a table of floats"
                " with one row per test image"
            )
        return np.asarray(logits, np.float32)

    def read_checkpoint(self) -> bytes:
        """Return the checkpoint's bytes.

        Raises:
            RunError: there is none, or it cannot be read.
        """
        return self._read(self.checkpoint_file)

    def read_model(self) -> bytes:
        """Return the bytes of the final weights, in the safetensors format.

        Raises:
            RunError: there are none, or they are damaged.
        """
        return self._read_checked(self.model_file)

    def write_checkpoint(self, content: bytes) -> None:
        """Replace the checkpoint.

        Raises:
            RunError: writing fails.
        """
        self._write(self.checkpoint_file, content)

    def finish(
        self,
        record: RunRecord,
        model: bytes,
        logits: NDArray[np.float32],
        *,
        keep_checkpoint: bool = False,
    ) -> None:
        """Write a finished run's files, the record last.

        Args:
            record: the run's.
            model: its weights.
            logits: of the images tested on.
            keep_checkpoint: leave the checkpoint there, for more epochs to follow.

        Raises:
            RunError: writing fails; either the checkpoint or the finished run is still there.
        """
        if self.has_checkpoint:
            # Until the new record is written, this is an unfinished run and not half of each.
            self._remove(self.record_file)
        array = io.BytesIO()
        np.save(array, logits, allow_pickle=False)
        files = {self.model_file: model, self.logits_file: array.getvalue()}
        for file, content in files.items():
            self._write(file, content)
        self._write(self.history_file, history_csv(record))
        self._write(
            self.record_file,
            record.to_json({file.name: checksum(content) for file, content in files.items()}),
        )
        if not keep_checkpoint:
            self._remove(self.checkpoint_file)

    def clear(self) -> None:
        """Remove the run's files, the record first.

        Raises:
            RunError: one of them cannot be removed.
        """
        self._remove(
            self.record_file,
            self.checkpoint_file,
            self.model_file,
            self.logits_file,
            self.history_file,
        )

    def prune(self, *, checkpoint: bool = False, logits: bool = False) -> int:
        """Remove what can be made again, and return how many bytes that frees.

        Args:
            checkpoint: remove the checkpoint, so that an unfinished run begins anew, and no more
                epochs can follow on a finished one.
            logits: remove a finished run's ``test_logits.npy``; whoever needs them lets the model
                classify the test images again.

        Raises:
            BusyError: another process is training in the folder.
            RunError: a file cannot be removed.
        """
        files = [self.checkpoint_file] * checkpoint + [self.logits_file] * (
            logits and self.finished
        )
        with self.lock():
            freed = sum(file.stat().st_size for file in files if file.is_file())
            self._remove(*files)
        return freed

    def remove(self) -> bool:
        """Remove the run, and its folder unless that holds other files.

        Returns:
            Whether the folder is gone.

        Raises:
            BusyError: another process is training in the folder.
            RunError: a file cannot be removed.
        """
        events = list((self.path / "tensorboard").glob("events.out.tfevents.*"))
        with self.lock():
            self.clear()
            self._remove(*events, *(self.path / name for name in _BESIDE))
            with contextlib.suppress(OSError):
                (self.path / "tensorboard").rmdir()
            with contextlib.suppress(OSError):
                (self.path / LOCK_NAME).unlink()
                self.path.rmdir()
        return not self.path.exists()

    def _read_checked(self, file: Path) -> bytes:
        """Read a file and verify its checksum, if the record has one."""
        content = self._read(file)
        if self.finished:
            self.read_record()
            claimed = read_checksums(self._read(self.record_file)).get(file.name)
            if claimed not in (None, checksum(content)):
                raise RunError(
                    f"{file}: cannot be read: damaged, or of another run: its checksum is not the"
                    f" one in {self.record_file.name}; restore it from a copy, or train the run"
                    " again with `overwrite=True`"
                )
        return content

    def _read(self, file: Path) -> bytes:
        try:
            return read_file(file, LARGEST_RECORD if file == self.record_file else _MOST_WEIGHTS)
        except OSError as error:
            raise RunError(f"{file}: cannot be read: {error.strerror}") from error

    def _write(self, file: Path, content: bytes | str) -> None:
        try:
            write_atomically(file, content)
        except OSError as error:
            raise RunError(f"{file}: cannot be written: {error.strerror}") from error

    @staticmethod
    def _remove(*files: Path) -> None:
        for file in files:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise RunError(f"{file}: cannot be removed: {error.strerror}") from error
