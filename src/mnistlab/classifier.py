"""Opening a classifier: a run's model, run by PyTorch, or an exported file, run by ONNX Runtime."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from mnistlab.data.preparation import Preparation
from mnistlab.errors import DeviceError, ModelError
from mnistlab.fit import Fit
from mnistlab.prediction import THRESHOLD, Classifier
from mnistlab.runs import RunFolder

if TYPE_CHECKING:
    from mnistlab.training import TrainedModel

MNIST_MEAN = 0.1307
"""Of MNIST's training images, for files that were exported before they said it."""


def open_classifier(
    model: "TrainedModel | RunFolder | Path | str",
    *,
    threshold: float = THRESHOLD,
    invert: bool = False,
    device: str = "cpu",
) -> Classifier:
    """Return a model of any classes, ready to classify pictures.

    Args:
        model: a finished run's folder, which is run by PyTorch; an ``.onnx`` file that ``mnistlab
            export`` wrote, or a shipped model's name, which need no PyTorch; or a trained model.
        threshold: probability from 0 to 1 below which a prediction is unsure. With 0.5, a class is
            named as sure if it is likelier than all others together.
        invert: exchange black and white of each picture first, as a model of light digits on black
            needs it for ink on paper.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``, on which PyTorch runs the model of a run;
            exported files are run on the CPU.

    Raises:
        DeviceError: the device is not available, or the model is an exported file.
        RunError: a folder without a finished run, or with a damaged one.
        ModelError: no such model, one that cannot be built or may not be run, see
            :func:`mnistlab.load`, or ``threshold`` out of range.

    Examples:
        >>> import mnistlab
        >>> classifier = mnistlab.open_classifier("lenet5")
        >>> seven = mnistlab.load_dataset("mnist").test.images[0]
        >>> classifier.predict(seven).label
        '7'
    """
    found = _find(model, device)
    preparation = replace(found.preparation, invert=invert)
    return replace(found, threshold=threshold, preparation=preparation)


def _find(model: "TrainedModel | RunFolder | Path | str", device: str) -> Classifier:
    if not isinstance(model, RunFolder | str | os.PathLike):
        return model.on(device).classifier
    if isinstance(model, RunFolder) or os.path.isdir(model):  # noqa: PTH112 - a name may be too long
        from mnistlab.training import load_trained

        folder = model if isinstance(model, RunFolder) else RunFolder(Path(model))
        return load_trained(folder, needs_logits=False).on(device).classifier
    if device not in ("cpu", "auto"):
        raise DeviceError(
            f"{model}: an exported file is run on the CPU; leave out `device={device!r}`, or name"
            " its run's folder"
        )
    from mnistlab.recogniser.models import find_classifier

    return _of_file(find_classifier(str(model)))


def _of_file(file: Path) -> Classifier:
    from mnistlab.recogniser.network import Network

    network = Network(file)
    about = network.metadata
    recipe = about.get("recipe")
    fit = recipe.get("fit", "pad") if isinstance(recipe, dict) else "pad"
    if fit not in get_args(Fit):
        raise ModelError(f"{file}: what it says of itself is damaged; export it again")
    of_mnist = about.get("data", {}).get("name") == "mnist"
    calibrated_on, brightness = (
        about.get("calibrated_on"),
        about.get("brightness", MNIST_MEAN if of_mnist else None),
    )
    return Classifier(
        title=about.get("title", network.name),
        classes=network.classes,
        preparation=Preparation(network.channels, network.image_size, cast("Fit", fit)),
        read=network.probabilities,
        temperature=about.get("temperature", 1.0),
        calibrated_on=calibrated_on if isinstance(calibrated_on, str) else None,
        brightness=float(brightness) if isinstance(brightness, int | float) else None,
        notes=network.notes,
    )
