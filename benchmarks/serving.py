"""Serving: how fast the server answers one client, at its capacity, and at twice that load.

``python -m benchmarks.serving --json results/serving/summary.json`` made the record.
"""

import asyncio
import contextlib
import io
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.command import command
from mnistlab.errors import ServerError
from mnistlab.runs import describe_environment

_NOMINAL, _OVERLOAD = 0.5, 2.0
"""Times the capacity: a load the server should bear, and twice what it can."""
_SECONDS, _QUICK_SECONDS = 20.0, 4.0
_IDLE_SECONDS = 3.0
"""After which a connection is not used again."""
_STROKES = (
    ((300, 60), (230, 200), (340, 190)),
    ((300, 130), (295, 280)),
    ((430, 70), (390, 170), (430, 280), (490, 170), (430, 70)),
    ((560, 75), (670, 70), (610, 290)),
)
"""Of the number 407, in a picture of 958x341 pixels, such as the page sends."""


@dataclass(frozen=True)
class Load:
    """The result of one kind of load.

    Attributes:
        asked: requests per second.
        answered: answered per second.
        refused: refused with 503 and Retry-After, per second.
        median: milliseconds from request to answer, of those answered.
        p99: milliseconds, of those answered.
        refusal_p99: milliseconds until a refusal, ``None`` if there were none.
        failed: requests that ended in any other way.
    """

    asked: float
    answered: float
    refused: float
    median: float
    p99: float
    refusal_p99: float | None
    failed: int


@dataclass(frozen=True)
class ServingBenchmark:
    """What was measured with a drawing of three digits.

    Attributes:
        alone: one client, one request after another.
        capacity: as many such clients as there are reader processes.
        nominal: half the capacity, at random moments (a Poisson process).
        overload: twice the capacity, likewise.
        ratio: p99 under overload divided by p99 under nominal load.
        environment: versions and hardware.
    """

    alone: Load
    capacity: Load
    nominal: Load
    overload: Load
    ratio: float
    environment: dict[str, Any]


def measure_serving(*, quick: bool, on_turn: Callable[[str], None]) -> ServingBenchmark:
    """Start a server and load it from this process, on the same cores.

    Args:
        quick: four seconds of each load instead of twenty.
        on_turn: called with the load that comes next.
    """
    seconds = _QUICK_SECONDS if quick else _SECONDS
    environment = describe_environment("cpu", 1, "onnxruntime").model_dump()
    with _server() as port:
        client = Client(port, drawing())
        on_turn("alone")
        asyncio.run(client.in_turns(1, 1.0))
        alone = asyncio.run(client.in_turns(1, seconds))
        on_turn("at capacity")
        capacity = asyncio.run(client.in_turns(environment["cores"], seconds))
        on_turn("nominal")
        nominal = asyncio.run(client.at_rate(_NOMINAL * capacity.answered, seconds))
        on_turn("overload")
        overload = asyncio.run(client.at_rate(_OVERLOAD * capacity.answered, seconds))
    return ServingBenchmark(
        alone, capacity, nominal, overload, overload.p99 / nominal.p99, environment
    )


def drawing() -> bytes:
    """Return a PNG such as the page sends: three digits drawn with a thick pen."""
    image = Image.new("L", (958, 341), 255)
    pen = ImageDraw.Draw(image)
    for stroke in _STROKES:
        pen.line(stroke, fill=0, width=12, joint="curve")
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


@contextlib.contextmanager
def _server() -> Iterator[int]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "mnistlab",
        "serve",
        "--port",
        "0",
        "--model",
        "reader",
        "--no-access-log",
    ]
    process = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    try:
        said = process.stdout.readline() if process.stdout else ""
        if "http://" not in said:
            raise ServerError(f"the server did not start: {said.strip() or 'it said nothing'}")
        yield int(said.partition("http://")[2].partition(",")[0].rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(30)


class Client:
    """Sends the same picture over and over, on connections that are kept open."""

    def __init__(self, port: int, picture: bytes) -> None:
        self._port = port
        head = (
            f"POST /api/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(picture)}\r\n\r\n"
        )
        self._request = head.encode() + picture
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def in_turns(self, connections: int, seconds: float) -> Load:
        """Load the server with clients that each send the next request once they have an answer."""
        results: list[tuple[int, float]] = []
        end = time.perf_counter() + seconds

        async def ask_on() -> None:
            while time.perf_counter() < end:
                results.append(await self._ask())

        await asyncio.gather(*(ask_on() for _ in range(connections)))
        return self._close(results, seconds)

    async def at_rate(self, rate: float, seconds: float) -> Load:
        """Send requests at random moments, ``rate`` per second on average, whether or not earlier
        ones have been answered.
        """
        moments = random.Random(0)  # noqa: S311
        trials, next_one = [], time.perf_counter()
        end = next_one + seconds
        while next_one < end:
            await asyncio.sleep(max(0.0, next_one - time.perf_counter()))
            trials.append(asyncio.create_task(self._ask()))
            next_one += moments.expovariate(rate)
        return self._close(await asyncio.gather(*trials), seconds)

    async def _ask(self) -> tuple[int, float]:
        began = time.perf_counter()
        writer = None
        try:
            reader, writer = self._kept() or await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(self._request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        except (OSError, EOFError, ValueError):
            if writer is not None:
                writer.close()
            return 0, time.perf_counter() - began
        if b"\r\nconnection: close" in head:
            writer.close()
        else:
            self._idle.append((time.perf_counter(), reader, writer))
        status = int(head[9:12])
        told = status != 503 or b"\r\nretry-after: " in head
        return status if told else 0, time.perf_counter() - began

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Return a connection that the server has not closed, nor is about to: it may do so after
        some idle seconds, and a request sent in that moment is lost (RFC 9112, 9.3 and 9.5).
        """
        while self._idle:
            since, reader, writer = self._idle.pop()
            if not reader.at_eof() and time.perf_counter() - since < _IDLE_SECONDS:
                return reader, writer
            writer.close()
        return None

    def _close(self, results: list[tuple[int, float]], seconds: float) -> Load:
        for *_, writer in self._idle:
            writer.close()
        self._idle = []
        answered = 1000 * np.array([spent for status, spent in results if status == 200])
        refused = 1000 * np.array([spent for status, spent in results if status == 503])
        return Load(
            asked=round(len(results) / seconds, 1),
            answered=round(len(answered) / seconds, 1),
            refused=round(len(refused) / seconds, 1),
            median=round(float(np.median(answered)), 1),
            p99=round(float(np.quantile(answered, 0.99)), 1),
            refusal_p99=round(float(np.quantile(refused, 0.99)), 1) if len(refused) else None,
            failed=len(results) - len(answered) - len(refused),
        )


def _lines(result: ServingBenchmark) -> Iterator[str]:
    yield "load         asked/s  answered/s  refused/s   median ms     p99 ms  p99 of refusals ms"
    for name in ("alone", "capacity", "nominal", "overload"):
        load: Load = getattr(result, name)
        refusal = "" if load.refusal_p99 is None else f"{load.refusal_p99:.1f}"
        yield (
            f"{name:<12}{load.asked:>8.1f}{load.answered:>12.1f}{load.refused:>11.1f}"
            f"{load.median:>12.1f}{load.p99:>11.1f}{refusal:>20}"
        )
    yield f"p99 under overload / p99 under nominal load: {result.ratio:.2f}"


main = command("serving", measure_serving, _lines)

if __name__ == "__main__":
    main()
