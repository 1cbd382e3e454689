"""``mnistlab export`` and ``mnistlab evaluate``, as users start them."""

import json
import os
import shutil

import numpy as np
import pytest

from mnistlab import built_in
from mnistlab.data import encode_png
from mnistlab.recogniser import shipped_models
from tests.cli.processes import MNISTLAB, refusal, run
from tests.exporting.runs import trained
from tests.forks import started


@pytest.fixture(scope="module")
def held_out(few, tmp_path_factory):
    """A run that held out 200 of 600 training images; its data has 200 test images."""
    recipe = built_in("custom_mlp").replace(data=str(few), validation=200, epochs=2, batch_size=50)
    return trained(recipe, tmp_path_factory.mktemp("runs") / "held_out")


@pytest.fixture(scope="module")
def plain(few, tmp_path_factory):
    """A run that was tested on its data's test set."""
    return trained(
        built_in("lenet5").replace(data=str(few), epochs=2, batch_size=20),
        tmp_path_factory.mktemp("runs") / "plain",
    )


@pytest.fixture(scope="module")
def model(held_out, tmp_path_factory):
    """The first of these runs, exported."""
    folder = tmp_path_factory.mktemp("models")
    result = run(*MNISTLAB, "export", held_out, "model.onnx", cwd=folder)
    assert result.returncode == 0, result
    assert result.stderr == ""
    first, second = result.stdout.splitlines()
    size = (folder / "model.onnx").stat().st_size
    assert first.startswith(
        f"wrote model.onnx, {size:,} bytes: 200 test labels equal, logits within "
    )
    assert second.startswith("accuracy ")
    assert second.endswith(" held-out training images of " + held_out_name(held_out))
    return folder / "model.onnx"


def held_out_name(folder):
    return json.loads((folder / "record.json").read_text())["data"]["name"]


def figures(*arguments, cwd):
    result = run(*MNISTLAB, "evaluate", *arguments, "--json", cwd=cwd)
    assert result.returncode == 0, result
    return json.loads(result.stdout)


def test_an_existing_file_is_replaced_only_when_told_to(model, held_out, plain, tmp_path):
    target = tmp_path / "model.onnx"
    target.write_bytes(b"precious")
    said = refusal(run(*MNISTLAB, "export", held_out, target, cwd=tmp_path))
    assert "is there already; give --overwrite" in said
    assert target.read_bytes() == b"precious"
    assert run(*MNISTLAB, "export", held_out, target, "--overwrite", cwd=tmp_path).returncode == 0
    assert target.read_bytes() == model.read_bytes()
    result = run(*MNISTLAB, "export", plain, target, "--overwrite", cwd=tmp_path)
    assert result.stdout.splitlines()[1].endswith("not calibrated (temperature 1)")


def test_data_that_was_moved_is_named(held_out, model, few, tmp_path):
    moved = shutil.copytree(few, tmp_path / "moved" / few.name)
    run_folder = shutil.copytree(held_out, tmp_path / "run")
    record = run_folder / "record.json"
    content = json.loads(record.read_text().replace(str(few), "/gone"))
    del content["sha256"]
    record.write_text(json.dumps(content))
    assert "/gone" in refusal(run(*MNISTLAB, "export", run_folder, "a.onnx", cwd=tmp_path))
    assert (
        run(*MNISTLAB, "export", run_folder, "a.onnx", "--data", moved, cwd=tmp_path).returncode
        == 0
    )
    assert (tmp_path / "a.onnx").read_bytes() == model.read_bytes()
    assert figures(run_folder, "--data", moved, cwd=tmp_path) == figures(held_out, cwd=tmp_path)


