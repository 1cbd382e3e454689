"""Files in every version of ONNX's operators, each read by ONNX Runtime as PyTorch reads."""

import json

import numpy as np
import onnx
import pytest

import mnistlab
from mnistlab import RunFolder, built_in
from mnistlab.cli.app import app, run
from mnistlab.errors import ExportError, ModelError
from mnistlab.exporting import export_run
from mnistlab.exporting.onnx_graph import OPSETS
from mnistlab.recogniser.network import METADATA_KEY, Network
from mnistlab.training import load_trained
from mnistlab.training.code_trust import TRUST
from tests.exporting.runs import recipes, trained


@pytest.fixture(autouse=True)
def _trusting(monkeypatch):
    monkeypatch.setenv(TRUST, "1")


@pytest.fixture(scope="module")
def runs(few, tmp_path_factory):
    """LeNet-5, a convolutional network with batch normalisation, and a model of the user's own."""
    folder = tmp_path_factory.mktemp("runs")
    quick = {"data": str(few), "epochs": 1, "batch_size": 50, "validation": 0}
    made = recipes(few, folder)
    chosen = {
        "lenet5": built_in("lenet5").replace(**quick),
        "convnet": built_in("small10k").replace(**quick),
        "own": made["own model"],
        "scaled": made["scaled down"],
    }
    return {kind: trained(recipe, folder / f"run-{kind}") for kind, recipe in chosen.items()}


# From 18 on, a translation takes seconds.
@pytest.mark.parametrize(
    ("kind", "opset"),
    [
        *(
            (kind, opset)
            for kind in ("lenet5", "convnet", "own", "scaled")
            for opset in (9, 13, 17)
        ),
        *(("lenet5", 18), ("own", 18), ("own", 25)),
    ],
)
def test_a_file_is_of_the_opset_asked_for_and_reads_as_pytorch(runs, few, tmp_path, kind, opset):
    file, images = tmp_path / "m.onnx", mnistlab.load_dataset(str(few)).test.images
    report = export_run(runs[kind], file, opset=opset)
    model = onnx.load(file)
    assert [one.version for one in model.opset_import if not one.domain] == [opset]
    onnx.checker.check_model(model, full_check=True)
    assert report.metadata["opset"] == opset
    (said,) = (one.value for one in model.metadata_props if one.key == METADATA_KEY)
    assert json.loads(said)["opset"] == opset
    expected = load_trained(RunFolder(runs[kind])).logits(images)
    network = Network(file)
    assert np.abs(network.logits(images) - expected).max() < 1e-4
    assert network.notes == ()
    assert str(runs[kind].parent).encode() not in file.read_bytes()


def test_the_same_opset_gives_the_same_bytes(runs, tmp_path):
    for name in ("one.onnx", "two.onnx"):
        export_run(runs["convnet"], tmp_path / name, opset=11)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


@pytest.mark.parametrize("opset", [-1, 0, OPSETS[0] - 1, OPSETS[-1] + 1, 10**9])
def test_another_opset_is_refused_in_one_line(runs, tmp_path, opset, capfd):
    arguments = ["export", str(runs["lenet5"]), str(tmp_path / "m.onnx"), "--opset", str(opset)]
    assert run(app, arguments) == 2
    assert f"opset {opset}: a file has one from 9 to 25" in capfd.readouterr().err
    assert not any(tmp_path.iterdir())


def test_a_layer_that_an_old_opset_cannot_express_is_refused_in_one_line(few, tmp_path, capfd):
    own = tmp_path / "grid.py"
    own.write_text(
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self, n):\n"
        "        super().__init__()\n        self.out = nn.Linear(49, n)\n"
        "    def forward(self, x):\n"
        "        grid = torch.zeros(len(x), 7, 7, 2)\n"
        "        x = nn.functional.grid_sample(x, grid, align_corners=False)\n"
        "        return self.out(x.flatten(1))\n"
        "def build(shape, classes):\n    return Net(classes)\n"
    )
    recipe = mnistlab.Recipe(data=str(few), model=f"{own}:build", epochs=1)
    folder = trained(recipe, tmp_path / "run")
    with pytest.raises(ModelError, match="cannot be exported to ONNX") as caught:
        export_run(folder, tmp_path / "m.onnx", opset=12)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m.onnx").exists()
    assert capfd.readouterr() == ("", "")


def test_a_page_has_no_opset(runs, tmp_path):
    with pytest.raises(ExportError, match=r"`opset=` and `int8=` are for a file"):
        mnistlab.export(runs["lenet5"], tmp_path / "page", web=True, opset=13)


def test_a_page_of_a_model_by_itself_is_checked_on_no_data(tmp_path):
    with pytest.raises(ExportError, match="`data=` is for a run"):
        mnistlab.export("lenet5", tmp_path / "page", web=True, data="mnist")
    assert not (tmp_path / "page").exists()
