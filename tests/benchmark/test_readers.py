"""benchmarks.readers, tutorial and reading: readers beside each other."""

import io
import json

import numpy as np
import pytest
from click import BadParameter
from click.testing import CliRunner
from PIL import Image

from benchmarks import reading
from benchmarks.readers import main, open_reader


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def page(mnist):
    """MNIST's first eight test digits, 7210 and 4149, in two rows, dark on light."""
    images = mnist.test.images[:8, 0].repeat(3, axis=1).repeat(3, axis=2)
    rows = [np.concatenate(list(images[start : start + 4]), axis=1) for start in (0, 4)]
    return png(255 - np.concatenate(rows))


def test_the_tutorial_reads_digits_row_by_row(page):
    transcript = open_reader("tutorial")(page)
    assert transcript.digits == "72104149"
    assert transcript.sure
    first, *_, last = transcript.characters
    assert first.box[0] < last.box[0]
    assert 0 < transcript.confidence <= min(one.confidence for one in transcript.characters)


@pytest.mark.parametrize("shade", [0, 255])
def test_the_tutorial_finds_nothing_on_a_blank_page(shade):
    transcript = open_reader("tutorial")(png(np.full((40, 40), shade, np.uint8)))
    assert (transcript.text, transcript.sure) == ("", False)


def test_a_reader_may_be_any_function(page):
    read = open_reader("benchmarks.readers:_package")
    assert read(page).digits == open_reader("mnistlab")(page).digits


@pytest.mark.parametrize("name", ["tesseract", "benchmarks.readers:none", "benchmarks.no:read"])
def test_an_unknown_reader_is_refused(name):
    with pytest.raises(BadParameter, match=name):
        open_reader(name)


def test_readers_are_compared_on_a_folder(page, tmp_path):
    (tmp_path / "a.png").write_bytes(page)
    (tmp_path / "labels.csv").write_text("file,digits\na.png,72104149\n")
    record = tmp_path / "record.json"
    named = ["--reader", "tutorial", "--reader", "mnistlab", "--json", str(record)]
    done = CliRunner().invoke(main, [str(tmp_path), *named])
    assert done.exit_code == 0, done.output
    figures = json.loads(record.read_text())
    assert list(figures) == ["tutorial", "mnistlab"]
    assert [one["right"] for one in figures["tutorial"]["pictures"]] == [True]


def test_readers_take_turns(monkeypatch):
    calls = []
    readers = {name: lambda content, name=name: calls.append(name) for name in ("old", "new")}
    seconds = reading.measure(readers, b"", rounds=3)
    assert {name: len(spent) for name, spent in seconds.items()} == {"old": 3, "new": 3}
    assert sorted(calls[:2]) == ["new", "old"]
    assert calls == calls[:2] + calls[:2][::-1] + calls[:2] + calls[:2][::-1]
    monkeypatch.setattr(reading, "_LONGEST", -1.0)
    assert {len(spent) for spent in reading.measure(readers, b"").values()} == {1}


def test_times_are_written_and_compared(tmp_path):
    table = reading.table({"line": {"old": 30.0, "new": 10.0}})
    assert table.rows == (("line", "30.0", "10.0", "3.00"),)
    record = tmp_path / "record.json"
    options = ["--picture", "28x28 image", "--rounds", "1", "--reader", "tutorial"]
    done = CliRunner().invoke(reading.main, [*options, "--json", str(record)])
    assert done.exit_code == 0, done.output
    assert json.loads(record.read_text())["milliseconds"]["28x28 image"]["tutorial"] > 0


def test_the_pictures_are_as_large_as_their_names_say():
    sizes = {
        name: Image.open(io.BytesIO(reading.PICTURES[name]())).size
        for name in ("28x28 image", "518-pixel photograph", "line of five")
    }
    assert list(sizes.values()) == [(28, 28), (518, 518), (800, 600)]
