"""Texts of digits and signs as people write them."""

from collections.abc import Callable

import numpy as np

_KINDS: list[Callable[[np.random.Generator], str]] = [
    lambda r: f"{_digits(r, 1, 3)}.{_digits(r, 1, 3)}",
    lambda r: f"{_digits(r, 1, 3)},{_digits(r, 1, 3)}",
    lambda r: f"-{_digits(r, 1, 4)}",
    lambda r: f"{_digits(r, 1, 2)}/{_digits(r, 1, 2)}/{_digits(r, 2, 4)}",
    lambda r: f"{_digits(r, 2, 2)}.{_digits(r, 2, 2)}.{_digits(r, 2, 4)}",
    lambda r: f"{_digits(r, 4, 4)}-{_digits(r, 2, 2)}-{_digits(r, 2, 2)}",
    lambda r: f"{_digits(r, 1, 2)}:{_digits(r, 2, 2)}",
    lambda r: f"{_digits(r, 1, 2)}:{_digits(r, 2, 2)}:{_digits(r, 2, 2)}",
    lambda r: f"{_digits(r, 1, 3)}%",
    lambda r: f"{_digits(r, 1, 3)}%",
    lambda r: f"({_digits(r, 1, 4)})",
    lambda r: f"({_digits(r, 2, 3)}) {_digits(r, 3, 3)}-{_digits(r, 4, 4)}",
    lambda r: f"+{_digits(r, 1, 4)}",
    lambda r: f"+{_digits(r, 2, 2)} {_digits(r, 3, 8)}",
    lambda r: f"{_digits(r, 1, 3)}{r.choice(list('+-/:'))}{_digits(r, 1, 3)}",
    lambda r: f"{_digits(r, 1, 3)}/{_digits(r, 1, 3)}",
    lambda r: f"-{_digits(r, 1, 2)}.{_digits(r, 1, 2)}",
    lambda r: f"{_digits(r, 1, 1)},{_digits(r, 3, 3)}.{_digits(r, 2, 2)}",
    lambda r: "".join(r.choice(list("#######.,-+/:()%?")) for _ in range(r.integers(2, 9))),
]

SIGNED: dict[str, Callable[[np.random.Generator], str]] = {
    "decimal": lambda r: f"{_digits(r, 1, 3)}{r.choice(list('.,'))}{_digits(r, 1, 2)}",
    "negative": lambda r: f"-{_digits(r, 1, 4)}",
    "percentage": lambda r: f"{_digits(r, 1, 3)}%",
    "date": lambda r: str(r.choice(["##/##/####", "##.##.####", "####-##-##", "#/##/##"])),
    "time": lambda r: f"{_digits(r, 1, 2)}:##",
    "sum": lambda r: f"{_digits(r, 1, 3)}+{_digits(r, 1, 3)}",
    "brackets": lambda r: f"({_digits(r, 1, 4)})",
}
"""Kinds of numbers with signs; ``#`` stands for any digit."""


def number(rng: np.random.Generator, signs: float = 0.5) -> str:
    """Return a number; ``#`` stands for any digit.

    Args:
        rng: draws it.
        signs: share of numbers that have signs.
    """
    if rng.random() < signs:
        return _KINDS[rng.integers(len(_KINDS))](rng)
    return _digits(rng, 1, 8)


def _digits(rng: np.random.Generator, least: int, most: int) -> str:
    return "#" * int(rng.integers(least, most + 1))
