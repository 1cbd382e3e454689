"""The store: finding and listing runs."""

import pytest

from mnistlab import MnistlabError, Recipe
from mnistlab.runs import RunStore, find_runs
from tests.statistics.records import made_record


def keep(path, recipe, seed, name=None, wrong=()):
    folder = path / (name or f"{recipe.name}-{recipe.digest}-seed{seed}")
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(made_record(recipe, seed, wrong).to_json())
    return folder


def test_a_run_is_found_whatever_its_label(tmp_path):
    recipe = Recipe(name="mine", dropout=0.25)
    kept = keep(tmp_path, recipe, 3)
    store = RunStore(tmp_path)
    assert store.folder(recipe.replace(name="other"), 3).path == kept
    new = tmp_path / f"mine-{recipe.digest}-seed4"
    assert store.folder(recipe, 4).path == new
    assert store.folder(recipe.replace(dropout=0.5), 3).path != kept


def test_names_with_dashes_and_numbers(tmp_path):
    recipe = Recipe(name="a-12345678-seed9", dropout=0.25)
    kept = keep(tmp_path, recipe, 12)
    assert RunStore(tmp_path).folder(recipe, 12).path == kept


def test_runs_are_listed_and_unfinished_ones_left_out(tmp_path):
    recipe = Recipe(name="mine", dropout=0.25)
    keep(tmp_path, recipe, 1, wrong=range(20))
    keep(tmp_path, recipe, 0)
    keep(tmp_path, recipe, 2, name="by another name")
    (tmp_path / "begun").mkdir()
    (tmp_path / "a file").write_text("")
    store = RunStore(tmp_path)
    assert [run.seed for run in store.records()] == [2, 0, 1]
    summaries = list(store.summaries())
    assert [(run.recipe.name, run.seed) for run in summaries] == [
        ("mine", 2),
        ("mine", 0),
        ("mine", 1),
    ]
    assert summaries[2].final.test_accuracy == pytest.approx(0.98)
    assert summaries[0].path == tmp_path / "by another name"


def found(folder):
    return [run.path.relative_to(folder).as_posix() for run in find_runs(folder)]


def test_runs_are_found_at_any_depth_once_each(tmp_path):
    for place in ("here", "wide/runs/deep", "a/b/c/d/deeper", "out/records/aside"):
        path = tmp_path / place
        keep(path.parent, Recipe(name="x"), 0, name=path.name)
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "checkpoint.safetensors").write_bytes(b"")
    (tmp_path / "a file").write_text("")
    (tmp_path / "again").symlink_to(tmp_path / "wide")
    (tmp_path / "wide" / "circle").symlink_to(tmp_path)
    assert found(tmp_path) == [
        "a/b/c/d/deeper",
        "again/runs/deep",
        "begun",
        "here",
        "out/records/aside",
    ]
    assert found(tmp_path / "here") == ["."]


def test_a_folder_within_a_run_is_no_place_of_runs(tmp_path):
    run = keep(tmp_path, Recipe(name="here"), 0)
    keep(run, Recipe(name="within"), 1)
    assert found(tmp_path) == [run.name]


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("none", "file"):
        with pytest.raises(MnistlabError, match=f"{name}: no such folder"):
            find_runs(tmp_path / name)


def test_a_damaged_record_is_named(tmp_path):
    folder = keep(tmp_path, Recipe(), 0)
    (folder / "record.json").write_text('{"seed": ')
    for read in (RunStore(tmp_path).records, RunStore(tmp_path).summaries):
        with pytest.raises(MnistlabError, match=r"record\.json: not a run's record"):
            list(read())


def test_an_absent_folder_is_empty(tmp_path):
    assert list(RunStore(tmp_path / "none").records()) == []
