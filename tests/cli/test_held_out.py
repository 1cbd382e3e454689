"""Held-out training images, as ``mnistlab train`` speaks of them."""

import re

from tests.cli.processes import MNISTLAB, run

TEST = re.compile(r"\btest\b")
TRAIN = [*MNISTLAB, "train", "mlp", "--epochs", "2"]


def test_they_are_never_called_test_images(few, tmp_path):
    result = run(*TRAIN, "--data", few, "--set", "validation=100", "--run", "run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    note, start, padding, first, _, end, *_ = result.stdout.splitlines()
    assert padding == "note: images of 28x28 pixels are padded to 32x32"
    assert note == "note: tested on 100 held-out training images, not on the test set"
    assert "500 training and 100 validation images" in start
    assert "validation loss" in first
    assert end.startswith("validation accuracy ")
    assert "(chosen on the validation images)" in end
    assert not TEST.search(result.stdout.removeprefix(note))
    again = run(
        *TRAIN, "--data", few, "--set", "validation=100", "--run", "run", "--resume", cwd=tmp_path
    )
    assert "(chosen on the validation images)" in again.stdout
    assert not TEST.search(again.stdout.removeprefix(note))


def test_the_test_set_is(few, tmp_path):
    said = run(*TRAIN, "--data", few, "--run", "run", cwd=tmp_path).stdout
    assert "600 training and 200 test images" in said
    assert "test loss" in said
    assert "(chosen on the test set)" in said
    assert "held-out" not in said


def test_an_experiments_lines_say_which(few, tmp_path):
    for settings, on in (([], "test"), (["--set", "validation=100"], "validation")):
        command = [
            *MNISTLAB,
            "repeat",
            "mlp",
            "--seeds",
            "1",
            "--epochs",
            "1",
            "--data",
            few,
            "--workers",
            "1",
        ]
        said = run(*command, *settings, "--out", on, cwd=tmp_path).stdout
        assert f": {on} accuracy " in said
