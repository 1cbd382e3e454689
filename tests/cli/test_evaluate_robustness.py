"""``mnistlab evaluate --corruptions``, as users start it."""

import json
import shutil

import numpy as np
import pytest
from scipy.stats import t

from mnistlab import built_in
from mnistlab.corruptions import CORRUPTIONS, corrupt, generator
from mnistlab.data import encode_png
from mnistlab.recogniser import shipped_models
from mnistlab.recogniser.network import Network
from tests.cli.processes import MNISTLAB, refusal, run
from tests.exporting.runs import trained


@pytest.fixture(scope="module")
def plain(few, tmp_path_factory):
    """A run on 600 images, tested on 200."""
    recipe = built_in("lenet5").replace(data=str(few), epochs=2, batch_size=20)
    return trained(recipe, tmp_path_factory.mktemp("runs") / "plain")


def figures(*arguments, cwd):
    result = run(*MNISTLAB, "evaluate", *arguments, "--corruptions", "--json", cwd=cwd)
    assert result.returncode == 0, result
    return json.loads(result.stdout)


def test_errors_are_those_of_the_images_that_the_library_corrupts(few, mnist, tmp_path):
    told = figures("lenet5", "custom_mlp", "--data", few, "--corruption-seed", "7", cwd=tmp_path)
    assert (told["images"], told["seed"], told["data"]["split"]) == (200, 7, "test")
    assert told["severities"] == {
        name: corruption.published_severity for name, corruption in CORRUPTIONS.items()
    }
    assert told["command"].startswith("mnistlab evaluate lenet5 custom_mlp --data ")
    images, labels = mnist.test.images[:200], mnist.test.labels[:200]
    for name, model in zip(("lenet5", "custom_mlp"), told["models"]):
        network = Network(shipped_models()[name])
        assert list(model["corrupted"]) == list(CORRUPTIONS)
        assert model["clean"]["errors"] == (network.logits(images).argmax(axis=1) != labels).sum()
        for corruption in ("shot_noise", "stripe", "fog"):
            changed = corrupt(images, corruption, generator=generator(7, corruption))
            errors = (network.logits(changed).argmax(axis=1) != labels).sum()
            assert model["corrupted"][corruption]["errors"] == errors
        shares = [score["error"] for score in model["corrupted"].values()]
        assert model["mean_error"] == pytest.approx(np.mean(shares))
        assert model["mean_interval"][0] < model["mean_error"] < model["mean_interval"][1]
    first, second = (model["mean_error"] for model in told["models"])
    assert [model["relative_to_first"] for model in told["models"]] == [
        1,
        pytest.approx(second / first),
    ]
    again = figures("lenet5", "custom_mlp", "--data", few, "--corruption-seed", "7", cwd=tmp_path)
    assert again == told
    other = figures("lenet5", "custom_mlp", "--data", few, cwd=tmp_path)
    assert other["seed"] == 0
    assert other["models"][0]["clean"] == told["models"][0]["clean"]
    assert other["models"] != told["models"]


def test_a_severity_is_for_all_that_have_one(few, tmp_path):
    weak, strong = (
        figures("lenet5", "--data", few, "--severity", level, cwd=tmp_path) for level in "15"
    )
    assert weak["severities"] == {
        name: c.published_severity and 1 for name, c in CORRUPTIONS.items()
    }
    assert weak["severities"]["zigzag"] is None
    assert weak["models"][0]["mean_error"] < strong["models"][0]["mean_error"]
    assert weak["models"][0]["corrupted"]["zigzag"] == strong["models"][0]["corrupted"]["zigzag"]


