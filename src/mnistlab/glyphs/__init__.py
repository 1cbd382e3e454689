"""Glyphs: one digit's ink as MNIST holds it, and scraps that are no digit."""

from mnistlab.glyphs.glyph import prepare
from mnistlab.glyphs.scraps import draw_scraps

__all__ = ["draw_scraps", "prepare"]
