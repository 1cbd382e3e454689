"""The page to draw on: the same whether a server reads or the browser itself."""

from mnistlab.page.files import served, standalone

__all__ = ["served", "standalone"]
