"""Repetitions, as a notebook uses them."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import sem, t

from mnistlab import MnistlabError, RunFolder, built_in, compare, repeat
from mnistlab.data.disputed import MNIST_DISPUTED
from mnistlab.experiments import InProcessExecutor, RepetitionResult
from mnistlab.runs import RunStore
from mnistlab.statistics import RunGroup
from tests.experiments.listening import Notes, leftovers, results

QUICK = {"epochs": 2, "train_limit": 600}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    recipe = built_in("custom_mlp").replace(**QUICK, learning_rate=0.05)
    return repeat(
        recipe,
        seeds=4,
        runs=tmp_path_factory.mktemp("repeated") / "runs",
        executor=InProcessExecutor(),
    )


def test_a_repetition_answers(found):
    accuracies = [100 * record.final.test_accuracy for record in RunStore(found.runs).records()]
    assert list(found.figures.accuracies) == pytest.approx(accuracies)
    assert found.figures.accuracy == pytest.approx(np.mean(accuracies))
    interval = t.interval(0.95, 3, np.mean(accuracies), sem(accuracies))
    assert (found.figures.interval.low, found.figures.interval.high) == pytest.approx(interval)
    assert found.verdict.startswith(
        f"custom_mlp: {np.mean(accuracies):.2f} % of test images on average over 4 seeds"
    )
    assert found.table().rows[0][0] == "custom_mlp"
    assert [row[0] for row in found.table("runs").rows] == ["0", "1", "2", "3"]
    assert found.plot().axes
    html = found._repr_html_()
    assert found.verdict in html
    assert "<td>custom_mlp</td>" in html
    with pytest.raises(MnistlabError, match="nonsense: no such table; one of figures, runs"):
        found.table("nonsense")


def test_disputed_images_are_counted_from_the_logits(found, mnist):
    labels, rest = mnist.test.labels, np.setdiff1d(np.arange(10_000), MNIST_DISPUTED)
    chosen = list(MNIST_DISPUTED)
    folders = [RunStore(found.runs).folder(found.group.recipe, seed) for seed in range(4)]
    right = np.array([folder.read_logits().argmax(axis=1) == labels for folder in folders])
    assert found.figures.disputed.images == MNIST_DISPUTED
    assert list(found.figures.disputed.as_labelled) == right[:, chosen].sum(axis=0).tolist()
    assert list(found.figures.disputed.accuracies) == pytest.approx(
        100 * right[:, rest].mean(axis=1), abs=1e-6
    )
    assert "without the 15 images whose labels are disputed" in found.remarks[0]


def test_what_it_writes_and_the_records_are_the_runs_own(found, tmp_path):
    files = found.write(tmp_path / "out")
    assert {str(file.relative_to(tmp_path / "out")) for file in files} == {
        "report.html",
        "summary.json",
        "table.md",
        "tables/figures.csv",
        "tables/runs.csv",
        "plots/accuracies.svg",
        "plots/accuracies.png",
        "plots/confusion.svg",
        "plots/confusion.png",
        "tables/class_scores.csv",
        "tables/confusion.csv",
        *(f"records/seed-{seed}.json" for seed in range(4)),
    }
    assert sorted(files) == sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
    for seed in range(4):
        own = RunStore(found.runs).folder(found.group.recipe, seed).record_file.read_bytes()
        copy = (tmp_path / "out" / "records" / f"seed-{seed}.json").read_bytes()
        assert copy == own
        # These quick runs misclassified a few thousand images each, of which every one is listed.
        assert len(copy) < 20 * len(json.loads(copy)["predictions"]["mistakes"]) + 7_000


def test_the_figures_follow_from_the_copied_records_alone(found, tmp_path):
    found.write(tmp_path)
    for seed in range(4):
        (tmp_path / "again" / str(seed)).mkdir(parents=True)
        (tmp_path / f"records/seed-{seed}.json").rename(
            tmp_path / "again" / str(seed) / "record.json"
        )
    records = [RunFolder(tmp_path / "again" / str(seed)).read_record() for seed in range(4)]
    again = RepetitionResult(RunGroup.of("custom_mlp", records), tmp_path)
    assert again.figures == found.figures


def test_it_is_written_without_torch(found, tmp_path):
    code = "import sys; from pathlib import Path; from mnistlab.runs import RunStore\n"
    code += "from mnistlab.experiments import RepetitionResult\n"
    code += "from mnistlab.statistics import RunGroup\n"
    code += f"runs = Path({str(found.runs)!r})\n"
    code += (
        "group = RunGroup.of('x', RunStore(runs).records())\n"
        "RepetitionResult(group, runs).write('out'); print('torch' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "False\n"
    assert len(list((tmp_path / "out/records").iterdir())) == 4


def test_the_record_of_a_seed_that_is_no_longer_counted_goes(found, tmp_path):
    found.write(tmp_path)
    (tmp_path / "records" / "notes.txt").write_text("mine")
    fewer = RepetitionResult(found.group.on([1, 2]), found.runs)
    fewer.write(tmp_path)
    names = sorted(path.name for path in (tmp_path / "records").iterdir())
    assert names == ["notes.txt", "seed-1.json", "seed-2.json"]


def test_a_folder_that_cannot_be_written_or_a_lost_record_is_told_in_one_line(found, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MnistlabError, match=r"file.*: cannot be written"):
        found.write(tmp_path / "file")
    with pytest.raises(MnistlabError, match=r"record\.json: cannot be read: No such file"):
        RepetitionResult(found.group, tmp_path / "nowhere").write(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_finished_runs_are_used_whoever_trained_them(tmp_path):
    chosen = [built_in(name).replace(epochs=1, train_limit=300) for name in ("lenet5", "mlp")]
    compare(*chosen, seeds=2, runs=tmp_path, executor=InProcessExecutor())
    notes = Notes()
    found = repeat(
        chosen[0].replace(name="mine"),
        seeds=3,
        runs=tmp_path,
        executor=InProcessExecutor(),
        on_event=notes,
    )
    assert notes.of("finished") == [("mine", 2)]
    assert found.figures.seeds == (0, 1, 2)
    assert found.figures.label == "mine"
    found.write(tmp_path / "out")
    assert json.loads((tmp_path / "out/summary.json").read_text())["recipe"]["name"] == "mine"


def test_stopped_and_started_again_it_ends_in_the_same_bits(tmp_path):
    recipe = built_in("lenet5").replace(epochs=6, train_limit=600)
    whole = repeat(recipe, seeds=2, runs=tmp_path / "whole", executor=InProcessExecutor())
    asked = iter([False] * 12)
    stopped = repeat(
        recipe,
        seeds=2,
        runs=tmp_path / "r",
        executor=InProcessExecutor(),
        should_stop=lambda: next(asked, True),
    )
    assert stopped is None
    assert list((tmp_path / "r").rglob("checkpoint.safetensors"))
    again = repeat(recipe, seeds=2, runs=tmp_path / "r", executor=InProcessExecutor())
    assert results(tmp_path / "r") == results(tmp_path / "whole")
    assert again.figures.accuracies == whole.figures.accuracies
    assert not leftovers(tmp_path / "r")


def test_held_out_images_are_named_and_have_no_disputed_labels(tmp_path):
    recipe = built_in("mlp").replace(epochs=1, train_limit=300, validation=500)
    found = repeat(recipe, seeds=2, runs=tmp_path, executor=InProcessExecutor())
    assert "% of validation images on average over 2 seeds" in found.verdict
    assert "test" not in found.verdict
    assert found.figures.disputed is None
    found.write(tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "300 training and 500 validation images" in page
    # The recipe's own text, at the end, says what its keys mean.
    assert not re.search("[tT]est (images|accuracy|loss)", page.partition("The recipe")[0])
    assert (
        json.loads((tmp_path / "out/summary.json").read_text())["tested_on"]
        == "500 validation images"
    )


def test_other_data_has_no_disputed_labels(few, tmp_path):
    found = repeat(
        built_in("mlp").replace(epochs=1, data=str(few)),
        seeds=1,
        runs=tmp_path,
        executor=InProcessExecutor(),
    )
    assert found.figures.disputed is None
    assert found.remarks == []


def test_data_that_has_changed_since_gives_no_disputed_labels(found):
    other = found.group.records[0].data.model_copy(update={"fingerprint": "0" * 16})
    records = [record.model_copy(update={"data": other}) for record in found.group.records]
    assert RepetitionResult(RunGroup.of("x", records), found.runs).figures.disputed is None


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("lenet6", "lenet6: no such recipe; did you mean lenet5"),
        (["lenet5"], "a recipe is a Recipe, the name of a"),
    ],
)
def test_what_is_no_recipe_is_refused(recipe, message, tmp_path):
    with pytest.raises(MnistlabError, match=message):
        repeat(recipe, runs=tmp_path)


def test_compare_names_the_command_for_a_single_recipe(tmp_path):
    with pytest.raises(
        MnistlabError, match="give at least two recipes to compare; mnistlab repeat is for one over"
    ):
        compare("lenet5", runs=tmp_path)


def test_two_runs_have_no_interval(tmp_path):
    found = repeat(
        built_in("mlp").replace(epochs=1, train_limit=200),
        seeds=2,
        runs=tmp_path,
        executor=InProcessExecutor(),
    )
    assert found.figures.interval is None
    first, second = found.figures.accuracies
    assert (
        f"over 2 seeds ({first:.2f} and {second:.2f}; an interval needs at least 3 seeds)"
        in found.verdict
    )
    assert found.plot().axes
