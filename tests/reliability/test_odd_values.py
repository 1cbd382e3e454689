"""Values that no program of ours wrote, where numbers, names or tables are expected: refused in one
line."""

import json
import zipfile
from functools import partial

import onnx
import pytest
from onnx import helper

from mnistlab import Recipe, RunFolder, load_dataset, read_comparison, read_recipe
from mnistlab.cli.options import changed_recipe
from mnistlab.errors import ExperimentError
from mnistlab.experiments.archive import read_archive
from mnistlab.experiments.grid import read_grid
from mnistlab.recogniser.network import Network
from mnistlab.runs import RunStore
from tests.reliability.damage import read_or_refusal
from tests.reliability.test_strangers import hostile_model
from tests.runs.test_store import keep


@pytest.mark.parametrize(
    "cell",
    ["=1+1", '=cmd|"/c calc"!A1', "@SUM(1)", "+1e9", "nan", "1e400", "9" * 30, "-1", "0x7", "#1"],
)
def test_a_formula_in_a_table_is_no_number(tmp_path, cell):
    path = tmp_path / "train.csv"
    path.write_text(f"label,a,b,c,d\n1,0,0,0,0\n2,{cell},0,0,0\n", encoding="utf-8")
    assert read_or_refusal(lambda: load_dataset(str(path)), str(path))[1]


