"""Builds ``core.wasm`` from the C++ sources beside it: ``python src/mnistlab/recogniser/core/build.py``.

Needs the package ziglang, whose version ``pyproject.toml`` pins: the same sources give the same bytes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from mnistlab.runs.atomic import write_atomically

SOURCE = Path(__file__).parent
TARGET = SOURCE.with_name("core.wasm")
COMPILER = [sys.executable, "-m", "ziglang", "c++"]
FLAGS = [
    *("-target", "wasm32-wasi", "-msimd128", "-std=c++20", "-O3"),
    # Products are added as the source says, so that every build computes the same bits.
    "-ffp-contract=off",
    *("-fno-exceptions", "-fno-rtti", "-fno-sanitize=all", "-Wall", "-Wextra", "-Werror"),
    *("-mexec-model=reactor", "-s", "-Wl,--no-entry", "-Wl,--max-memory=536870912"),
]


def build() -> bytes:
    """Compile all sources as one.

    Raises:
        subprocess.CalledProcessError: with the compiler's words, ``stderr``.
    """
    files = sorted(file.name for file in SOURCE.glob("*.cpp"))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "core.wasm")
        subprocess.run(
            [*COMPILER, *FLAGS, "-I.", "-xc++", "-", "-o", str(out)],
            cwd=SOURCE,
            input="".join(f'#include "{name}"\n' for name in files),
            check=True,
            capture_output=True,
            text=True,
        )
        return out.read_bytes()


if __name__ == "__main__":
    try:
        write_atomically(TARGET, build())
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr)
