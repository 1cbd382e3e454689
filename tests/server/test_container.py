"""The container's image, without Docker: what the Dockerfile installs is enough to serve, and its
health check says whether pictures are read."""

import json
import os
import re
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from tests.server.pictures import number

ROOT = Path(__file__).parents[2]
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
SECONDS = 60


def command(instruction):
    """The words of an instruction in its JSON form."""
    (found,) = re.findall(rf"^{instruction}\b.*?(\[.*\])$", DOCKERFILE, re.MULTILINE)
    return json.loads(found)


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an environment with what container.lock lists, and this package."""
    folder = tmp_path_factory.mktemp("container")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    lock = (ROOT / "container.lock").read_text(encoding="utf-8")
    for name in re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE):
        found = metadata.distribution(name)
        for top in {file.parts[0] for file in found.files} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(found.locate_file(top))
    package = metadata.distribution("mnistlab")
    (site / package._path.name).symlink_to(package._path)
    (site / "mnistlab").symlink_to(ROOT / "src" / "mnistlab")
    return folder / "bin" / "python"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the container runs Linux")
def test_what_is_installed_serves_and_the_health_check_knows_when(python, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    probe = [word.replace("/8000", f"/{port}") for word in command("HEALTHCHECK")]
    assert probe != command("HEALTHCHECK")

    def healthy():
        return subprocess.run(probe, capture_output=True, timeout=SECONDS).returncode == 0

    name, *words = command("ENTRYPOINT")
    assert name == "mnistlab"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with subprocess.Popen(
        [python, "-m", name, *words, "--port", str(port), "--workers", "1"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert not healthy()
            assert "ready at" in server.stdout.readline()
            assert healthy()
            answer = httpx.post(
                f"http://127.0.0.1:{port}/api/read", content=number("407"), timeout=30
            )
            assert answer.json()["digits"] == "407"
        finally:
            server.terminate()
    assert not healthy()


def test_the_image_is_pinned_and_its_last_stage_only_copies():
    (base,) = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)
    builder, last = re.split(r"^FROM \$\{BASE\}.*\n", DOCKERFILE, flags=re.MULTILINE)[1:]
    for line in re.findall(r"^RUN .*--requirement.*", builder, re.MULTILINE):
        assert "--require-hashes" in line
    assert "pip" not in last
    assert re.search(r"^USER (?!root)", last, re.MULTILINE)


def test_the_lock_is_part_of_the_other_one():
    entry = re.compile(r"^([a-z0-9.-]+)==.*(?:\\\n .*)+", re.MULTILINE)
    pins, all_pins = (
        {found[1]: found[0] for found in entry.finditer((ROOT / name).read_text("utf-8"))}
        for name in ("container.lock", "requirements.lock")
    )
    assert len(pins) > 20
    assert pins.items() <= all_pins.items()
    assert not pins.keys() & {"torch", "ray", "tensorboard", "matplotlib", "pandas"}
