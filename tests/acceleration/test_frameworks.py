"""Acceleration in PyTorch Lightning, in skorch, and by the backend's name."""

import tomllib
from pathlib import Path

import pytest
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from mnistlab import accelerate
from mnistlab.acceleration.dynamo import compile_graph
from tests.acceleration.loops import CLASSES, Net, images, labels, network, same, through_compile

# torch.compile looks for gradients where there are none.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")

ROOT = Path(__file__).parents[2]
COUNT, BATCH = 70, 16


@pytest.fixture
def _named(monkeypatch, tmp_path):
    """The backend found by its entry point, as in an installed package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    group = "torch_dynamo_backends"
    (entry,) = project["entry-points"][group].items()
    folder = tmp_path / "mnistlab_entry-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mnistlab-entry\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[{group}]\n{' = '.join(entry)}\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = pytest.importorskip("torch._dynamo.backends.registry")
    registry._discover_entrypoint_backends.cache_clear()
    registry._lazy_import.cache_clear()
    torch.compiler.reset()


@pytest.mark.usefixtures("_named")
def test_the_backend_has_a_name():
    assert "mnistlab" in torch._dynamo.list_backends()
    fast = torch.compile(network(), backend="mnistlab")
    assert fast(images(4)).grad_fn.name() == "_TrainingBackward"


def train_in_lightning(change):
    lightning = pytest.importorskip("pytorch_lightning")

    class Classifier(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net, self.losses = change(network()), []

        def training_step(self, batch, _):
            loss = functional.cross_entropy(self.net(batch[0]), batch[1])
            self.losses.append(loss.item())
            return loss

        def validation_step(self, batch, _):
            self.losses.append(functional.cross_entropy(self.net(batch[0]), batch[1]).item())

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.003)

    torch.compiler.reset()
    batches = DataLoader(TensorDataset(images(COUNT), labels(COUNT)), BATCH)
    model = Classifier()
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        gradient_clip_val=1.0,
        accumulate_grad_batches=2,
    )
    trainer.fit(model, batches, batches)
    return torch.tensor(model.losses), list(model.state_dict().values())


@pytest.mark.parametrize("change", [accelerate, through_compile])
@pytest.mark.filterwarnings("ignore:.*(num_workers|does not have many workers|litlogger|LeafSpec)")
def test_lightning_trains_as_on_pytorch(change):
    losses, state = train_in_lightning(change)
    expected, other = train_in_lightning(lambda model: model)
    same(losses, expected)
    for one, two in zip(state, other, strict=True):
        same(one, two)


def train_in_skorch(module, **options):
    skorch = pytest.importorskip("skorch")
    torch.compiler.reset()
    torch.manual_seed(0)
    net = skorch.NeuralNetClassifier(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.01,
        max_epochs=2,
        batch_size=BATCH,
        iterator_train__shuffle=False,
        verbose=0,
        **options,
    )
    net.fit(images(COUNT).numpy(), labels(COUNT).numpy())
    return torch.tensor(net.history[:, ("train_loss", "valid_loss")]), net.predict_proba(images(9))


OPTIONS = {
    "accelerate": (lambda: accelerate(Net()), {}),
    "compile": (Net, {"compile": True, "compile__backend": compile_graph}),
}


@pytest.mark.parametrize("way", OPTIONS)
def test_skorch_trains_as_on_pytorch(way):
    module, options = OPTIONS[way]
    losses, probabilities = train_in_skorch(module, **options)
    expected, other = train_in_skorch(Net)
    same(losses, expected)
    same(torch.tensor(probabilities), torch.tensor(other))
    assert probabilities.shape == (9, CLASSES)
