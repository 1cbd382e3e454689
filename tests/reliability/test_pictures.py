"""Whatever is handed in as a picture is read, or refused in one line: no crash, no waiting, no end
of memory."""

import os
import resource
import time

import numpy as np
import pytest
from PIL import Image

from mnistlab.cli.reader import Reader, ReadJob, ReadOptions
from mnistlab.data.decode import decode
from mnistlab.errors import DataError, PictureError
from mnistlab.recogniser.recogniser import open_pixels
from tests.cli.processes import MNISTLAB, run
from tests.reliability import oddities as odd
from tests.reliability.catalogue import FIVE, HANDLED, NOTHING, ODD, REFUSED, TEXTURES, made
from tests.reliability.mutations import mutate
from tests.server.serving import served

HANG = 60
"""Seconds: a guard, for machines that do much else besides."""
SLOW = 1.0
MOST_MEMORY = 600
"""Megabytes that reading takes beyond what the program had before."""
SEEDS = [
    odd.PNG,
    odd.JPEG,
    *(odd.encode(odd.COLOUR, form) for form in ("GIF", "WEBP", "BMP", "TIFF", "PPM")),
    odd.encode(odd.COLOUR.quantize(16), transparency=3),
    odd.encode(odd.WORDS),
    odd.encode(odd.COLOUR, "TIFF", compression="tiff_lzw"),
    odd.encode(odd.COLOUR, "JPEG", progressive=True),
    odd.encode(odd.COLOUR, save_all=True, append_images=[odd.OTHER]),
    odd.oriented(6, "JPEG"),
]


@pytest.fixture(scope="module")
def reader():
    environment = os.environ.copy()
    made = Reader(ReadOptions("reader"))
    os.environ.clear()
    os.environ.update(environment)
    made.read(ReadJob(content=odd.PNG))
    return made


@pytest.fixture(scope="module")
def server():
    # The reader is not to be given up because the machine is busy.
    with served(workers=1, models=["reader"], picture_seconds=HANG) as running:
        yield running


class Watch:
    """Reads pictures, and keeps how long each took and how much memory they needed."""

    def __init__(self, reader):
        self._reader, self.seconds, self.before = reader, [], peak()
        self.read = self.refused = 0

    def answer(self, content):
        began = time.process_time()
        answer = self._reader.read(ReadJob(content=content))
        self.seconds.append(time.process_time() - began)
        assert self.seconds[-1] < HANG
        if answer.error is None:
            self.read += 1
        else:
            assert one_line(answer.error)
            assert "Error:" not in answer.error, "of a kind that nobody foresaw"
            self.refused += 1
        return answer

    def figures(self):
        gained = peak() - self.before
        assert gained < MOST_MEMORY
        return {
            "read": self.read,
            "refused": self.refused,
            "longest_seconds": round(max(self.seconds), 3),
            "longer_than_a_second": sum(seconds > SLOW for seconds in self.seconds),
            "megabytes_above_before": round(gained),
        }


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one_line(text):
    return text and text == " ".join(text.split()) and "Traceback" not in text


def test_there_are_many_odd_pictures():
    assert len(ODD) >= 60


def test_odd_pictures_are_read_or_refused_in_one_line(reader, torture, account):
    watch, wrong = Watch(reader), {}
    tried = [name for name in ODD if torture or name not in TEXTURES]
    for name in tried:
        expected = ODD[name][1]
        answer = watch.answer(made(name))
        digits = None if answer.error else answer.answer.digits
        fits = {FIVE: digits == "5", NOTHING: digits == "", REFUSED: digits is None, HANDLED: True}
        if not fits[expected]:
            wrong[name] = (expected, answer.error or digits)
    assert not wrong
    outcome = "each read, or refused in one line that says why"
    account(
        "odd, damaged and malicious pictures", tried=len(tried), outcome=outcome, **watch.figures()
    )


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_every_orientation_gives_the_reading_of_the_turned_picture(reader, form):
    for orientation in range(1, 9):
        reading = reader.read(ReadJob(content=odd.oriented(orientation, form))).answer
        assert reading.digits == "5"
        upright = reader.read(ReadJob(content=odd.encode(odd.COLOUR, form))).answer
        boxes = [one.lines[0].box for one in (reading, upright)]
        np.testing.assert_allclose(*boxes, atol=2)


