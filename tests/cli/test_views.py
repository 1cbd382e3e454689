"""``mnistlab evaluate --shifts``."""

import json

from tests.cli.processes import MNISTLAB, run


def test_shifted_copies_are_told_beside_the_images_as_they_are(few, tmp_path):
    plain, shifted = (
        json.loads(run(*MNISTLAB, "evaluate", "lenet5", "--data", few, "--json", *more, cwd=tmp_path).stdout)
        for more in ([], ["--shifts", "1"])
    )
    views = shifted.pop("views")
    assert shifted == plain
    assert (views["pixels"], views["copies"]) == (1, 9)
    assert 0.9 < views["accuracy"] <= 1
    said = run(*MNISTLAB, "evaluate", "lenet5", "--data", few, "--shifts", "1", cwd=tmp_path).stdout.splitlines()[-1]
    assert said.endswith(
        f"{100 * views['accuracy']:.2f} % instead of {100 * plain['accuracy']:.2f} %, for 9 times the work."
    )
