"""The networks: built-in ones, and those of users."""

from mnistlab.models.build import build_model, count_parameters

__all__ = ["build_model", "count_parameters"]
