"""Zeros by the hundred megabytes, packed in a moment: one block of them over and over."""

import struct
import zlib

_BLOCK = bytes(1 << 20)


def zlib_zeros(size, before=b""):
    """Return what zlib makes of some bytes and as many zeros after them."""
    low, high = zlib.adler32(before) & 0xFFFF, zlib.adler32(before) >> 16
    checksum = (high + size * low) % 65521 << 16 | low
    return b"\x78\xda" + _deflated(size, before) + struct.pack(">I", checksum)


def gzip_zeros(size, before=b""):
    """Return what gzip makes of some bytes and as many zeros after them."""
    checksum = zlib.crc32(bytes(size % len(_BLOCK)), zlib.crc32(before))
    for _ in range(size // len(_BLOCK)):
        checksum = zlib.crc32(_BLOCK, checksum)
    end = struct.pack("<2I", checksum, (len(before) + size) % (1 << 32))
    return b"\x1f\x8b\x08" + bytes(7) + _deflated(size, before) + end


def _deflated(size, before=b""):
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    start = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers to what was before, so that it may stand anywhere.
    block = packer.compress(_BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(bytes(size % len(_BLOCK))) + packer.flush()
    return start + block * (size // len(_BLOCK)) + end
