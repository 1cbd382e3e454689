"""Cross-validation, as a user starts it."""

import json

import numpy as np
import pytest
from PIL import Image

from mnistlab.runs import RunStore
from tests.cli.processes import MNISTLAB, refusal, run

COMPARE = [*MNISTLAB, "compare", "one.toml", "two.toml", "--workers", "2"]
SAID = (
    "3-fold cross-validation: each of the 300 images is classified by a model that was not trained"
    " on it;"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory, mnist):
    """A folder with 300 images and two small recipes."""
    folder = tmp_path_factory.mktemp("folds")
    images, labels = mnist.train.images[:300, 0], mnist.train.labels[:300]
    np.savez(folder / "some.npz", images=images, labels=labels)
    for name, rate in (("one", 0.01), ("two", 0.1)):
        (folder / f"{name}.toml").write_text(
            f'name = "{name}"\nmodel = "mlp"\ndata = "some.npz"\nepochs = 1\n'
            f"learning_rate = {rate}\n"
        )
    return folder


@pytest.fixture(scope="module")
def compared(place):
    return run(*COMPARE, "--folds", "3", "--seeds", "2", "--out", "DIR", cwd=place)


def test_a_comparison_pools_the_folds_of_each_seed(place, compared):
    assert compared.returncode == 0, compared.stderr
    assert "12 runs to train; 2 processes" in compared.stdout
    assert "one, fold 2 of 3, seed 1: validation accuracy " in compared.stdout
    assert SAID in compared.stdout
    summary = json.loads((place / "DIR" / "summary.json").read_text())
    assert summary["tested_on"] == "300 validation images"
    records = list(RunStore(place / "DIR" / "runs").records())
    assert len(records) == 12
    for recipe in summary["recipes"]:
        for seed, accuracy in zip(recipe["seeds"], recipe["test_accuracy"], strict=True):
            own = [
                record
                for record in records
                if (record.recipe.name, record.seed) == (recipe["name"], seed)
            ]
            places = [place for record in own for place in record.data.places]
            assert sorted(places) == list(range(300))
            wrong = sum(len(record.predictions.mistakes) for record in own)
            assert accuracy == pytest.approx(100 * (1 - wrong / 300), abs=1e-6)
    page = (place / "DIR" / "report.html").read_text()
    assert SAID in page
    assert "300 images in 3 folds" in page
    assert "3-fold cross-validation of all 300 images" in page


def test_fold_runs_are_listed_as_such(place, compared):
    listed = run(*MNISTLAB, "runs", "DIR/runs", cwd=place).stdout
    for fold in (1, 2, 3):
        assert f"one, fold {fold} of 3" in listed
    assert listed.count(" validation ") == 12
    assert "fold=2" in run(*MNISTLAB, "runs", "DIR/runs", "--markdown", cwd=place).stdout


def test_groups_stay_together(place, mnist):
    for number in range(60):
        folder = place / "pictures" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mnist.train.images[number, 0]).save(
            folder / f"writer{number // 6}_{number}.png"
        )
    grouped = [*MNISTLAB, "repeat", "mlp", "--data", "pictures", "--set", "group=_"]
    result = run(
        *grouped, "--folds", "2", "--seeds", "1", "--epochs", "1", "--out", "grouped", cwd=place
    )
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stdout.splitlines() if "each of the" in line]
    assert line.startswith("2-fold cross-validation: each of the 60 images")
    note = json.loads((place / "grouped" / "summary.json").read_text())["data"]["note"]
    assert "2-fold cross-validation of all 60 images in whole groups" in note
    # Of each writer's six images, in their order by class, three are of either.
    writer = [number // 3 % 10 for number in range(60)]
    homes = [
        {writer[at] for at in record.data.places}
        for record in RunStore(place / "grouped" / "runs").records()
    ]
    assert sum(map(len, homes)) == 10
    assert set.union(*homes) == set(range(10))
    refused = run(*grouped, "--folds", "11", "--seeds", "1", "--out", "no", cwd=place)
    assert refusal(refused) == (
        "mnistlab: pictures: 11 folds, but there are 10 groups; choose at most 10"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "1"], "Invalid value for '--folds': 1 is not in the range 2<=x<=100."),
        (["--folds", "60"], "60 folds, but class 8 has 21 images; choose at most 21"),
        (
            ["--folds", "3", "--set", "validation=50"],
            "folds: cross-validation holds out each fold in turn; leave validation at 0",
        ),
        (
            ["--folds", "3", "--set", "validation=given"],
            "folds: cross-validation holds out each fold in turn; leave validation at 0",
        ),
        (["--set", "fold=4"], "fold: has no effect without folds"),
        (["--folds", "3", "--set", "fold=4"], "fold: must be at most folds, which is 3; found 4"),
        (
            ["--folds", "3", "--set", "group=_"],
            "its images have no file names to find groups in",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(place, arguments, message):
    refused = run(*COMPARE, "--seeds", "1", *arguments, "--out", "no", cwd=place)
    assert message in refusal(refused)
    assert not (place / "no").exists()


def test_a_single_run_and_a_sweep_say_where_folds_belong(place):
    train = run(*MNISTLAB, "train", "one.toml", "--set", "folds=3", cwd=place)
    assert refusal(train) == (
        "mnistlab: fold: a run is tested on one fold; set it to a number from 1 to 3, or train all"
        " folds with compare, ablate or repeat"
    )
    (place / "grid.toml").write_text("[set]\nfolds = 3\n[grid]\ndropout = [0.1, 0.2]\n")
    sweep = run(*MNISTLAB, "sweep", "grid.toml", cwd=place)
    assert "folds: the same for all candidates; leave it out" in refusal(sweep)
