"""What a release holds and what it is built of: locks, source archive and wheel, both installed and
put to work.

``make check-dist`` names the folder of a release in ``MNISTLAB_DIST``; otherwise both archives are
built here.
"""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.cli.processes import run
from tests.recogniser.drawing import drawn, encode
from tests.reliability import distribution
from tests.reliability.distribution import LOCKS, ROOT, applies, locked, members, pinned_torch

RELEASE = os.environ.get("MNISTLAB_DIST")
SHORT = ["reproduce", "--batch_size", "50", "--num_epochs", "1", "--train-limit", "200", "--quiet"]
RUN_TIME = ("export", "ray", "serve", "tensorboard")
"""Extras."""
CUDA_ALONE = ("nvidia", "cuda", "triton")
LIBRARIES = {
    f"mnistlab/kernels/_{name}.so" for name in ("processor", "x86_64_v2", "x86_64_v3", "x86_64_v4")
}
"""On a machine of the x86-64 kind."""


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Source archive and wheel, built where there is no compiler."""
    folder = tmp_path_factory.mktemp("plain")
    source = distribution.copy_sources(folder / "source")
    none = {"CC": "/nonexistent", "CXX": "/nonexistent", "SOURCE_DATE_EPOCH": "1700000000"}
    return distribution.build(source, folder / "dist", **none)


@pytest.fixture(scope="module")
def released(tmp_path_factory, torture):
    """Source archive and wheel as they are released, with the compiled libraries."""
    if RELEASE:
        (sdist,), (wheel,) = Path(RELEASE).glob("*.tar.gz"), Path(RELEASE).glob("*.whl")
        return sdist.resolve(), wheel.resolve()
    if not torture:
        pytest.skip("compiling takes minutes; pytest --torture or make check-dist")
    folder = tmp_path_factory.mktemp("released")
    return distribution.build(distribution.copy_sources(folder / "source"), folder / "dist")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "five.png"
    path.write_bytes(encode(drawn("5")))
    return path


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_is_a_version_with_its_hashes(name):
    pins = locked(name)
    assert len(pins) > 20
    assert "torch" not in pins
    assert not [pin for pin in pins if pin.startswith(CUDA_ALONE)]


def test_no_release_is_pinned_twice():
    assert not locked("requirements.lock").keys() & locked("dev.lock").keys()
    assert pinned_torch().name == "torch"
    assert str(pinned_torch().specifier).startswith("==")


@pytest.mark.parametrize("part", ["run time", "development", "release", "docs"])
def test_the_locks_agree_with_pyproject(project, part):
    """Every declared requirement is pinned, at a version that it allows; `make lock` mends it."""
    extras = project["project"]["optional-dependencies"]
    needed = {
        "run time": [
            *project["project"]["dependencies"],
            *(x for name in RUN_TIME for x in extras[name]),
        ],
        "development": [x for x in extras["dev"] if not x.startswith("mnistlab[")],
        **project["dependency-groups"],
    }[part]
    pins = locked(f"{part}.lock" if part in ("release", "docs") else "requirements.lock")
    if part == "development":
        pins |= locked("dev.lock")
    for requirement in map(Requirement, needed):
        if requirement.name == "torch":
            assert requirement.specifier.contains(str(pinned_torch().specifier).removeprefix("=="))
            continue
        version, _ = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (
            f"{requirement} is pinned at {version}: run `make lock`"
        )


def test_the_locks_hold_all_that_is_needed_here_and_nothing_else():
    """From what mnistlab[dev] declares down to the last: each is pinned, allowed where it is
    needed, and installed."""
    pins = locked("requirements.lock") | locked("dev.lock")
    extras = frozenset({"dev", "hdf5", "jax", "mlflow", "parquet", "xlsx", *RUN_TIME})
    waiting, reached = [("mnistlab", extras)], set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in reached:
            continue
        reached.add((name, extras))
        for requirement in map(Requirement, metadata.requires(name) or []):
            if requirement.marker and not any(
                requirement.marker.evaluate({"extra": x}) for x in ("", *extras)
            ):
                continue
            needed = canonicalize_name(requirement.name)
            if needed == "mnistlab" or needed.startswith(CUDA_ALONE):
                continue
            installed = metadata.version(needed)
            if needed != "torch":
                assert installed == pins[needed][0], (
                    f"{needed} {installed} is installed, not what is locked"
                )
            assert requirement.specifier.contains(installed, prereleases=True), (
                f"{name} needs {requirement}"
            )
            waiting.append((needed, frozenset(requirement.extras)))
    here = {name for name, (_, marker) in pins.items() if applies(marker)}
    assert here == {name for name, _ in reached} - {"mnistlab", "torch"}


def test_the_archives_hold_what_the_package_needs_and_nothing_else(plain):
    examine(*plain)


def examine(sdist, wheel):
    package = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "mnistlab").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".so") and "__pycache__" not in path.parts
    }
    assert len(package) > 200
    packed = {name for name in members(wheel) if not name.endswith(".so")}
    assert {name for name in packed if ".dist-info/" not in name} == package
    assert [name for name in packed if name.endswith("licenses/LICENSE")]
    assert {f"src/{name}" for name in package} <= members(sdist)
    assert {
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "main.py",
        "pyproject.toml",
        "setup.py",
    } <= members(sdist)
    tops = {name.partition("/")[0] for name in members(sdist)}
    assert not tops & {"tests", "results", "docs", "build", ".venv"}
    assert not [name for name in members(sdist) if name.endswith((".so", ".pyc"))]
    assert max(sdist.stat().st_size, wheel.stat().st_size) < 25_000_000


def test_the_wheel_is_for_any_python_of_one_platform(plain):
    _, _, python, abi, platform = plain[1].stem.split("-")
    assert (python, abi) == ("py3", "none")
    assert platform != "any"


def test_built_twice_the_wheel_has_the_same_bytes(plain, tmp_path):
    (unpacked,) = (plain[0].parent / "unpacked").iterdir()
    none = {"CC": "/nonexistent", "CXX": "/nonexistent", "SOURCE_DATE_EPOCH": "1700000000"}
    elsewhere = distribution.build(
        distribution.copy_sources(tmp_path / "source"), tmp_path / "dist", **none
    )
    assert unpacked != tmp_path
    assert elsewhere[1].read_bytes() == plain[1].read_bytes()


def test_built_without_a_compiler_it_works_and_says_why_it_is_slow(
    plain, picture, tmp_path, account
):
    assert not [name for name in members(plain[1]) if name.endswith(".so")]
    with zipfile.ZipFile(plain[1]) as wheel:
        wheel.extractall(tmp_path / "site")
    command, env = [sys.executable, "-m", "mnistlab"], {"PYTHONPATH": str(tmp_path / "site")}
    where = run(
        sys.executable, "-c", "import mnistlab; print(mnistlab.__file__)", cwd=tmp_path, env=env
    )
    assert where.stdout.startswith(str(tmp_path))
    told = run(*command, "doctor", cwd=tmp_path, env=env)
    assert told.returncode == 0, told
    assert "not built: there was no C++20 compiler (gcc 11, clang 14, or newer)" in " ".join(
        told.stdout.split()
    )
    work(command, picture, tmp_path, env)
    account(
        "wheel built without a compiler, put to work",
        tried=1,
        outcome="trained and read; doctor said why slowly",
    )


def work(command, picture, folder, env=None):
    """The main job in short, and a picture read."""
    trained = run(*command, *SHORT, cwd=folder, env=env)
    assert trained.returncode == 0, trained
    assert "LeNet" in trained.stdout
    assert len(list((folder / "plot").glob("*.png"))) == 3
    read = run(*command, "predict", "--json", picture, cwd=folder, env=env)
    assert read.returncode == 0, read
    assert [row["digits"] for row in json.loads(read.stdout)] == ["5"]


def test_what_is_released_has_the_compiled_libraries(released):
    examine(*released)
    assert members(released[1]) >= LIBRARIES


@pytest.mark.parametrize("kind", ["wheel", "source archive"])
def test_installed_into_an_empty_environment_it_does_its_work(
    released, kind, picture, tmp_path, account
):
    archive = released[1] if kind == "wheel" else released[0]
    environment = distribution.empty_environment(tmp_path / "environment")
    pip = [environment / "python", "-m", "pip", "--quiet"]
    pins = distribution.constraints(tmp_path / "pins.txt")
    subprocess.run(
        [*pip, "install", "--constraint", pins, archive], check=True, cwd=tmp_path, timeout=1800
    )
    assert run(*pip, "check", cwd=tmp_path).returncode == 0
    command = [environment / "mnistlab"]
    told = run(*command, "doctor", cwd=tmp_path)
    assert told.returncode == 0, told
    assert "in use" in told.stdout
    work(command, picture, tmp_path)
    account(
        f"{kind} installed into an empty environment",
        tried=1,
        outcome="trained, read and built with native kernels",
    )


@pytest.mark.skipif(not RELEASE, reason="make check-dist")
def test_the_bill_of_materials_lists_what_is_locked():
    (bill,) = Path(RELEASE).glob("*.cdx.json")
    content = json.loads(bill.read_text(encoding="utf-8"))
    assert content["bomFormat"] == "CycloneDX"
    assert content["metadata"]["component"]["name"] == "mnistlab"
    listed = {canonicalize_name(part["name"]): part["version"] for part in content["components"]}
    pins = {
        name: version
        for name, (version, marker) in locked("requirements.lock").items()
        if applies(marker)
    }
    assert {name: listed.get(name) for name in pins} == pins
    assert pinned_torch().specifier.contains(listed["torch"])
    assert str(ROOT) not in bill.read_text(encoding="utf-8")
