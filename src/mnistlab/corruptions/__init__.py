"""Images made worse in fifteen ways: how well does a model read what it was not trained for?"""

from mnistlab.corruptions.corruption import CORRUPTIONS, SEVERITIES, Corruption, corrupt, generator

__all__ = ["CORRUPTIONS", "SEVERITIES", "Corruption", "corrupt", "generator"]
