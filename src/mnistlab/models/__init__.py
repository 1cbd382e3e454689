"""Networks: the built-in ones, and user models."""

from mnistlab.models.build import build_model, count_parameters

__all__ = ["build_model", "count_parameters"]
