"""FileTree: the files of a folder or of an archive, read in the same way and never unpacked."""

import bz2
import gzip
import lzma
import os
import re
import tarfile
import weakref
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Self, cast

from mnistlab.data.bounds import LEAST, BoundedReader, most_unpacked, refuse_bomb, refuse_holes
from mnistlab.data.decode import HEAD_BYTES, SUFFIXES, is_picture
from mnistlab.errors import DataError
from mnistlab.files import open_file, read_file
from mnistlab.text import printable, shorten

MOST_FILES = 2_000_000
_PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
"""What opens a compressed archive, by its first bytes."""
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_LONGEST_END = 22 + (1 << 16)
"""Bytes of a zip file's last record with its comment."""
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
PICTURE_SUFFIXES = tuple(sorted(SUFFIXES))
"""What the names of pictures end in; a file of another name is one if its content says so."""
_HIDDEN = (".", "__MACOSX")
_HIDDEN_PART = re.compile(r"(?:^|/)(?:\.|__MACOSX)")
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
)
"""What reading a member of a damaged or encrypted zip file raises."""
_SYSTEM = {"thumbs.db", "desktop.ini"}
"""Files that file managers leave behind."""
_RESULTS = (
    {"checkpoint.safetensors"},
    {"record.json", "model.safetensors"},
    {"record.json", "test_logits.npy"},
    {"report.html", "table.md"},
)
"""Files that are together in a folder that this package has written: a run's, or a report's."""
_WRITTEN = {
    *set[str]().union(*_RESULTS),
    *("curves.png", "history.csv", "summary.json", "comparison.json"),
    *("plots", "records", "runs", "tables", "tensorboard"),
}
"""Files and folders there."""
_LONGEST_HEADER = 1 << 13
"""Bytes of an extended header, which holds long names and times; tarfile takes time with the square
of them to read it."""
_EXTENDED = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


class FileTree(ABC):
    """Files by name, within a folder or an archive.

    Names are relative, with forward slashes, such as ``train/cat/1.png``. Hidden files, and those
    that systems leave behind, are not among them, but counted.

    Attributes:
        place: the folder or the archive.
        names: of all files, in order, parts of a name compared one by one.
        hidden: names of the files that were passed over.
        empty: names of folders without anything in them.
        results: names of what this package has written among the data: runs, reports.
    """

    empty: Sequence[str] = ()
    results: Sequence[str] = ()

    def __init__(self, place: Path, names: Iterable[str]) -> None:
        kept: list[str] = []
        self.place = place
        self.hidden: list[str] = []
        for name in names:
            (self.hidden if _is_hidden(name) else kept).append(name)
        if len(kept) > MOST_FILES:
            raise DataError(f"{place}: more than {MOST_FILES:,} files")
        # No name has a zero in it, so that this compares part by part.
        self.names = sorted(kept, key=lambda name: name.replace("/", "\0"))

    @cached_property
    def others(self) -> list[str]:
        """Names of the files that are not called pictures."""
        return [name for name in self.names if not name.lower().endswith(PICTURE_SUFFIXES)]

    @cached_property
    def pictures(self) -> list[str]:
        """Names of the pictures, in order: what is called one, or is one by its content."""
        unnamed = {name for name in self.others if is_picture(self.head(name, HEAD_BYTES))}
        if not self.others:
            return self.names
        return [n for n in self.names if n in unnamed or n.lower().endswith(PICTURE_SUFFIXES)]

    def only(self, name: str) -> Self:
        """Return a tree of one of the files."""
        one = copy(self)
        one.names = [name]
        for known in ("others", "pictures"):
            vars(one).pop(known, None)
        return one

    @abstractmethod
    def read(self, name: str, most: int = LEAST) -> bytes:
        """Return a file's bytes.

        Args:
            name: one of :attr:`names`.
            most: bytes that it may have.

        Raises:
            DataError: damaged, too large, or unreadable.
        """

    @abstractmethod
    def size(self, name: str) -> int:
        """Return a file's size in bytes, unpacked."""

    def head(self, name: str, count: int) -> bytes:
        """Return a file's first bytes, none if it cannot be read."""
        try:
            return self.read(name)[:count]
        except DataError:
            return b""

    @property
    @abstractmethod
    def bytes_packed(self) -> int:
        """Bytes of all files as they lie on the disk, which bound what they may expand to."""

    def path(self, name: str) -> Path | None:
        """Return where on the disk a file lies by itself; ``None`` in an archive."""
        del name
        return None

    def paths(self, names: Sequence[str]) -> list[str] | None:
        """Return :meth:`path` of many files, fast."""
        del names
        return None

    def where(self, name: str) -> str:
        """Return what a message calls a file."""
        return f"{self.place}: {shorten(printable(name))}"

    def tops(self) -> list[str]:
        """Return the names of the folders at the top, in order."""
        return list(dict.fromkeys(name.split("/")[0] for name in self.names if "/" in name))


