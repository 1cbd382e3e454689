"""The networks: built-in ones, and those of users."""

from mnistlab.models.build import ARCHITECTURES, build_model, count_parameters

__all__ = ["ARCHITECTURES", "build_model", "count_parameters"]
