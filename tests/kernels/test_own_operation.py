"""An operation of one's own: the example of the documentation, compiled and tested as it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mnistlab.kernels

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "kernels.md"
KERNELS = Path(mnistlab.kernels.__file__).parent
COMPILER = os.environ.get("CXX") or shutil.which("c++")
MOST_LINES = 120

# The folders of operations and compositions hold the example alone, so that little is compiled; a
# failure is not made smaller, which takes long.
CONFTEST = """
from hypothesis import Phase, settings

import mnistlab.kernels.compositions
import mnistlab.kernels.operations

settings.register_profile("found", phases=[Phase.generate])
settings.load_profile("found")

mnistlab.kernels.operations.__path__[:] = [{operations!r}]
mnistlab.kernels.compositions.__path__[:] = []
"""


def example():
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("## Add an operation") :]
    (cpp,) = re.findall(r"```cpp\n(.*?)```", section, re.DOTALL)
    handler, test = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return cpp, handler, test


def test_it_takes_three_short_files():
    assert sum(len(part.splitlines()) for part in example()) < MOST_LINES


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """A folder with the sources, and objects of all that the example's library has beside it."""
    folder = tmp_path_factory.mktemp("library")
    shutil.copytree(KERNELS / "source", folder / "source")
    compile_in(folder, "-c", "kernels.cpp", "losses/cross_entropy.cpp", "operations/tensor.cpp")
    return folder


def compile_in(folder, *arguments):
    command = [COMPILER, "-std=c++20", "-O0", "-fPIC", "-pthread", *arguments]
    subprocess.run(command, cwd=folder / "source", check=True)


@pytest.mark.skipif(COMPILER is None, reason="there is no compiler")
@pytest.mark.parametrize("broken", [False, True])
def test_the_example_passes_its_own_test_unless_its_gradient_is_wrong(tmp_path, others, broken):
    cpp, handler, test = example()
    if broken:
        cpp = cpp.replace("Part{} : dy", "Part{} : dy * 1.01f")
    (others / "source/operations/threshold.cpp").write_text(cpp, encoding="utf-8")
    (tmp_path / "operations").mkdir()
    (tmp_path / "operations/threshold.py").write_text(handler, encoding="utf-8")
    (tmp_path / "test_threshold.py").write_text(test, encoding="utf-8")
    conftest = CONFTEST.format(operations=str(tmp_path / "operations"))
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    objects = [f"{name}.o" for name in ("kernels", "cross_entropy", "tensor")]
    library = tmp_path / "own.so"
    compile_in(others, "-shared", "-o", library, "operations/threshold.cpp", *objects)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--rootdir", tmp_path, "-c", os.devnull, tmp_path),
        ],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
        | {
            "MNISTLAB_KERNELS": str(library),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY)]),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == (1 if broken else 0), done.stdout + done.stderr
    assert ("1 failed" if broken else "1 passed") in done.stdout
