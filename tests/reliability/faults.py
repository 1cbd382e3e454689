"""Faults injected into a process's saves: at a step of the writing of a file it fails, or the
process dies."""

import ctypes
import errno
import io
import os
import signal
import struct
from pathlib import Path

from mnistlab.cli.app import main

STEPS = ("open", "write", "before fsync", "after fsync", "before rename", "after rename")
KINDS = ("EIO", "ENOSPC", "exit", "kill")
DIED = 77


def inject(file, occurrence, step, kind):
    """Let the ``occurrence``-th save of files of the name ``file``, from 1, meet a fault.

    ``write`` comes after half of the bytes have been written; ``after rename`` before the folder's
    fsync.
    """
    _Fault(file, occurrence, step, kind).install()


def run_without_privileges():
    """Run the program without what lets root write into read-only folders."""
    version, this_process = 0x20080522, 0
    assert ctypes.CDLL(None).capset(struct.pack("Ii", version, this_process), bytes(24)) == 0
    main()


class _Fault:
    def __init__(self, file, occurrence, step, kind):
        self.file, self.left, self.step, self.kind = file, occurrence, step, kind
        self.armed = False

    def install(self):
        self.open, self.fsync, self.replace = io.open, os.fsync, os.replace
        io.open, os.fsync, os.replace = self._open, self._fsync, self._replace

    def strike(self, step):
        if self.armed and step == self.step:
            if self.kind == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.kind == "exit":
                os._exit(DIED)
            self.armed = False
            if self.kind == "pause":
                os.kill(os.getpid(), signal.SIGSTOP)
                return
            number = getattr(errno, self.kind)
            raise OSError(number, os.strerror(number))

    def _open(self, file, mode="r", *options, **named):
        name = Path(file).name if isinstance(file, str | Path) else ""
        if not (name.startswith(f".{self.file}.") and name.endswith(".tmp") and "x" in mode):
            return self.open(file, mode, *options, **named)
        self.left -= 1
        self.armed = self.left == 0
        self.strike("open")
        return io.BufferedWriter(_HalfWritten(file, mode, self))

    def _fsync(self, descriptor):
        self.strike("before fsync")
        self.fsync(descriptor)
        self.strike("after fsync")

    def _replace(self, source, target):
        self.strike("before rename")
        self.replace(source, target)
        self.strike("after rename")
        self.armed = False


class _HalfWritten(io.FileIO):
    def __init__(self, file, mode, fault):
        super().__init__(file, mode.replace("b", ""))
        self._fault = fault

    def write(self, content):
        if self._fault.armed and self._fault.step == "write":
            super().write(bytes(content)[: len(content) // 2])
            self._fault.strike("write")
        return super().write(content)
