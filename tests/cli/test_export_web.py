"""``mnistlab export --web``, as users start it; what the page reads is tested in
tests/exporting/test_web.py."""

import pytest

from mnistlab import Recipe, built_in
from tests.cli.processes import MNISTLAB, refusal, run
from tests.exporting.runs import trained

LARGE_MODEL = """
from torch import nn

def build(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(
        nn.Flatten(), nn.Linear(height * width, 300), nn.ReLU(), nn.Linear(300, classes)
    )
"""

NORMALISED = """
from torch import nn

def build(image_shape, classes):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(3136, classes)
    )
"""


@pytest.fixture(scope="module")
def mlp(few, tmp_path_factory):
    recipe = built_in("mlp").replace(data=str(few), epochs=1, batch_size=50)
    return trained(recipe, tmp_path_factory.mktemp("runs") / "mlp")


def test_a_run_becomes_a_page_that_says_what_was_checked(mlp, tmp_path):
    result = run(*MNISTLAB, "export", mlp, "site", "--web", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    size = (tmp_path / "site" / "index.html").stat().st_size
    first, second = result.stdout.splitlines()
    assert first.startswith(
        f"wrote site/index.html, {size:,} bytes: 200 test labels equal, logits within "
    )
    assert second.startswith("accuracy ")
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["index.html"]
    assert str(mlp.parent) not in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_the_same_page_is_made_of_a_run_and_of_its_file(mlp, tmp_path):
    for arguments in ((mlp, "a", "--web"), (mlp, "model.onnx"), ("model.onnx", "b", "--web")):
        assert run(*MNISTLAB, "export", *arguments, cwd=tmp_path).returncode == 0
    assert (tmp_path / "a" / "index.html").read_bytes() == (
        tmp_path / "b" / "index.html"
    ).read_bytes()


def test_a_page_is_replaced_only_when_told_to_and_what_lies_beside_it_stays(mlp, tmp_path):
    (tmp_path / "index.html").write_text("precious")
    (tmp_path / "notes.txt").write_text("mine")
    said = refusal(run(*MNISTLAB, "export", "reader", ".", "--web", cwd=tmp_path))
    assert (
        said
        == "mnistlab: index.html: is there already; give --overwrite to replace it, or name another"
        " folder"
    )
    assert (tmp_path / "index.html").read_text() == "precious"
    result = run(*MNISTLAB, "export", "reader", ".", "--web", "--overwrite", cwd=tmp_path)
    size = (tmp_path / "index.html").stat().st_size
    assert result.stdout == f"wrote index.html, {size:,} bytes\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "notes.txt"]


def test_what_cannot_be_a_page_is_refused_in_one_line_and_leaves_nothing(few, mlp, tmp_path):
    runs = {}
    for name, code in (("own", NORMALISED), ("large", LARGE_MODEL)):
        (tmp_path / f"{name}.py").write_text(code)
        recipe = Recipe(
            name=name, data=str(few), model=f"{tmp_path / name}.py:build", fit="none", epochs=1
        )
        runs[name] = trained(recipe, tmp_path / name)
    (tmp_path / "taken").write_text("")
    attempts = {
        (runs["own"],): "own: the network has a layer that is not run in a page (",
        (runs["large"],): "over 1,500,000; train a smaller network",
        ("nothing",): "nothing: there is no such folder",
        ("nothing.onnx",): "nothing.onnx: cannot be read",
        (mlp, "--data", "mnist"): "other images than this run was trained on",
    }
    for (source, *more), expected in attempts.items():
        assert expected in refusal(
            run(*MNISTLAB, "export", source, "site", "--web", *more, cwd=tmp_path)
        ), source
        assert not (tmp_path / "site").exists()
    assert "is a file; name a folder" in refusal(
        run(*MNISTLAB, "export", mlp, "taken", "--web", cwd=tmp_path)
    )
    assert "cannot be written" in refusal(
        run(*MNISTLAB, "export", "reader", "no/where", "--web", cwd=tmp_path)
    )