def test_a_run_and_a_file_stand_in_one_table(plain, few, tmp_path):
    shutil.copy(shipped_models()["lenet5"], tmp_path / "mine.onnx")
    arguments = (plain, "mine.onnx", "--data", few, "--corruptions", "--out", "table")
    result = run(*MNISTLAB, "evaluate", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result
    assert result.stderr == ""
    first, note, second, *_ = result.stdout.splitlines()
    assert note == "note: images of 28x28 pixels are padded to 32x32 (LeNet-5, seed 3)"
    assert first == (
        f"{told_name(few)}, 200 test images of 28x28 pixels, grey; severities as published; seed 0"
    )
    assert second.startswith("Of 2 models LeNet-5, seed 0 has the lowest error: ")
    for part in (
        " Error (%)",
        " shot noise ",
        " canny edges ",
        " mean of the 15 ",
        " mean, relative to LeNet-5, seed 3 ",
    ):
        assert part in result.stdout
    assert "wrote table/report.html and 6 more files beside it" in result.stdout
    told = json.loads((tmp_path / "table" / "summary.json").read_text())
    assert [model["model"] for model in told["models"]] == ["LeNet-5, seed 3", "LeNet-5, seed 0"]
    record = json.loads((plain / "record.json").read_text())
    assert told["models"][0]["clean"]["errors"] == record["final"]["test_errors"]
    silent = run(*MNISTLAB, "evaluate", *arguments, "--json", cwd=tmp_path)
    assert json.loads(silent.stdout)["models"] == told["models"]
    assert "\nwrote table/report.html" in silent.stderr
    again = run(*MNISTLAB, "report", "table", "--out", "again", cwd=tmp_path)
    assert again.returncode == 0, again
    for file in ("summary.json", "table.md", "report.html", "plots/corruptions.png"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "table" / file).read_bytes()
    (tmp_path / "table" / "summary.json").write_text('{"severities": 7}')
    said = refusal(run(*MNISTLAB, "report", "table", cwd=tmp_path))
    assert "table/summary.json: cannot be read as a robustness report" in said


def told_name(few):
    return few.name


def test_models_of_one_title_are_told_apart_by_their_names(few, tmp_path):
    for name in ("a.onnx", "b.onnx"):
        shutil.copy(shipped_models()["lenet5"], tmp_path / name)
    told = figures("a.onnx", "b.onnx", "custom_mlp", "--data", few, cwd=tmp_path)
    assert [model["model"] for model in told["models"]] == ["a.onnx", "b.onnx", "CustomMLP, seed 0"]
    assert told["models"][0]["corrupted"] == told["models"][1]["corrupted"]


def test_runs_of_one_recipe_are_told_as_one(plain, few, tmp_path):
    recipe = built_in("lenet5").replace(data=str(few), epochs=2, batch_size=20)
    seeds = [trained(recipe, tmp_path / f"seed{seed}", seed=seed) for seed in (1, 2)]
    alone = [figures(path, cwd=tmp_path)["models"][0] for path in (plain, *seeds)]
    told = figures(plain, *seeds, "lenet5", "--data", few, cwd=tmp_path)
    assert told["seeds"] == {"LeNet-5, 3 seeds": [3, 1, 2]}
    group, single = told["models"]
    assert [(model["model"], model["runs"]) for model in told["models"]] == [
        ("LeNet-5, 3 seeds", 3),
        ("LeNet-5, seed 0", 1),
    ]
    means = [model["mean_error"] for model in alone]
    assert group["mean_error"] == pytest.approx(np.mean(means))
    half = t.ppf(0.975, 2) * np.std(means, ddof=1) / 3**0.5
    assert group["mean_interval"] == pytest.approx(
        [max(0, np.mean(means) - half), np.mean(means) + half]
    )
    stripe = [model["corrupted"]["stripe"]["error"] for model in alone]
    assert group["corrupted"]["stripe"]["error"] == pytest.approx(np.mean(stripe))
    assert single["relative_to_first"] == pytest.approx(single["mean_error"] / group["mean_error"])
    other = trained(recipe.replace(dropout=0.5), tmp_path / "other", seed=1)
    again = trained(recipe, tmp_path / "again", seed=1)
    apart = figures(seeds[0], other, cwd=tmp_path)["models"]
    assert [model["runs"] for model in apart] == [1, 1]
    refused = refusal(run(*MNISTLAB, "evaluate", seeds[0], again, "--corruptions", cwd=tmp_path))
    assert f"{seeds[0]} and {again}: both are seed 1 of lenet5; give one of them" in refused
    table = run(*MNISTLAB, "evaluate", *seeds, plain, "--corruptions", cwd=tmp_path).stdout
    assert "LeNet-5, 3 seeds" in table
    assert "on average over 3 seeds" in table


def test_what_makes_no_sense_is_refused_in_one_line(plain, few, tmp_path):
    (tmp_path / "taken").write_text("")
    (tmp_path / "large" / "0").mkdir(parents=True)
    for number in range(10):
        (tmp_path / "large" / "0" / f"{number}.png").write_bytes(
            encode_png(np.zeros((32, 32), np.uint8))
        )
    attempts = {
        (
            "lenet5",
            "custom_mlp",
        ): "2 models: several are compared on corrupted images only; give --corrup",
        (
            "lenet5",
            "--severity",
            "3",
        ): "--severity is for corrupted images: give --corruptions as well",
        ("lenet5", "--severity", "published"): "--severity is for corrupted images",
        ("lenet5", "--corruption-seed", "0"): "--corruption-seed is for corrupted images",
        ("--corruptions",): "Missing argument 'MODEL...'",
        (
            "lenet5",
            "--corruptions",
            "--severity",
            "6",
        ): "'6' is not one of 'published', '1', '2', '3', '4', '5'",
        ("lenet5", "--corruptions", "--corruption-seed", "-1"): "-1 is not in the range 0<=x",
        ("lenet5", "lenet5", "--corruptions"): "lenet5: named twice; a table has each model once",
        ("lenet", "--corruptions"): "did you mean lenet5?",
        ("lenet5", plain, "--corruptions"): ": say with --data which images all are to read",
        (
            "lenet5",
            "--data",
            "large",
            "--corruptions",
        ): "large: images of 32x32 pixels; the model reads 28x28",
        ("lenet5", "--corruptions", "--out", "taken"): "'taken' is a file",
    }
    for arguments, expected in attempts.items():
        assert expected in refusal(run(*MNISTLAB, "evaluate", *arguments, cwd=tmp_path)), arguments
