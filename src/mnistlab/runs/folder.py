"""RunFolder: the files of one run, and the lock that keeps two processes from sharing it."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from mnistlab.errors import BusyError, RunError
from mnistlab.runs.atomic import TEMPORARY_SUFFIX, write_atomically
from mnistlab.runs.record import RunRecord

_LOCK_NAME = ".lock"


class RunFolder:
    """One run's folder.

    While the run is going on it holds ``checkpoint.safetensors``; a finished one holds ``model.safetensors``,
    ``test_logits.npy`` (float32, ``(test images, classes)``) and ``record.json``, which is written last: its presence
    means that the run is finished.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record_file = path / "record.json"
        self.model_file = path / "model.safetensors"
        self.logits_file = path / "test_logits.npy"
        self.checkpoint_file = path / "checkpoint.safetensors"

    @property
    def finished(self) -> bool:
        """Whether a finished run's record is there."""
        return self.record_file.is_file()

    @property
    def begun(self) -> bool:
        """Whether an unfinished run's checkpoint is there."""
        return not self.finished and self.checkpoint_file.is_file()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process, making it first if need be, and clear away what a killed one left.

        Raises:
            BusyError: another process holds it.
            RunError: it cannot be made.
        """
        made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / _LOCK_NAME, timeout=0)
            lock.acquire()
        except Timeout:
            raise BusyError(f"{self.path}: another process is training in this folder; wait, or name another") from None
        except OSError as error:
            raise RunError(f"{self.path}: cannot be used: {error.strerror or error}") from error
        try:
            for stray in self.path.glob(f".*{TEMPORARY_SUFFIX}"):
                stray.unlink(missing_ok=True)
            yield
        finally:
            # The lock file stays: unlinking one that others may wait on would let two of them in. Only folders made for
            # a run of which nothing came are removed whole.
            if made and [file.name for file in self.path.iterdir()] == [_LOCK_NAME]:
                (self.path / _LOCK_NAME).unlink()
                with contextlib.suppress(OSError):
                    for folder in made:
                        folder.rmdir()
            lock.release()

    def read_record(self) -> RunRecord:
        """Return the finished run's record.

        Raises:
            RunError: there is none, or it is damaged.
        """
        if not self.finished:
            raise RunError(f"{self.path}: holds no finished run")
        try:
            return RunRecord.from_json(self.record_file.read_bytes(), str(self.record_file))
        except OSError as error:
            raise RunError(f"{self.record_file}: cannot be read: {error.strerror}") from error

    def read_logits(self) -> NDArray[np.float32]:
        """Return the final epoch's test logits, ``(test images, classes)``.

        Raises:
            RunError: there are none, or the file is damaged.
        """
        try:
            logits = np.load(self.logits_file, allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            raise RunError(f"{self.logits_file}: cannot be read: {error}") from error
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
            RunError: there are none, or they cannot be read.
        """
        return self._read(self.model_file)

    def write_checkpoint(self, content: bytes) -> None:
        """Replace the checkpoint.

        Raises:
            RunError: the disk refuses.
        """
        self._write(self.checkpoint_file, content)

    def finish(self, record: RunRecord, model: bytes, logits: NDArray[np.float32]) -> None:
        """Write a finished run's files, the record last, and remove the checkpoint.

        Raises:
            RunError: the disk refuses; the checkpoint is still there.
        """
        array = io.BytesIO()
        np.save(array, logits, allow_pickle=False)
        self._write(self.model_file, model)
        self._write(self.logits_file, array.getvalue())
        self._write(self.record_file, record.to_json())
        self.checkpoint_file.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the run's files, the record first."""
        for file in (self.record_file, self.checkpoint_file, self.model_file, self.logits_file):
            file.unlink(missing_ok=True)

    def _read(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise RunError(f"{file}: cannot be read: {error.strerror}") from error

    def _write(self, file: Path, content: bytes | str) -> None:
        try:
            write_atomically(file, content)
        except OSError as error:
            raise RunError(f"{file}: cannot be written: {error.strerror}") from error