def test_mutated_pictures_are_read_or_refused_in_one_line(reader, effort, account):
    random, watch, count = np.random.default_rng(20), Watch(reader), effort(100, 10_000)
    for number in range(count):
        watch.answer(mutate(SEEDS[number % len(SEEDS)], random, SEEDS))
    outcome = "each read, or refused in one line"
    account("mutated pictures, by predict", tried=count, outcome=outcome, **watch.figures())


def test_over_http_they_are_answers_or_refusals_and_the_readers_live_on(server, effort, account):
    random, count = np.random.default_rng(21), effort(30, 1000)
    pictures = [made(name) for name in list(ODD)[:: effort(8, 1)]]
    pictures += [mutate(SEEDS[number % len(SEEDS)], random, SEEDS) for number in range(count)]
    seconds, statuses = [], {}
    for picture in pictures:
        began = time.monotonic()
        response = server.client.post("/api/read", content=picture)
        seconds.append(time.monotonic() - began)
        assert response.status_code in (200, 400, 413, 422), response.text
        assert response.status_code == 200 or one_line(response.json()["error"])
        assert seconds[-1] < HANG
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
    assert server.metric("mnistlab_reader_deaths_total") == 0
    assert server.client.post("/api/read", content=odd.PNG).json()["digits"] == "5"
    account(
        "odd and mutated pictures, over HTTP",
        tried=len(pictures),
        outcome="each answered or refused with 400, 413 or 422; no reader died",
        longest_seconds=round(max(seconds), 3),
        longer_than_a_second=sum(one > SLOW for one in seconds),
        **{f"status_{status}": number for status, number in sorted(statuses.items())},
    )


def test_the_program_ends_with_one_line_for_each_that_cannot_be_read(tmp_path):
    bad = [made(name) for name, (_, expected) in ODD.items() if expected == REFUSED]
    for number, content in enumerate(bad):
        (tmp_path / f"{number:03}.png").write_bytes(content)
    (tmp_path / "good.png").write_bytes(odd.PNG)
    result = run(*MNISTLAB, "predict", tmp_path, cwd=tmp_path)
    assert result.returncode == 1
    assert "Traceback" not in result.stdout + result.stderr
    assert len((result.stdout + result.stderr).splitlines()) == len(bad) + 1
    assert (result.stdout + result.stderr).count("error: ") == len(bad)


def test_as_training_images_they_are_read_or_refused_with_their_name():
    for name in ODD:
        said = as_training_image(name)
        assert said is None or (one_line(said) and said.startswith(f"{name}.png: "))


def as_training_image(name):
    """What is said of one that is refused."""
    try:
        decode(made(name), f"{name}.png")
    except DataError as error:
        return str(error)
    return None


def test_no_program_is_started_for_postscript(tmp_path, monkeypatch):
    trap = tmp_path / "gs"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\nexit 1\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "a.png").write_bytes(made("EPS"))
    assert run(*MNISTLAB, "predict", "a.png", cwd=tmp_path).returncode == 1
    with pytest.raises(DataError):
        decode(made("EPS"), "a.png")
    assert not (tmp_path / "started").exists()


def test_a_picture_given_as_such_keeps_its_own_size():
    for picture in (Image.new("RGBA", (3000, 2000)), np.zeros((2000, 3000, 4), np.uint8)):
        assert open_pixels(picture)[1] == (3000, 2000)
    with pytest.raises(PictureError, match="too many pieces"):
        open_pixels(odd.with_segment(0xFE, b"", times=300_000))
