"""Networks: the built-in ones, and user models."""

from mnistlab.models.build import adopt_model, build_model, count_parameters

__all__ = ["adopt_model", "build_model", "count_parameters"]