ODD = {
    "a list": "seeds = [1]",
    "a date": "seeds = 1979-05-27",
    "not a number": "seeds = nan",
    "a table": "[seeds]\na = 1",
    "many digits": "seeds = " + "9" * 5000,
    "lists without end": "seeds = " + "[" * 20_000,
    "a key of two lines": '"a\\nb" = 1',
    "a long file": "# " + "x" * (1 << 21),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_types_in_a_sweep_are_refused(tmp_path, odd):
    (tmp_path / "grid.toml").write_text(ODD[odd] + "\n", encoding="utf-8")
    with pytest.raises(ExperimentError):
        read_grid(tmp_path / "grid.toml")
    assert read_or_refusal(lambda: read_grid(tmp_path / "grid.toml"), "grid.toml")[1]


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"format": 1, "x": ' + "[" * 100_000, "7", "null", '"x"', "[]", "\ud800"],
)
def test_odd_json_in_the_place_of_a_record_or_comparison_is_refused(tmp_path, text):
    for name, read in (
        ("record.json", lambda: RunFolder(tmp_path).read_record()),
        ("comparison.json", lambda: read_comparison(tmp_path / "comparison.json")),
    ):
        (tmp_path / name).write_bytes(text.encode(errors="surrogatepass"))
        assert read_or_refusal(read, name)[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": "\0"},
        {"margin": "Infinity"},
        {"margin": 1e308},
        {"groups": [{"label": label, "digest": "01234567", "seeds": [0]} for label in "ab"]},
        {"groups": [{"label": f"{n}", "digest": f"{n:08}", "seeds": [0]} for n in range(1001)]},
        *(
            {"groups": [{"label": label, "digest": "01234567", "seeds": [0]}]}
            for label in ("", " ", "\n", "L" * 201)
        ),
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_an_odd_comparison_is_refused(changes, tmp_path):
    sound = {
        "title": "x",
        "baseline": "",
        "runs": "runs",
        "failures": [],
        "command": "",
        "comparison": {},
    }
    sound["groups"] = [{"label": "a", "digest": "01234567", "seeds": [0]}]
    (tmp_path / "comparison.json").write_text(json.dumps(sound))
    assert read_archive(tmp_path / "comparison.json").title == "x"
    (tmp_path / "comparison.json").write_text(json.dumps(sound | changes))
    file = tmp_path / "comparison.json"
    assert read_or_refusal(lambda: read_comparison(file), "comparison.json", str(tmp_path))[1]
    if "\0" not in changes.get("runs", ""):
        assert read_or_refusal(lambda: read_archive(file), "comparison.json")[1]


ABSURD = {
    "a number of 100,000 digits": "9" * 100_000,
    "as many in hexadecimal": "0x" + "f" * 50_000,
    "lists in lists without end": "[" * 50_000,
    "lists in lists, closed": "[" * 300 + "]" * 300,
    "a huge number deep in lists": "[" * 300 + "0x" + "f" * 5000 + "]" * 300,
    "tables in tables": "{a=" * 400 + "1" + "}" * 400,
    "beyond all floats": "1e400",
    "infinite": "-inf",
    "no number": "nan",
    "a long list": f"[{'1,' * 100_000}]",
    "a time": "07:32:00",
}


@pytest.mark.parametrize("key", ["epochs", "dropout", "channels", "blur", "batch_norm", "fit"])
@pytest.mark.parametrize("value", ABSURD)
def test_absurd_settings_are_refused_in_a_short_line(value, key, tmp_path):
    for read in (
        lambda: changed_recipe("lenet5", {"settings": (f"{key}={ABSURD[value]}",)}),
        lambda: read_recipe(tmp_path / "r.toml"),
    ):
        (tmp_path / "r.toml").write_text(f"{key} = {ABSURD[value]}\n", encoding="utf-8")
        _, line = read_or_refusal(read, key, "r.toml")
        assert line
        assert len(line) < 500


@pytest.mark.parametrize(
    "notes",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"x": %s}' % ("9" * 5000),
        '{"temperature": 1e400}',
        '{"temperature": Infinity}',
        '{"temperature": NaN}',
        '{"temperature": 0}',
        '{"temperature": "1"}',
        '{"recipe": {"dropout": -Infinity}}',
        '{"title": 3}',
        '{"seed": "\\u001b"}',
        '{"data": []}',
        '{"data": {"name": 3}}',
        '{"classes": "0123456789"}',
        '{"classes": ["0", "0", "2", "3", "4", "5", "6", "7", "8", "9"]}',
        json.dumps({"classes": list(map(str, range(200_000)))}),
    ],
    ids=lambda notes: notes[:40],
)
def test_absurd_words_of_a_model_about_itself_are_refused(notes, tmp_path):
    model = onnx.load_from_string(hostile_model())
    helper.set_model_props(model, {"mnistlab": notes})
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    line = read_or_refusal(lambda: Network(tmp_path / "model.onnx"), "model.onnx")[1]
    assert line
    assert len(line) < 500


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e400"])
@pytest.mark.parametrize("key", ["seconds", "test_accuracy"])
def test_figures_of_a_record_that_are_not_finite_are_refused(number, key, tmp_path):
    file = keep(tmp_path, Recipe(name="mine"), 0) / "record.json"
    content = json.loads(file.read_text())
    # As a version without checksums wrote it.
    del content["sha256"]
    (content if key == "seconds" else content["final"])[key] = "HERE"
    file.write_text(json.dumps(content).replace('"HERE"', number))
    assert read_or_refusal(lambda: list(RunStore(tmp_path).summaries()), "record.json")[1]


def test_a_message_about_very_many_names_or_long_ones_is_short(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.npz", "w") as archive:
        # More than ZIP counted in its first form.
        for number in range(70_000):
            archive.writestr(f"m{number}.npy", b"")
    with zipfile.ZipFile(tmp_path / "long.npz", "w") as archive:
        for number in range(30):
            archive.writestr(f"\x1b{number}" + "x" * 60_000, b"")
    for name, words in (("many.npz", "m0.npy: cannot be read"), ("long.npz", " and 10 more; ")):
        line = read_or_refusal(partial(load_dataset, str(tmp_path / name)), name)[1]
        assert words in line
        assert len(line) < 1001


def test_a_message_about_very_many_classes_or_files_is_short(tmp_path):
    for number in range(2000):
        (tmp_path / "classes" / "train" / f"c{number}").mkdir(parents=True)
        (tmp_path / "classes" / "train" / f"c{number}" / "x.png").write_bytes(b"")
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / "files" / f"{number}.npz").write_bytes(b"")
    for name in ("classes", "files"):
        line = read_or_refusal(partial(load_dataset, str(tmp_path / name)), name)[1]
        assert len(line) < 1001
