"""The networks: built-in ones, and those of users."""

from mnistlab.models.build import adopt_model, build_model, count_parameters

__all__ = ["adopt_model", "build_model", "count_parameters"]
