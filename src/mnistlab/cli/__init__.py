"""The command line: options in, function calls, text out."""

from mnistlab.cli.app import main

__all__ = ["main"]
