"""Parallel runs: two processes that train side by side on one thread each, like two runs of a
comparison.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

_PROGRAM = "import sys; from mnistlab.benchmark.parallel_runs import work; work(*sys.argv[1:])"
_WAYS = ("ours", "eager")


class Pair:
    """Two processes that each train for the same number of images, in one of two ways, on
    request.
    """

    def __init__(self, recipe: str, images: int) -> None:
        command = [sys.executable, "-P", "-c", _PROGRAM, recipe, str(images)]
        self._processes = [
            subprocess.Popen(  # noqa: S603 - ourselves
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
            for _ in range(2)
        ]
        try:
            self._await()
        except BaseException:
            self.end()
            raise

    def train(self, way: str) -> float:
        """Train once in both, and return the seconds until both have finished."""
        began = time.perf_counter()
        for process in self._processes:
            assert process.stdin is not None  # noqa: S101 - piped above
            process.stdin.write(f"{way}\n")
            process.stdin.flush()
        self._await()
        return time.perf_counter() - began

    def end(self) -> None:
        """End both processes."""
        for process in self._processes:
            process.communicate()

    def _await(self) -> None:
        for process in self._processes:
            assert process.stdout is not None  # noqa: S101 - piped above
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(
                    f"a process that trains side by side ended with status {process.wait()}"
                )


@contextmanager
def pairs(recipe: str, images: int) -> Iterator[dict[str, Callable[[], float]]]:
    """Start a pair, yield what trains in each way, and end the pair afterwards."""
    pair = Pair(recipe, images)
    try:
        yield {way: partial(pair.train, way) for way in _WAYS}
    finally:
        pair.end()


def work(name: str, count: str) -> None:
    """Train in each way once, and again for every line of standard input, which names the way: the
    life of one process.
    """
    import torch

    from mnistlab.benchmark.contenders import Eager, Ours
    from mnistlab.data import load_dataset
    from mnistlab.recipe import built_in

    torch.set_num_threads(1)
    recipe, dataset, images = built_in(name), load_dataset(), int(count)
    ours = Ours(recipe, dataset, images)
    eager = Eager(recipe, dataset, images, torch.contiguous_format)
    ways: dict[str, Callable[[], object]] = dict(zip(_WAYS, (ours, eager), strict=True))
    for run in ways.values():
        run()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        ways[line.strip()]()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
