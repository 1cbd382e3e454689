"""Glyphs: the ink of one digit in the form of MNIST, and negatives, which are no digit."""

from mnistlab.glyphs.glyph import prepare
from mnistlab.glyphs.negatives import draw_negatives

__all__ = ["draw_negatives", "prepare"]
