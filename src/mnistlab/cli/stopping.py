"""Stopping: Ctrl-C and SIGTERM end training between two batches, with a checkpoint."""

import contextlib
import signal
from collections.abc import Iterator
from time import monotonic
from types import FrameType

_ONE_PRESS = 0.25
"""Seconds within which two signals are one: `timeout` signals a process, and then its group."""


class StopRequest:
    """Whether a signal has asked to stop, and which one."""

    def __init__(self) -> None:
        self.signal = 0
        self.since = 0.0

    def __call__(self) -> bool:
        """Return whether to stop."""
        return bool(self.signal)

    @property
    def exit_status(self) -> int:
        """The exit status that shells use for a process ended by a signal."""
        return 128 + self.signal


@contextlib.contextmanager
def listening_for_stop() -> Iterator[StopRequest]:
    """Turn the first SIGINT or SIGTERM into a request; a second Ctrl-C interrupts at once."""
    request = StopRequest()

    def handle(number: int, _frame: FrameType | None) -> None:
        if not request.signal:
            request.signal, request.since = number, monotonic()
        elif monotonic() - request.since > _ONE_PRESS:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
