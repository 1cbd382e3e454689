"""The program as a user meets it: real processes, real files, real signals."""

import json
import platform
import re
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mnistlab import RunFolder, built_in
from mnistlab.benchmark import benchmark, contenders
from mnistlab.cli.app import app
from mnistlab.cli.app import run as call
from mnistlab.kernels import load_library
from tests.cli.processes import MAIN, MNISTLAB, refusal, run
from tests.data.forms import FORMS


def test_the_courses_command_prints_both_counts_and_writes_the_three_plots(tmp_path):
    result = run(
        *MAIN,
        "--batch_size",
        128,
        "--num_epochs",
        1,
        "--out",
        tmp_path / "out",
        cwd=tmp_path,
        drawn=True,
    )
    assert result.returncode == 0, result
    assert "61706" in result.stdout
    assert "62158" in result.stdout
    assert sorted(path.name for path in (tmp_path / "out" / "plot").iterdir()) == [
        "Custom_model_train_test_plot.png",
        "LeNet5_train_test_plot.png",
        "test_performance_comparison.png",
    ]
    for path in (tmp_path / "out" / "plot").iterdir():
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) > 400
    (folder,) = (tmp_path / "out" / "runs").glob("lenet5-*")
    record = RunFolder(folder).read_record()
    assert (record.data.train_images, record.data.test_images) == (60_000, 10_000)
    # One epoch of SGD at 0.01 leaves LeNet-5 between 96 % and 98.5 % for any seed.
    assert 0.96 < record.final.test_accuracy < 0.985
    assert "LeNet-5" in (tmp_path / "out" / "table.md").read_text()
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_the_courses_command_runs_again_and_resumes_and_defaults_to_the_current_folder(
    few, tmp_path
):
    command = [*MAIN, "--num_epochs", 1, "--data", few, "--gpuid", 0]
    first, second = run(*command, cwd=tmp_path), run(*command, cwd=tmp_path)
    assert (first.returncode, second.returncode) == (0, 0), second
    third = run(*command, "--resume", cwd=tmp_path)
    assert third.stdout.count("finished before; nothing to train") == 2
    assert (tmp_path / "plot" / "test_performance_comparison.png").is_file()


def test_help_imports_nothing_heavy_and_names_every_command(tmp_path):
    result = run(sys.executable, "-X", "importtime", "-m", "mnistlab", "--help", cwd=tmp_path)
    for package in ("torch", "matplotlib", "PIL", "pydantic", "numpy", "pooch", "requests", "rich"):
        assert not re.search(rf"\| +{package}\b", result.stderr), package
    for command in ("train", "reproduce", "recipe", "data"):
        assert re.search(rf"^  {command}\b", result.stdout, re.MULTILINE)


def test_training_on_the_kernels_imports_no_compiler(few, tmp_path):
    program = [sys.executable, "-X", "importtime", *MNISTLAB[1:]]
    command = ["train", "mlp", "--data", few, "--epochs", 1, "--run", "r"]
    result = run(*program, *command, cwd=tmp_path)
    assert result.returncode == 0, result
    assert re.search(r"\| +torch\b", result.stderr)
    if "native kernels (" in result.stdout:
        assert not re.search(r"\| +torch\._dynamo\b", result.stderr)


def test_importing_the_package_imports_nothing_heavy(tmp_path):
    code = (
        "import sys, mnistlab; print(sorted({'torch', 'numpy', 'pydantic'} & set(sys.modules)),"
        " dir(mnistlab))"
    )
    result = run(sys.executable, "-c", code, cwd=tmp_path)
    assert result.stdout.startswith("[] ")
    assert "load_dataset" in result.stdout


def test_a_record_is_read_without_torch(few, tmp_path):
    run(*MNISTLAB, "train", "mlp", "--data", few, "--epochs", 1, "--run", "r", cwd=tmp_path)
    code = (
        "import sys; from pathlib import Path\nfrom mnistlab import RunFolder; from mnistlab.report"
        " import course_table\nrecord = RunFolder(Path('r')).read_record();"
        " print(course_table([record]).markdown(), 'torch' in sys.modules)"
    )
    result = run(sys.executable, "-c", code, cwd=tmp_path)
    assert "| MLP | 62110 |" in result.stdout
    assert result.stdout.strip().endswith("False")


