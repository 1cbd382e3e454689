"""Interruptible calls: into compiled code that cannot be interrupted itself, made in a thread that
the caller waits for, and gives up on an interrupt or when time is up.
"""

import os
import threading
import weakref
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

Outcome = tuple[Any, BaseException | None]
Order = tuple[Callable[[], Any], SimpleQueue[Outcome]]


class Caller:
    """Makes calls one after the other in a thread of its own, which never keeps the program from
    ending.
    """

    def __init__(self) -> None:
        self._process = 0

    def call(self, function: Callable[[], Any], seconds: float) -> Any:
        """Return what a function returns, or raise what it raises.

        Raises:
            TimeoutError: it took longer than ``seconds``; it may still be running.
        """
        # Threads do not survive a fork.
        if self._process != os.getpid():
            self._process, self._orders = os.getpid(), SimpleQueue[Order | None]()
            threading.Thread(target=_work, args=(self._orders,), daemon=True).start()
            weakref.finalize(self, self._orders.put, None)
        outcome: SimpleQueue[Outcome] = SimpleQueue()
        self._orders.put((function, outcome))
        try:
            result, error = outcome.get(timeout=seconds)
        except Empty:
            raise TimeoutError(f"not done after {seconds:g} seconds") from None
        if error:
            raise error
        return result


def _work(orders: "SimpleQueue[Order | None]") -> None:
    while order := orders.get():
        function, outcome = order
        try:
            outcome.put((function(), None))
        except BaseException as error:
            outcome.put((None, error))
        # What was read must not live until the next call.
        del order, function, outcome
