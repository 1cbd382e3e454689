"""Timing: several ways of doing the same work take turns, so that other load on the machine slows
all of them alike.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Seconds of one way: the median of its repetitions, the shortest and the longest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Times":
        """Summarise what was measured."""
        return cls(statistics.median(values), min(values), max(values))

    def scaled(self, factor: float) -> "Times":
        """Return the same for ``factor`` times the work."""
        return Times(self.median * factor, self.low * factor, self.high * factor)


def in_turns(
    ways: Mapping[str, Callable[[], float | None]], repetitions: int, on_turn: Callable[[str], None]
) -> dict[str, Times]:
    """Summarise :func:`every_turn`."""
    return {name: Times.of(s) for name, s in every_turn(ways, repetitions, on_turn).items()}


def every_turn(
    ways: Mapping[str, Callable[[], float | None]], repetitions: int, on_turn: Callable[[str], None]
) -> dict[str, list[float]]:
    """Time each way ``repetitions`` times, taking turns, after one turn that does not count.

    Args:
        ways: by name; one may return its own seconds if only part of the call counts.
        repetitions: number of turns that count.
        on_turn: called with the name of the way that comes next.

    Returns:
        The seconds of each way's turns.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repetitions + 1):
        for name, run in ways.items():
            on_turn(name)
            began = time.perf_counter()
            own = run()
            if turn:
                seconds[name].append(own if own is not None else time.perf_counter() - began)
    return seconds
