"""Fixtures of the tests of the kernels."""

from tests.kernels.graphs import operations

__all__ = ["operations"]