class Folder(FileTree):
    """The files of a folder on the disk, at any depth; links are followed, but never in circles."""

    def __init__(self, place: Path, names: Sequence[str] | None = None) -> None:
        empty: list[str] = []
        results: list[str] = []
        super().__init__(place, _walk(place, empty, results) if names is None else names)
        self.empty, self.results = empty, results

    def read(self, name: str, most: int = LEAST) -> bytes:
        """See :meth:`FileTree.read`."""
        try:
            return read_file(self.place / name, most)
        except OSError as error:
            raise DataError(
                f"{self.where(name)}: cannot be read: {error.strerror or error}"
            ) from error

    def size(self, name: str) -> int:
        """See :meth:`FileTree.size`; 0 if it is not there any more."""
        try:
            return os.stat(f"{self.place}/{name}").st_size  # noqa: PTH116 - a Path is slow to make
        except OSError:
            return 0

    @cached_property
    def bytes_packed(self) -> int:
        """See :attr:`FileTree.bytes_packed`; files larger than any picture do not count."""
        return sum(size for size in map(self.size, self.names) if size <= LEAST)

    def head(self, name: str, count: int) -> bytes:
        """See :meth:`FileTree.head`."""
        try:
            with open_file(self.place / name) as file:
                return file.read(count)
        except OSError:
            return b""

    def path(self, name: str) -> Path:
        """See :meth:`FileTree.path`."""
        return self.place / name

    def paths(self, names: Sequence[str]) -> list[str]:
        """See :meth:`FileTree.paths`."""
        return [f"{self.place}/{name}" for name in names]

    def where(self, name: str) -> str:
        """See :meth:`FileTree.where`."""
        return printable(str(self.place / name))


class Zip(FileTree):
    """The members of a zip file; nothing is written to the disk, so no name can lead astray.

    Args:
        place: the file.
        file: the file itself if it lies in another archive, which is then ``place``.
    """

    def __init__(self, place: Path, file: BinaryIO | None = None) -> None:
        try:
            self._file = file or open_file(place)
            weakref.finalize(self, self._file.close)
            self._archive = zipfile.ZipFile(self._file)
            _refuse_lost(self._file, len(self._archive.infolist()))
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DataError(f"{place}: cannot be read as a zip file: {error}") from error
        self._members = {
            _plain(member.filename): member
            for member in self._archive.infolist()
            if not member.is_dir()
        }
        refuse_bomb(place, sum(member.file_size for member in self._members.values()))
        super().__init__(place, self._members)

    def read(self, name: str, most: int = LEAST) -> bytes:
        """See :meth:`FileTree.read`."""
        member = self._members[name]
        if member.file_size > most:
            raise DataError(f"{self.where(name)}: larger than the {most:,} bytes that are read")
        if member.flag_bits & 1:
            raise DataError(f"{self.where(name)}: is encrypted; unpack the archive yourself")
        try:
            with self._archive.open(member) as file:
                # With its size, since zipfile would otherwise unpack 2 GiB before it looks at it.
                content = file.read(member.file_size)
        except _UNREADABLE as error:
            raise DataError(f"{self.where(name)}: cannot be read: {error}") from error
        if len(content) < member.file_size:
            raise DataError(f"{self.where(name)}: cannot be read: truncated")
        return content

    def size(self, name: str) -> int:
        """See :meth:`FileTree.size`."""
        return self._members[name].file_size

    def head(self, name: str, count: int) -> bytes:
        """See :meth:`FileTree.head`."""
        try:
            with self._archive.open(self._members[name]) as file:
                return file.read(count)
        except _UNREADABLE:
            return b""

    @property
    def bytes_packed(self) -> int:
        """See :attr:`FileTree.bytes_packed`."""
        return self.place.stat().st_size


