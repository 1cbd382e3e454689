"""The command line: options in, function calls, text out."""

import gc
import sys

__all__ = ["main"]


def main() -> None:
    """Run ``mnistlab``."""
    # PyTorch's modules make a million objects that live on: searching them for garbage takes a
    # fifth of the time that loading does.
    gc.set_threshold(100_000, 20, 20)
    # The imports take a moment, in which Ctrl-C may come as well.
    try:
        from mnistlab.cli.app import main as start
    except KeyboardInterrupt:
        sys.stderr.write("mnistlab: interrupted\n")
        sys.exit(130)
    start()
