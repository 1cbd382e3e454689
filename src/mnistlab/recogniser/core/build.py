"""Builds ``core.wasm`` from the C++ sources beside it: ``python src/mnistlab/recogniser/core/build.py``.

Needs the package ziglang, whose version ``pyproject.toml`` pins: the same sources give the same
bytes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from mnistlab.runs.atomic import write_atomically

SOURCE = Path(__file__).parent
TARGET = SOURCE.with_name("core.wasm")
ZIG = [sys.executable, "-m", "ziglang"]
COMPILER = [
    *("-target", "wasm32-wasi", "-msimd128", "-std=c++20", "-O3", "-g0"),
    # Products are added as the source says, so that every build computes the same bits.
    "-ffp-contract=off",
    *("-fno-exceptions", "-fno-rtti", "-fno-sanitize=all", "-Wall", "-Wextra", "-Werror"),
]
LINKER = ["--no-entry", "--strip-all", "--max-memory=536870912"]


def build() -> bytes:
    """Compile all sources as one.

    Raises:
        subprocess.CalledProcessError: with the compiler's words, ``stderr``.
    """
    files = sorted(file.name for file in SOURCE.glob("*.cpp"))
    with tempfile.TemporaryDirectory() as folder:
        compiled, linked = Path(folder, "core.o"), Path(folder, "core.wasm")
        sources = "".join(f'#include "{name}"\n' for name in files)
        # The headers of the standard library alone: its own code would have to be built first.
        _run("c++", *COMPILER, "-I.", "-xc++", "-", "-c", "-o", str(compiled), given=sources)
        _run("wasm-ld", *LINKER, str(compiled), "-o", str(linked))
        return linked.read_bytes()


def _run(*command: str, given: str = "") -> None:
    subprocess.run(
        [*ZIG, *command], cwd=SOURCE, input=given, check=True, capture_output=True, text=True
    )


if __name__ == "__main__":
    try:
        write_atomically(TARGET, build())
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr)
