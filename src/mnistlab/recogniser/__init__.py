"""Image → digits: finds the ink in any ordinary picture, prepares it as MNIST was prepared, and
reads it. No torch.
"""

from mnistlab.recogniser.reading import Box, Digit, Reading
from mnistlab.recogniser.recogniser import Recogniser, reads_digits, shipped_models

__all__ = ["Box", "Digit", "Reading", "Recogniser", "reads_digits", "shipped_models"]
