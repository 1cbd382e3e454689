"""mnistlab predict as a user meets it: real processes, real pictures."""

import csv
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnistlab.cli.answers import Result, TextWriter
from mnistlab.cli.picture_sources import find_sources
from mnistlab.recogniser import Recogniser
from mnistlab.recogniser.models import find_model
from tests.cli.processes import PREDICT, objects, refusal, run
from tests.recogniser.drawing import cover, paint, pixels
from tests.recogniser.readings import reading

ORIENTATION, ON_ITS_SIDE = 0x112, 6
BLUE, VERMILION = (0, 0x72, 0xB2), (0xD5, 0x5E, 0)


def test_a_line_a_picture_in_one_column(pictures):
    result = run(*PREDICT, "one.png", "blank.png", "two.png", cwd=pictures)
    assert result.returncode == 0, result
    assert result.stderr == ""
    first, second, third = result.stdout.splitlines()
    assert re.fullmatch(r"one\.png    724  \(9\d\.\d %\)", first)
    assert second == "blank.png  no digit"
    assert re.fullmatch(r"two\.png    04  \(9\d\.\d %\)", third)


def test_a_broken_and_a_missing_picture_are_reported_and_the_others_read(pictures):
    result = run(*PREDICT, "bad.png", "one.png", "no\033.png", cwd=pictures)
    assert result.returncode == 1
    assert re.fullmatch(r"one\.png     724  \(.*\)\n", result.stdout)
    broken, missing = result.stderr.splitlines()
    assert broken.startswith("bad.png     error: ")
    assert missing == r"no\x1b.png  error: cannot be read: No such file or directory"


def test_every_format_and_orientation_is_read(number, tmp_path):
    image = number().convert("RGB")
    for suffix in ("png", "jpg", "webp", "bmp", "gif", "tiff", "ppm"):
        image.save(tmp_path / f"a.{suffix}")
    turned = Image.Exif()
    turned[ORIENTATION] = ON_ITS_SIDE
    image.rotate(90, expand=True).save(tmp_path / "turned.JPG", exif=turned)
    clear = Image.new("RGBA", image.size)
    clear.putalpha(Image.fromarray(255 - np.asarray(number())))
    clear.save(tmp_path / "clear.png")
    Image.fromarray(np.asarray(number()).astype(np.uint16) * 64).save(tmp_path / "deep.png")
    found = objects(tmp_path, "--annotate", "drawn/", cwd=tmp_path)
    assert len(found) == 10
    assert {(read["digits"], read["error"]) for read in found} == {("724", None)}
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    # a.png would be the name of seven.
    assert drawn[:2] == ["a.bmp.png", "a.gif.png"]
    assert drawn[-1] == "turned.JPG.png"
    for name in drawn:
        with Image.open(tmp_path / "drawn" / name) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", image.size)
            assert BLUE in set(picture.get_flattened_data())
            assert VERMILION not in set(picture.get_flattened_data())
            # The paper stays what it is: light, where nothing is drawn.
            assert min(picture.getpixel((2, 2))) > 180


def test_folders_are_searched_in_natural_order_and_hidden_files_left_out(number, tmp_path):
    for name in ("10.png", "9.PNG", "b/2.jpg", "b/c/1.webp", ".hidden.png", ".git/1.png"):
        (tmp_path / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__), tmp_path / "scans" / name)
    (tmp_path / "scans" / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()
    result = run(*PREDICT, "scans", "empty", "--csv", cwd=tmp_path)
    assert result.returncode == 1
    names = [row["file"] for row in csv.DictReader(io.StringIO(result.stdout))]
    assert names == ["scans/9.PNG", "scans/10.png", "scans/b/2.jpg", "scans/b/c/1.webp", "empty"]
    assert result.stdout.splitlines()[-1] == "empty,,,,,,,a folder without pictures"


def test_in_a_folder_content_decides_what_is_a_picture(number, tmp_path):
    for name in ("scan", "scan.dat", "scan.jfif"):
        number().convert("RGB").save(tmp_path / name, format="JPEG")
    (tmp_path / "notes.txt").write_text("seven")
    assert [read["digits"] for read in objects(tmp_path, cwd=tmp_path)] == ["724"] * 3


def test_a_pattern_that_no_shell_expanded_is_expanded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/2.png", "a/10.png", "b/2.png", "b/notes.txt", "[1].png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"")
    Path("c").mkdir()

    def found(*arguments):
        return [source.name for source in find_sources(arguments)]

    assert found("*/*.png") == found("**/?*.png")[1:] == ["a/2.png", "a/10.png", "b/2.png"]
    assert found("a/**") == found("a/", "a")[:2] == ["a/2.png", "a/10.png"]
    assert found("?") == ["a/2.png", "a/10.png", "b/2.png"]
    assert found("[1].png", "./x.png", "-") == ["[1].png", "./x.png", "-"]
    assert [source.fault for source in find_sources(["*.jpg", "[c]", "c"])] == [
        "no file matches",
        "only folders without pictures match",
        "a folder without pictures",
    ]
    result = run(*PREDICT, "*.jpg", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "*.jpg  error: no file matches\n")


