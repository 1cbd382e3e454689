"""An hour of a user's, command by command: 300 photographs of three things, from the first look at
them to a page that names new ones."""

import csv
import io
import json

import pytest

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


@pytest.fixture(autouse=True)
def _own_cache(desk, monkeypatch):
    """One for all of the hour: it knows which code was trained with."""
    monkeypatch.chdir(desk)
    monkeypatch.setenv("MNISTLAB_CACHE", str(desk / "cache"))


def done(desk, *command):
    cache = {"MNISTLAB_CACHE": str(desk / "cache")}
    ended = run(*MNISTLAB, *command, cwd=desk, env=cache, drawn=True)
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
        "--seeds", "3", "--epochs", "4", "--out", "comparison",
    )  # fmt: skip
    compared = json.loads((desk / "comparison" / "comparison.json").read_text())
    summaries = compared["comparison"]["summaries"]
    assert {one["label"] for one in summaries} == {"nets_plain", "nets_normalised"}
    best = max(summaries, key=lambda one: one["accuracy"])["label"].removeprefix("nets_")

    told = done(
        desk, "train", f"nets.py:{best}", *DATA, "--set", rate, "--set", "patience=4",
        "--epochs", "60", "--run", "winner",
    )  # fmt: skip
    record = json.loads((desk / "winner" / "record.json").read_text())
    assert len(record["history"]) < 60, "it was to stop early"
    assert "weights of epoch" in told
    assert all("watched_loss" in epoch for epoch in record["history"])
    return desk / "winner"


def test_new_photographs_are_classified(desk, winner):
    table = done(desk, "classify", "winner", "new", "--csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == 30
    correct = sum(row["id"].split("/")[0] == row["label"] for row in rows)
    assert correct >= 24


def look(browser, picture, expected, url, folder):
    """Classify a picture on a page, on a phone and on a desktop."""
    with visited(browser, url) as (page, complaints):
        for name, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.locator("#file").set_input_files(picture)
            page.locator("#bars li").nth(len(CLASSES) - 1).wait_for()
            assert page.locator("#label").inner_text() == expected
            assert page.evaluate("document.documentElement.scrollWidth") == width
            page.screenshot(path=folder / f"{name}.png")
    # The page is to ask nobody but the server that it came from.
    assert [told for told in complaints if url not in told] == []


def test_a_page_names_a_new_photograph(desk, winner, browser, tmp_path):
    picture = next((desk / "new" / "leaf").rglob("*.jpg"))
    answer = json.loads(done(desk, "classify", "winner", str(picture), "--json"))
    label = answer["predictions"][0]["label"]
    assert label in CLASSES
    done(desk, "export", "winner", "page", "--web")
    look(browser, picture, label, (desk / "page" / "index.html").as_uri(), tmp_path)
    with served("--model", "winner") as server:
        look(browser, picture, label, server.url, tmp_path)
