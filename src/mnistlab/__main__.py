"""``python -m mnistlab`` is ``mnistlab``."""

import os
import sys

# Python puts the current folder first, where a stranger's files would stand in for installed
# packages. It stays if we ourselves are in it. Both modules above are loaded long before, others
# might be found there.
try:
    _here = os.getcwd()  # noqa: PTH109
except OSError:
    _here = ""  # deleted; the command says so
if sys.path[0] in ("", _here) and os.path.dirname(os.path.dirname(__file__)) != _here:  # noqa: PTH120
    del sys.path[0]

from mnistlab.cli import main

if __name__ == "__main__":
    main()