def test_what_cannot_be_exported_is_refused_in_one_line_and_leaves_nothing(held_out, tmp_path):
    broken = shutil.copytree(held_out, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes((broken / "model.safetensors").read_bytes()[:-9])
    no_record = shutil.copytree(held_out, tmp_path / "no_record")
    for name in ("record.json", "checkpoint.safetensors"):
        (no_record / name).unlink()
    (tmp_path / "full").mkdir()
    attempts = {
        (tmp_path / "nothing", "model.onnx"): "nothing: there is no such folder",
        (no_record, "model.onnx"): "no_record: holds no finished run",
        (broken, "model.onnx"): "model.safetensors: cannot be read: damaged, or of another run",
        (held_out, "nowhere/model.onnx"): "there is no folder nowhere",
        (held_out, "/proc/model.onnx"): "/proc/model.onnx: cannot be written",
        (held_out, "full"): "is a directory",
        (held_out, "model.txt"): "model.txt: name an .onnx file, which is what is written",
        (held_out, "new/"): "is a directory; name a file, or give --web",
        (tmp_path, "model.onnx"): "holds a run further down: ",
        ("reader", "model.onnx"): "reader: reads pictures and is no run: name a run's folder",
        (held_out, "model.onnx", "--data", "mnist"): "other images than this run was trained on",
        (held_out,): "Missing argument 'MODEL'",
    }
    for arguments, expected in attempts.items():
        assert expected in refusal(run(*MNISTLAB, "export", *arguments, cwd=tmp_path)), arguments
        assert not (tmp_path / "model.onnx").exists()


def test_without_the_extra_the_remedy_is_told(held_out, model, tmp_path):
    def blocked(*arguments):
        return started().run(
            "onnx,onnxscript",
            *arguments,
            cwd=tmp_path,
            call="tests.forks:run_without",
            env=dict(os.environ),
        )

    said = refusal(blocked("export", held_out, "model.onnx"))
    assert said == "mnistlab: export needs an extra; install it: pip install 'mnistlab[export]'"
    assert not any(tmp_path.iterdir())
    assert blocked("evaluate", held_out).returncode == 0
    assert blocked("evaluate", model, "--data", few_of(held_out)).returncode == 0


def few_of(folder):
    return json.loads((folder / "record.json").read_text())["recipe"]["data"]


def test_a_run_and_its_file_are_evaluated_alike(held_out, model, few, tmp_path):
    of_run, of_file = figures(held_out, cwd=tmp_path), figures(model, "--data", few, cwd=tmp_path)
    assert of_run["images"] == 200
    assert of_run["temperature"] == of_file["temperature"] != 1
    for key in ("classes", "images", "errors", "accuracy", "interval", "confusion", "by_class"):
        assert of_run[key] == of_file[key]
    for key in ("loss", "brier", "calibration_error"):
        assert of_run[key] == pytest.approx(of_file[key], abs=1e-5)
    assert figures(held_out, "--split", "train", cwd=tmp_path)["images"] == 600


def test_a_runs_own_figures_are_those_of_its_record(plain, tmp_path):
    found, record = figures(plain, cwd=tmp_path), json.loads((plain / "record.json").read_text())
    assert found["accuracy"] == record["final"]["test_accuracy"]
    assert found["loss"] == pytest.approx(record["final"]["test_loss"], abs=1e-6)
    assert found["temperature"] == 1


def test_a_shipped_model_is_evaluated_by_its_name(tmp_path):
    by_name = figures("lenet5", cwd=tmp_path)
    assert by_name == figures(shipped_models()["lenet5"], "--data", "mnist", cwd=tmp_path)
    assert by_name["images"] == 10_000
    assert by_name["accuracy"] > 0.985


def test_tables_are_printed_and_a_report_is_written(held_out, tmp_path):
    result = run(*MNISTLAB, "evaluate", held_out, "--out", "report", cwd=tmp_path)
    assert result.returncode == 0, result
    first, note, second, *_ = result.stdout.splitlines()
    assert note == "note: images of 28x28 pixels are padded to 32x32"
    assert first == (
        f"CustomMLP, seed 3: {held_out_name(held_out)}, 200 test images of 28x28 pixels, grey"
    )
    assert " are classified correctly: " in second
    for part in (
        "Calibration error",
        "Temperature",
        "Recall (%)",
        "Reject below",
        "wrote report/report.html and ",
    ):
        assert part in result.stdout
    assert all(
        len(line) <= 100 for line in result.stdout.splitlines() if "│" in line or "─" in line
    )
    told = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert told["command"] == f"mnistlab evaluate {held_out} --out report"
    assert told["errors"] == figures(held_out, cwd=tmp_path)["errors"]
    silent = run(*MNISTLAB, "evaluate", held_out, "--out", "again", "--json", cwd=tmp_path)
    assert json.loads(silent.stdout)["errors"] == told["errors"]
    assert "\nwrote again/report.html" in silent.stderr


def test_classes_are_matched_by_name(mnist, tmp_path):
    for digit in (3, 7):
        (tmp_path / "some" / str(digit)).mkdir(parents=True)
        for number, image in enumerate(mnist.test.images[mnist.test.labels == digit][:20]):
            (tmp_path / "some" / str(digit) / f"{number}.png").write_bytes(encode_png(image))
    found = figures("lenet5", "--data", "some", "--split", "train", cwd=tmp_path)
    assert np.sum(found["confusion"], axis=1).nonzero()[0].tolist() == [3, 7]
    assert found["accuracy"] > 0.9


def test_what_cannot_be_evaluated_is_refused_in_one_line(held_out, model, few, tmp_path):
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    (tmp_path / "empty").mkdir()
    (tmp_path / "large" / "0").mkdir(parents=True)
    for number in range(10):
        (tmp_path / "large" / "0" / f"{number}.png").write_bytes(
            encode_png(np.zeros((32, 32), np.uint8))
        )
    (tmp_path / "taken").write_text("")
    odd = shutil.copytree(held_out, tmp_path / "odd")
    np.save(odd / "test_logits.npy", np.zeros((7, 10), np.float32))
    attempts = {
        ("nothing",): (
            "nothing: no such run, file or model; name a run's folder, an .onnx file, or one of"
            " lenet5,"
        ),
        ("lenet",): "did you mean lenet5?",
        ("reader", "--data", "mnist"): "reader: reads pictures and classifies no images: name",
        ("junk.onnx",): "junk.onnx: not an ONNX model",
        ("empty",): "empty: holds no finished run",
        (odd,): "test_logits.npy: cannot be read: damaged, or of another run",
        (model,): "none of the known data sets; say where it is with --data",
        (model, "--data", "fasion-mnist"): "did you mean fashion-mnist?",
        (model, "--data", "large"): "large: images of 32x32 pixels; the model reads 28x28",
        (held_out, "--data", "large"): "large: images of 32x32 pixels; the model reads 28x28",
        (held_out, "--out", "taken"): "'taken' is a file",
        (held_out, "--split", "validation"): "'validation' is not one of 'test', 'train'",
    }
    for arguments, expected in attempts.items():
        assert expected in refusal(run(*MNISTLAB, "evaluate", *arguments, cwd=tmp_path)), arguments
    strange = shutil.copytree(tmp_path / "large", tmp_path / "strange")
    (strange / "0").rename(strange / "cat")
    for picture in (strange / "cat").iterdir():
        picture.write_bytes(encode_png(np.zeros((28, 28), np.uint8)))
    said = refusal(run(*MNISTLAB, "evaluate", model, "--data", "strange", cwd=tmp_path))
    assert said.endswith("class 'cat' is none of the model's (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)")
