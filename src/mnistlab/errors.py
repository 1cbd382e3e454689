"""The exceptions that a user can cause, each one line that names the thing and the remedy; and
words for such lines.
"""

import signal
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from mnistlab.text import one_line, shorten

_SHOWN = 10
"""Damaged pictures that a message names."""


class MnistlabError(Exception):
    """Base of all of them. The command line prints the message and exits with status 2.

    A message names an argument as Python takes it, in backticks: "give `resume=True`". The command
    line shows its option instead (:func:`mnistlab.cli.output.with_options`).

    Args:
        message: made one printable line, whatever names or messages of others it quotes.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def told(error: BaseException) -> str:
    """Return the kind of an error of foreign code and, unless that fails as well, what it says."""
    name = type(error).__name__
    try:
        return f"{name}: {error!s}"
    except KeyboardInterrupt:
        raise
    except BaseException:
        return name


class RecipeError(MnistlabError):
    """A recipe has an unknown key, a value of the wrong type, or a value out of range."""


class DataError(MnistlabError):
    """A data set is missing, damaged, or inconsistent."""


class DamagedPictures(DataError):  # noqa: N818 - it is named after what it holds
    """Pictures of a data set cannot be decoded.

    Args:
        place: where they are.
        damaged: by file, what is wrong with it.
        total: how many pictures there are, damaged ones included.
        remedy: how they can be left out.
    """

    def __init__(
        self,
        place: str,
        damaged: dict[str, str],
        total: int,
        remedy: str = "skip_damaged = true (--skip-damaged or --set skip_damaged=true)",
    ) -> None:
        shown = [f"{name} ({reason})" for name, reason in islice(damaged.items(), _SHOWN)]
        more = f" and {len(damaged) - _SHOWN:,} more" if len(damaged) > _SHOWN else ""
        super().__init__(
            f"{place}: {len(damaged):,} of {total:,} pictures are damaged:"
            f" {', '.join(shown)}{more}; fix or remove them"
            + (f", or leave them out with {remedy}" if len(damaged) < total else "")
        )
        self.damaged = damaged


class ModelError(MnistlabError):
    """A model cannot be built for these images and classes."""


class OtherClassesError(ModelError):
    """A model to read digits with is one of other classes, or of other images."""


class ImageShapeError(ModelError):
    """A model does not take images of this shape; it may take others."""


class DeviceError(MnistlabError):
    """The device asked for is not there."""


class TrainingError(MnistlabError):
    """Training cannot go on, for example because the loss is no longer a finite number."""


class RunError(MnistlabError):
    """A run's folder holds something else than expected, or is in use."""


class BusyError(RunError):
    """Another process is training in a run's folder."""


class ExperimentError(MnistlabError):
    """An experiment cannot be set up or went wrong as a whole, or an engine that runs it is not
    installed.
    """


class PictureError(MnistlabError):
    """A picture to read is damaged, too large, or of a format that is not read."""


class PatternError(MnistlabError):
    """A pattern of what numbers may be cannot be understood, or allows nothing."""


class ExportError(MnistlabError):
    """A run cannot be made an ONNX file, or an extra that this needs is not installed."""


class PictureSizeError(PictureError):
    """A picture has more pixels than are read."""


class ServerError(MnistlabError):
    """The server cannot start, or an extra that it needs is not installed."""


class KernelError(MnistlabError):
    """A model has no native kernel, or the compiled library is not there; training then runs on
    plain PyTorch.
    """


SYNONYMS = {
    "batch": "batch_size",
    "batchnorm": "batch_norm",
    "batch_normalization": "batch_norm",
    "bn": "batch_norm",
    "bs": "batch_size",
    "class_weight": "class_weights",
    "clip": "clip_norm",
    "clip_grad_norm": "clip_norm",
    "clip_grad_value": "clip_value",
    "clipnorm": "clip_norm",
    "clipvalue": "clip_value",
    "cnn": "convnet",
    "color_jitter": "colour_jitter",
    "colorjitter": "colour_jitter",
    "cosine_annealing": "cosine",
    "criterion": "loss",
    "cutmix_alpha": "cutmix",
    "dataset": "data",
    "decay": "weight_decay",
    "drop": "dropout",
    "dropout_rate": "dropout",
    "ema": "averaging",
    "exponentiallr": "exponential",
    "gaussian_blur": "blur",
    "grad_clip": "clip_norm",
    "gradient_clip": "clip_norm",
    "gradient_clipping": "clip_norm",
    "hflip": "flip_horizontal",
    "horizontal_flip": "flip_horizontal",
    "image_size": "size",
    "img_size": "size",
    "input_size": "size",
    "l2": "weight_decay",
    "learningrate": "learning_rate",
    "loss_fn": "loss",
    "loss_weights": "class_weights",
    "lr": "learning_rate",
    "lr_gamma": "gamma",
    "lr_schedule": "schedule",
    "lr_scheduler": "schedule",
    "lr_step_size": "step_size",
    "max_grad_norm": "clip_norm",
    "mixup_alpha": "mixup",
    "multi_step": "multistep",
    "multisteplr": "multistep",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "one_cycle": "onecycle",
    "opt": "optimizer",
    "optim": "optimizer",
    "optimiser": "optimizer",
    "optimizer_kwargs": "optimizer_options",
    "optimizer_params": "optimizer_options",
    "p_dropout": "dropout",
    "random_crop": "crop",
    "random_erasing": "erasing",
    "random_horizontal_flip": "flip_horizontal",
    "random_vertical_flip": "flip_vertical",
    "rotate": "rotation",
    "scheduler": "schedule",
    "shift": "translation",
    "smoothing": "label_smoothing",
    "steplr": "step",
    "translate": "translation",
    "val": "validation",
    "val_size": "validation",
    "warmup_epochs": "warmup",
    "vertical_flip": "flip_vertical",
    "vflip": "flip_vertical",
    "wd": "weight_decay",
}
"""What other tools call the names that are known here."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"did you mean NAME?"``, the known name that is meant, or nothing if none is; a
    message then lists those there are.

    Args:
        name: as the user wrote it; case and dashes do not matter.
        known: the names there are, of which a synonym goes before a similar spelling.
    """
    names = list(known)
    plain = shorten(name).lower().replace("-", "_").strip("_")
    meant = SYNONYMS.get(plain, plain)
    near = [meant] if meant in names else get_close_matches(shorten(name), names, n=1)
    return f"did you mean {near[0]}?" if near else ""


def describe_exit(code: int) -> str:
    """Say how a process ended by its exit status, below 0 a signal's: ``was killed by SIGKILL``."""
    if code >= 0:
        return f"ended with status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    # Real-time signals have no names.
    except ValueError:
        return f"was killed by signal {-code}"