def _refuse_lost(file: BinaryIO, listed: int) -> None:
    """Refuse a zip file whose list of members is damaged so that some are not found, which zipfile
    accepts.
    """
    file.seek(-min(_LONGEST_END, file.seek(0, os.SEEK_END)), os.SEEK_END)
    end = file.read()
    at = end.rfind(_ZIP_MAGIC[1])
    promised = int.from_bytes(end[at + 10 : at + 12], "little")
    # Beyond what two bytes can say, they say either this or the rest.
    if promised not in (0xFFFF, listed & 0xFFFF):
        raise ValueError(f"{promised:,} files are promised, but {listed:,} found; copy it again")


class _Member(tarfile.TarInfo):
    """A member whose header is checked before tarfile acts on it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """See :class:`tarfile.TarInfo`."""
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0:
            raise DataError(f"{shorten(member.name)}: has a size of {member.size:,} bytes")
        if member.type in _EXTENDED and member.size > _LONGEST_HEADER:
            raise DataError(f"{shorten(member.name)}: its name or its attributes are too long")
        return member


class Memory(FileTree):
    """Files that are in memory, by name."""

    def __init__(self, place: Path, contents: dict[str, bytes]) -> None:
        self._contents = contents
        super().__init__(place, contents)

    def read(self, name: str, most: int = LEAST) -> bytes:
        """See :meth:`FileTree.read`."""
        content = self._contents[name]
        if len(content) > most:
            raise DataError(f"{self.where(name)}: larger than the {most:,} bytes that are read")
        return content

    def size(self, name: str) -> int:
        """See :meth:`FileTree.size`."""
        return len(self._contents[name])

    @property
    def bytes_packed(self) -> int:
        """See :attr:`FileTree.bytes_packed`."""
        return self.place.stat().st_size


class Tar(Memory):
    """The members of a tar file, packed or not, all read into memory at once."""

    def __init__(self, place: Path) -> None:
        self._contents = {}
        try:
            self._read_members(place)
        except DataError as error:
            raise (
                error
                if str(error).startswith(printable(str(place)))
                else DataError(f"{place}: {error}")
            ) from None
        except (
            OSError,
            EOFError,
            ValueError,
            OverflowError,
            RecursionError,
            tarfile.TarError,
            zlib.error,
            lzma.LZMAError,
        ) as error:
            raise DataError(f"{place}: cannot be read as a tar file: {error}") from error
        super().__init__(place, self._contents)

    def _read_members(self, place: Path) -> None:
        with open_file(place) as packed:
            opener = _opener(packed)
            with (
                _unpack(packed, opener, place) as file,
                tarfile.open(fileobj=file, mode="r:", tarinfo=_Member) as archive,
            ):
                last = -1
                for member in archive:
                    # A damaged size can lead back to a header that was read already, for ever.
                    if member.size < 0 or member.offset <= last:
                        raise DataError(f"{place}: its members overlap; copy it again")
                    if len(self._contents) > MOST_FILES:
                        raise DataError(f"{place}: more than {MOST_FILES:,} files")
                    last = member.offset
                    self._read_member(archive, member, place)
                _refuse_truncated(archive, place)
                # The checksum of a packed archive is only checked at its end, behind its padding.
                while opener and file.read(tarfile.RECORDSIZE):
                    pass

    def _read_member(self, archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
        name = _plain(member.name)
        if not member.isfile():
            return
        if _is_hidden(name):
            self._contents[name] = b""
            return
        # Of a sparse member the archive holds less than its size.
        if member.issparse():
            raise DataError(f"{place}: {shorten(name)}: has holes; pack it as a plain file")
        content = archive.extractfile(member)
        if content is not None:
            # A later member of the same name takes the place of an earlier one, as tar has it.
            self._contents[name] = content.read()


class Joined(FileTree):
    """Several trees as one, each below a folder's name."""

    def __init__(self, place: Path, parts: dict[str, FileTree]) -> None:
        self._parts = parts
        super().__init__(
            place, [f"{top}/{name}" for top, part in parts.items() for name in part.names]
        )
        self.hidden = [name for part in parts.values() for name in part.hidden]

    def read(self, name: str, most: int = LEAST) -> bytes:
        """See :meth:`FileTree.read`."""
        part, inner = self._find(name)
        return part.read(inner, most)

    def size(self, name: str) -> int:
        """See :meth:`FileTree.size`."""
        part, inner = self._find(name)
        return part.size(inner)

    def head(self, name: str, count: int) -> bytes:
        """See :meth:`FileTree.head`."""
        part, inner = self._find(name)
        return part.head(inner, count)

    @property
    def bytes_packed(self) -> int:
        """See :attr:`FileTree.bytes_packed`."""
        return sum(part.bytes_packed for part in self._parts.values())

    def path(self, name: str) -> Path | None:
        """See :meth:`FileTree.path`."""
        part, inner = self._find(name)
        return part.path(inner)

    def where(self, name: str) -> str:
        """See :meth:`FileTree.where`."""
        part, inner = self._find(name)
        return part.where(inner)

    def _find(self, name: str) -> tuple[FileTree, str]:
        top, _, inner = name.partition("/")
        return self._parts[top], inner


