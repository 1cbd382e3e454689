"""The file of the weights that a run starts from: a safetensors file, or another run's weights."""

from pathlib import Path

from mnistlab.errors import RunError
from mnistlab.files import read_file
from mnistlab.runs.checksum import checksum
from mnistlab.runs.folder import RunFolder

_MOST_BYTES = 1 << 33
_PICKLED = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle")


def read_initial_weights(init: str) -> bytes:
    """Return the bytes of a safetensors file: the one named, or a finished run's weights.

    Args:
        init: as in a recipe; nothing gives nothing.

    Raises:
        RunError: there is no such file or finished run, it is damaged, or it is a pickle, which
            could run code.
    """
    if not init:
        return b""
    try:
        path = Path(init).expanduser()
        if path.is_dir():
            folder = RunFolder(path)
            # Says what is there instead of a finished run.
            folder.read_record()
            return folder.read_model()
        content = read_file(path, _MOST_BYTES)
    # The home folder of an unknown user is a RuntimeError, an impossible file name a ValueError.
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"init: {init}: cannot be read: {reason}") from error
    except RunError as error:
        raise RunError(f"init: {error}") from None
    if path.suffix.lower() in _PICKLED or _is_pickle(content):
        raise RunError(
            f"init: {init}: pickles can run code and are not read; where you trust it, convert it"
            " with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors') and name"
            " that file"
        )
    return content


def _is_pickle(content: bytes) -> bool:
    """Return whether bytes are what ``torch.save`` writes: a zip archive, or before a bare pickle.

    The first eight bytes of a safetensors file are a length, behind which an object of JSON begins.
    """
    return content.startswith((b"PK\x03\x04", b"\x80")) and content[8:9] != b"{"


def digest_of(weights: bytes) -> str:
    """Return the SHA-256 of what :func:`read_initial_weights` read; nothing of nothing."""
    return checksum(weights) if weights else ""
