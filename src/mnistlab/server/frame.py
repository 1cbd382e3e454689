"""Frame: a message between server and reader process: two lengths, a JSON object, and bytes."""

import asyncio
import json
import struct
from typing import Any, BinaryIO, NamedTuple

_LENGTHS = struct.Struct("!II")


class Frame(NamedTuple):
    """A message.

    Attributes:
        head: what goes into JSON.
        body: bytes that go as they are: a picture's file, or a response.
    """

    head: dict[str, Any]
    body: bytes = b""

    def pack(self) -> bytes:
        """Return what goes over the pipe."""
        head = json.dumps(self.head).encode()
        return b"".join((_LENGTHS.pack(len(head), len(self.body)), head, self.body))


async def receive_frame(stream: asyncio.StreamReader) -> Frame:
    """Wait for the next message.

    Raises:
        asyncio.IncompleteReadError: the other side ended.
    """
    head, body = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
    return Frame(json.loads(await stream.readexactly(head)), await stream.readexactly(body))


def read_frame(stream: BinaryIO) -> Frame | None:
    """Wait for the next message, blocking; ``None`` if the other side ended."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head, body = _LENGTHS.unpack(lengths)
    content = stream.read(head + body)
    return (
        Frame(json.loads(content[:head]), content[head:]) if len(content) == head + body else None
    )
