"""An hour of a user's, command by command: 300 photographs of three things, from the first look at
them to a page that names new ones."""

import csv
import io
import json

import pytest

from tests.browser import chromium
from tests.cli.processes import MNISTLAB, refusal, run
from tests.exporting.pages import visited
from tests.photographs import CLASSES, write_photographs
from tests.server.serving import served

NETS = """
from torch import nn


def plain(image_shape, classes):
    return _network(image_shape, classes, nn.Identity)


def normalised(image_shape, classes):
    return _network(image_shape, classes, lambda: nn.BatchNorm2d(12))


def _network(image_shape, classes, norm):
    channels, height, width = image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 12, 3, padding=1), norm(), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 12, 3, padding=1), norm(), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(12 * (height // 4) * (width // 4), classes),
    )
"""
DATA = ("--data", "photos", "--set", "skip_damaged=true", "--set", "batch_size=16")
SIZES = {"phone": (360, 740), "desktop": (1280, 800)}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The user's folder: 300 photographs, one of them damaged, 30 new ones, and two networks."""
    folder = tmp_path_factory.mktemp("desk")
    write_photographs(folder / "photos", 300)
    write_photographs(folder / "new", 30, seed=1)
    damaged = next((folder / "photos").rglob("IMG_0007.jpg"))
    damaged.write_bytes(damaged.read_bytes()[:700])
    (folder / "nets.py").write_text(NETS)
    return folder


def done(desk, *command):
    ended = run(*MNISTLAB, *command, cwd=desk)
    assert ended.returncode == 0, ended
    return ended.stdout


@pytest.fixture(scope="module")
def winner(desk):
    """The run of the better network, stopped early, after a look at the data and a comparison."""
    line = refusal(run(*MNISTLAB, "data", "verify", "photos", cwd=desk))
    assert "IMG_0007.jpg" in line
    assert "--skip-damaged" in line
    told = done(desk, "data", "verify", "photos", "--skip-damaged")
    assert "3 classes" in told
    assert "1 of 300 pictures" in told

    found = json.loads(done(desk, "lr", "nets.py:plain", *DATA, "--out", "lr", "--json"))
    assert 1e-4 < found["suggestion"] < 1
    assert next((desk / "lr").rglob("*.png")).stat().st_size > 0
    rate = f"learning_rate={found['suggestion']}"

    done(
        desk, "compare", "nets.py:plain", "nets.py:normalised", *DATA, "--set", rate,
        "--seeds", "6", "--epochs", "6", "--out", "comparison",
    )  # fmt: skip
    compared = json.loads((desk / "comparison" / "comparison.json").read_text())
    summaries = compared["summaries"]
    assert {one["label"] for one in summaries} == {"nets_plain", "nets_normalised"}
    best = max(summaries, key=lambda one: one["accuracy"]["mean"])["label"].removeprefix("nets_")

    told = done(
        desk, "train", f"nets.py:{best}", *DATA, "--set", rate, "--set", "patience=4",
        "--epochs", "60", "--run", "winner",
    )  # fmt: skip
    record = json.loads((desk / "winner" / "record.json").read_text())
    assert len(record["history"]) < 60, "it was to stop early"
    assert "weights of epoch" in told
    assert all("validation_loss" in epoch for epoch in record["history"])
    return desk / "winner"


def test_new_photographs_are_classified(desk, winner):
    table = done(desk, "classify", "winner", "new", "--csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == 30
    correct = sum(row["id"].split("/")[0] == row["label"] for row in rows)
    assert correct >= 24


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("how", ["served", "opened from the disk"])
def test_a_page_names_a_new_photograph(desk, winner, browser, how, size, tmp_path):
    picture = next((desk / "new" / "leaf").rglob("*.jpg"))
    answer = json.loads(done(desk, "classify", "winner", str(picture), "--json"))[0]
    width, height = SIZES[size]
    options = {"viewport": {"width": width, "height": height}}

    def look(url):
        with visited(browser, url, **options) as (page, complaints):
            page.locator("#file").set_input_files(picture)
            page.wait_for_function("document.querySelectorAll('#bars li').length == 3")
            assert page.locator("#label").inner_text() == answer["label"]
            assert answer["label"] in CLASSES
            assert page.evaluate("document.documentElement.scrollWidth") == width
            page.screenshot(path=tmp_path / "page.png")
        # The page is to ask nobody but the server that it came from.
        assert [told for told in complaints if url not in told] == []

    if how == "served":
        with served("--model", str(winner)) as server:
            look(server.url)
        return
    if not (desk / "page").exists():
        done(desk, "export", "winner", "page", "--web")
    look((desk / "page" / "index.html").as_uri())
