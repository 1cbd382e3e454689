"""Initial weights: tensors of a safetensors file given to a model, as far as they fit."""

from collections import Counter
from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from mnistlab.errors import ModelError, RunError
from mnistlab.models.user_model import user_errors
from mnistlab.runs import InitialWeights
from mnistlab.runs.checksum import checksum
from mnistlab.text import listed

_WRAPPERS = frozenset(("module", "model", "_orig_mod", "net", "network"))
"""What wrappers put before a parameter's name: ``DataParallel``, ``torch.compile``, Lightning, or a
module of one's own that holds the network."""
_SHOWN = 5


def take_weights(model: nn.Module, content: bytes, init: str, name: str) -> InitialWeights:
    """Give a model the tensors of a file that have its names and shapes, buffers included.

    Names may begin with what wrappers add, such as ``module.``, and so may the model's own. Other
    floating-point types become the model's.

    Args:
        model: on the CPU, with weights as they were drawn; what does not fit stays as it is.
        content: of a safetensors file.
        init: where it comes from, for messages.
        name: the recipe's ``model``, for messages.

    Returns:
        What fitted.

    Raises:
        RunError: the file is damaged, or holds values that are not finite or not of a type that
            the model could take.
        ModelError: none of the model's parameters is in it.
    """
    try:
        tensors = load(content)
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise RunError(f"init: {init}: damaged, or not a safetensors file: {error}") from error
    with user_errors(name, "state_dict", ModelError):
        own = {key: value for key, value in model.state_dict().items() if isinstance(value, Tensor)}
        parameters = {key for key, _ in model.named_parameters(remove_duplicate=False)}
    names, notes = _match(own, tensors)
    taken: dict[str, Tensor] = {}
    converted: Counter[str] = Counter()
    for key, given in names.items():
        if tensors[given].shape == own[key].shape:
            taken[key] = _to_type(tensors[given], own[key].dtype, f"init: {init}: {given}")
            if tensors[given].dtype != own[key].dtype:
                converted[f"{_type(tensors[given])} converted to {_type(own[key])}"] += 1
    if not parameters & taken.keys():
        raise ModelError(f"init: {init}: nothing in it fits {name}: {_difference(own, tensors)}")
    with user_errors(name, "load_state_dict", ModelError):
        model.load_state_dict(taken, strict=False)
    notes += [f"{count} tensors of {what}" for what, count in converted.items()]
    return InitialWeights(
        sha256=checksum(content),
        taken=tuple(taken),
        reshaped=tuple(
            f"{key} {_shape(tensors[given])} for {_shape(own[key])}"
            for key, given in names.items()
            if key not in taken
        ),
        missing=tuple(key for key in own if key not in names),
        unused=tuple(key for key in tensors if key not in names.values()),
        notes=tuple(notes),
    )


def _match(
    own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]
) -> tuple[dict[str, str], list[str]]:
    """Return which of the file's names is which of the model's, and notes on prefixes.

    Of all ways to read the names, the one with most equal shapes is taken; of equal ones the
    simplest.
    """
    best: dict[str, str] = {}
    most, notes = (-1, -1), list[str]()
    for added in _prefixes(own):
        stripped = {key.removeprefix(added): key for key in own}
        for prefix in _prefixes(tensors):
            # A name that the file has as it stands goes before the same one behind a prefix.
            names: dict[str, str] = {}
            for given in sorted(tensors, key=lambda given: given.startswith(prefix)):
                key = stripped.get(_without_compiled(given.removeprefix(prefix)))
                if key is not None:
                    names.setdefault(key, given)
            fits = sum(tensors[given].shape == own[key].shape for key, given in names.items())
            if (fits, len(names)) > most:
                best, most = names, (fits, len(names))
                notes = [f"the file's names begin with {prefix}"] * bool(prefix)
                notes += [f"the model's names begin with {added}"] * bool(added)
    return {key: best[key] for key in own if key in best}, notes


def _prefixes(names: Mapping[str, Tensor]) -> list[str]:
    """Return the prefixes that may be left out, the empty one first."""
    found, first = [""], next(iter(names), "")
    heads = {name.rpartition(".")[0] for name in names}
    for head in sorted(heads):
        parts = head.split(".")
        count = 0
        while count < len(parts) and parts[count] in _WRAPPERS:
            count += 1
            found.append(".".join(parts[:count]) + ".")
    # Whatever all of them begin with is one as well.
    parts = first.split(".")[:-1]
    for count in range(1, len(parts) + 1):
        prefix = ".".join(parts[:count]) + "."
        if all(name.startswith(prefix) for name in names):
            found.append(prefix)
    return list(dict.fromkeys(found))


def _without_compiled(name: str) -> str:
    """Return a name without the part that ``torch.compile`` puts anywhere in it."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod")


def _to_type(tensor: Tensor, wanted: torch.dtype, what: str) -> Tensor:
    """Return a tensor with another type.

    Raises:
        RunError: it holds NaN or infinity, or would be cut off.
    """
    if tensor.dtype.is_floating_point != wanted.is_floating_point:
        raise RunError(f"{what}: is {_type(tensor)}, but the model's is {str(wanted)[6:]}")
    found = tensor.to(wanted)
    if wanted.is_floating_point and not bool(found.isfinite().all()):
        finite = tensor.dtype == wanted or not bool(tensor.to(torch.float64).isfinite().all())
        reason = "holds NaN or infinite values" if finite else f"too large for {str(wanted)[6:]}"
        raise RunError(f"{what}: {reason}; start from other weights")
    return found


def _difference(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str:
    file, model = (
        listed([f"{key} {_shape(value)}" for key, value in held.items()], _SHOWN) or "nothing"
        for held in (tensors, own)
    )
    return f"it holds {file}; the model has {model}"


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
