"""Files that other tools changed after the export: taken with a note if they run."""

import logging

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

import mnistlab
from mnistlab import built_in
from mnistlab.cli.app import app, run
from mnistlab.errors import ModelError
from mnistlab.exporting import export_run
from mnistlab.recogniser.network import Network
from tests.exporting.runs import trained


@pytest.fixture(scope="module")
def exported(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("changed")
    recipe = built_in("lenet5").replace(data=str(few), epochs=3, batch_size=20)
    trained(recipe, folder / "run")
    export_run(folder / "run", folder / "m.onnx")
    return folder / "m.onnx"


class Images(CalibrationDataReader):
    def __init__(self, images):
        self._batches = iter([{"images": images}])

    def get_next(self):
        return next(self._batches, None)


def saved(change):
    def make(source, target, images):
        model = onnx.load(source)
        onnx.save(change(model) or model, target)

    return make


def static(kind):
    def make(source, target, images):
        quantize_static(source, target, Images(images[:64]), quant_format=kind)

    return make


def dynamic(kind):
    return lambda source, target, images: quantize_dynamic(source, target, weight_type=kind)


def half(keep):
    def make(source, target, images):
        pytest.importorskip("sympy")
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = convert_float_to_float16(onnx.load(source), keep_io_types=keep)
        onnx.save(model, target)

    return make


def optimised(source, target, images):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(target)
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.graph_optimization_level = level
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def without_metadata(model):
    del model.metadata_props[:]


def with_a_note(model):
    model.metadata_props.add(key="note", value="mine")


def one_by_one(model):
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    model.graph.ClearField("value_info")


WAYS = {
    "dynamic, unsigned": dynamic(QuantType.QUInt8),
    "dynamic, signed": dynamic(QuantType.QInt8),
    "static, QDQ": static(QuantFormat.QDQ),
    "static, QOperator": static(QuantFormat.QOperator),
    "half precision": half(keep=True),
    "half precision throughout": half(keep=False),
    "another opset": saved(lambda model: version_converter.convert_version(model, 22)),
    "optimised": optimised,
    "metadata lost": saved(without_metadata),
    "metadata added": saved(with_a_note),
    "one image at once": saved(one_by_one),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS)
def test_a_changed_file_is_taken_with_a_note(exported, few, tmp_path, way, capfd):
    file, data = tmp_path / "changed.onnx", mnistlab.load_dataset(str(few))
    logging.disable(logging.CRITICAL)
    WAYS[way](str(exported), str(file), data.train.images[:, 0])
    logging.disable(logging.NOTSET)
    capfd.readouterr()
    network, images = Network(file), data.test.images[:40]
    (note,) = network.notes
    assert note.startswith(f"{file}: was changed after the export")
    logits = network.logits(images)
    assert np.mean(logits.argmax(axis=1) == Network(exported).logits(images).argmax(axis=1)) > 0.9
    alone = np.concatenate([network.logits(image[None]) for image in images])
    assert np.array_equal(logits, alone)
    assert run(app, ["evaluate", str(file), "--data", str(few)]) == 0
    out, err = capfd.readouterr()
    # The note may be folded.
    assert "note: " in out
    assert "was changed after the export" in " ".join(out.split())
    assert "damaged" not in out + err
    (tmp_path / "x.png").write_bytes(mnistlab.data.encode_png(data.test.images[0, 0]))
    assert run(app, ["predict", str(tmp_path / "x.png"), "--model", str(file), "--json"]) == 0
    out, err = capfd.readouterr()
    assert "was changed after the export" in " ".join(err.split())
    assert "was changed" not in out
    assert run(app, ["classify", str(file), str(tmp_path / "x.png"), "--json"]) == 0
    out, err = capfd.readouterr()
    assert "was changed after the export" in " ".join(err.split())
    assert "was changed" not in out


def test_values_changed_in_place_are_called_damage_until_the_checksum_is_cleared(
    exported, tmp_path
):
    model, file = onnx.load(exported), tmp_path / "m.onnx"
    weights = max(model.graph.initializer, key=lambda one: len(one.raw_data))
    weights.raw_data = bytes(len(weights.raw_data))
    onnx.save(model, file)
    with pytest.raises(ModelError, match=r"damaged: its content .* or clear the field doc_string"):
        Network(file)
    model.doc_string = ""
    onnx.save(model, file)
    assert Network(file).notes == ()


def test_a_changed_file_is_guarded_as_any(exported, tmp_path):
    model, file = onnx.load(exported), tmp_path / "m.onnx"
    onnx.helper.set_model_props(model, {})
    body = onnx.helper.make_graph([], "b", [], [])
    model.graph.node.append(onnx.helper.make_node("If", ["c"], ["d"], then_branch=body))
    onnx.save(model, file)
    with pytest.raises(ModelError, match="has loops, branches or functions"):
        Network(file)
    model = onnx.load(exported)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 10**6
    onnx.save(model, file)
    with pytest.raises(ModelError, match=r"reads 1,000,000 images at once, not 1 to 16"):
        Network(file)
    del model.graph.output[1]
    onnx.save(model, file)
    with pytest.raises(ModelError, match="not a model of mnistlab's"):
        Network(file)


def test_classes_that_lost_their_names_are_numbered(tmp_path):
    data = mnistlab.load_dataset("mnist")
    parts = [
        mnistlab.Split(one.images[one.labels < 3][:60], one.labels[one.labels < 3][:60])
        for one in (data.train, data.test)
    ]
    three = mnistlab.make_dataset("three", *parts, classes=("cat", "dog", "owl"))
    mnistlab.train("mlp", three, epochs=1, folder=tmp_path / "run")
    export_run(tmp_path / "run", tmp_path / "m.onnx", three)
    saved(without_metadata)(str(tmp_path / "m.onnx"), str(tmp_path / "n.onnx"), None)
    network = Network(tmp_path / "n.onnx")
    assert network.classes == ("0", "1", "2")
    assert network.logits(three.test.images).shape == (60, 3)


def test_a_flipped_bit_in_what_the_file_says_of_itself_is_no_change_by_a_tool(exported, tmp_path):
    content, images = exported.read_bytes(), np.zeros((1, 28, 28), np.uint8)
    start = content.index(b"sha256-of-the-rest:")
    end = content.index(b" bytes", start) + len(b" bytes")
    sound, refusals = Network(exported), set()
    for place in range(start, end):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 7
        (tmp_path / "m.onnx").write_bytes(damaged)
        try:
            network = Network(tmp_path / "m.onnx")
        except ModelError as error:
            refusals.add(str(error).partition("m.onnx: ")[2])
        else:
            assert network.metadata == sound.metadata
            assert (network.logits(images) == sound.logits(images)).all()
    (refusal,) = refusals
    assert refusal.startswith("damaged: its content and its checksum differ")
