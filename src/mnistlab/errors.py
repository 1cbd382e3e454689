"""The exceptions that a user can cause; each message is one line that names the thing and the remedy."""


class MnistlabError(Exception):
    """Base of all of them. The command line prints the message and exits with status 2."""


class RecipeError(MnistlabError):
    """A recipe has an unknown key, a value of the wrong type, or a value out of range."""


class DataError(MnistlabError):
    """A data set is missing, damaged, or inconsistent."""


class ModelError(MnistlabError):
    """A model cannot be built for these images and classes."""


class DeviceError(MnistlabError):
    """The device asked for is not there."""


class TrainingError(MnistlabError):
    """Training cannot go on, for example because the loss is no longer a finite number."""


class RunError(MnistlabError):
    """A run's folder holds something else than expected, or is in use."""


class BusyError(RunError):
    """Another process is training in a run's folder."""


class ExperimentError(MnistlabError):
    """An experiment cannot be set up or went wrong as a whole, or an engine that runs it is not installed."""


class PictureError(MnistlabError):
    """A picture to read is damaged, too large, or of a format that is not read."""


class ExportError(MnistlabError):
    """A run cannot be made an ONNX file, or an extra that this needs is not installed."""


class PictureSizeError(PictureError):
    """A picture has more pixels than are read."""


class ServerError(MnistlabError):
    """The server cannot start, or an extra that it needs is not installed."""


class KernelError(MnistlabError):
    """A model has no fast form, or the compiled library is not there; training then runs on plain PyTorch."""
