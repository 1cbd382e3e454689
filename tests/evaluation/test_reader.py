"""mnistlab evaluate reader --pictures, and mnistlab.evaluate_reader, on folders of pictures."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import mnistlab
from mnistlab import MnistlabError
from mnistlab.cli.app import app
from mnistlab.cli.app import run as run_app
from mnistlab.evaluation.transcript import TranscribedCharacter, Transcript
from mnistlab.statistics.readings import (
    ReadCharacter,
    ReadPicture,
    character_calibration,
    edit_distance,
    matches,
    picture_calibration,
    score_kinds,
)

NOWHERE = (0.0, 0.0, 1.0, 1.0)


def reads(text, confidence=0.9, *, sure=True):
    """Return what a reader says that reads ``text``."""
    characters = [TranscribedCharacter(one, confidence, sure, NOWHERE) for one in text if one > " "]
    digits = "".join(one for one in text if one.isdigit())
    return Transcript(text, digits, sure, confidence if characters else 0.0, tuple(characters))


@pytest.fixture
def folder(tmp_path):
    """Six files that hold what a reader says of them, and their table."""
    pictures = {
        "a.png": ("407", "single-photo", "407"),
        "b.png": ("8", "single-28px", "6"),
        "c.png": ("12", "multi-photo", "12"),
        "d.png": ("", "hard-form", ""),
        "e.png": ("", "hard-form", "1"),
        "f.png": ("51", "stamps", "5"),
    }
    rows = [f"{name},{digits},{kind}" for name, (digits, kind, _) in pictures.items()]
    (tmp_path / "labels.csv").write_text("\n".join(["file,digits,kind", *rows]))
    for name, (_, _, read) in pictures.items():
        (tmp_path / name).write_text(read)
    return tmp_path


def echo(content):
    return reads(content.decode())


def test_pictures_are_scored_by_group_and_by_kind(folder):
    result = mnistlab.evaluate_reader(folder, echo)
    scores = {score["name"]: score for score in result.as_dict()["scores"]}
    told = {name: (one["pictures"], one["right"]) for name, one in scores.items()}
    assert told == {
        "single": (2, 1),
        "single-photo": (1, 1),
        "single-28px": (1, 0),
        "several": (1, 1),
        "multi-photo": (1, 1),
        "hard": (2, 1),
        "hard-form": (2, 1),
        "stamps": (1, 0),
        "all": (6, 3),
    }
    assert scores["all"]["sure_and_wrong"] == 3
    assert (scores["all"]["edits"], scores["all"]["characters"]) == (3, 8)
    low, high = scores["all"]["interval"]
    assert (round(low, 3), round(high, 3)) == (0.188, 0.812)  # Wilson's, of 3 in 6
    assert "3 of 6 pictures are read without a mistake: 50.0 %" in result.verdict
    assert "3 of these are wrong: b.png reads '6', e.png reads '1'" in result.remarks[0]


def test_signs_count_only_where_the_table_has_them(tmp_path):
    (tmp_path / "a.png").write_text("12 05")
    table = tmp_path / "labels.csv"
    table.write_text("file,digits\na.png,1205\n")
    assert mnistlab.evaluate_reader(tmp_path, echo).pictures[0].right
    table.write_text('file,text\na.png,"12\n05"\n')
    assert mnistlab.evaluate_reader(tmp_path, echo).pictures[0].right
    table.write_text("file,digits,text\na.png,1205,12/05\n")
    picture = mnistlab.evaluate_reader(tmp_path, echo).pictures[0]
    assert (picture.truth, picture.read, picture.right) == ("12/05", "12 05", False)


def test_calibration_compares_expected_with_observed():
    pictures = [
        ReadPicture("a", "", "407", "4017", True, 0.6, tuple(map(_character, "4017")), 0.1),
        ReadPicture("b", "", "5", "5", True, 0.99, (ReadCharacter("5", 0.99),), 0.1),
        ReadPicture("c", "", "5", "", False, 0.0, (), 0.1),
    ]
    assert [(one.low, one.count, one.right) for one in picture_calibration(pictures)] == [
        (0.5, 1, 0),
        (0.99, 1, 1),
    ]
    below, above = character_calibration(pictures)
    assert (below.low, below.count, below.right) == (0.8, 4, 3)
    assert below.expected == pytest.approx(3.4)
    assert (above.low, above.count, above.right) == (0.99, 1, 1)
    assert [score.name for score in score_kinds(pictures)] == ["all"]


def _character(text):
    return ReadCharacter(text, 0.85)


words = st.text("0123", max_size=7)


@settings(deadline=None)
@given(words, words, words)
def test_edit_distance_is_a_distance(first, second, third):
    assert (edit_distance(first, second) == 0) == (first == second)
    assert edit_distance(first, second) == edit_distance(second, first)
    through = edit_distance(first, third) + edit_distance(third, second)
    assert abs(len(first) - len(second)) <= edit_distance(first, second) <= through


@settings(deadline=None)
@given(words, words)
def test_what_matches_is_a_common_part_of_both(truth, read):
    kept = sorted(matches(truth, read))
    rest = iter(truth)
    assert all(read[place] in rest for place in kept)
    assert len(kept) >= max(len(truth), len(read)) - edit_distance(truth, read)


@pytest.fixture
def drawn(tmp_path, mnist):
    """Two of MNIST's images and a blank sheet."""
    for name, image in (("one", mnist.test.images[2, 0]), ("seven", mnist.test.images[0, 0])):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    Image.fromarray(np.full((40, 60), 250, np.uint8)).save(tmp_path / "blank.png")
    table = (
        "file,digits,kind,writer\none.png,1,single,me\nseven.png,1,single,me\nblank.png,,blank,me\n"
    )
    (tmp_path / "labels.csv").write_text(table)
    return tmp_path


