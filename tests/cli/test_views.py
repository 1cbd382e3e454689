"""``mnistlab evaluate --shifts``."""

import json

from tests.cli.processes import MNISTLAB, refusal, run


def test_shifted_copies_are_told_beside_the_images_as_they_are(few, tmp_path):
    plain, shifted = (
        json.loads(
            run(
                *MNISTLAB, "evaluate", "lenet5", "--data", few, "--json", *more, cwd=tmp_path
            ).stdout
        )
        for more in ([], ["--shifts", "1"])
    )
    views = shifted.pop("views")
    assert shifted == plain
    assert (views["pixels"], views["copies"]) == (1, 9)
    assert 0.9 < views["accuracy"] <= 1
    said = run(
        *MNISTLAB, "evaluate", "lenet5", "--data", few, "--shifts", "1", cwd=tmp_path
    ).stdout.splitlines()[-1]
    assert said.endswith(
        f"{100 * views['accuracy']:.2f} % instead of {100 * plain['accuracy']:.2f} %, for 9 times"
        " the work."
    )


def test_of_a_run_that_reads_copies_it_is_told_what_it_comes_to_without(few, tmp_path):
    for shifts in (0, 1):
        done = [
            "train",
            "mlp",
            "--data",
            few,
            "--epochs",
            2,
            "--set",
            f"shifts={shifts}",
            "--run",
            f"r{shifts}",
            "-q",
        ]
        assert run(*MNISTLAB, *done, cwd=tmp_path).returncode == 0
    plain, moved = (
        json.loads(run(*MNISTLAB, "evaluate", f"r{shifts}", "--json", cwd=tmp_path).stdout)
        for shifts in (0, 1)
    )
    assert "views" not in plain
    assert moved["views"] == {
        "pixels": 1,
        "copies": 9,
        "accuracy": moved["accuracy"],
        "accuracy_once": plain["accuracy"],
    }
    asked = json.loads(
        run(*MNISTLAB, "evaluate", "r0", "--shifts", "1", "--json", cwd=tmp_path).stdout
    )
    assert asked["views"] == moved["views"]
    said = refusal(run(*MNISTLAB, "evaluate", "r1", "--shifts", "1", cwd=tmp_path))
    assert "r1 reads shifted copies as it is: its recipe has shifts = 1" in said
    assert "train with shifts = 0" in refusal(
        run(*MNISTLAB, "export", "r1", "m.onnx", cwd=tmp_path)
    )
