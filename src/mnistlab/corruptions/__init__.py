"""The fifteen corruptions of MNIST-C, to measure a model's robustness."""

from mnistlab.corruptions.corruption import CORRUPTIONS, SEVERITIES, Corruption, corrupt, generator

__all__ = ["CORRUPTIONS", "SEVERITIES", "Corruption", "corrupt", "generator"]