def test_the_command_reports_what_the_shipped_reader_reads(drawn, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["evaluate", "reader", "--pictures", str(drawn), "--out", str(out), "--json"]
    assert run_app(app, command) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    read = {one["file"]: one["read"] for one in told["pictures"]}
    assert read == {"one.png": "1", "seven.png": "7", "blank.png": ""}
    assert "1 of these are wrong: seven.png reads '7'" in printed.err
    assert "note: labels.csv: not used: writer" in printed.err
    record = json.loads((out / "reader.json").read_text())
    assert record["scores"] == told["scores"]
    assert "seven.png" in (out / "tables" / "mistakes.csv").read_text()
    assert (out / "plots" / "calibration.png").is_file()


def test_a_damaged_picture_is_named_or_skipped(drawn):
    (drawn / "one.png").write_bytes(b"\x89PNG\r\n\x1a\n no")
    with pytest.raises(MnistlabError, match=r"1 of 3 pictures are damaged: one\.png .*skip"):
        mnistlab.evaluate_reader(drawn)
    result = mnistlab.evaluate_reader(drawn, mnistlab.Recogniser(), skip_damaged=True)
    assert [picture.name for picture in result.pictures] == ["seven.png", "blank.png"]
    assert "1 of 3 pictures are damaged and left out" in result.notes


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "has no labels.csv; write one with the columns file,digits"),
        ("", "it is empty"),
        ("file,digits\n", "has no rows"),
        ("name,digits\na.png,1\n", "columns have to be file, and digits or text; found name"),
        ("file,kind\na.png,1\n", "columns have to be file, and digits or text; found file, kind"),
        ("file,digits,digits\na.png,1,1\n", "two columns of one name"),
        ("file,digits\na.png\n", "row 1: 1 cells, but the table has 2 columns"),
        ("file,digits\n,1\n", "row 1: names no file"),
        ("file,digits\nb.png,1\n", "there is no such file"),
        ("file,digits\na.png,1\na.png,1\n", "row 2: a.png is there twice"),
        ("file,digits\na.png,1.5\n", "digits: 1.5: only 0 to 9; signs belong into the column text"),
        ("file,digits,text\na.png,15,1.6\n", "the digits 15 are not those of the text '1.6'"),
        ('file,digits\na.png,"1\n', "no table of comma-separated values"),
    ],
)
def test_tables_that_make_no_sense_are_refused(tmp_path, table, said):
    (tmp_path / "a.png").write_text("1")
    if table is not None:
        (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(MnistlabError) as refusal:
        mnistlab.evaluate_reader(tmp_path, echo)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_table_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_bytes("file,digits\nä.png,1\n".encode("latin-1"))
    with pytest.raises(MnistlabError, match="not UTF-8; save it as UTF-8"):
        mnistlab.evaluate_reader(tmp_path, echo)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_as_spreadsheets_write_it_is_read(tmp_path, separator, encoding):
    (tmp_path / "a.png").write_text("1,5 / 2")
    rows = [["file", "kind", "text"], ["a.png", "écrit", '"1,5\n/ 2"']]
    table = "\r\n".join(map(separator.join, rows))
    (tmp_path / "labels.csv").write_bytes(table.encode(encoding))
    (picture,) = mnistlab.evaluate_reader(tmp_path, echo).pictures
    assert (picture.kind, picture.truth, picture.right) == ("écrit", "1,5 / 2", True)


def test_a_function_may_return_the_text_alone(folder):
    result = mnistlab.evaluate_reader(folder, bytes.decode)
    assert [one.read for one in result.pictures] == ["407", "6", "12", "", "1", "5"]
    with pytest.raises(MnistlabError, match=r"must return a picture's text .*; found int"):
        mnistlab.evaluate_reader(folder, len)
    with pytest.raises(MnistlabError, match=r"reader: must be .*; found NoneType"):
        mnistlab.evaluate_reader(folder, None)
    with pytest.raises(MnistlabError, match=r"pictures: must be a folder .*; found func"):
        mnistlab.evaluate_reader(echo, folder)


@pytest.mark.parametrize(
    "other", [["--shifts", "1"], ["--corruptions"], ["--data", "mnist"], ["--split", "test"]]
)
def test_what_is_for_classifying_is_refused_beside_pictures(folder, other, capsys):
    assert run_app(app, ["evaluate", "reader", "--pictures", str(folder), *other]) == 2
    assert f"{other[0]} is for labelled images, not for --pictures" in capsys.readouterr().err


def test_nothing_read_has_no_plot(folder):
    result = mnistlab.evaluate_reader(folder, lambda _: reads(""), title="silent")
    assert result.title == "silent"
    assert not result.table("characters").rows
    with pytest.raises(MnistlabError, match="there is no plot"):
        result.plot()
