"""Damage to a file, cuts and flipped bits, and what may come of reading it."""

import signal
import time
from contextlib import contextmanager
from pathlib import Path

from mnistlab.errors import MnistlabError

HANG_SECONDS = 60
STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


class Hang(BaseException):
    """Reading went on for too long; not an Exception, which a reader might take for damage."""


def cuts(size, header, random, count):
    """Lengths to cut a file to: every one within its header, and ``count`` at random."""
    return [*range(min(header, size)), *random.integers(0, size, count).tolist()]


def flips(size, random, count):
    """Places ``(byte, bit)`` to flip."""
    return list(
        zip(
            random.integers(0, size, count).tolist(),
            random.integers(0, 8, count).tolist(),
            strict=True,
        )
    )


def flip(content, at, bit):
    damaged = bytearray(content)
    damaged[at] ^= 1 << bit
    return bytes(damaged)


def read_or_refusal(read, *names):
    """What reading gives, or the one line of its refusal, which names the file; anything else is
    raised.

    Returns:
        The result and ``None``, or ``None`` and the line.
    """
    with alarm():
        try:
            return read(), None
        except MnistlabError as error:
            line = str(error)
    assert len(line.splitlines()) == 1, line
    assert any(name in line for name in names), line
    assert line.isprintable(), line
    return None, line


@contextmanager
def alarm():
    def ring(*_):
        raise Hang(f"still reading after {HANG_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANG_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Gauge:
    """The peak of this process's memory while it was open, over what it began with, in bytes; 0
    where not told."""

    def __enter__(self):
        if RESET.exists():
            RESET.write_text("5")
        self._before, self._began = _status("VmRSS"), time.monotonic()
        self.peak = 0
        return self

    def __exit__(self, *_):
        self.peak = max(0, _status("VmHWM") - self._before)
        self.seconds = time.monotonic() - self._began


def _status(key):
    if not STATUS.exists():
        return 0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024