def open_tree(path: Path) -> FileTree:
    """Return the files of a folder or of an archive, whatever its name.

    Raises:
        DataError: a damaged archive, or a file that is no archive.
    """
    if path.is_dir():
        return Folder(path)
    kind = archive_kind(path)
    if kind is None:
        raise DataError(f"{path}: is no archive (zip, or tar, also packed with gzip, bzip2 or xz)")
    return kind(path)


def archive_kind(path: Path) -> type[Zip] | type[Tar] | None:
    """Return what reads a file if it is a zip or a tar file, told by its content.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with open_file(path) as file:
            start = file.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
            if start.startswith(_ZIP_MAGIC):
                return Zip
            opener = _opener(file)
            if opener:
                refuse_holes(file, path)
                file.seek(0)
                with opener(file) as unpacked:
                    start = unpacked.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    except (EOFError, ValueError, zlib.error, lzma.LZMAError):
        return Tar if ".tar" in path.name.lower() else None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    named = ".tar" in path.name.lower() or path.suffix.lower() in (".tgz", ".tbz2", ".txz")
    return Tar if named or start[_TAR_MAGIC_AT:] == _TAR_MAGIC else None


def _walk(place: Path, empty: list[str], results: list[str]) -> Iterable[str]:
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(place, followlinks=True):
        about = Path(folder).stat()
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = [name for name in folders if not name.startswith(_HIDDEN)]
        inner = Path(folder).relative_to(place).as_posix()
        if _is_result(files) and inner != ".":
            results.append(inner)
            folders.clear()
            continue
        if _is_result(files):
            # The data lie beside what was written among them.
            results += sorted(_WRITTEN.intersection([*files, *folders]))
            folders[:] = [name for name in folders if name not in _WRITTEN]
            files = [name for name in files if name not in _WRITTEN]
        if not (files or folders or inner == "."):
            empty.append(inner)
        yield from (name if inner == "." else f"{inner}/{name}" for name in files)


def _is_result(files: Iterable[str]) -> bool:
    """Return whether these are files of a run or a report."""
    return any(made.issubset(files) for made in _RESULTS)


def _plain(name: str) -> str:
    """Return a member's name without what leads out of the archive or stays where it is."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return "/".join(part for part in parts if part not in ("/", ".."))


def _is_hidden(name: str) -> bool:
    return bool(_HIDDEN_PART.search(name)) or name.rpartition("/")[2].lower() in _SYSTEM


def _opener(file: BinaryIO) -> Callable[..., Any] | None:
    """Return what opens a packed file; ``None`` for a plain one."""
    file.seek(0)
    start = file.read(6)
    file.seek(0)
    return next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), None)


def _unpack(file: BinaryIO, opener: Callable[..., Any] | None, path: Path) -> IO[bytes]:
    size = path.stat().st_size
    if opener:
        refuse_holes(file, path)
        return cast("IO[bytes]", BoundedReader(opener(file), most_unpacked(size), path))
    return cast("IO[bytes]", BoundedReader(file, size + tarfile.RECORDSIZE, path))


def _refuse_truncated(archive: tarfile.TarFile, path: Path) -> None:
    """Refuse an archive without the block of zeros that ends every complete one, which tarfile
    accepts.
    """
    file = archive.fileobj
    if file is not None:
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise DataError(f"{path}: the archive is truncated; copy it again")