def test_train_leaves_a_run_and_its_curves(few, tmp_path):
    command = [
        *MNISTLAB,
        "train",
        "custom_mlp",
        "--data",
        few,
        "--epochs",
        2,
        "--seed",
        3,
        "--set",
        "dropout=0.5",
    ]
    result = run(*command, "--run", "here", cwd=tmp_path, drawn=True)
    assert result.returncode == 0, result
    assert len(re.findall(r"^epoch [12]/2  train loss", result.stdout, re.MULTILINE)) == 2
    record = json.loads((tmp_path / "here" / "record.json").read_text())
    assert (record["seed"], record["recipe"]["dropout"], record["recipe"]["epochs"]) == (3, 0.5, 2)
    with Image.open(tmp_path / "here" / "curves.png") as picture:
        assert min(picture.size) > 400


def test_train_names_the_folder_by_recipe_and_seed(few, tmp_path):
    run(
        *MNISTLAB,
        "train",
        "mlp",
        "--data",
        few,
        "--epochs",
        1,
        "--out",
        "o",
        "--seed",
        7,
        "--quiet",
        cwd=tmp_path,
    )
    digest = built_in("mlp").replace(epochs=1, data=str(few)).digest
    assert [path.name for path in (tmp_path / "o" / "runs").iterdir()] == [f"mlp-{digest}-seed7"]


def test_a_recipe_file_made_from_a_shown_one_trains(few, tmp_path):
    shown = run(*MNISTLAB, "recipe", "show", "custom_mlp", cwd=tmp_path).stdout
    (tmp_path / "my.toml").write_text(shown.replace("epochs = 50", "epochs = 1"), encoding="utf-8")
    result = run(*MNISTLAB, "train", "my.toml", "--data", few, cwd=tmp_path)
    assert result.returncode == 0, result
    assert "62158 parameters" in result.stdout


def test_a_model_of_the_users_own_trains(few, tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def build(image_shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(1024, classes))\n"
    )
    result = run(*MNISTLAB, "train", "net.py:build", "--data", few, "--epochs", 1, cwd=tmp_path)
    assert result.returncode == 0, result
    assert "net, seed 0: 10250 parameters" in result.stdout
    again = run(
        *MNISTLAB,
        "train",
        "net:build",
        "--data",
        few,
        "--epochs",
        1,
        "--run",
        "module",
        cwd=tmp_path,
    )
    assert again.returncode == 0, again


def test_letters_and_larger_images_train(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (78, 64, 64), np.uint8)
    source = FORMS["npz"](tmp_path, (images, np.arange(78) % 26), (images, np.arange(78) % 26))
    result = run(*MNISTLAB, "train", "lenet5", "--data", source, "--epochs", 1, cwd=tmp_path)
    assert result.returncode == 0, result
    small = FORMS["npz"](
        tmp_path,
        (images[:, :20, :20], np.arange(78) % 26),
        (images[:, :20, :20], np.arange(78) % 26),
    )
    line = refusal(
        run(*MNISTLAB, "train", "lenet5", "--data", small, "--set", "fit=none", cwd=tmp_path)
    )
    assert "images of 20x20 pixels are too small" in line


