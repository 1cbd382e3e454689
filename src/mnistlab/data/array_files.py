"""Files of arrays: which files of a tree make one data set, and their arrays by name."""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from mnistlab.data.array_names import parse_name
from mnistlab.data.arrays import Arrays
from mnistlab.data.bounds import refuse_holes
from mnistlab.data.file_tree import FileTree, Folder
from mnistlab.errors import DataError
from mnistlab.files import open_file
from mnistlab.text import listed


def read_whole(tree: FileTree, name: str) -> bytes:
    """Return a file's bytes, however large it is.

    Raises:
        DataError: it cannot be read, or parts of it were never written.
    """
    path = tree.path(name)
    try:
        if path is not None:
            with open_file(path) as file:
                refuse_holes(file, path)
    except OSError as error:
        raise DataError(f"{tree.where(name)}: cannot be read: {error.strerror or error}") from error
    return tree.read(name, tree.size(name))


def beside(tree: FileTree, chosen: str) -> FileTree:
    """Return the files beside the one that the user named, whose images or labels they may be."""
    if not chosen or not isinstance(tree, Folder):
        return tree
    return Folder(tree.place, [path.name for path in tree.place.iterdir() if path.is_file()])


def start_of(tree: FileTree, name: str, count: int) -> bytes:
    """Return the first bytes of a file; nothing if it cannot be read.

    Of an archive's member all is read.
    """
    path = tree.path(name)
    try:
        if path is None:
            return read_whole(tree, name)[:count]
        with open_file(path) as file:
            return file.read(count)
    except (OSError, DataError):
        return b""


def read_array_files(
    tree: FileTree, names: Sequence[str], chosen: str, read: Callable[[str], Arrays]
) -> tuple[dict[str, Arrays], list[str]]:
    """Read the files that make one data set, such as ``train.mat`` and ``test.mat``.

    Args:
        tree: where they are.
        names: of the files of one format.
        chosen: the one that the user named, if any.
        read: reads the arrays of one file.

    Returns:
        Their arrays by the file's name, then by their own; and what was left out.

    Raises:
        DataError: the files belong to several data sets.
    """
    rests = {name: rest_of(name) for name in names}
    # The Street View House Numbers have easier images beside those to train on.
    extra = [name for name in names if "extra" in rests[name] and name != chosen]
    used = [name for name in names if name not in extra] or list(names)
    if chosen in rests:
        used = [name for name in used if rests[name] == rests[chosen]]
    if len({rests[name] for name in used}) > 1:
        raise DataError(f"{tree.place}: holds {listed(used, 5)}; name the one to use")
    left = [name for name in names if name not in used]
    return {name: read(name) for name in used}, [f"not used: {listed(left, 4)}"] if left else []


def rest_of(name: str) -> tuple[str, ...]:
    """Return what a file's name says beside split and kind, which files of one data set share."""
    return parse_name(_stem(name)).rest


def joined(files: dict[str, Arrays]) -> Arrays:
    """Return the arrays of all files together; of several files each name says of which it is."""
    if len(files) == 1:
        return next(iter(files.values()))
    return {
        f"{_stem(file)}/{name}": array
        for file, arrays in files.items()
        for name, array in arrays.items()
    }


def place_of(tree: FileTree, files: dict[str, Arrays]) -> str:
    """Return what messages call these files."""
    return tree.where(next(iter(files))) if len(files) == 1 else str(tree.place)


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
