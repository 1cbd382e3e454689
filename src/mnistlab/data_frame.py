"""Data frames: rows of values as pandas has them."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from mnistlab.errors import MnistlabError

DataFrame: TypeAlias = Any
"""A ``pandas.DataFrame``; pandas need not be installed."""


def to_dataframe(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> DataFrame:
    """Return rows of values as a pandas ``DataFrame``.

    Args:
        names: of the columns.
        rows: each with a value for every column.

    Raises:
        MnistlabError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MnistlabError(
            "a data frame needs pandas: pip install 'mnistlab[dataframe]'"
        ) from error
    return pandas.DataFrame([list(row) for row in rows], columns=list(names))
