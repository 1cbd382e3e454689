"""An optimiser's state as tensors and JSON, which a checkpoint holds without pickle."""

from typing import Any

from torch import Tensor


def pack_state(value: object, name: str, tensors: dict[str, Tensor]) -> Any:
    """Take a state apart: tensors by name, and the rest as a value of JSON.

    Args:
        value: a tensor, a number, a text, ``None``, or dictionaries, lists and tuples of these.
        name: of the value, which the names of its tensors begin with.
        tensors: to which the tensors are added.

    Raises:
        TypeError: it holds something else.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Tensor():
            tensors[name] = value
            return {"tensor": name}
        case dict():
            entries = enumerate(value.items())
            return {"dict": [[k, pack_state(v, f"{name}.{i}", tensors)] for i, (k, v) in entries]}
        case list() | tuple():
            parts = [pack_state(part, f"{name}.{i}", tensors) for i, part in enumerate(value)]
            return {"tuple" if isinstance(value, tuple) else "list": parts}
    raise TypeError(f"keeps a {type(value).__name__} in its state, which no checkpoint can hold")


def unpack_state(packed: Any, tensors: dict[str, Tensor]) -> Any:
    """Put together what :func:`pack_state` took apart."""
    match packed:
        case {"tensor": name}:
            return tensors[name]
        case {"dict": entries}:
            return {key: unpack_state(value, tensors) for key, value in entries}
        case {"list": parts}:
            return [unpack_state(part, tensors) for part in parts]
        case {"tuple": parts}:
            return tuple(unpack_state(part, tensors) for part in parts)
    return packed
