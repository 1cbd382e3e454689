"""The wheel and the source archive, built as a release builds them, and the locks that say what
they need."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "dev.lock", "container.lock", "release.lock", "docs.lock")
_ENTRY = re.compile(
    r"([a-z0-9.-]+)==(\S+)(?: ; ([^\\]+?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
)


def locked(name):
    """What a lock pins: version and marker by normalised name; fails on any line that is no pin
    with hashes."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    entries = list(_ENTRY.finditer(text))
    assert "".join(entry[0] for entry in entries) == text, (
        f"{name}: something in it is not pinned with hashes"
    )
    return {canonicalize_name(entry[1]): (entry[2], entry[3]) for entry in entries}


def pinned_torch():
    """The one pin without a hash."""
    (line,) = [
        x
        for x in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if not x.startswith("#")
    ]
    return Requirement(line)


def constraints(path):
    """Write the pins of everything that is needed at run time, as pip's constraints."""
    pins = [f"{name}=={version}" for name, (version, _) in locked("requirements.lock").items()]
    path.write_text("\n".join([*pins, str(pinned_torch())]) + "\n", encoding="utf-8")
    return path


def applies(marker):
    return marker is None or Marker(marker).evaluate({"extra": ""})


def copy_sources(folder):
    """The working tree without what was built or fetched: what a fresh clone would hold."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so", "*.npy", "*.safetensors")
    for name in ("src", "tests", "results/course"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix != ".lock":
            shutil.copy2(path, folder)
    return folder


def build(source, out, **environment):
    """Build the source archive, and the wheel from it; returns both paths."""
    out.mkdir(parents=True)
    sdist = _call("build_sdist", source, out, environment)
    with tarfile.open(sdist) as archive:
        archive.extractall(out / "unpacked", filter="data")
    (unpacked,) = (out / "unpacked").iterdir()
    return sdist, _call("build_wheel", unpacked, out, environment)


def _call(hook, source, out, environment):
    program = (
        f"import sys; from setuptools import build_meta; print(build_meta.{hook}(sys.argv[1]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(out)],
        cwd=source,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return out / result.stdout.splitlines()[-1]


def members(path):
    """The files in an archive, without the source archive's outer folder."""
    if path.suffix == ".whl":
        return set(zipfile.ZipFile(path).namelist())
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()} - {""}


def empty_environment(folder):
    """A virtual environment with nothing in it but pip; returns its ``bin``."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    return folder / ("Scripts" if os.name == "nt" else "bin")
