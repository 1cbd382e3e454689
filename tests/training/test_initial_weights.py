"""Training from given weights: what fits is taken, everything else is drawn and said."""

import copy
import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import mnistlab
from mnistlab import Recipe
from mnistlab.errors import ExperimentError, ModelError, RunError
from mnistlab.experiments import InProcessExecutor
from mnistlab.models import build_model
from mnistlab.training.initial_weights import take_weights
from mnistlab.training.trainer import Trainer

CPU = torch.device("cpu")
NETWORK = """
from torch import nn
def build(shape, classes, width=4):
    return nn.Sequential(nn.Conv2d(shape[0], width, 3), nn.BatchNorm2d(width), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
"""


def network(width=4, classes=10):
    return nn.Sequential(
        nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Flatten(), nn.Linear(4 * width, classes)
    )


def weights(model, tmp_path, change=lambda key: key, **tensors):
    state = {change(key): value.clone() for key, value in model.state_dict().items()}
    save_file(state | tensors, tmp_path / "w.safetensors")
    return (tmp_path / "w.safetensors").read_bytes()


def take(model, content):
    return take_weights(model, content, "w.safetensors", "net.py:build")


def test_what_fits_is_taken_and_everything_else_is_left_and_named(tmp_path):
    given, model = network(classes=7), network()
    given[1].running_mean += 3
    before = copy.deepcopy(model.state_dict())
    state = {key: value for key, value in given.state_dict().items() if key != "0.bias"}
    save_file(state | {"head.weight": torch.ones(2)}, tmp_path / "w.safetensors")
    found = take(model, (tmp_path / "w.safetensors").read_bytes())
    assert set(found.taken) == {"0.weight", *(f"1.{name}" for name in before_norm(before))}
    assert found.reshaped == ("3.weight 7x16 for 10x16", "3.bias 7 for 10")
    assert (found.missing, found.unused) == (("0.bias",), ("head.weight",))
    for key, value in model.state_dict().items():
        source = given.state_dict() if key in found.taken else before
        assert torch.equal(value, source[key])
    assert found.sentences[0] == (
        "initial weights: 6 of 9 tensors taken, 2 of another shape and drawn anew (3.weight 7x16"
        " for 10x16, 3.bias 7 for 10), 1 missing and drawn anew (0.bias), 1 not used (head.weight)"
    )


def before_norm(state):
    return [key[2:] for key in state if key.startswith("1.")]


@pytest.mark.parametrize(
    ("change", "prefix"),
    [
        ("module.{}", "module."),
        ("_orig_mod.{}", ""),
        ("module._orig_mod.{}", "module."),
        ("model.module.{}", "model.module."),
        ("encoder.{}", "encoder."),
    ],
)
def test_prefixes_of_wrappers_are_recognised_and_said(change, prefix, tmp_path):
    given, model = network(), network()
    found = take(model, weights(given, tmp_path, change.format))
    assert len(found.taken) == len(model.state_dict())
    assert found.unused == ()
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), given.state_dict().values())
    )
    said = [f"the file's names begin with {prefix}"] if prefix else found.notes[:1]
    assert list(found.notes) == list(said)


def test_a_lightning_checkpoints_other_tensors_do_not_hide_the_prefix(tmp_path):
    given, model = network(), network()
    content = weights(given, tmp_path, "model.{}".format, **{"loss.weight": torch.ones(3)})
    found = take(model, content)
    assert (len(found.taken), found.unused) == (len(model.state_dict()), ("loss.weight",))


def test_a_models_own_wrapper_is_recognised_too(tmp_path):
    given, model = network(), nn.ModuleDict({"backbone": network()})
    found = take(model, weights(given, tmp_path))
    assert len(found.taken) == len(model.state_dict())
    assert found.notes == ("the model's names begin with backbone.",)


def test_other_types_are_converted_and_said_and_others_refused(tmp_path):
    given, model = network(), network()
    half = {
        key: v.bfloat16() if v.is_floating_point() else v for key, v in given.state_dict().items()
    }
    save_file(half, tmp_path / "w.safetensors")
    found = take(model, (tmp_path / "w.safetensors").read_bytes())
    assert found.notes == ("8 tensors of bfloat16 converted to float32",)
    assert torch.equal(model[0].weight, half["0.weight"].float())
    content = weights(given, tmp_path, **{"0.weight": torch.ones(4, 1, 3, 3, dtype=torch.int8)})
    with pytest.raises(RunError, match=r"w.safetensors: 0.weight: is int8, but the model's is flo"):
        take(network(), content)
    huge = torch.full((4, 1, 3, 3), 1e300, dtype=torch.float64)
    with pytest.raises(RunError, match=r"0.weight: too large for float32"):
        take(network(), weights(given, tmp_path, **{"0.weight": huge}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(value, tmp_path):
    given = network()
    given[0].weight.data[0] = value
    with pytest.raises(RunError, match=r"0.weight: holds NaN or infinite values"):
        take(network(), weights(given, tmp_path))


def test_a_file_of_which_nothing_fits_is_refused_with_both_lists(tmp_path):
    content = weights(nn.Linear(3, 2), tmp_path)
    with pytest.raises(
        ModelError, match=r"nothing in it fits .*weight 2x3.*; the model has 0\.weight"
    ):
        take(network(), content)


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w", "old"])
def test_pickles_are_never_read(name, tmp_path, small_mnist):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "run"), "w"))

    legacy = {"_use_new_zipfile_serialization": name != "old"}
    torch.save({"weight": Trap()}, tmp_path / name, **legacy)
    with pytest.raises(RunError, match=r"pickles can run code .* safetensors.torch.save_file\("):
        mnistlab.train("lenet5", small_mnist, init=str(tmp_path / name), epochs=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged, or not a safetensors file"),
        (b"hello" * 9, "damaged"),
        (None, "cannot be re"),
    ],
)
def test_no_such_file_or_a_damaged_one_is_named_and_nothing_lost(
    content, message, tmp_path, small_mnist
):
    if content is not None:
        (tmp_path / "w.safetensors").write_bytes(content)
    mnistlab.train("mlp", small_mnist, folder=tmp_path / "run", epochs=1)
    there = (tmp_path / "run/record.json").read_bytes()
    with pytest.raises(RunError, match=message):
        mnistlab.train("mlp", small_mnist, init=str(tmp_path / "w.safetensors"), epochs=1)
    if content is None:
        with pytest.raises(RunError, match=message):
            mnistlab.train(
                "mlp",
                small_mnist,
                folder=tmp_path / "run",
                overwrite=True,
                epochs=1,
                init=str(tmp_path / "w.safetensors"),
            )
        assert (tmp_path / "run/record.json").read_bytes() == there


