"""Files in int8: calibrated on training images, tested before and after, refused if they lose."""

import json
import tempfile

import numpy as np
import onnx
import pytest

import mnistlab
from mnistlab import RunFolder, built_in
from mnistlab.cli.app import app, run
from mnistlab.data import take_subset
from mnistlab.errors import ExportError
from mnistlab.exporting import export_run, onnx_export
from mnistlab.recogniser.network import METADATA_KEY, Network
from mnistlab.statistics import fit_temperature
from mnistlab.training import load_trained
from tests.exporting.runs import recipes, trained

OLD = 17
"""An opset that is written in a moment; the command's test writes the default."""


@pytest.fixture(scope="module")
def runs(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    made = recipes(few, folder)
    quick = {"data": str(few), "epochs": 3, "batch_size": 20, "validation": 200}
    chosen = {
        "lenet5": built_in("lenet5").replace(**quick),
        "convnet": built_in("sprint99").replace(**quick),
        "scaled": made["scaled down"],
    }
    return {kind: trained(recipe, folder / f"run-{kind}") for kind, recipe in chosen.items()}


@pytest.fixture(scope="module", params=["lenet5", "convnet", "scaled"])
def exported(request, runs, tmp_path_factory):
    file = tmp_path_factory.mktemp("exported") / "int8.onnx"
    return (
        runs[request.param],
        file,
        export_run(runs[request.param], file, int8=True, opset=OLD, tolerance=5),
    )


def test_weights_are_int8_and_the_file_reads_as_it_says(exported, few):
    folder, file, report = exported
    data, network, model = mnistlab.load_dataset(str(few)), Network(file), onnx.load(file)
    kinds = [one.data_type for one in model.graph.initializer if np.prod(one.dims) > 1000]
    # The floats are the matrices that scale images, which stay exact.
    assert onnx.TensorProto.INT8 in kinds
    floats = [one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT]
    assert max((onnx.numpy_helper.to_array(one) % 1 != 0).sum() for one in floats) < 200
    accuracy = float(np.mean(network.logits(data.test.images).argmax(axis=1) == data.test.labels))
    assert report.accuracy == accuracy == report.metadata["test"]["accuracy"]
    before = load_trained(RunFolder(folder)).logits(data.test.images).argmax(axis=1)
    assert report.int8.accuracy_before == np.mean(before == data.test.labels)
    assert report.int8.accuracy_before - accuracy <= 0.05
    assert min(report.int8.images_a_second, report.int8.images_a_second_before) > 0
    said = {one.key: one.value for one in model.metadata_props}
    assert list(said) == [METADATA_KEY]
    told = json.loads(said[METADATA_KEY])["int8"]
    assert told["calibration_images"] == report.int8.images <= 512
    assert network.notes == ()


def test_the_file_is_smaller(exported, tmp_path):
    folder, _, report = exported
    plain = export_run(folder, tmp_path / "plain.onnx", opset=OLD)
    # But for what the metadata says of it.
    assert abs(plain.size - report.int8.size_before) < 200
    assert report.size < plain.size


def test_the_temperature_is_that_of_the_quantised_logits(exported, few):
    _, file, report = exported
    if report.calibration.fitted_on is None:
        assert report.calibration.temperature == 1
        return
    held_out = take_subset(mnistlab.load_dataset(str(few)), validation=200).test
    network = Network(file)
    expected = round(fit_temperature(network.logits(held_out.images), held_out.labels), 4)
    assert report.calibration.temperature == expected
    assert network.metadata["temperature"] == expected


def test_only_training_images_calibrate(runs, few, tmp_path, monkeypatch):
    seen, data = [], mnistlab.load_dataset(str(few))
    truly = onnx_export.quantise

    def watched(proto, images, name):
        seen.append(images)
        return truly(proto, images, name)

    monkeypatch.setattr(onnx_export, "quantise", watched)
    export_run(runs["lenet5"], tmp_path / "m.onnx", data, int8=True, opset=OLD, tolerance=5)
    part = take_subset(data, validation=200)
    trained_on = {image.tobytes() for image in part.train.images}
    assert seen
    assert all(image.tobytes() in trained_on for images in seen for image in images)


def test_the_same_run_gives_the_same_bytes_and_leaves_no_file(runs, tmp_path, monkeypatch, capfd):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for name in ("one.onnx", "two.onnx"):
        mnistlab.export(runs["lenet5"], tmp_path / name, int8=True, opset=OLD, tolerance=5)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "one.onnx",
        "temporary",
        "two.onnx",
    ]
    assert capfd.readouterr() == ("", "")


def test_what_loses_too_much_is_refused_and_nothing_is_written(runs, tmp_path, monkeypatch):
    truly = onnx_export.quantise

    def ruined(proto, images, name):
        # Calibrated on black images alone, every activation is cut off.
        return truly(proto, np.zeros_like(images), name)

    monkeypatch.setattr(onnx_export, "quantise", ruined)
    target = tmp_path / "m.onnx"
    with pytest.raises(ExportError, match=r"it loses \d+\.\d\d percentage points, over 0\.5; noth"):
        mnistlab.export(runs["lenet5"], target, int8=True, opset=OLD)
    assert not any(tmp_path.iterdir())
    report = mnistlab.export(runs["lenet5"], target, int8=True, opset=OLD, tolerance=100)
    assert report.accuracy < report.int8.accuracy_before


def test_the_command_tells_what_changed(runs, tmp_path, capfd):
    target = tmp_path / "m.onnx"
    arguments = ["export", str(runs["lenet5"]), str(target), "--int8", "--tolerance", "5"]
    assert run(app, arguments) == 0
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0].endswith(" before quantising")
    assert lines[2] == "int8, by the ranges on 400 training images; on 200 test images:"
    assert lines[3].startswith("  PyTorch ")
    assert lines[4].startswith("  ONNX in floating point ")
    assert f"{target.stat().st_size:,} bytes" in lines[5]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--int8", "--opset", "12"], "opset 12: an int8 file has one from 13 to 25"),
        (["--tolerance", "1"], "--tolerance is for --int8"),
        (["--int8", "--tolerance", "-1"], "tolerance -1: percentage points, from 0 to 100"),
        (["--int8", "--tolerance", "nan"], "tolerance nan: percentage points, from 0 to 100"),
        (["--int8", "--web"], "--opset and --int8 are for a file"),
    ],
)
def test_settings_that_make_no_sense_are_refused(runs, tmp_path, capfd, options, said):
    assert run(app, ["export", str(runs["lenet5"]), str(tmp_path / "m.onnx"), *options]) == 2
    assert said in capfd.readouterr().err
    assert not any(tmp_path.iterdir())
