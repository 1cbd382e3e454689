"""Unlabelled: files of many images that need no labels, such as a competition's ``test.csv``."""

from pathlib import Path

from mnistlab.data.decode import HEAD_BYTES, SUFFIXES, is_picture
from mnistlab.data.file_tree import Folder, archive_kind
from mnistlab.data.form import Form, ReadOptions, Rows, forms
from mnistlab.errors import DataError
from mnistlab.files import open_file
from mnistlab.text import listed


def holds_rows(path: Path) -> bool:
    """Return whether a file is a table or an array of images, and neither picture nor archive."""
    return _form(path) is not None


def read_rows(path: Path) -> Rows:
    """Read the images of one file: a table of pixels, or arrays in one of the forms that have
    :attr:`mnistlab.data.form.Form.rows`.

    Args:
        path: of the file; labels in it are ignored.

    Raises:
        DataError: of no such form, damaged, or without images.
    """
    form = _form(path)
    if form is None or form.rows is None:
        named = listed([known.name for known in forms() if known.rows])
        raise DataError(f"{path}: holds no images that are read without labels; {named} are")
    return form.rows(Folder(path.parent, [path.name]), path.name)


def _form(path: Path) -> Form | None:
    try:
        if not path.is_file() or path.suffix.lower() in SUFFIXES:
            return None
        with open_file(path) as file:
            if is_picture(file.read(HEAD_BYTES)):
                return None
        tree, options = Folder(path.parent, [path.name]), ReadOptions(chosen=path.name)
        found = next((form for form in forms() if form.rows and form.matches(tree, options)), None)
        # A NumPy file of several arrays is a zip file.
        packed = found is None or path.suffix.lower() != ".npz"
        return None if packed and archive_kind(path) else found
    except (OSError, DataError):
        return None