@pytest.fixture
def file(tmp_path):
    (tmp_path / "net.py").write_text(NETWORK, encoding="utf-8")
    return f"{tmp_path / 'net.py'}:build"


def test_a_run_starts_where_another_ended_and_the_seed_draws_the_rest(file, tmp_path, small_mnist):
    first = mnistlab.train(file, small_mnist, folder=tmp_path / "first", epochs=1)
    recipe = Recipe(model=file, init=str(tmp_path / "first"), epochs=1)
    given = load_file(tmp_path / "first/model.safetensors")
    trainer = Trainer(recipe, small_mnist, 3, CPU)
    assert all(torch.equal(value, given[key]) for key, value in trainer.model.state_dict().items())
    drawn = Trainer(recipe.replace(init=""), small_mnist, 3, CPU).model.state_dict()
    assert not torch.equal(drawn["0.weight"], given["0.weight"])
    del given["5.weight"]
    save_file(given, tmp_path / "part.safetensors")
    partly = Trainer(recipe.replace(init=str(tmp_path / "part.safetensors")), small_mnist, 3, CPU)
    assert torch.equal(partly.model[5].weight, drawn["5.weight"])
    assert first.record.init is None


def test_the_record_says_which_weights_and_a_run_with_others_is_refused(
    file, tmp_path, small_mnist
):
    start, run = str(tmp_path / "start.safetensors"), tmp_path / "run"

    def write(seed):
        torch.manual_seed(seed)
        save_file(build_model(Recipe(model=file), (1, 28, 28), 10).state_dict(), start)

    write(1)
    recipe = Recipe(model=file, init=start, epochs=2)
    asked = iter([False, True])
    assert mnistlab.train(recipe, small_mnist, folder=run, should_stop=lambda: next(asked)) is None
    write(2)
    for options in ({"resume": True}, {"resume": True, "kernels": "torch"}):
        with pytest.raises(
            RunError, match="the weights that its recipe names as init have changed"
        ):
            mnistlab.train(recipe, small_mnist, folder=run, **options)
    write(1)
    record = mnistlab.train(recipe, small_mnist, folder=run, resume=True).record
    straight = mnistlab.train(recipe, small_mnist).record
    assert [e.train_loss for e in record.history] == [e.train_loss for e in straight.history]
    assert len(record.init.taken) == 9
    assert json.loads((run / "record.json").read_text())["init"]["sha256"] == record.init_digest
    assert record.notes[-1] == "initial weights: 9 of 9 tensors taken"
    write(2)
    with pytest.raises(RunError, match="have changed since this run was"):
        mnistlab.train(recipe, small_mnist, folder=run, resume=True)


def test_a_comparison_refuses_runs_that_started_from_other_weights(file, tmp_path):
    start = str(tmp_path / "start.safetensors")
    options = {
        "seeds": 1,
        "runs": tmp_path / "runs",
        "executor": InProcessExecutor(),
        "epochs": 1,
        "train_limit": 200,
    }
    for seed in (1, 2):
        torch.manual_seed(seed)
        save_file(build_model(Recipe(model=file), (1, 28, 28), 10).state_dict(), start)
        recipes = [
            Recipe(name=name, model=file, init=init) for name, init in (("a", ""), ("b", start))
        ]
        if seed == 1:
            result = mnistlab.compare(*recipes, **options)
            pages = [
                path.read_text()
                for path in result.write(tmp_path / "out")
                if path.suffix == ".html"
            ]
            assert "initial weights: 9 of 9 tensors taken (b)" in pages[0]
        else:
            with pytest.raises(ExperimentError, match="names as init have changed since it was"):
                mnistlab.compare(*recipes, **options)


def test_a_run_does_not_write_over_the_weights_it_starts_from(file, tmp_path, small_mnist):
    run = tmp_path / "run"
    mnistlab.train(file, small_mnist, folder=run, epochs=1)
    before = (run / "model.safetensors").read_bytes()
    for init in (run, run / "model.safetensors"):
        with pytest.raises(RunError, match="would be written over; choose another folder"):
            mnistlab.train(file, small_mnist, folder=run, overwrite=True, init=str(init), epochs=1)
    assert (run / "model.safetensors").read_bytes() == before


def test_a_recipes_path_is_relative_to_its_file(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/my.toml").write_text('init = "w.safetensors"\n', encoding="utf-8")
    (tmp_path / "sub/w.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    assert mnistlab.read_recipe("sub/my.toml").init == "sub/w.safetensors"
