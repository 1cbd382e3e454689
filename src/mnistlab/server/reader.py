"""The reader process: loads the models, then reads one picture after another. Its standard input
and output connect it to the server.

It ends when its input does, busy or not, so it never outlives the server. Signals from the terminal
do not end it, so that accepted requests are still answered.
"""

import base64
import contextlib
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mnistlab.errors import MnistlabError, PictureError, PictureSizeError
from mnistlab.server.answer import ModelReading, Problem, ReadAnswer
from mnistlab.server.frame import Frame, read_frame
from mnistlab.server.thumbnail import thumbnail
from mnistlab.text import to_json

if TYPE_CHECKING:
    from mnistlab.recogniser import Reading, Recogniser

_MEMORY, _MEMORY_A_PIXEL = 2**30, 64
"""Bytes of address space: for code, models and a small picture; and per pixel of the largest
picture allowed."""
_GRACE = 2.0
"""Seconds beyond the time limit after which the process ends itself, should the server not have
killed it."""
_A_STROKE = np.pad(np.zeros((20, 3), np.uint8), ((20, 20), (28, 29)), constant_values=255)


def main() -> None:
    """Run until standard input ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    # What a library prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Not sys.stdin, for which the interpreter would wait at its end.
    incoming = os.fdopen(os.dup(0), "rb")
    settings = read_frame(incoming)
    if settings is None:
        return
    orders: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, orders), daemon=True).start()
    _limit_memory(settings.head["max_pixels"])
    try:
        recognisers = _load(**settings.head)
    except ModuleNotFoundError as error:
        _send(
            answers, Frame({"failed": f"reading needs {error.name}: pip install 'mnistlab[serve]'"})
        )
        return
    except MnistlabError as error:
        _send(answers, Frame({"failed": str(error)}))
        return
    _send(
        answers,
        Frame({"models": {name: one.network.metadata for name, one in recognisers.items()}}),
    )
    while True:
        order = orders.get()
        with _time_limit(order.head["seconds"] + _GRACE):
            answer = _answer(order, recognisers)
        _send(answers, answer)


def _listen(stream: BinaryIO, orders: "queue.SimpleQueue[Frame]") -> None:
    while frame := read_frame(stream):
        orders.put(frame)
    os._exit(0)


def _send(stream: BinaryIO, frame: Frame) -> None:
    stream.write(frame.pack())
    stream.flush()


def _limit_memory(pixels: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY + _MEMORY_A_PIXEL * pixels, most))


def _load(
    names: list[str], models: list[str], threshold: float, max_pixels: int
) -> "dict[str, Recogniser]":
    from mnistlab.recogniser import Recogniser

    recognisers = {
        name: Recogniser(model, threshold=threshold, max_pixels=max_pixels)
        for name, model in zip(names, models, strict=True)
    }
    # Loads what is loaded lazily, so that the first picture need not wait for it.
    for recogniser in recognisers.values():
        recogniser.read(thumbnail(_A_STROKE))
    return recognisers


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    # The kernel's signal ends the process: a Python handler would wait for compiled code to return.
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(order: Frame, recognisers: "dict[str, Recogniser]") -> Frame:
    """Return status, seconds of reading, and the response's JSON."""
    start = time.perf_counter()
    try:
        first, *others = order.head["models"]
        reading = recognisers[first].read(order.body)
        answers = {first: reading} | {
            name: _read_again(reading, recognisers[name]) for name in others
        }
        told, *also = (
            _describe(name, one, images=order.head["images"]) for name, one in answers.items()
        )
        answer = ReadAnswer(**told, also=[ModelReading(**one) for one in also])
        # Unset are the images that nobody asked for.
        content = to_json(answer.model_dump(exclude_unset=True), indent=None).encode()
        status = 200
    except PictureError as error:
        status = 413 if isinstance(error, PictureSizeError) else 422
        content = Problem.body(str(error))
    except MemoryError:
        status, content = 422, Problem.body("the picture needs more memory than is allowed")
    except Exception:
        traceback.print_exc()
        status, content = 422, Problem.body("the picture cannot be read")
    seconds = time.perf_counter() - start
    return Frame({"status": status, "seconds": seconds}, content)


def _read_again(reading: "Reading", recogniser: "Recogniser") -> "Reading":
    """Return what another model reads in the digits already found; finding them is nearly all the
    work.
    """
    from mnistlab.recogniser import Digit, Reading

    if not reading.digits:
        return reading
    rows = recogniser.network.named(np.stack([digit.pixels for digit in reading.digits]))
    digits = (
        Digit(digit.box, row, digit.pixels, bool(row.max() >= recogniser.threshold))
        for digit, row in zip(reading.digits, rows, strict=True)
    )
    return Reading(tuple(digits), reading.size)


def _describe(name: str, reading: "Reading", *, images: bool) -> dict[str, Any]:
    width, height = reading.size
    seen = {
        "images": [base64.b64encode(thumbnail(digit.pixels)).decode() for digit in reading.digits]
    }
    return (
        {"model": name, "width": width, "height": height, "error": None}
        | reading.as_dict()
        | (seen if images else {})
    )


if __name__ == "__main__":
    main()
