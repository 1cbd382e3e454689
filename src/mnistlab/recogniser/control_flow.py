"""Control flow in an ONNX file: loops and branches, which a model that was exported has not, and
which may go on for ever.

The file is read as Protocol Buffers are encoded, since reading needs no package ``onnx``.

References:
    protobuf.dev/programming-guides/encoding; ``onnx.proto`` of github.com/onnx/onnx.
"""

from collections.abc import Iterator

_GRAPH, _FUNCTION = 7, 25
_NODE, _ATTRIBUTE = 1, 5
_INNER_GRAPHS = {6, 11}
"""Fields of a model, a graph, a node and an attribute."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


def has_control_flow(model: bytes) -> bool:
    """Whether a node holds graphs of its own, as ``Loop``, ``Scan`` and ``If`` do, or the model
    functions, which may call each other many times over.

    Args:
        model: bytes of an ONNX file.

    Raises:
        ValueError: not encoded as Protocol Buffers are.
    """
    for field, content in _fields(memoryview(model)):
        if field == _FUNCTION:
            return True
        if field == _GRAPH and any(
            _INNER_GRAPHS & {inner for inner, _ in _fields(attribute)}
            for _, node in _fields(content, _NODE)
            for _, attribute in _fields(node, _ATTRIBUTE)
        ):
            return True
    return False


def _fields(message: memoryview, wanted: int = 0) -> Iterator[tuple[int, memoryview]]:
    """Yield the numbers and the bytes of a message's fields: all, or one number's; numbers have no
    bytes.
    """
    at, empty = 0, message[:0]
    while at < len(message):
        tag, at = _varint(message, at)
        # As protobuf, which keeps 32 bits of a tag.
        field, kind, length = (tag & 0xFFFFFFFF) >> 3, tag & 7, 0
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("a group")
        if at + length > len(message):
            raise ValueError("truncated")
        if wanted in (0, field):
            yield field, message[at : at + length] if kind == _BYTES else empty
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number and the place behind it."""
    number = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(message):
            break
        byte = message[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise ValueError("no number")
