"""Models: what the name of a model stands for."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mnistlab.arguments import as_path
from mnistlab.errors import ModelError, OtherClassesError, did_you_mean
from mnistlab.text import listed

READER = "reader"
"""The name of the model that finds and names all characters of a picture by itself."""
NONE = "none"
"""The last class of a network that was shown negatives too."""
_SHIPPED = Path(__file__).parent / "shipped"
_FILE, _RECORDS = "reader.bin", ("record.json", "reader.json")
"""Of a run of the reader's training, and of the package: the model, and what is known of it."""
_DIGITS = tuple(map(str, range(10)))


def shipped_models() -> dict[str, Path]:
    """Return the files of the package's ONNX models, which classify images, by name."""
    return {file.stem: file for file in sorted(_SHIPPED.glob("*.onnx"), reverse=True)}


def reading_models() -> tuple[str, ...]:
    """Return the names of all shipped models that read pictures; the first one is the best."""
    return READER, *shipped_models()


def find_model(model: Path | str) -> Path:
    """Return the file of a model that reads pictures: ONNX, or one of the reader's own form.

    Args:
        model: a shipped model's name, a file, or a run's folder with a ``reader.bin``.

    Raises:
        ModelError: there is no such model.
    """
    shipped = shipped_models() | {READER: _SHIPPED / _FILE}
    if isinstance(model, str) and model in shipped:
        return shipped[model]
    path = as_path("model", model, "a shipped model's name or a file", ModelError)
    # Not Path's, which raise if a name is too long for a file.
    if os.path.isdir(path):  # noqa: PTH112
        if os.path.exists(path / _FILE):  # noqa: PTH110
            return path / _FILE
        _refuse_run_of_other_images(path)
    if path.suffix == ".onnx" or os.path.exists(path):  # noqa: PTH110
        return path
    names = reading_models()
    known = f"shipped are {', '.join(names)}; or name an .onnx file"
    raise ModelError(f"{model}: no such model; {did_you_mean(str(model), names) or known}")


def find_classifier(name: str) -> Path:
    """Return the file of a model that classifies images: a shipped model's name, or a file.

    Raises:
        ModelError: there is no such model, or it reads pictures.
    """
    shipped = shipped_models()
    if name in shipped:
        return shipped[name]
    # Not Path's, as above.
    if name.lower().endswith(".onnx") or os.path.exists(name):  # noqa: PTH110
        return Path(name)
    refuse_reader(name, shipped)
    known = f"name a run's folder, an .onnx file, or one of {', '.join(shipped)}"
    raise ModelError(f"{name}: no such run, file or model; {did_you_mean(name, shipped) or known}")


def refuse_reader(name: str, instead: Iterable[str]) -> None:
    """Refuse the reader where a model of images is wanted.

    Raises:
        ModelError: it is the reader.
    """
    if name == READER:
        raise ModelError(
            f"{name}: reads pictures and classifies no images: name a run's folder, an .onnx file,"
            f" or one of {', '.join(instead)}; mnistlab predict reads with it, and mnistlab"
            " evaluate measures it on a folder of pictures with labels.csv"
        )


def is_own_form(file: Path) -> bool:
    """Tell whether a file is of the reader's own form, by its name."""
    return file.suffix == ".bin"


def about_reader(file: Path) -> dict[str, Any]:
    """Return what is known of a model of the reader's own form, ready for JSON: its name, and its
    record if there is one.
    """
    record: dict[str, Any] = {}
    for name in _RECORDS:
        if (told := file.with_name(name)).is_file():
            try:
                record = dict(json.loads(told.read_bytes()))
            except (OSError, ValueError, TypeError) as error:
                raise ModelError(
                    f"{told}: is damaged; delete it, or train the model again"
                ) from error
            break
    about = {"name": READER, "title": "Reader"} | record
    # Its record counts those of each network.
    if isinstance(parts := record.get("parameters"), dict):
        about["parameters"] = sum(parts.values())
    return about


def reads_digits(shape: tuple[int, int, int], classes: tuple[str, ...]) -> bool:
    """Tell whether a network is one of the ten digits, as they are cut out of pictures.

    Args:
        shape: channels, height and width of the images that it takes.
        classes: names of its classes; the last may be ``none``.
    """
    return shape == (1, 28, 28) and classes[:10] == _DIGITS and classes[10:] in ((), (NONE,))


def refuse_other_images(
    model: Path | str, shape: tuple[int, int, int], classes: tuple[str, ...]
) -> None:
    """Refuse a network that is not one of digits as they are cut out of pictures.

    Raises:
        OtherClassesError: it is not; the message says what it is, what is needed, and the remedy.
    """
    if reads_digits(shape, classes):
        return
    channels, height, width = shape
    colour = " colour" if channels > 1 else ""
    raise OtherClassesError(
        f"{model}: classifies{colour} images of {height}x{width} pixels into {len(classes)} classes"
        f" ({listed(classes, 5)}), but pictures are read with a model of the ten digits in 28x28"
        " grey pixels; leave the model out to read digits, or test this one on labelled images with"
        " mnistlab evaluate"
    )


def _refuse_run_of_other_images(folder: Path) -> None:
    """Refuse a run that could read no digits even if it were exported, as it has to be.

    Raises:
        ModelError: it could not.
    """
    from mnistlab.runs import RunFolder

    if (run := RunFolder(folder)).finished:
        about = run.read_record().data
        refuse_other_images(folder, (about.channels, *about.image_size), about.classes)
