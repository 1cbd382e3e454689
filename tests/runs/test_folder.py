import csv
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from mnistlab import Recipe, RunFolder, RunRecord, train
from mnistlab.errors import RunError
from tests.runs.test_store import keep

HOLD = """
import sys
from pathlib import Path
from mnistlab import RunFolder
with RunFolder(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def finished(tmp_path, plain, small_mnist):
    path = tmp_path / "run"
    return RunFolder(path), train(plain, small_mnist, seed=5, folder=path)


def test_a_finished_run_leaves_its_files(finished, small_mnist):
    folder, trained = finished
    names = {path.name for path in folder.path.iterdir()}
    assert names == {
        "record.json",
        "history.csv",
        "model.safetensors",
        "test_logits.npy",
        "checkpoint.safetensors",
        ".lock",
    }
    assert folder.read_record() == trained.record
    assert folder.read_logits().shape == (200, 10)
    right = folder.read_logits().argmax(axis=1) == small_mnist.test.labels
    assert right.mean() == trained.record.final.test_accuracy


def test_the_history_is_a_table_of_bare_numbers(finished):
    folder, trained = finished
    rows = list(csv.DictReader(io.StringIO(folder.history_file.read_text())))
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    for row, epoch in zip(rows, trained.record.history):
        assert {name: float(value) for name, value in row.items()} == epoch.model_dump()


def test_the_record_says_what_a_reader_needs(finished):
    folder, _ = finished
    record = json.loads(folder.record_file.read_text())
    assert record["recipe"]["epochs"] == 2
    assert (record["seed"], record["parameters"]) == (5, 61_706)
    assert record["data"]["train_images"] == 600
    assert [epoch["epoch"] for epoch in record["history"]] == [1, 2]
    assert record["final"]["test_accuracy"] == record["history"][-1]["test_accuracy"]
    assert record["final"]["test_errors"] == round(200 * (1 - record["final"]["test_accuracy"]))
    assert record["final"]["best_test_accuracy"] == max(
        epoch["test_accuracy"] for epoch in record["history"]
    )
    assert record["environment"]["versions"]["torch"].startswith("2.")
    assert record["environment"]["cores"] >= 1
    assert record["seconds"] > 0


def test_a_record_of_a_later_version_is_still_read(finished):
    folder, trained = finished
    content = json.loads(folder.record_file.read_text())
    # It has a checksum of its own.
    del content["sha256"]
    content["novelty"] = content["history"][0]["novelty"] = 1
    assert RunRecord.from_json(json.dumps(content), "x") == trained.record


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "seed": "x"}'])
def test_a_damaged_record_is_named(finished, content):
    folder, _ = finished
    folder.record_file.write_text(content)
    with pytest.raises(RunError, match=r"record\.json: not a run's record"):
        folder.read_record()


def test_damaged_logits_are_named(finished):
    folder, _ = finished
    for content in (b"", b"junk", folder.logits_file.read_bytes()[:-5]):
        folder.logits_file.write_bytes(content)
        with pytest.raises(RunError, match=r"test_logits\.npy: cannot be read"):
            folder.read_logits()
    np.save(folder.logits_file, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(RunError, match="cannot be read"):
        folder.read_logits()


def test_another_process_is_kept_out_until_the_first_is_gone(tmp_path):
    folder = RunFolder(tmp_path / "run")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(RunError, match="another process is training in this folder"), folder.lock():
        pass
    holder.kill()
    holder.communicate()
    with folder.lock():
        pass


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    (tmp_path / ".record.json.0123456789abcdef.tmp").write_bytes(b"half")
    (tmp_path / ".checkpoint.safetensors.0123456789abcdef.tmp").write_bytes(b"half")
    (tmp_path / ".model.safetensors.aaaaaaaaaaaaaaaa.tmp").symlink_to("notes.tmp")
    (tmp_path / ".test_logits.npy.aaaaaaaaaaaaaaaa.tmp").mkdir()
    kept = {".model.safetensors.aaaaaaaaaaaaaaaa.tmp", ".test_logits.npy.aaaaaaaaaaaaaaaa.tmp"}
    own = {
        ".record.json.1.tmp",
        ".record.json.0123456789abcdef0.tmp",
        ".model.safetensors.bad.tmp",
        "notes.tmp",
        ".notes.tmp",
        ".x.0123456789abcdef.tmp",
        ".record.json.tmp",
        ".record.json.notes.tmp",
    }
    for name in own:
        (tmp_path / name).write_bytes(b"the user's own")
    with RunFolder(tmp_path).lock():
        assert {path.name for path in tmp_path.iterdir()} == {".lock", *own, *kept}


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "run").mkdir()
    for target in ("precious", "nothing"):
        (tmp_path / "run" / ".lock").symlink_to(tmp_path / target)
        with (
            pytest.raises(RunError, match=r"its \.lock is a link"),
            RunFolder(tmp_path / "run").lock(),
        ):
            pass
        (tmp_path / "run" / ".lock").unlink()
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "nothing").exists()


def test_neither_is_a_hard_link_opened(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").hardlink_to(tmp_path / "precious")
    with pytest.raises(RunError, match=r"its \.lock is a link"), RunFolder(tmp_path / "run").lock():
        pass
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_folder_for_a_run_of_which_nothing_came_is_removed(tmp_path):
    with pytest.raises(ZeroDivisionError), RunFolder(tmp_path / "a" / "run").lock():
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").write_bytes(b"")
    with pytest.raises(RunError, match="run: cannot be used"), RunFolder(tmp_path / "run").lock():
        pass
    assert (tmp_path / "run").read_bytes() == b""


def test_where_a_run_lies_further_down_is_told(tmp_path):
    folder, recipe = RunFolder(tmp_path), Recipe(name="mine")
    (tmp_path / "runs").mkdir()
    with pytest.raises(RunError, match=r"holds no finished run$"):
        folder.read_record()
    kept = keep(tmp_path / "runs", recipe, 0)
    with pytest.raises(RunError, match=rf"holds a run further down: {re.escape(str(kept))}$"):
        folder.read_record()
    keep(tmp_path / "runs", recipe, 1)
    with pytest.raises(RunError, match="holds several runs; name the folder of one"):
        folder.read_record()