def test_standard_input_is_one_picture(pictures):
    content = (pictures / "one.png").read_bytes()
    result = run(*PREDICT, "-", cwd=pictures, stdin=content)
    assert re.fullmatch(r"-  724  \(9\d\.\d %\)\n", result.stdout)
    command = [*PREDICT, "two.png", "-", "--jobs", "2", "--csv", "--annotate", "drawn/"]
    result = run(*command, cwd=pictures, stdin=content)
    assert [line[:8] for line in result.stdout.splitlines()] == [
        "file,tex",
        "two.png,",
        "-,724,72",
    ]
    assert sorted(path.name for path in (pictures / "drawn").iterdir()) == ["stdin.png", "two.png"]
    result = run(*PREDICT, "-", cwd=pictures, stdin=b"")
    assert (result.returncode, result.stderr) == (1, "-  error: empty\n")


def test_what_does_not_fit_a_pattern_is_in_csv_too(pictures):
    result = run(*PREDICT, "one.png", "--pattern", "0-100", "--csv", cwd=pictures)
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert row["sure"] == "false"
    assert re.fullmatch(r"724 (does not fit|hardly fits) 0-100.*", row["notes"])


def test_what_is_written_is_said_and_whether_it_replaces_a_file(pictures):
    first, again = (
        run(*PREDICT, "one.png", "--annotate", "a.png", cwd=pictures).stderr for _ in range(2)
    )
    assert first == "wrote a.png\n"
    assert again == "wrote a.png, in place of another file\n"
    several = run(*PREDICT, "one.png", "two.png", "--annotate", "many/", cwd=pictures)
    assert several.stderr == "wrote 2 annotated pictures into many\n"


def test_csv_is_rfc_4180(pictures):
    shutil.copy(pictures / "one.png", pictures / 'a, "b"\n한.png')
    result = subprocess.run(
        [*PREDICT, 'a, "b"\n한.png', "blank.png", "bad.png", "--csv"],
        cwd=pictures,
        capture_output=True,
    )
    assert result.returncode == 1
    assert result.stderr == b""
    text = result.stdout.decode()
    assert text.startswith("file,text,digits,sure,confidence,boxes,notes,error\r\n")
    assert text.endswith("\r\n")
    good, blank, bad = csv.DictReader(io.StringIO(text, newline=""))
    assert (good["file"], good["text"], good["digits"], good["sure"], good["error"]) == (
        'a, "b"\n한.png',
        "724",
        "724",
        "true",
        "",
    )
    assert 0.9 < float(good["confidence"]) < 1
    assert re.fullmatch(r"(\d+ \d+ \d+ \d+;){2}\d+ \d+ \d+ \d+", good["boxes"])
    assert list(blank.values()) == ["blank.png", "", "", "false", "0.0", "", "", ""]
    assert list(bad.values())[1:-1] == [""] * 6
    assert bad["error"]


def test_json_has_what_a_reading_has_and_errors(pictures):
    good, blank, bad = objects("one.png", "blank.png", "bad.png", cwd=pictures, status=1)
    expected = Recogniser().read(pictures / "one.png").as_dict()
    assert good == {"file": "one.png"} | expected | {"error": None}
    assert (blank["text"], blank["lines"], blank["error"]) == ("", [], None)
    assert list(bad) == list(good)
    assert (bad["digits"], bad["sure"]) == ("", False)
    assert bad["error"]


def test_an_unsure_digit_is_marked_and_its_guesses_shown(capsys):
    doubtful = reading("407", odd={1: {"0": 0.41, "6": 0.385, "5": 0.2}})
    certain = reading("3", confidence=0.99996)
    plain = reading("0", odd={0: {"0": 0.495, "1": 0.005}})
    lines = reading("12 3", "45", odd={2: {"3": 0.4}, 4: {"cut": True}})
    nothing = reading("1", odd={0: {"line": -1}})
    misfit = reading("42 512").matching("0-99")
    with TextWriter(["한글.png", "a.png"]) as writer:
        for name, found in (
            ("한글.png", doubtful),
            ("a.png", certain),
            ("b", plain),
            ("c", lines),
            ("d", nothing),
            ("e", misfit),
        ):
            writer.write(name, Result(found.answer))
    assert capsys.readouterr().out.splitlines() == [
        "한글.png  4?7  unsure: 0 (41 %) or 6 (38 %) at place 2",
        "a.png     3  (99.9 %)",
        "b         ?  unsure: 0 (49 %)",
        "c         12 ?",
        "          4?  unsure: 3 (40 %) at place 3 of line 1, 5 (99 %) at place 2 of line 2;"
        " a character is cut by the edge",
        "d         no digit  unsure: ink that may be a character was not read in 1 place",
        "e         42 51?  unsure: 512 hardly fits 0-99 and is read as 51",
    ]


