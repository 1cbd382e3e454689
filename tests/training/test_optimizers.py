"""Optimisers and clipping by recipe, compared with the same loop in plain PyTorch."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from mnistlab import Recipe, make_dataset, train
from mnistlab.data import Split
from mnistlab.errors import MnistlabError, RecipeError, RunError
from mnistlab.kernels import load_library
from mnistlab.runs import RunFolder
from mnistlab.runs.options import ignore, never
from mnistlab.training import BatchDone, RunStarted
from mnistlab.training.input import normalise, to_float
from mnistlab.training.optimizer_state import pack_state, unpack_state
from mnistlab.training.trainer import Trainer

CPU = torch.device("cpu")
OWN = """
import torch


class Noisy(torch.optim.Optimizer):
    \"\"\"Keeps plain numbers, lists and tensors, and draws random numbers.\"\"\"

    def __init__(self, params, lr=0.1, scales=(1.0, 1.0)):
        super().__init__(params, {"lr": lr, "scales": scales, "taken": 0})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            group["taken"] += 1
            for parameter in group["params"]:
                state = self.state[parameter]
                state["step"] = state.get("step", 0) + 1
                state["norms"] = [*state.get("norms", []), parameter.grad.sum().item()][-3:]
                mean = state.setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 0.5)
                factor = sum(state["norms"]) / (state["step"] + group["taken"])
                noise = torch.rand(parameter.shape)
                parameter.sub_(mean * (noise + factor), alpha=group["lr"] * group["scales"][0])


class Handle(torch.optim.SGD):
    def __init__(self, params, lr):
        super().__init__(params, lr)
        self.param_groups[0]["handle"] = object()


class NoOptimizer:
    pass
