"""Damage to files of pictures: bits, splices, cuts, lengths, doubled chunks; half of the time with
right checksums."""

import struct

from tests.reliability.oddities import SIGNATURE, chunk

_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(content, random, others):
    """Return a file with one to four kinds of damage; ``others`` are files to splice in pieces
    of."""
    damaged = bytearray(content)
    for _ in range(random.integers(1, 5)):
        if damaged:
            _WAYS[random.integers(len(_WAYS))](damaged, random, others)
    # With its checksums right, damage is not found at once, but deeper.
    return mended(bytes(damaged)) if random.random() < 0.5 else bytes(damaged)


def mended(content):
    """A PNG file with the checksum of each of its chunks made right, as far as there are chunks;
    others as they are."""
    if not content.startswith(SIGNATURE):
        return content
    parts, place = [SIGNATURE], len(SIGNATURE)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from("!I", content, place)
        if place + 12 + length > len(content):
            break
        parts.append(chunk(content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    return b"".join(parts) + content[place:]


def _place(damaged, random):
    """Anywhere, or as often near the start, where headers are."""
    return int(random.integers(min(len(damaged), int(random.choice([64, 512, len(damaged)])))))


def _flip_bits(damaged, random, others):
    for _ in range(random.integers(1, 9)):
        damaged[_place(damaged, random)] ^= 1 << int(random.integers(8))


def _set_bytes(damaged, random, others):
    for _ in range(random.integers(1, 5)):
        damaged[_place(damaged, random)] = int(random.choice([0, 1, 0x7F, 0x80, 0xFF]))


def _cut(damaged, random, others):
    del damaged[_place(damaged, random) :]


def _drop(damaged, random, others):
    start = _place(damaged, random)
    del damaged[start : start + int(random.integers(1, 64))]


def _double(damaged, random, others):
    start = _place(damaged, random)
    piece = bytes(damaged[start : start + int(random.integers(1, 256))])
    damaged[start:start] = piece * int(random.integers(1, 5))


def _splice(damaged, random, others):
    other = others[random.integers(len(others))]
    start = int(random.integers(len(other)))
    place = _place(damaged, random)
    damaged[place : place + int(random.integers(64))] = other[
        start : start + int(random.integers(1, 512))
    ]


def _set_length(damaged, random, others):
    form = str(random.choice(["!H", "<H", "!I", "<I"]))
    size, place = struct.calcsize(form), _place(damaged, random)
    number = _NUMBERS[random.integers(len(_NUMBERS))] % (1 << 8 * size)
    damaged[place : place + size] = struct.pack(form, number)


def _double_chunk(damaged, random, others):
    """Double or move a chunk, of what looks like a PNG file; else a stretch of it."""
    found, place = [], len(SIGNATURE)
    while damaged.startswith(SIGNATURE) and place + 12 <= len(damaged):
        end = place + 12 + struct.unpack_from("!I", damaged, place)[0]
        found.append((place, end))
        place = end
    if not found:
        _double(damaged, random, others)
        return
    start, end = found[random.integers(len(found))]
    piece = bytes(damaged[start:end])
    if random.random() < 0.3:
        del damaged[start:end]
    at = found[random.integers(len(found))][0]
    damaged[at:at] = piece


_WAYS = (_flip_bits, _set_bytes, _cut, _drop, _double, _splice, _set_length, _double_chunk)
