"""Small files that would fill the memory of whoever trusts them."""

import gzip
import io
import os
import tarfile
import zipfile

import numpy as np
from PIL import Image

from tests.data.forms import png_bytes, write_tar
from tests.zeros import gzip_zeros

ZEROS = bytes(1 << 20)
BOMB = 1 << 28
"""Bytes that it would come to."""
DIGIT = png_bytes(np.full((8, 8), 9, np.uint8))


def header(shape, element=8):
    return bytes([0, 0, element, len(shape)]) + np.array(shape, ">u4").tobytes()


def npy_header(shape, kind="|u1"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": kind, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


def idx_folder(folder, images):
    folder.mkdir()
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(header((4,)) + bytes(4))
    return folder


def _idx_promise(path):
    return idx_folder(path, header((2**31, 2**5, 2**5)) + bytes(64))


def _idx_bomb(path, pixels=BOMB, promise=(1 << 18, 1 << 5, 1 << 5)):
    return idx_folder(path, gzip_zeros(pixels, header(promise)))


def _idx_bomb_of_modest_promise(path):
    return _idx_bomb(path, promise=(4, 8, 8))


def _label_promise(path):
    folder = idx_folder(path, header((4, 8, 8)) + bytes(256))
    for part in ("train", "t10k"):
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            header((4,), 0x0C) + np.array([0, 1, 2, 2**31 - 1], ">i4").tobytes()
        )
    return folder


def _npz(path, arrays, compression=zipfile.ZIP_DEFLATED, zeros=0):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(content)
                for _ in range(zeros // len(ZEROS) if name == "x_train" else 0):
                    member.write(ZEROS)
    return path


def _arrays(images):
    labels = npy_header((4,)) + bytes(4)
    return {
        "x_train": images,
        "y_train": labels,
        "x_test": npy_header((4, 8, 8)) + bytes(256),
        "y_test": labels,
    }


def _npz_bomb(path):
    return _npz(path.with_suffix(".npz"), _arrays(npy_header((1 << 18, 32, 32))), zeros=BOMB)


def _npz_promise(path):
    return _npz(path.with_suffix(".npz"), _arrays(npy_header((1 << 40, 8, 8)) + bytes(64)))


def _tar_promise(path):
    info = tarfile.TarInfo("00000_1.png")
    info.size = 1 << 40
    path.with_suffix(".tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + DIGIT)
    return path.with_suffix(".tar")


def _tar_bomb(path, kind=tarfile.REGTYPE):
    path = path.with_suffix(".tar.gz")
    info = tarfile.TarInfo("00000_1.png")
    info.size, info.type = BOMB, kind
    path.write_bytes(gzip_zeros(info.size, info.tobuf(tarfile.GNU_FORMAT)))
    return path


def _tar_bomb_in_a_name(path):
    return _tar_bomb(path, tarfile.GNUTYPE_LONGNAME)


def _tar_of_black_pictures(path):
    buffer = io.BytesIO()
    Image.new("L", (4096, 4096)).save(buffer, "PNG", optimize=True)
    path = path.with_suffix(".tar.gz")
    write_tar(path, [(f"{n:05}_{n % 10}.png", buffer.getvalue()) for n in range(40)], "w:gz")
    return path


def _folder_of_black_pictures(path):
    first = path / "train" / "0" / "00.png"
    first.parent.mkdir(parents=True)
    Image.new("L", (4096, 4096)).save(first, optimize=True)
    for number in range(1, 40):
        os.link(first, first.with_name(f"{number:02}.png"))
    return path


def _tar_header(name, size, kind=b"0"):
    """A header block whose size may be negative (base 256), as no writer makes it."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
    block[124:136] = size.to_bytes(12, "big", signed=True) if size < 0 else b"%011o\0" % size
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _tar_of(*parts):
    """What writes an archive of headers and contents, each padded to whole blocks."""

    def write(path):
        content = b"".join(part + bytes(-len(part) % 512) for part in parts)
        path.with_suffix(".tar").write_bytes(content + bytes(1024))
        return path.with_suffix(".tar")

    return write


def _pax(key, value):
    """A member whose extended header says something else than its own."""
    record = f" {key}={value}\n"
    length = len(record) + len(str(len(record) + 2))
    content = f"{length}{record}".encode()
    return _tar_header("x", len(content), b"x"), content, _tar_header("00001_1.txt", 0)


def _sparse_member(path):
    """GNU's old form of a sparse member: 60 MB of holes in a block."""
    block = bytearray(_tar_header("00001_1.png", 0, b"S"))
    block[483:495] = b"%011o\0" % (60 << 20)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return _tar_of(bytes(block))(path)


def _packed_hole(suffix):
    """A packed file with a hole of 1 TB behind its content."""

    def write(path):
        path = path.with_suffix(suffix)
        with path.open("wb") as file:
            file.write(gzip.compress(DIGIT))
            file.truncate(1 << 40)
        return path

    return write


def _npz_that_holds_more_than_it_says(path):
    path = _npz(path.with_suffix(".npz"), _arrays(npy_header((4, 8, 8)) + bytes(256)), zeros=BOMB)
    content, size = bytearray(path.read_bytes()), len(npy_header((4, 8, 8))) + 256
    held = (size + BOMB).to_bytes(8, "little")
    # In the member's own header and in the list of members; 32 bits there.
    for found in (held, held[:4]):
        content = content.replace(found, size.to_bytes(len(found), "little"))
    path.write_bytes(content)
    return path


def _picture_bomb(path):
    (path / "train" / "1").mkdir(parents=True)
    Image.new("L", (12_000, 12_000)).save(path / "train" / "1" / "1.png")
    return path


def _long_line(path):
    path.with_suffix(".csv").write_bytes(b"0," * (20 << 20))
    return path.with_suffix(".csv")


BOMBS = {
    "IDX that promises 2 TiB": _idx_promise,
    "gzipped IDX of 256 MiB of zeros": _idx_bomb,
    "gzipped IDX of more than it promises": _idx_bomb_of_modest_promise,
    "IDX with a label of 2 thousand million": _label_promise,
    "npz of 256 MiB of zeros": _npz_bomb,
    "npz that promises 64 TiB": _npz_promise,
    "tar that promises 1 TiB": _tar_promise,
    "gzipped tar of 256 MiB of zeros": _tar_bomb,
    "gzipped tar with a name of 256 MiB": _tar_bomb_in_a_name,
    "gzipped tar of 40 black pictures": _tar_of_black_pictures,
    "class folder of 40 black pictures": _folder_of_black_pictures,
    "tar with a sparse picture": _sparse_member,
    "tar with a negative size": _tar_of(_tar_header("a.txt", 0), _tar_header("00001_1.txt", -512)),
    "tar with a negative size in an extended header": _tar_of(*_pax("size", -1536)),
    "tar with an extended header of a negative size": _tar_of(_tar_header("x", -512, b"x")),
    "tar with 2,000 extended headers in a row": _tar_of(*_pax("path", "y")[:2] * 2000),
    "tar with an extended header of digits": _tar_of(
        _tar_header("x", 1 << 22, b"x"), b"1" * (1 << 22), _tar_header("00001_1.txt", 0)
    ),
    "gzipped tar with a hole of 1 TB": _packed_hole(".tar.gz"),
    "npz that holds more than it says": _npz_that_holds_more_than_it_says,
    "PNG of 144 megapixels": _picture_bomb,
    "CSV of one line": _long_line,
}
