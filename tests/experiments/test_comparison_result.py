"""Studies, as a notebook uses them, and made again from records alone."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mnistlab import MnistlabError, ablation, built_in, compare, read_comparison, train
from mnistlab.experiments import InProcessExecutor
from tests.data.forms import FORMS
from tests.experiments.listening import Notes


@pytest.fixture(scope="module")
def result(mnist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    parts = [(s.images[:n, 0], s.labels[:n]) for s, n in ((mnist.train, 600), (mnist.test, 2000))]
    data = str(FORMS["npz"](folder, *parts))
    recipes = [built_in(name).replace(epochs=2, data=data) for name in ("lenet5", "custom_mlp")]
    return compare(
        *recipes,
        seeds=6,
        runs=folder / "runs",
        executor=InProcessExecutor(),
    )


@pytest.fixture(scope="module")
def written(result):
    """The folder of its report, beside that of its runs."""
    folder = result.runs.parent / "out"
    assert all(file.is_file() for file in result.write(folder))
    return folder


@pytest.fixture
def archived(written):
    """A folder with a copy of ``comparison.json``, which knows its runs' folder by the way to
    it."""
    folder = Path(tempfile.mkdtemp(dir=written.parent))
    shutil.copy(written / "comparison.json", folder)
    return folder


def test_a_study_answers(result):
    assert result.verdict.startswith("custom_mlp is better than lenet5 by ")
    assert [row[0] for row in result.table().rows] == ["lenet5", "custom_mlp"]
    assert result.table("runs").rows[0][0] == "0"
    assert result.plot("paired1").axes
    html = result._repr_html_()
    assert result.verdict in html
    assert "<td>lenet5</td>" in html
    with pytest.raises(MnistlabError, match="nonsense: no such table; one of recipes"):
        result.table("nonsense")
    with pytest.raises(MnistlabError, match="nonsense: no such plot; one of accuracies"):
        result.plot("nonsense")


def test_a_study_is_made_again_from_records_alone(result, written, tmp_path):
    for weights in result.runs.rglob("*.safetensors"):
        weights.unlink()
    for source in (written, written / "comparison.json"):
        again = read_comparison(source)
        assert again.comparison == result.comparison
        assert again.title == result.title
    by_folder = read_comparison(result.runs)
    assert (
        by_folder.comparison.difference("lenet5", "custom_mlp").p
        == result.comparison.differences[0].p
    )
    code = (
        "import sys, mnistlab; from pathlib import Path;"
        " mnistlab.read_comparison(Path(sys.argv[1])).write('again'); "
    )
    code += "print('torch' in sys.modules)"
    command = [sys.executable, "-c", code, written]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
    for name in ("summary.json", "report.html"):
        assert (tmp_path / "again" / name).read_text() == (written / name).read_text()


def test_what_is_no_study_is_refused(archived, tmp_path):
    with pytest.raises(
        MnistlabError, match=r"no such file or folder; name a comparison\.json or a folder of runs"
    ):
        read_comparison(tmp_path / "none")
    with pytest.raises(MnistlabError, match="no finished runs there"):
        read_comparison(tmp_path)
    (tmp_path / "comparison.json").write_text("{}")
    with pytest.raises(MnistlabError, match=r"comparison\.json: cannot be read as a comparison"):
        read_comparison(tmp_path)
    archive = json.loads((archived / "comparison.json").read_text())
    archive["groups"][0]["seeds"].append(99)
    del archive["sha256"]
    (archived / "comparison.json").write_text(json.dumps(archive))
    with pytest.raises(MnistlabError, match="lacks the run of lenet5, seed 99"):
        read_comparison(archived)


def test_an_ablation_uses_the_runs_of_the_bare_recipe(few, tmp_path):
    changes = {"epochs": 1, "data": str(few), "train_limit": 300}
    whole = built_in("custom_mlp").replace(**changes)
    lenet5 = built_in("lenet5").replace(**changes)
    compare(lenet5, whole, seeds=2, runs=tmp_path, executor=InProcessExecutor())
    notes = Notes()
    found = ablation(whole, seeds=2, runs=tmp_path, executor=InProcessExecutor(), on_event=notes)
    assert len(found.groups) == 8
    assert found.baseline == "custom_mlp"
    assert {name for name, _ in notes.of("finished")} == {
        f"custom_mlp-{kind}-{name}"
        for kind in ("without", "only")
        for name in ("batch_norm", "dropout", "augmentation")
    }
    bare = next(group for group in found.groups if group.label == "custom_mlp-bare")
    assert bare.records[0].recipe.name == "lenet5"


@pytest.mark.parametrize(
    ("recipes", "message"),
    [
        (["lenet5"], "give at least two recipes to compare"),
        (["lenet5", "lenet5"], "lenet5 and lenet5 are the same recipe"),
        (["lenet5", "lenet6"], "lenet6: no such recipe; did you mean lenet5"),
        (
            [built_in("lenet5"), built_in("lenet5").replace(name="x")],
            "lenet5 and x are the same recipe",
        ),
        (
            [built_in("lenet5"), built_in("mlp").replace(train_limit=9)],
            "train_limit: differs between the recipes",
        ),
        (["lenet5", ["x"]], "a recipe is a Recipe, the name of a built-in one, a .toml file or"),
    ],
)
def test_what_cannot_be_compared_is_refused(recipes, message, tmp_path):
    with pytest.raises(MnistlabError, match=message):
        compare(*recipes, runs=tmp_path)


@pytest.mark.parametrize("seeds", [0, [], [-1, 2], 1.5, "3", ["1", 2], True])
def test_impossible_seeds_are_refused(seeds, tmp_path):
    with pytest.raises(MnistlabError, match="seeds: "):
        compare("lenet5", "custom_mlp", seeds=seeds, runs=tmp_path)


def test_a_loss_whose_file_has_changed_is_not_passed_off_as_the_same(tmp_path):
    file = tmp_path / "own.py"
    code = "from torch.nn.functional import cross_entropy\nloss = cross_entropy\n"
    file.write_text(code)
    plain = built_in("mlp").replace(epochs=1, train_limit=100)
    chosen = [plain, plain.replace(name="own", loss=f"{file}:loss")]
    options = {"seeds": 1, "runs": tmp_path / "runs", "executor": InProcessExecutor()}
    compare(*chosen, **options)
    file.write_text(code + "# changed\n")
    with pytest.raises(MnistlabError, match=r"own\.py:loss has changed since it was trained"):
        compare(*chosen, **options)


def test_a_model_whose_file_has_changed_is_not_passed_off_as_the_same(tmp_path):
    file = tmp_path / "own.py"
    code = "from torch import nn\ndef build(shape, classes):\n"
    code += "    return nn.Sequential(nn.Flatten(), nn.Linear(1024, classes))\n"
    file.write_text(code)
    own = built_in("mlp").replace(name="own", model=f"{file}:build", epochs=1, train_limit=100)
    chosen = [own, own.replace(name="wide", model="mlp")]
    compare(*chosen, seeds=1, runs=tmp_path / "runs", executor=InProcessExecutor())
    assert (
        compare(*chosen, seeds=1, runs=tmp_path / "runs", executor=InProcessExecutor()) is not None
    )
    file.write_text(code + "# changed\n")
    with pytest.raises(MnistlabError, match=r"own\.py:build has changed since it was trained"):
        compare(*chosen, seeds=1, runs=tmp_path / "runs", executor=InProcessExecutor())
    with pytest.raises(MnistlabError, match=r"own\.py:build has changed since"):
        train(own, folder=next((tmp_path / "runs").glob("own-*")), resume=True)
    file.unlink()
    with pytest.raises(MnistlabError, match="there is no file"):
        compare(*chosen, seeds=2, runs=tmp_path / "other", executor=InProcessExecutor())
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "damage",
    [
        {"history": []},
        {"predictions": {"mistakes": [[99_999, 1, 2]]}},
        {"predictions": {"mistakes": [[1, 77, 2]]}},
        {"predictions": {"reliability": []}},
        {"predictions": {"test_labels": [1, 2]}},
        {"data": {"classes": ["a"]}},
        {"recipe": {"of_a_later_version": 1}},
    ],
    ids=str,
)
def test_a_damaged_record_is_named_in_one_line(result, tmp_path, damage):
    runs = shutil.copytree(result.runs, tmp_path / "runs")
    file = next(runs.glob("*/record.json"))
    content = json.loads(file.read_text())
    for key, value in damage.items():
        content[key] = content[key] | value if isinstance(value, dict) else value
    file.write_text(json.dumps(content))
    with pytest.raises(
        MnistlabError, match=r"record\.json: not a run's record, or of a later version"
    ) as refusal:
        read_comparison(str(runs))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("damage", [{"baseline": "zzz"}, {"groups": []}], ids=str)
def test_a_damaged_comparison_is_refused(archived, damage):
    file = archived / "comparison.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | damage))
    with pytest.raises(MnistlabError, match=r"comparison\.json: cannot be read as a comparison"):
        read_comparison(archived)
