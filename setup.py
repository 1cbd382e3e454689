"""Builds the native CPU kernels, if there is a compiler: the one source for each level of
processor.

Everything else about the package is in pyproject.toml. A build that fails is left out and the
install goes on.
"""

import os
import platform
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

SOURCE = Path("src/mnistlab/kernels/source")
# No -ffast-math: linked into a library it would flush denormals in the whole process, and it lets
# NaN pass unseen.
FLAGS = [
    "-std=c++20",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-signed-zeros",
    # Products are added as the source says, not as a compiler likes, so that every build computes
    # the same bits.
    "-ffp-contract=off",
    # Two builds in one process must not share what they define alike.
    "-fvisibility=hidden",
    "-pthread",
]
KERNELS = [
    SOURCE / "kernels.cpp",
    *(
        file
        for folder in ("operations", "losses")
        for file in sorted((SOURCE / folder).glob("*.cpp"))
    ),
]
LINKED = ["-pthread", *(["-static-libstdc++", "-static-libgcc"] if sys.platform == "linux" else [])]
X86 = platform.machine() in ("x86_64", "AMD64")
BUILDS = (
    {f"x86_64_v{level}": [f"-march=x86-64-v{level}"] for level in (4, 3, 2)}
    if X86
    else {"generic": []}
)


def library(name: str, sources: list[Path], flags: list[str]) -> Extension:
    """Describe one shared library of the package, without debugging data, which name the build's
    folder.
    """
    return Extension(
        f"mnistlab.kernels._{name}",
        [str(source) for source in sources],
        depends=[str(header) for header in sorted(SOURCE.rglob("*.h"))],
        extra_compile_args=[*flags, "-g0"],
        extra_link_args=LINKED,
        language="c++",
        optional=True,
    )


class BuildLibraries(build_ext):
    """Builds plain shared libraries, which have no Python in their names or in them."""

    def finalize_options(self) -> None:
        """Build the libraries side by side."""
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extension(self, ext: Extension) -> None:
        """Compile all files of a library as one, since most of the time goes into their headers."""
        unit = Path(self.build_temp) / f"{ext.name}.cpp"
        unit.parent.mkdir(parents=True, exist_ok=True)
        files = [Path(source).resolve().as_posix() for source in ext.sources]
        unit.write_text("".join(f'#include "{file}"\n' for file in files), encoding="utf-8")
        ext.depends, ext.sources = [*ext.depends, *files], [str(unit)]
        super().build_extension(ext)

    def get_ext_filename(self, fullname: str) -> str:
        """Return the file's path within the package."""
        return str(Path(*fullname.split("."))) + ".so"


class TagWheel(bdist_wheel):
    """Names the wheel by the platform alone: the libraries are loaded by ctypes, from any
    Python.
    """

    def get_tag(self) -> tuple[str, str, str]:
        """Return the tags of Python, its ABI and the platform."""
        return "py3", "none", super().get_tag()[2]


setup(
    cmdclass={"bdist_wheel": TagWheel, "build_ext": BuildLibraries},
    ext_modules=[
        library("processor", [SOURCE / "processor.cpp"], ["-O2"]),
        *(library(name, KERNELS, [*FLAGS, *flags]) for name, flags in BUILDS.items()),
    ],
)
