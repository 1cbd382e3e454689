"""mnistlab.evaluate, evaluate_robustness, load and export, as a notebook calls them."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import mnistlab
from mnistlab import MnistlabError, Split, built_in
from mnistlab.cli.app import app
from mnistlab.cli.app import run as run_app
from mnistlab.evaluation import read_robustness
from mnistlab.report.table import Table


@pytest.fixture(scope="module")
def run(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "one"
    return folder, mnistlab.train("mlp", epochs=2, data=str(few), batch_size=20, folder=folder)


def test_a_run_a_trained_model_and_a_file_are_evaluated(run, few, tmp_path):
    folder, trained = run
    by_folder = mnistlab.evaluate(folder)
    in_memory = mnistlab.evaluate(trained)
    assert by_folder.as_dict() == in_memory.as_dict()
    assert by_folder.evaluation.errors == trained.record.final.test_errors
    shipped = mnistlab.evaluate("lenet5", str(few))
    given = mnistlab.evaluate("lenet5", mnistlab.load_dataset(str(few)))
    assert shipped.as_dict() == given.as_dict()
    assert shipped.evaluation.images == 200
    seen = mnistlab.evaluate(folder, split="train")
    assert seen.evaluation.images == trained.record.data.train_images


def test_other_images_than_a_run_was_trained_on_are_refused_or_told(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8), np.uint8)
    split = Split(images, np.arange(60) % 2)
    data = mnistlab.data.make_dataset("mine", split, split, classes=("a", "b"))
    in_memory = mnistlab.train("mlp", data, epochs=1)
    with pytest.raises(MnistlabError, match=r"mnist: this run was trained on other .*\(mine,"):
        mnistlab.evaluate(in_memory)
    assert mnistlab.evaluate(in_memory, data).evaluation.images == 60
    file = tmp_path / "grown.npz"
    np.savez(file, images=images[:40, 0], labels=np.arange(40) % 2)
    run = tmp_path / "run"
    mnistlab.train("mlp", data=str(file), epochs=1, folder=run)
    assert mnistlab.evaluate(run).notes == mnistlab.evaluate(run, file).notes
    np.savez(file, images=images[:, 0], labels=np.arange(60) % 2)
    with pytest.raises(MnistlabError, match=r"grown\.npz: this run was trained on other images"):
        mnistlab.evaluate(run)
    (told,) = [note for note in mnistlab.evaluate(run, file).notes if "has changed" in note]
    assert "the run may have seen some of them" in told


def test_a_model_without_an_error_has_every_plot_but_that_of_errors():
    images = np.repeat(np.array([0, 255], np.uint8), 100)[:, None, None, None]
    split = Split(np.tile(images, (1, 1, 8, 8)), np.repeat([0, 1], 100))
    data = mnistlab.data.make_dataset("halves", split, split, classes=("dark", "light"))
    result = mnistlab.evaluate(mnistlab.train("mlp", data, epochs=1), data)
    assert result.evaluation.errors == 0
    assert result.plot("confusion").axes
    with pytest.raises(MnistlabError, match="worst: no such plot; one of confusion"):
        result.plot("worst")


def test_a_result_has_tables_plots_files_and_a_notebooks_form(run, tmp_path):
    result = mnistlab.evaluate(run[0], shifts=1, command="mnistlab evaluate one")
    for kind in ("figures", "classes", "coverage"):
        assert isinstance(result.table(kind), Table)
    assert result.table() == result.table("figures")
    assert result.plot("confusion").axes
    html = result._repr_html_()
    assert result.verdict in html
    assert "<table" in html
    page, *others = result.write(tmp_path / "out")
    assert page.name == "report.html"
    assert all(file.is_file() for file in others)
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert told["errors"] == result.as_dict()["errors"]
    assert result.as_dict()["views"]["copies"] == 9
    with pytest.raises(MnistlabError, match="nonsense: no such table; one of figures, classes"):
        result.table("nonsense")
    with pytest.raises(MnistlabError, match="nonsense: no such plot; one of confusion"):
        result.plot("nonsense")
    (tmp_path / "file").write_text("")
    with pytest.raises(MnistlabError, match=r"file.*: cannot be written"):
        result.write(tmp_path / "file")


@pytest.mark.usefixtures("undrawn")
def test_robustness_of_a_run_and_a_file(run, few, tmp_path):
    steps = []
    result = mnistlab.evaluate_robustness(
        run[1], "lenet5", data=few, severity=1, on_read=lambda *step: steps.append(step)
    )
    assert [step[1] for step in steps] == list(range(1, 33))
    assert {step[2] for step in steps} == {32}
    assert result.as_dict()["models"][0]["clean"]["errors"] == run[1].record.final.test_errors
    assert result.verdict in result._repr_html_()
    assert result.plot("corruptions").axes
    assert result.write(tmp_path)[0].name == "report.html"


@pytest.mark.usefixtures("undrawn")
def test_damaged_pictures_are_skipped_if_wanted(tmp_path, mnist, capsys):
    data = tmp_path / "digits"
    for digit, image in zip(mnist.test.labels[:40], mnist.test.images[:40, 0], strict=True):
        folder = data / "test" / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{len(list(folder.iterdir()))}.png")
    shutil.copytree(data / "test", data / "train")
    cut_off = data / "test" / "7" / "0.png"
    cut_off.write_bytes(cut_off.read_bytes()[:-20])
    with pytest.raises(MnistlabError, match="1 of 80 pictures are damaged"):
        mnistlab.evaluate("lenet5", data)
    skipping = mnistlab.evaluate("lenet5", data, skip_damaged=True)
    assert skipping.evaluation.images == 39
    assert "1 of 80 pictures are damaged and left out" in " ".join(skipping.notes)
    robustness = mnistlab.evaluate_robustness("lenet5", data=data, skip_damaged=True)
    robustness.write(tmp_path / "out")
    assert read_robustness(tmp_path / "out").as_dict() == robustness.as_dict()
    command = ["evaluate", "lenet5", "--data", str(data), "--skip-damaged", "--json"]
    assert run_app(app, command) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 39


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mnistlab.evaluate("lenet"), "did you mean lenet5?"),
        (lambda: mnistlab.evaluate("lenet5", split="tset"), "split: test or train"),
        (
            lambda: mnistlab.evaluate("lenet5", shifts=9),
            "shifts: must be a whole number from",
        ),
        (lambda: mnistlab.evaluate_robustness(), "no model to evaluate"),
        (lambda: mnistlab.evaluate_robustness("lenet5", severity=6), "severity: a whole number"),
        (lambda: mnistlab.evaluate_robustness("lenet5", "lenet5"), "lenet5: named twice"),
        (lambda: mnistlab.load("nowhere"), "nowhere: there is no such folder"),
    ],
)
def test_what_makes_no_sense_is_refused(call, said):
    with pytest.raises(MnistlabError) as refusal:
        call()
    assert said in str(refusal.value)


def test_a_run_is_exported_once_and_evaluated_as_a_file(run, tmp_path):
    folder, trained = run
    report = mnistlab.export(folder, tmp_path / "m.onnx")
    assert report.accuracy == pytest.approx(trained.record.final.test_accuracy)
    with pytest.raises(MnistlabError, match=r"m\.onnx: is there already"):
        mnistlab.export(folder, tmp_path / "m.onnx")
    mnistlab.export(folder, tmp_path / "m.onnx", overwrite=True)
    again = mnistlab.evaluate(tmp_path / "m.onnx", trained.record.recipe.data)
    assert again.evaluation.errors == trained.record.final.test_errors
    page = mnistlab.export("lenet5", tmp_path / "page", web=True)
    assert page.file == tmp_path / "page" / "index.html"


def test_a_module_in_memory_is_trained_but_kept_nowhere(few, tmp_path):
    torch.manual_seed(1)
    module = nn.Sequential(nn.Flatten(), nn.Linear(1024, 10))
    before = [value.clone() for value in module.state_dict().values()]
    options = {"epochs": 2, "data": str(few), "batch_size": 20}
    first, second = (mnistlab.train(module, **options) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(before, module.state_dict().values()))
    assert np.array_equal(first.test_logits, second.test_logits)
    assert first.record.final.test_accuracy > 0.2
    assert first.record.recipe.name == "Sequential"
    assert mnistlab.evaluate(first).evaluation.errors == first.record.final.test_errors
    with pytest.raises(MnistlabError, match="Sequential: a module that is in memory"):
        mnistlab.train(module, folder=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()
    with pytest.raises(MnistlabError, match="one logit per class"):
        mnistlab.train(nn.Sequential(nn.Flatten(), nn.Linear(1024, 7)), **options)


def test_the_parts_of_a_data_set_have_a_public_type(few):
    assert isinstance(mnistlab.load_dataset(str(few)).test, Split)


def test_comparisons_take_what_the_command_line_takes(few, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('model = "mlp"\ndropout = 0.5\n')
    options = {"epochs": 1, "data": str(few), "workers": 1, "kernels": "torch", "threads": 1}
    result = mnistlab.compare("mlp", "mine.toml", seeds=2, **options)
    assert [group.recipe.epochs for group in result.groups] == [1, 1]
    assert result.groups[0].records[0].environment.kernels == "torch"
    assert result.as_dict()["verdict"] == result.verdict
    assert repr(result) == f"<ComparisonResult: {result.verdict}>"
    repeated = mnistlab.repeat(built_in("mlp"), seeds=2, **options)
    assert repeated.figures.seeds == (0, 1)
    (tmp_path / "grid.toml").write_text(
        f'recipe = "mlp"\nseeds = 1\nvalidation = 100\nfinal_seeds = 1\n[set]\nepochs = 1\n'
        f'data = "{few}"\n[grid]\ndropout = [0.1, 0.2]\n'
    )
    swept = mnistlab.sweep("grid.toml", workers=1)
    assert swept.chosen.dropout in (0.1, 0.2)
    assert swept.verdict in swept._repr_html_()
    with pytest.raises(MnistlabError, match="workers: the executor has its own"):
        mnistlab.compare(
            "mlp", "mine.toml", executor=mnistlab.experiments.InProcessExecutor(), workers=2
        )
