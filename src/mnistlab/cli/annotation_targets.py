"""Targets: the files for annotated pictures, chosen before any picture is read."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from mnistlab.cli.picture_sources import Source
from mnistlab.errors import MnistlabError

_STANDARD_INPUT = "stdin"
_SUFFIX = ".png"


def choose_targets(out: str, sources: Iterable[Source]) -> dict[Source, Path]:
    """Choose a PNG file for every picture, and make sure that it can be written.

    Args:
        out: a file for one picture; a folder, there or named with a slash at its end, for one or
            several.
        sources: the pictures.

    Returns:
        In a folder, names are those of the pictures from the deepest folder down that they share:
        ``a/1.jpg`` and ``b/1.jpg`` become ``a/1.png`` and ``b/1.png``.

    Raises:
        MnistlabError: ``out`` cannot be written, would hold one picture of several, or is a picture
            to be read.
    """
    wanted = [source for source in sources if source.fault is None]
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if out.endswith(separators) or Path(out).is_dir():
        folder = Path(out)
        targets = {source: folder / name for source, name in _names(wanted).items()}
    else:
        if Path(out).suffix.lower() != _SUFFIX:
            raise MnistlabError(
                f"{out}: pictures are written as PNG: name a .png file, or a folder with a / at"
                " its end"
            )
        if len(wanted) > 1:
            raise MnistlabError(
                f"{out}: one file for {len(wanted)} pictures: name a folder, with a / at its end"
            )
        folder = Path(out).parent
        targets = dict.fromkeys(wanted, Path(out))
    _spare_sources(targets, targets.values())
    _check_writable(folder, make=folder != Path(out).parent)
    return targets


def check_file(out: Path, sources: Iterable[Source]) -> None:
    """Make sure that a file can be written, and is no picture to read.

    Raises:
        MnistlabError: it cannot, or is one.
    """
    _spare_sources([source for source in sources if source.fault is None], {out})
    _check_writable(out.parent, make=False)


def _names(sources: list[Source]) -> dict[Source, Path]:
    """Return where in the folder each goes; ``a.jpg`` is ``a.jpg.png`` if there is an ``a.bmp`` as
    well.
    """
    inner = _relative_paths(sources)
    short = {source: path.with_suffix(_SUFFIX) for source, path in inner.items()}
    if len({str(path).casefold() for path in short.values()}) == len(
        {str(path) for path in inner.values()}
    ):
        return short
    return {source: path.with_name(path.name + _SUFFIX) for source, path in inner.items()}


def _relative_paths(sources: list[Source]) -> dict[Source, Path]:
    roots = {source.root.absolute() for source in sources if source.root}
    try:
        base = os.path.commonpath(roots) if roots else ""
    except ValueError:
        raise MnistlabError(
            "--annotate: the pictures are on several drives; do one at a time"
        ) from None
    return {
        source: (
            Path(os.path.relpath(source.path.absolute(), base))
            if source.path
            else Path(_STANDARD_INPUT)
        )
        for source in sources
    }


def _spare_sources(sources: Iterable[Source], targets: Iterable[Path]) -> None:
    read = {source.path.resolve() for source in sources if source.path}
    for target in targets:
        if target.resolve() in read:
            raise MnistlabError(
                f"{target}: is one of the pictures to read, and would be overwritten"
            )


def _check_writable(folder: Path, *, make: bool) -> None:
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise MnistlabError(f"{folder}: cannot be written: {error.strerror or error}") from error
