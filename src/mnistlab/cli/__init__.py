"""The command line: options in, function calls, text out."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run ``mnistlab``."""
    # The imports take a moment, in which Ctrl-C may come as well.
    try:
        from mnistlab.cli.app import main as start
    except KeyboardInterrupt:
        sys.stderr.write("mnistlab: interrupted\n")
        sys.exit(130)
    start()
