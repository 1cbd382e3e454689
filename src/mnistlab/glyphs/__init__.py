"""Glyphs: one digit's ink as MNIST holds it, and negatives that are no digit."""

from mnistlab.glyphs.glyph import prepare
from mnistlab.glyphs.negatives import draw_negatives

__all__ = ["draw_negatives", "prepare"]
