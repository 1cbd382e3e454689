"""Keyword arguments for build(): from a file, the command line and Python, into every command."""

import json
from pathlib import Path

import pytest

import mnistlab
from mnistlab import Recipe
from mnistlab.cli.app import app, run
from mnistlab.errors import ModelError, RecipeError
from mnistlab.experiments.grid import read_grid
from mnistlab.models import build_model, count_parameters
from mnistlab.models.build_arguments import bind_arguments
from mnistlab.recipe import read_recipe, to_toml

NETWORK = """
from torch import nn
def build(image_shape, classes, width=4, *, names=("a",)):
    assert all(isinstance(name, str) for name in names)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, classes))
def needs(image_shape, classes, width):
    return build(image_shape, classes, width)
def anything(image_shape, classes, **options):
    return build(image_shape, classes, **options)
def deep(depth):
    return build((1, 28, 28), 10, depth)
built = nn.Linear(784, 10)
class Net(nn.Sequential):
    def __init__(self, image_shape, classes, width=4):
        super().__init__(*build(image_shape, classes, width))
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NETWORK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "net.py:build"


def parameters(model, **build):
    return count_parameters(build_model(Recipe(model=model, build=build), (1, 28, 28), 10))


def test_arguments_reach_the_function(net):
    widths = {width: 785 * width + 10 * (width + 1) for width in (4, 7)}
    assert parameters(net) == widths[4]
    for name in ("build", "needs", "anything", "Net"):
        assert parameters(f"net.py:{name}", width=7) == widths[7]
    assert parameters(net, names=["x", "y"]) == widths[4]


@pytest.mark.parametrize(
    ("signature", "call"),
    [
        ("", ""),
        ("width=4", ""),
        ("num_classes", "num_classes=10"),
        ("in_channels=1, n_classes=7", "in_channels=3, n_classes=10"),
        ("*, input_shape, depth=2", "input_shape=(3, 32, 24)"),
        ("a, b", "(3, 32, 24), 10"),
        ("a, b=7, c=8", "(3, 32, 24), 10"),
        ("*args", "(3, 32, 24), 10"),
        ("image_shape, classes, /", "(3, 32, 24), 10"),
    ],
)
def test_a_function_gets_what_it_asks_for(signature, call):
    scope = {}
    exec(f"def build({signature}): ...\ndef of(*args, **kwargs): return args, kwargs", scope)
    found = bind_arguments(scope["build"], (3, 32, 24), 10, {}, "net.py:build")
    assert found == eval(f"of({call})", scope)
    scope["build"](*found[0], **found[1])


def test_a_class_without_arguments_is_trained(tmp_path, monkeypatch, small_mnist):
    monkeypatch.chdir(tmp_path)
    Path("nets.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.layer = nn.Linear(784, 10)\n"
        "    def forward(self, x):\n        return self.layer(x.flatten(1))\n",
        encoding="utf-8",
    )
    trained = mnistlab.train("nets.py:Net", small_mnist, epochs=1)
    assert trained.record.parameters == 7850
    assert trained.record.recipe.name == "nets_Net"


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("build", {"widht": 7}, "net.py:build: build.widht: no such argument; did you mean width?"),
        ("build", {"zzz": 7}, "build.zzz: no such argument; it takes width, names"),
        ("build", {"classes": 7}, "build.classes: is the image shape or the number of classes"),
        ("needs", {}, "needs a value for width; give one as build.width"),
        ("deep", {}, "needs a value for depth; give one as build.depth"),
        ("built", {}, "is a module, already built; name its class"),
        (
            "build",
            {"width": "wide"},
            "net.py:build: failed in build(image_shape=(1, 28, 28), classes=10, width='wide')",
        ),
    ],
)
def test_an_impossible_argument_is_refused_in_one_line(net, function, arguments, message):
    with pytest.raises(ModelError) as caught:
        parameters(f"net.py:{function}", **arguments)
    assert message in str(caught.value)


def test_built_in_models_take_none():
    for recipe in (
        lambda: Recipe(build={"width": 3}),
        lambda: mnistlab.train("mlp", build={"a": 1}),
    ):
        with pytest.raises(
            RecipeError, match=r"build: \w+ would go to a function of your own; model"
        ):
            recipe()


@pytest.mark.parametrize(
    "table", [3, {"a b": 1}, {"for": 1}, {"a": None}, {"a": float("inf")}, {"a": {"b": 1}}]
)
def test_what_is_no_table_of_plain_values_is_refused(table):
    with pytest.raises(RecipeError, match="build: must be a table of names and numbers, texts"):
        Recipe(model="a:b", build=table)


def test_the_digest_counts_arguments_and_leaves_other_recipes_as_they_were(net):
    bare, one = Recipe(model=net), Recipe(model=net, build={"width": 3, "depth": 2})
    assert bare.digest == Recipe(model=net, build={}).digest
    assert one.digest == Recipe(model=net, build={"depth": 2, "width": 3}).digest
    assert len({bare.digest, one.digest, one.replace(**{"build.width": 4}).digest}) == 3
    assert len({bare, one, one.replace()}) == 2
    # Those of recipes before there were arguments.
    assert Recipe().digest == "44136fa3"
    assert Recipe(model="net.py:build", dropout=0).digest == "8685ca34"


def test_a_file_holds_them_and_is_written_back(net, tmp_path):
    (tmp_path / "my.toml").write_text(
        'model = "net.py:build"\n[build]\nwidth = 9\nnames = ["a", "b"]\n', encoding="utf-8"
    )
    recipe = read_recipe("my.toml")
    assert recipe.build == {"width": 9, "names": ["a", "b"]}
    (tmp_path / "again.toml").write_text(to_toml(recipe), encoding="utf-8")
    assert read_recipe("again.toml") == recipe


def test_every_command_takes_them(net, few, capsys):
    some = ["--data", str(few), "--epochs", "1"]
    assert run(app, ["train", net, *some, "--set", "build.width=3", "--run", "r", "-q"]) == 0
    record = json.loads(Path("r/record.json").read_text(encoding="utf-8"))
    assert (record["parameters"], record["recipe"]["build"]) == (785 * 3 + 40, {"width": 3})
    assert mnistlab.load("r").model[1].out_features == 3
    resumed = ["train", net, *some, "--run", "r", "-q", "--resume"]
    capsys.readouterr()
    assert run(app, [*resumed, "--set", "build.width=4"]) == 2
    assert "build = {'width': 3}, not {'width': 4}" in capsys.readouterr().err
    assert run(app, ["doctor", net, "--data", str(few), "--set", "build.width=3"]) == 0
    assert run(app, ["doctor", net, "--data", str(few), "--set", "build.zzz=3"]) == 2
    assert "build.zzz: no such argument; it takes width, names" in capsys.readouterr().err
    assert run(app, ["export", "r", "model.onnx"]) == 0


def test_a_sweep_tries_them(net, few, tmp_path):
    (tmp_path / "grid.toml").write_text(
        f'recipe = "{net}"\nvalidation = 100\nseeds = 1\nfinal_seeds = 1\n'
        f'[set]\ndata = "{few}"\nepochs = 1\nbuild.names = ["q"]\n'
        "[grid]\nbuild.width = [2, 30]\nmomentum = [0.9]\n",
        encoding="utf-8",
    )
    grid = read_grid("grid.toml")
    candidates = grid.candidates()
    assert [c.build for c in candidates] == [{"names": ["q"], "width": w} for w in (2, 30)]
    assert [c.name for c in candidates] == [
        "build.width_2-momentum_0.9",
        "build.width_30-momentum_0.9",
    ]
    result = mnistlab.sweep("grid.toml", runs="runs", workers=1)
    assert result.chosen.build["width"] == 30
    result.write("out")
    chosen = read_recipe("out/best.toml")
    assert (chosen.build, chosen.model) == (result.chosen.build, "net.py:build")


def test_a_random_sweep_draws_them(net, tmp_path):
    (tmp_path / "grid.toml").write_text(
        f'recipe = "{net}"\n[random]\nsamples = 5\n'
        "[random.fields]\nbuild.width = {low = 2, high = 9}\n",
        encoding="utf-8",
    )
    assert all(2 <= c.build["width"] <= 9 for c in read_grid("grid.toml").candidates())
