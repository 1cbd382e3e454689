"""Plain JPEG: small files whose headers say nothing but how to decode them. Pillow takes half its
time on such a file to look for what else a header may say.
"""

import struct

from PIL import Image

_MOST_BYTES = 1 << 16
"""Of a file; Pillow hands longer ones to its decoder in parts."""
_MOST_PIXELS = 1 << 20
_JFIF = b"\xff\xd8\xff\xe0\x00\x10JFIF\0"
_JFIF_BYTES = 20
_SOS = 0xDA
"""Marker of the start of a scan, where the header ends."""
_TABLES = (0xC4, 0xDD)
"""Markers of Huffman tables and of the restart interval."""
_DQT, _DQT_LENGTHS = 0xDB, (67, 132)
"""Marker of quantisation tables, of eight bits, one or two in a segment."""
_SOF = (0xC0, 0xC2)
"""Markers of the frame, baseline or progressive."""
_FRAME = struct.Struct(">BHHB")
"""Its bits, height, width and number of components, behind marker and length."""
_MODES = {(11, 8, 1): "L", (17, 8, 3): "RGB"}
"""By a frame's length, bits, and components."""


def read_header(content: bytes) -> tuple[str, tuple[int, int]] | None:
    """Return the mode, ``L`` or ``RGB``, and the width and height of a plain JPEG.

    Args:
        content: of any file.

    Returns:
        ``None`` unless the file is JFIF of at most 64 KB and a megapixel, grey or in colour,
        without metadata (an orientation would be some) and without comments.
    """
    if len(content) > _MOST_BYTES or not content.startswith(_JFIF):
        return None
    found = None
    at = _JFIF_BYTES
    while at + 4 + _FRAME.size <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], content[at + 2] << 8 | content[at + 3]
        if marker == _SOS:
            return found
        if marker in _SOF and not found:
            bits, height, width, components = _FRAME.unpack_from(content, at + 4)
            mode = _MODES.get((length, bits, components))
            if mode is None or not 0 < width * height <= _MOST_PIXELS:
                return None
            found = mode, (width, height)
        elif marker not in _TABLES and not (marker == _DQT and length in _DQT_LENGTHS):
            return None
        at += 2 + length
    return None


def decode_plain(content: bytes, mode: str, size: tuple[int, int]) -> Image.Image | None:
    """Decode a plain JPEG to the pixels that Pillow would open it with.

    Args:
        content: the file's bytes.
        mode: what :func:`read_header` returned, as is ``size``.
        size: width and height.

    Returns:
        ``None`` if the file is damaged, which Pillow explains better when it opens it.
    """
    try:
        return Image.frombytes(mode, size, content, "jpeg", mode, "")
    except (ValueError, OSError):
        return None