def test_of_many_unsure_characters_the_first_are_told_and_the_others_counted(capsys):
    many = reading("1" * 20, odd={place: {"1": 0.4, "7": 0.35} for place in range(20)})
    with TextWriter(["a.png"]) as writer:
        writer.write("a.png", Result(many.answer))
    told = capsys.readouterr().out
    assert told.count("1 (40 %) or 7 (35 %)") == 8
    assert told.endswith("at place 8, and 12 more characters\n")


def test_lines_are_shown_under_each_other_and_kept_in_csv(tmp_path):
    ink = cover("407 5219", size=(400, 280), height=80, pen=7)
    Image.fromarray(pixels(paint(ink))).save(tmp_path / "two lines.png")
    result = run(*PREDICT, "two lines.png", cwd=tmp_path)
    assert re.fullmatch(r"two lines\.png  407\n {15}5219  \(\d+\.\d %\)\n", result.stdout)
    result = subprocess.run(
        [*PREDICT, "two lines.png", "--csv"], cwd=tmp_path, capture_output=True, check=True
    )
    (row,) = csv.DictReader(io.StringIO(result.stdout.decode(), newline=""))
    assert (row["text"], row["digits"]) == ("407\n5219", "4075219")
    assert row["boxes"].count(";") == 6


def characters(read):
    return [
        one for line in read["lines"] for group in line["groups"] for one in group["characters"]
    ]


def test_threshold_and_model_are_the_recognisers(pictures):
    (read,) = objects("one.png", "--model", "lenet5", "--threshold", 0, cwd=pictures)
    assert read["digits"] == "724"
    shutil.copy(find_model("reader"), pictures / "my.bin")
    (read,) = objects("one.png", "--model", "my.bin", cwd=pictures)
    confidences = [one["confidence"] for one in characters(read)]
    limit = (min(confidences) + sorted(confidences)[1]) / 2
    (again,) = objects("one.png", "--threshold", limit, cwd=pictures)
    assert [one["sure"] for one in characters(again)] == [
        confidence > limit for confidence in confidences
    ]
    assert "[0.9]" in run(*PREDICT, "--help", cwd=pictures).stdout
    assert Recogniser().threshold == 0.9


BAD = {
    "both formats": (["one.png", "--csv", "--json"], "give one of them"),
    "no picture named": (["--csv"], "Missing argument 'IMAGE...'"),
    "standard input twice": (["-", "-"], "give it once"),
    "threshold above 1": (
        ["one.png", "--threshold", "1.1"],
        "'--threshold': 1.1 is not a probability",
    ),
    "threshold is not a number": (["one.png", "--threshold", "nan"], "nan is not a probability"),
    "no jobs": (["one.png", "--jobs", "0"], "'--jobs'"),
    "unknown model": (
        ["one.png", "--model", "readr"],
        "readr: no such model; did you mean reader?",
    ),
    "not a model": (["one.png", "--model", "one.png"], "one.png: not an ONNX model"),
    "missing model": (["one.png", "--model", "no.onnx"], "no.onnx: cannot be read"),
    "annotate into nowhere": (["one.png", "--annotate", "no/a.png"], "no: cannot be written"),
    "annotate below a file": (["one.png", "--annotate", "one.png/x/"], "cannot be written"),
    "annotate as JPEG": (["one.png", "--annotate", "x.jpg"], "are written as PNG"),
    "annotate several": (
        ["one.png", "two.png", "--annotate", "x.png"],
        "x.png: one file for 2 pictures",
    ),
    "annotate itself": (["one.png", "--annotate", "./one.png"], "would be overwritten"),
    "annotate in place": ([".", "--annotate", "./"], "would be overwritten"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_gets_one_line_before_anything_is_read(case, pictures):
    arguments, message = BAD[case]
    before = {path.name: path.read_bytes() for path in pictures.iterdir()}
    result = run(*PREDICT, *arguments, cwd=pictures)
    assert message in refusal(result)
    assert result.stdout == ""
    assert before == {path.name: path.read_bytes() for path in pictures.iterdir()}


def test_without_arguments_it_shows_its_help(tmp_path):
    result = run(*PREDICT, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, "")
    assert "--annotate" in result.stdout


def test_torch_is_not_imported_and_help_imports_nothing_heavy(pictures):
    def imported(*arguments):
        command = [sys.executable, "-X", "importtime", *PREDICT[1:], *arguments]
        return set(re.findall(r"\| +([\w.]+)$", run(*command, cwd=pictures).stderr, re.MULTILINE))

    assert not imported("--help") & {"torch", "onnxruntime", "PIL", "numpy", "rich"}
    assert "wasmtime" in (read := imported("one.png", "two.png", "--annotate", "x/"))
    assert not read & {"torch", "matplotlib", "onnxruntime"}
    assert "onnxruntime" in imported("one.png", "--model", "lenet5")
