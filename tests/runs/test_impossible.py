"""Records whose figures no run can have: refused, read whole or at a glance, and whatever checksum
they carry."""

import json
from pathlib import Path

import pytest

from mnistlab import MnistlabError, RunRecord
from mnistlab.cli.app import app, run
from mnistlab.runs import RunStore, add_checksum
from tests.statistics.records import made_record

ROOT = Path(__file__).parents[2]
RECORDS = sorted([*ROOT.glob("results/**/record.json"), *ROOT.glob("results/**/records/*.json")])
WRONG = (3, 14, 159)


def content(**changes):
    """A sound record as JSON, 3 of 1,000 images misclassified, with some of its fields changed."""
    found = json.loads(made_record(wrong=WRONG).to_json())
    del found["sha256"]
    for place, value in changes.items():
        *way, last = [int(key) if key.isdigit() else key for key in place.split("__")]
        part = found
        for key in way:
            part = part[key]
        part[last] = value
    return found


SIZES = [
    "parameters",
    "data__test_images",
    "data__train_images",
    "environment__cores",
    "environment__threads",
]
FIGURES = [
    *(
        "history__0__train_loss",
        "history__1__test_loss",
        "predictions__train_loss",
        "environment__memory_gib",
    ),
    *("history__0__train_seconds", "history__1__test_seconds", "history__0__images_per_second"),
]

IMPOSSIBLE = [
    {"history__1__test_accuracy": 5.8833},
    {"history__1__test_accuracy": -0.1},
    {"history__0__test_accuracy": 1.01},
    {"history__0__train_accuracy": 1.5},
    {"history__1__train_accuracy": -1e-3},
    {"history__1__train_loss": -0.5},
    {"history__0__test_loss": -2},
    {"history__1__test_seconds": -1},
    {"history__1__train_seconds": -0.01},
    {"history__0__images_per_second": -5},
    {
        "history__1__test_accuracy": 0.998,
        "final__test_accuracy": 0.998,
        "final__best_test_accuracy": 0.998,
    },
    {"final__test_accuracy": 0.999},
    {"final__test_accuracy": 5.8833},
    {"final__test_loss": 0.01},
    {"final__test_errors": 2},
    {"final__best_epoch": 2},
    {"final__best_test_accuracy": 1.0},
    {"seconds": 2.0},
    {"seconds": 3.003},
    {"seconds": "three"},
    {"seconds": 10**400},
    {"seconds": -3.0},
    {"seed": -1},
    {"parameters": -61706},
    {"data__test_images": 0},
    {"data__train_images": -5000},
    {"data__image_size": [28, -28]},
    {"environment__threads": 0},
    {"predictions__train_accuracy": 1.001},
    {"predictions__train_loss": -0.01},
    {"predictions__mistakes": [[3, 3, 4], [14, 4, 5]]},
    {"predictions__mistakes": [[3, 3, 4], [14, 4, 4], [159, 9, 0]]},
    {"predictions__mistakes": [[3, 3, 4], [3, 3, 5], [159, 9, 0]]},
    {"predictions__mistakes": [[14, 4, 5], [3, 3, 4], [159, 9, 0]]},
    {"predictions__mistakes": [[3, 3, 4], [14, 4, 5], [1000, 9, 0]]},
    {"predictions__mistakes": [[-3, 3, 4], [14, 4, 5], [159, 9, 0]]},
    {"predictions__test_labels": [100, 100, 100, 0, 200, 100, 100, 100, 100, 100]},
    {"predictions__test_labels": [200, 100, 100, 100, 100, 100, 100, 100, 200, -100]},
    {"predictions__reliability__14": [1000, 990.0, 1000]},
    {"predictions__reliability__14": [1000, 990.0, 996]},
    {"predictions__reliability__14": [1000, 900.0, 997]},
    {"predictions__reliability__14": [1000, 1001.0, 997]},
    {"predictions__reliability__14": [999, 990.0, 997], "predictions__reliability__0": [1, 0.5, 0]},
    {
        "predictions__reliability__14": [990, 985.0, 997],
        "predictions__reliability__13": [10, 9.0, 0],
    },
    {
        "predictions__reliability__14": [1001, 990.0, 997],
        "predictions__reliability__0": [-1, 0.0, 0],
    },
    {"history__0__test_accuracy": 0.9975},
    {"history__0__train_accuracy": 0.90001},
    {"history__1__train_accuracy": 1e-6},
    {"predictions__train_accuracy": 0.90001},
    {
        "predictions": None,
        "history__1__test_accuracy": 0.9975,
        "final__test_accuracy": 0.9975,
        "final__best_test_accuracy": 0.9975,
    },
    *({name: value} for name in SIZES for value in (10**10, 10**400)),
    *({"seed": value} for value in (10**19, 10**400)),
    *({name: 1e308} for name in FIGURES),
]


@pytest.mark.parametrize("changes", IMPOSSIBLE, ids=lambda changes: str(changes)[:60])
@pytest.mark.parametrize("sealed", [False, True])
def test_an_impossible_record_is_refused(changes, sealed):
    text = json.dumps(content(**changes), indent=2)
    with pytest.raises(MnistlabError) as caught:
        RunRecord.from_json(add_checksum(text) if sealed else text, "record.json")
    assert str(caught.value).startswith("record.json: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"predictions": None},
        {"final": {"test_accuracy": 0.997}},
        {"history__1__test_loss": 0.0, "final__test_loss": 0.0},
        {"predictions__train_loss": -1e-9},
        {"predictions__reliability__14": [1000, 933.333333, 997]},
        {"predictions__reliability__14": [1000, 1000.0, 997]},
        {"seconds": 3.001},
        {"parameters": 0},
        {"environment__memory_gib": 0},
    ],
    ids=str,
)
def test_a_possible_one_is_read(changes):
    assert RunRecord.from_json(json.dumps(content(**changes)), "record.json").seed == 0


@pytest.mark.parametrize(
    "changes",
    [
        *(*IMPOSSIBLE[:3], *IMPOSSIBLE[10:13], *IMPOSSIBLE[17:20]),
        *(one for one in IMPOSSIBLE if 0.9975 in one.values()),
    ],
    ids=str,
)
def test_no_list_shows_it(changes, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "record.json").write_text(json.dumps(content(**changes)))
    for form in ([], ["--csv"], ["--markdown"], ["--json"]):
        assert run(app, ["runs", str(tmp_path), *form]) == 2
        captured = capsys.readouterr()
        assert "record.json: " in captured.err
        assert "one" not in captured.out


@pytest.mark.parametrize(
    "changes",
    [{"seed": 10**400}, {"data__test_images": 10**400}, {"seconds": 1e308}],
    ids=lambda changes: str(changes)[:60],
)
def test_neither_does_one_of_absurd_numbers(changes, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "record.json").write_text(json.dumps(content(**changes)))
    with pytest.raises(MnistlabError) as caught:
        list(RunStore(tmp_path).summaries())
    assert len(str(caught.value)) < len(str(tmp_path)) + 200


def test_every_record_in_the_repository_is_read():
    assert len(RECORDS) > 200
    for file in RECORDS:
        assert RunRecord.from_json(file.read_bytes(), str(file)).predictions
    for store in {file.parents[1] for file in RECORDS if file.name == "record.json"}:
        assert len(list(RunStore(store).summaries())) == len(list(RunStore(store).records()))