"""
KINDS = {
    "sgd": (torch.optim.SGD, {"momentum": 0.9}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "adagrad": (torch.optim.Adagrad, {}),
    "adadelta": (torch.optim.Adadelta, {}),
    "torch.optim.NAdam": (torch.optim.NAdam, {}),
    "torch.optim.RAdam": (torch.optim.RAdam, {}),
    "torch.optim.Adamax": (torch.optim.Adamax, {}),
}
RATES = {"adadelta": 0.1, "sgd": 0.05}


@pytest.fixture(scope="module")
def small(mnist):
    """160 training and 60 test images: ten batches of 16 per epoch."""
    parts = [(mnist.train, 160), (mnist.test, 60)]
    return make_dataset("small", *(Split(s.images[:n], s.labels[:n]) for s, n in parts))


def recipe_of(**fields):
    return Recipe(model="mlp", epochs=1, batch_size=16, **fields)


def ten_steps(trainer, kind, options, clip=lambda parameters: None, **of_loss):
    """The recipe's first epoch by plain PyTorch in float64, from the trainer's own weights."""
    model = copy.deepcopy(trainer.model).double().train()
    batches = trainer.epoch_batches(1)
    optimizer = kind(model.parameters(), lr=0.0, **options)
    losses = []
    for number, (start, stop) in enumerate(trainer.bounds):
        chosen = batches.order[start:stop]
        pixels = normalise(to_float(batches.images[chosen]).double(), trainer.input)
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(pixels), batches.labels[chosen], **of_loss)
        loss.backward()
        clip(model.parameters())
        optimizer.param_groups[0]["lr"] = float(batches.rates[number])
        optimizer.step()
        losses.append(loss.item())
    return model, losses


def assert_trains_like(trainer, model, losses, atol=1e-6):
    trainer.run(ignore, never)
    assert len(losses) == 10
    assert trainer.losses.tolist() == pytest.approx(losses, abs=1e-5)
    for ours, exact in zip(trainer.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours.double(), exact, atol=atol, rtol=0)


@pytest.mark.parametrize("kernels", ["auto", "torch"])
@pytest.mark.parametrize("decay", [0.0, 0.05])
@pytest.mark.parametrize("name", KINDS)
def test_ten_steps_are_pytorchs(small, name, decay, kernels):
    kind, options = KINDS[name]
    # An epsilon above the rounding of gradients, which most of these divide by.
    own = {} if name == "sgd" else {"eps": 1e-3}
    recipe = recipe_of(
        optimizer=name,
        optimizer_options=own,
        weight_decay=decay,
        learning_rate=RATES.get(name, 1e-3),
    )
    trainer = Trainer(recipe, small, 0, CPU, kernels)
    assert trainer.backend.kernels == (load_library().build if kernels == "auto" else "torch")
    exact = ten_steps(trainer, kind, options | own | {"weight_decay": decay})
    assert_trains_like(trainer, *exact)


@pytest.mark.parametrize("kernels", ["auto", "torch"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("field", ["clip_norm", "clip_value"])
def test_clipping_is_pytorchs(small, field, optimizer, kernels):
    limit = {"clip_norm": 0.5, "clip_value": 0.01}[field]
    clip = {
        "clip_norm": torch.nn.utils.clip_grad_norm_,
        "clip_value": torch.nn.utils.clip_grad_value_,
    }[field]
    kind, options = KINDS[optimizer]
    own = {} if optimizer == "sgd" else {"eps": 1e-3}
    recipe = recipe_of(
        optimizer=optimizer,
        optimizer_options=own,
        learning_rate=RATES.get(optimizer, 1e-3),
        **{field: limit},
    )
    trainer = Trainer(recipe, small, 0, CPU, kernels)
    free = ten_steps(trainer, kind, options | own)[0]
    exact, losses = ten_steps(trainer, kind, options | own, lambda p: clip(p, limit))
    assert_trains_like(trainer, exact, losses)
    # The limit matters.
    assert (free.output.weight - exact.output.weight).abs().max() > 1e-4


@pytest.mark.parametrize("kernels", ["auto", "torch"])
def test_class_weights_are_pytorchs(small, kernels):
    recipe = recipe_of(class_weights="balanced", label_smoothing=0.1, learning_rate=0.05)
    trainer = Trainer(recipe, small, 0, CPU, kernels)
    counts = torch.bincount(torch.from_numpy(small.train.labels), minlength=10)
    weights = 160 / (10 * counts.double())
    assert trainer.class_weights == pytest.approx(weights.tolist())
    exact = ten_steps(trainer, *KINDS["sgd"], weight=weights, label_smoothing=0.1)
    assert_trains_like(trainer, *exact)


class StopAfter:
    def __init__(self, batches):
        self.left = batches

    def __call__(self):
        return self.left <= 0

    def listen(self, event):
        self.left -= isinstance(event, BatchDone)


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return "own.py"


RESUMED = [
    {"optimizer": "adam"},
    {"optimizer": "rmsprop", "optimizer_options": {"momentum": 0.5, "centered": True}},
    {"optimizer": "adagrad", "averaging": 0.9, "clip_norm": 0.3, "class_weights": "balanced"},
    {"optimizer": "adadelta", "swa": 1, "schedule": "step", "step_size": 1},
    {"optimizer": "torch.optim.NAdam", "clip_value": 0.01},
    {"optimizer": "torch.optim.Rprop"},
    {"optimizer": "torch.optim.ASGD"},
    {"optimizer": "torch.optim.Adafactor"},
    {"optimizer": "own.py:Noisy", "optimizer_options": {"scales": [0.5, 2]}, "dropout": 0.3},
]


@pytest.mark.parametrize("kernels", ["auto", "torch"])
@pytest.mark.parametrize("fields", RESUMED, ids=lambda fields: fields["optimizer"])
def test_a_resumed_run_ends_in_the_same_bits(small, own, tmp_path, fields, kernels):
    recipe = recipe_of(**fields).replace(epochs=2)
    whole = train(recipe, small, kernels=kernels, threads=1)
    run = {"folder": tmp_path / "run", "kernels": kernels, "resume": True}
    for batches in (3, 11):
        stop = StopAfter(batches)
        assert (
            train(recipe, small, **run, on_event=stop.listen, should_stop=stop, threads=1) is None
        )
    resumed = train(recipe, small, **run)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert np.array_equal(whole.test_logits, resumed.test_logits)
    assert resumed.record.code.keys() == ({"optimizer"} if ":" in recipe.optimizer else set())


@pytest.mark.parametrize("optimizer", ["rmsprop", "own.py:Noisy"])
@pytest.mark.usefixtures("own")
def test_the_same_bits_on_any_threads(small, optimizer):
    """Noisy sums up gradients, which PyTorch does in another order on other threads."""
    recipe = recipe_of(optimizer=optimizer, clip_norm=0.1, class_weights="balanced")
    one, three = (train(recipe, small, threads=threads) for threads in (1, 3))
    assert all(map(torch.equal, one.model.parameters(), three.model.parameters()))


def test_an_edited_optimiser_is_not_resumed(small, own, tmp_path):
    recipe = recipe_of(optimizer="own.py:Noisy")
    stop = StopAfter(3)
    train(recipe, small, folder="run", on_event=stop.listen, should_stop=stop)
    (tmp_path / "own.py").write_text(OWN + "# edited")
    with pytest.raises(RunError, match=r"own\.py:Noisy has changed since this run was started"):
        train(recipe, small, folder="run", resume=True)
    train(recipe, small, folder="run", overwrite=True)
    assert RunFolder(tmp_path / "run").read_record().code["optimizer"].source
    (tmp_path / "own.py").write_text(OWN)
    with pytest.raises(RunError, match=r"own\.py:Noisy has changed"):
        train(recipe, small, folder="run", resume=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"optimizer": "torch.optim.Nadam"}, "torch.optim has no Nadam; did you mean NAdam"),
        ({"optimizer": "torch.optim.LBFGS"}, "LBFGS evaluates the loss several times a step"),
        ({"optimizer": "torch.optim.SparseAdam"}, "SparseAdam does not support dense gradients"),
        ({"optimizer": "torch.optim.Muon"}, "Muon only supports 2D parameters"),
        ({"optimizer": "torch.optim.Optimizer"}, "no class that extends"),
        ({"optimizer": "torch.nn.Linear"}, "torch.nn.Linear is no class that extends"),
        ({"optimizer": "no_such.Adam"}, "no_such.Adam is not in an installed package"),
        ({"optimizer": "own.Noisy"}, "own.Noisy is not in an installed package"),
        ({"optimizer": "own.py:NoOptimizer"}, "no class that extends"),
        ({"optimizer": "own.py:Nosy"}, "no function 'Nosy'; it defines Noisy"),
        ({"optimizer": "other.py:Noisy"}, "other.py:Noisy: there is no file other.py"),
        ({"optimizer": "own.py:Handle"}, "keeps a object in its state"),
        ({"optimizer_options": {"beta": 0.9}, "optimizer": "adam"}, "Adam has no option beta; did"),
        ({"optimizer_options": {"lr": 0.9}}, "optimizer_options.lr: is a field of the recipe"),
        ({"optimizer_options": {"momentum": 0.9}}, "is a field of the recipe, `momentum`"),
        ({"optimizer_options": {"eps": -1}, "optimizer": "adam"}, "Invalid epsilon value: -1"),
        (
            {"optimizer_options": {"eps": "tiny"}, "optimizer": "adam"},
            "eps = 'tiny'",
        ),
        ({"optimizer": "torch.optim.Rprop", "weight_decay": 0.1}, "weight_decay: Rprop has none"),
    ],
    ids=str,
)
def test_what_cannot_train_is_refused_in_one_line(small, own, fields, message):
    with pytest.raises(MnistlabError) as refusal:
        train(recipe_of(**fields), small, folder="run")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"optimizer": "adam"}, []),
        ({"optimizer": "adam", "momentum": 0.5}, ["momentum = 0.5 has no effect: Adam has none"]),
        ({"optimizer": "rmsprop"}, ["RMSprop's momentum is 0"]),
        ({"optimizer": "rmsprop", "optimizer_options": {"momentum": 0.9}}, []),
        ({"class_weights": {"3": 2}}, ["class weights: 0: 1, 1: 1, 2: 1, 3: 2, 4: 1"]),
    ],
    ids=str,
)
def test_what_is_not_used_and_what_was_computed_is_said(small, fields, said):
    events = []
    train(recipe_of(**fields), small, on_event=events.append)
    (started,) = (event for event in events if isinstance(event, RunStarted))
    notes = [note for note in started.notes if not note.startswith("images of")]
    assert len(notes) == len(said)
    assert all(note.startswith(start) for note, start in zip(notes, said))


def test_a_state_is_packed_and_unpacked():
    state = {0: {"step": 3, "parts": [torch.ones(2), (1, None)], "x": float("inf")}, "a": {}}
    tensors = {}
    packed = pack_state(state, "optimizer", tensors)
    again = unpack_state(packed, tensors)
    assert torch.equal(again[0]["parts"].pop(0), state[0]["parts"].pop(0))
    assert again == state
    with pytest.raises(TypeError, match="keeps a set in its state"):
        pack_state({"a": {1}}, "optimizer", {})


@pytest.mark.parametrize("weights", [[1.0, 2.0], {"eleven": 2.0}])
def test_weights_that_fit_no_classes_are_refused(small, weights):
    with pytest.raises(RecipeError, match=r"class_weights: (must be 10 numbers|no class eleven)"):
        train(recipe_of(class_weights=weights), small)


def test_balanced_weights_need_images_of_each_class(small):
    few = make_dataset("few", small.train.take(np.flatnonzero(small.train.labels != 4)), small.test)
    with pytest.raises(
        MnistlabError, match=r"balanced needs training images of every class; .* 4;"
    ):
        train(recipe_of(class_weights="balanced"), few)


def test_weights_are_recorded_and_records_without_are_as_before(small, tmp_path):
    plain = train(recipe_of(), small, folder=tmp_path / "plain").record
    weighed = train(recipe_of(class_weights="balanced"), small, folder=tmp_path / "run").record
    text = (tmp_path / "plain" / "record.json").read_text()
    assert '"code"' not in text
    assert plain.class_weights == ()
    stored = RunFolder(tmp_path / "run").read_record()
    assert stored.class_weights == weighed.class_weights
    assert len(stored.class_weights) == 10
