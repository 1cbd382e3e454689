"""mnistlab predict with several processes: the same answers in order, deaths, interrupts,
progress."""

import contextlib
import csv
import io
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from mnistlab.cli.reader import ReadJob, ReadOptions
from mnistlab.cli.worker_pool import WorkerPool
from mnistlab.errors import MnistlabError
from tests.cli.processes import PREDICT, in_a_terminal, objects, run
from tests.forks import started


def test_many_pictures_give_the_same_answers_in_order_however_many_processes_read(
    digits, test_split
):
    side_by_side = run(*PREDICT, digits, "--csv", "--jobs", 2, cwd=digits)
    assert side_by_side.returncode == 0, side_by_side
    rows = list(csv.DictReader(io.StringIO(side_by_side.stdout)))
    assert [row["file"] for row in rows] == [str(digits / f"{place}.png") for place in range(100)]
    right = sum(row["digits"] == str(label) for row, label in zip(rows, test_split.labels))
    assert right >= 94
    few = [digits / f"{place}.png" for place in range(0, 100, 30)]
    together = objects(*few, cwd=digits)
    alone = csv.DictReader(io.StringIO(run(*PREDICT, *few, "--csv", cwd=digits).stdout))
    assert list(alone) == [row for row in rows if row["file"] in set(map(str, few))]
    assert objects(few[2], cwd=digits) == together[2:3]
    assert objects(*few, "--jobs", 2, cwd=digits) == together


TICKS = 20
"""Of a processor's clock, hundredths of a second: more than any process spends that reads
nothing."""


def start(*arguments, cwd):
    return started().start("predict", *arguments, cwd=cwd, session=True, piped=True)


def session(process):
    """A process and its descendants."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # Nobody may have taken leave of one that has ended; it has no command line any more.
            if os.getsid(int(entry.name)) == process.number and (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def busiest(process):
    """The descendant of a process that has worked most, once one has for long: one that reads."""
    while True:
        spent = {
            number: sum(map(int, Path(f"/proc/{number}/stat").read_text().split()[13:15]))
            for number in session(process)
            if number != process.number
        }
        number = max(spent, key=spent.get)
        if spent[number] > TICKS:
            return number
        time.sleep(0.01)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_process_that_dies_is_reported_with_its_picture_and_the_others_are_read(pictures):
    # Large, so that it is being read most of the time.
    Image.open(pictures / "two.png").resize((4000, 3000)).save(pictures / "large.png")
    process = start("one.png", *["large.png"] * 20, "--jobs", 2, "--json", cwd=pictures)
    begun = b""
    while b"724" not in begun:
        begun += process.pipe.read1()
    os.kill(busiest(process), signal.SIGKILL)
    rest = process.pipe.read()
    ended = process.wait()
    assert (ended.returncode, ended.stderr) == (1, "")
    found = json.loads(begun + rest)
    assert [read["digits"] for read in found if not read["error"]] == ["724", *["04"] * 19]
    (lost,) = (read["error"] for read in found if read["error"])
    assert lost == "the process that read it was killed by SIGKILL"


def test_processes_that_cannot_start_are_given_up():
    with pytest.raises(MnistlabError, match="ended with status 1 as it started; try --jobs 1"):
        list(
            WorkerPool(ReadOptions("no such model"), 2).read(
                [ReadJob(content=b"")] * 4, lambda: False
            )
        )


@pytest.mark.parametrize(("number_of_processes", "form"), [(1, "--csv"), (2, "--json")])
def test_an_interrupt_finishes_what_was_begun(pictures, number_of_processes, form):
    process = start(
        "one.png", *["two.png"] * 500, "--jobs", number_of_processes, form, cwd=pictures
    )
    begun = b""
    while b"724" not in begun:
        begun += process.pipe.read1()
        assert process.running
    os.killpg(process.number, signal.SIGINT)
    rest = process.pipe.read()
    ended = process.wait()
    assert ended.returncode == 130
    assert re.fullmatch(r"stopped after \d+ of 501\n", ended.stderr)
    if form == "--json":
        assert json.loads(begun + rest)[0]["digits"] == "724"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("seconds", [0, 0.3])
def test_an_interrupt_while_processes_start_leaves_no_traceback(digits, seconds):
    process = start(digits, "--json", "--jobs", 2, cwd=digits)
    while len(session(process)) < 3:
        time.sleep(0.01)
    time.sleep(seconds)
    os.killpg(process.number, signal.SIGINT)
    ended = process.wait()
    assert ended.returncode == 130
    assert re.fullmatch(r"stopped after \d+ of 100\n", ended.stderr)
    assert isinstance(json.loads(ended.stdout), list)
    for _ in range(100):
        if session(process):
            time.sleep(0.05)
    assert session(process) == []


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json", "--jobs", "2"]])
def test_a_closed_pipe_ends_it_quietly(digits, form):
    process = start(digits, *form, cwd=digits)
    process.pipe.readline()
    process.pipe.close()
    ended = process.wait()
    assert (ended.returncode, ended.stderr) == (1, "")


def seen(*arguments, cwd):
    """What a terminal shows that takes the errors alone, and standard output."""
    shown, ended = in_a_terminal("predict", *arguments, cwd=cwd, columns=100, piped=True)
    return shown, ended.stdout


def test_progress_is_drawn_only_for_many_pictures_on_a_terminal(digits, pictures):
    many = [digits / f"{place}.png" for place in range(21)]
    shown, out = seen(pictures / "bad.png", *many, cwd=digits)
    assert "/22" in shown
    # The terminal may break the line.
    assert "bad.png  error: " in re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\r?\n", "", shown)
    assert len(out.splitlines()) == 21
    assert "\x1b" not in out
    shown, out = seen(*many, "--quiet", cwd=digits)
    assert (shown, len(out.splitlines())) == ("", 21)
    assert seen(*many[:20], cwd=digits)[0] == ""