BAD = {
    "unknown option": (["train", "lenet5", "--epoch", "3"], "No such option '--epoch'"),
    "unknown command": (["trian"], "No such command 'trian'"),
    "a picture alone": ([__file__], f"to read a picture: mnistlab predict {__file__}"),
    "unknown recipe": (["train", "lenet"], "lenet: no such recipe; did you mean lenet5?"),
    "missing recipe file": (["train", "no.toml"], "no.toml: cannot be read"),
    "unknown key": (
        ["train", "lenet5", "--set", "droput=1"],
        "droput: unknown key; did you mean dropout?",
    ),
    "impossible value": (
        ["train", "lenet5", "--set", "dropout=1.5"],
        "dropout: must be a number from 0 to below 1",
    ),
    "wrong type": (
        ["train", "lenet5", "--set", "fit=3"],
        "fit: must be one of pad, resize, crop, none; found 3",
    ),
    "no value": (["train", "lenet5", "--set", "dropout"], "dropout: write a setting as key=value"),
    "a picture of another kind": (
        ["data", "show", "mnist", "--out", "sheet.jpg"],
        "'--out': sheet.jpg: name a .png file, which is what is written",
    ),
    "two values": (
        ["train", "lenet5", "--epochs", "2", "--set", "epochs=3"],
        "epochs: given twice, as 2 and as 3; give it once",
    ),
    "resume and overwrite": (["train", "lenet5", "--resume", "--overwrite"], "give one of them"),
    "no epochs": (["train", "lenet5", "--epochs", "0"], "epochs: must be a whole number from 1"),
    "not a number": (["train", "lenet5", "--epochs", "x"], "'x' is not a whole number"),
    "a seed that is none": (["train", "lenet5", "--seed", "abc"], "'abc' is not a whole number."),
    "half a seed": (["train", "lenet5", "--seed", "1.5"], "'1.5' is not a whole number."),
    "negative seed": (["train", "lenet5", "--seed", "-1"], "-1 is not in the range x>=0"),
    "missing data": (
        ["train", "lenet5", "--data", "nowhere"],
        "nowhere: no such file, folder or data set",
    ),
    "missing model file": (["train", "no.py:build"], "there is no file no.py"),
    "unknown device": (
        ["train", "lenet5", "--device", "tpu"],
        "'tpu' is not one of 'auto', 'cpu', 'cuda', 'mps'",
    ),
    "out is a file": (["reproduce", "--out", "file"], "'file' is a file"),
    "recipe list argument": (["recipe", "show", "x"], "x: no such recipe"),
    "data show into nowhere": (
        ["data", "show", "mnist", "--out", "no/sheet.png"],
        "no/sheet.png: cannot be written",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_status_2_and_leaves_nothing(case, tmp_path):
    arguments, message = BAD[case]
    (tmp_path / "file").write_bytes(b"")
    assert message in refusal(run(*MNISTLAB, *arguments, cwd=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_main_refuses_an_unknown_option(tmp_path):
    assert "No such option '--num_epoch'" in refusal(run(*MAIN, "--num_epoch", 3, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_damaged_data_stops_before_anything_is_written(few, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(few, broken)
    images = broken / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:-100])
    line = refusal(run(*MNISTLAB, "train", "lenet5", "--data", broken, "--run", "r", cwd=tmp_path))
    assert str(images) in line
    assert not (tmp_path / "r").exists()


def test_an_occupied_folder_is_refused(few, tmp_path):
    command = [*MNISTLAB, "train", "mlp", "--data", few, "--epochs", 1, "--run", "r"]
    assert "nothing to resume in r:" in run(*command, "--resume", cwd=tmp_path).stderr
    assert "nothing to resume" not in run(*command, "--resume", cwd=tmp_path).stderr
    before = (tmp_path / "r" / "record.json").read_bytes()
    assert "holds a finished run; give --resume" in refusal(run(*command, cwd=tmp_path))
    assert (tmp_path / "r" / "record.json").read_bytes() == before
    assert run(*command, "--overwrite", cwd=tmp_path).returncode == 0


def test_data_commands(few, tmp_path):
    listed = run(*MNISTLAB, "data", "list", cwd=tmp_path).stdout
    assert re.search(r"^mnist +handwritten digits .* in the package$", listed, re.MULTILINE)
    assert "fashion-mnist" in listed
    verified = run(*MNISTLAB, "data", "verify", cwd=tmp_path).stdout
    assert "60000 training images: 0 5923, 1 6742" in verified
    assert "as published; no fault found" in verified
    shown = run(*MNISTLAB, "data", "show", few, "--split", "test", "--per-class", 3, cwd=tmp_path)
    assert shown.stdout == "wrote sheet.png\n"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (112 + 3 * 60, 10 * 60 + 4)


def test_recipes_are_listed(tmp_path):
    listed = run(
        *MNISTLAB, "recipe", "list", cwd=tmp_path, env={"COLUMNS": "70"}
    ).stdout.splitlines()
    assert [line.split()[0] for line in listed if not line.startswith(" ")] == [
        *("lenet5", "custom_mlp", "mlp"),
        *("best62k", "small10k", "sprint99", "cifar_small", "robust"),
    ]
    assert max(map(len, listed)) <= 70
    assert "custom_mlp  batch_norm = true, dropout = 0.3, rotation = 0.2," in listed
    assert "            blur = [0.1, 1.0]" in listed


def test_the_version_is_the_packages(tmp_path):
    from importlib.metadata import version

    assert (
        run(*MNISTLAB, "--version", cwd=tmp_path).stdout.strip()
        == f"mnistlab {version('mnistlab')}"
    )


def test_doctor_names_what_is_in_use_and_what_stands_in_the_way(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef build(shape, classes):\n    return nn.Sequential(nn.Flatten(),"
        " nn.Linear(1024, 20), nn.Hardshrink(), nn.Linear(20, classes))\n",
        encoding="utf-8",
    )
    result = run(*MNISTLAB, "doctor", "net.py:build", cwd=tmp_path)
    assert result.returncode == 0, result
    assert "torch 2." in result.stdout
    assert "in use" in result.stdout
    assert "trains on plain PyTorch: 2 (Hardshrink): has no native kernel" in result.stdout
    assert (
        "trains on the native kernels"
        in run(*MNISTLAB, "doctor", "custom_mlp", cwd=tmp_path).stdout
    )
    off = run(*MNISTLAB, "doctor", cwd=tmp_path, env={"MNISTLAB_KERNELS": "none"})
    assert "none in use: turned off by MNISTLAB_KERNELS=none" in off.stdout


def test_kernels_are_chosen_and_recorded(few, tmp_path):
    for kernels, said in (
        ("auto", "native kernels (x86_64"),
        ("torch", "plain PyTorch (requested)"),
    ):
        command = [
            "train",
            "mlp",
            "--data",
            few,
            "--epochs",
            1,
            "--run",
            kernels,
            "--kernels",
            kernels,
        ]
        result = run(*MNISTLAB, *command, cwd=tmp_path)
        assert result.returncode == 0, result
        if platform.machine() == "x86_64" or kernels == "torch":
            assert said in result.stdout
        record = json.loads((tmp_path / kernels / "record.json").read_text(encoding="utf-8"))
        assert (record["environment"]["kernels"] == "torch") == (kernels == "torch")
    line = refusal(run(*MNISTLAB, "train", "mlp", "--kernels", "fast", cwd=tmp_path))
    assert "'fast' is not one of 'auto', 'torch'" in line


def test_the_benchmark_writes_its_ratios(tmp_path, monkeypatch, capfd):
    """All of it, but with fewer images and turns, and smaller products."""
    images = {"lenet5": 256, "custom_mlp": 128, "best62k": 64, "cifar_small": 32}
    few = replace(benchmark.QUICK, images=images, repetitions=1, epochs_for_memory=1)
    monkeypatch.setattr(benchmark, "QUICK", few)
    monkeypatch.setattr(benchmark, "SIZES", (256, 512))
    monkeypatch.setattr(benchmark, "EPOCHS", {"mnist": 1280, "cifar10": 50_000})
    monkeypatch.setattr(contenders.Product, "side", 128)
    for speed in (contenders.Product, contenders.Peak):
        monkeypatch.setattr(speed, "flops", 2 * 128**3)
    monkeypatch.setattr("mnistlab.benchmark.images.find", lambda known: known.name == "mnist")
    monkeypatch.chdir(tmp_path)
    assert call(app, ["bench", "--quick", "--threads", "2", "--json", "bench.json"]) == 0
    figures = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert figures["measured_images"] == images
    assert set(figures["ratio"]) == set(figures["of_bound"]) == set(images)
    for model, ways in figures["seconds"].items():
        ours = ways["this package"]["median"]
        plain = min(ways["PyTorch, NCHW"]["median"], ways["PyTorch, channels_last"]["median"])
        assert figures["ratio"][model] == pytest.approx(plain / ours)
        for what in ("GEMM", "FMA peak"):
            bound = ways[f"bound: {what}"]["median"]
            assert figures["of_bound"][model][what] == pytest.approx(ours / bound)
    assert figures["side_by_side_ratio"]["lenet5"] > 0
    for speeds in figures["gigaflops"].values():
        assert list(speeds) == ["1", "2"]
        assert all(0 < times["low"] <= times["high"] < 2000 for times in speeds.values())
    shown, errors = capfd.readouterr()
    assert all(len(line) <= 80 for line in shown.splitlines() if "kernels" not in line)
    assert "PyTorch/ours  ours/GEMM  ours/FMA peak" in shown
    assert "cifar_small: on noise shaped as cifar10's images" in shown
    assert list(figures["notes"]) == ["cifar_small"]
    assert not errors


def test_without_the_kernels_there_are_no_bounds(tmp_path, monkeypatch, capfd):
    few = replace(
        benchmark.QUICK, images={"lenet5": 256}, repetitions=1, epochs_for_memory=1, parallel=()
    )
    monkeypatch.setattr(benchmark, "QUICK", few)
    monkeypatch.setattr(benchmark, "SIZES", (256,))
    monkeypatch.setattr(benchmark, "EPOCHS", {"mnist": 256})
    monkeypatch.setattr(contenders.Product, "side", 128)
    monkeypatch.setenv("MNISTLAB_KERNELS", "none")
    load_library.cache_clear()
    try:
        assert call(app, ["bench", "--quick", "--json"]) == 0
    finally:
        load_library.cache_clear()
    figures = json.loads(capfd.readouterr().out)
    assert figures["of_bound"] == {}
    assert list(figures["gigaflops"]) == ["GEMM"]
    assert figures["ratio"]["lenet5"] > 0
