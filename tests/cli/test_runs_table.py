"""runs --csv and --markdown, as a user starts them."""

import csv
import io
import json
import subprocess

import pytest

from mnistlab import Recipe, RunFolder
from tests.cli.processes import MNISTLAB, refusal, run
from tests.runs.test_store import keep
from tests.statistics.records import made_record


@pytest.fixture
def search(tmp_path):
    """Two candidates in a folder each, as two experiments leave them, and one trained by hand."""
    keep(tmp_path / "S/one/runs", Recipe(name="one", dropout=0.5), 0, wrong=range(12))
    keep(tmp_path / "S/one/runs", Recipe(name="one", dropout=0.5), 1, wrong=range(7))
    keep(tmp_path / "S/two/runs", Recipe(name="two", dropout=0.25), 0, wrong=range(9))
    keep(tmp_path / "S", Recipe(name="held", validation=1000), 0, wrong=range(30))
    return tmp_path


def test_a_table_of_comma_separated_values_best_first(search):
    result = run(*MNISTLAB, "runs", "S", "--csv", cwd=search)
    assert (result.returncode, result.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["name"], row["seed"], float(row["accuracy"])) for row in rows] == [
        ("one", "1", 99.3),
        ("two", "0", 99.1),
        ("one", "0", 98.8),
        ("held", "0", 97.0),
    ]
    assert rows[0] == {
        "name": "one",
        "seed": "1",
        "what_differs": "dropout=0.5",
        "parameters": "61706",
        "epochs": "2",
        "tested_on_images": "1000",
        "tested_on": "test",
        "accuracy": "99.3",
        "loss": "0.05",
        "training_seconds": "2",
    }
    assert rows[3]["tested_on"] == "validation"


def test_a_list_of_runs_on_several_data_sets_says_which(tmp_path):
    record = made_record(Recipe(name="a"), 0)
    for name in ("mnist", "mine"):
        folder = tmp_path / "S" / name
        folder.mkdir(parents=True)
        data = record.data.model_copy(update={"name": name})
        changed = record.model_copy(update={"data": data})
        (folder / "record.json").write_text(changed.to_json())
    *lines, _ = run(*MNISTLAB, "runs", "S", cwd=tmp_path).stdout.splitlines()
    assert sorted(line.split()[-2:] for line in lines) == [["mine", "mine"], ["mnist", "mnist"]]
    *lines, _ = run(*MNISTLAB, "runs", "S/mine", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["."]
    assert "mine" not in lines[0]


def test_a_table_in_markdown_has_the_same_rows(search):
    table = run(*MNISTLAB, "runs", "S", "--markdown", cwd=search).stdout.splitlines()
    text = run(*MNISTLAB, "runs", "S", "--csv", cwd=search).stdout
    rows = [row.strip("| ").split(" | ") for row in table[2:]]
    assert [(row[0], row[1], float(row[6])) for row in rows] == [
        (row["name"], row["seed"], float(row["accuracy"]))
        for row in csv.DictReader(io.StringIO(text))
    ]
    assert rows[0][3:6] == ["61,706", "2", "1,000 test images"]


def test_the_plain_list_finds_the_same_runs_and_says_where(search):
    lines = run(*MNISTLAB, "runs", "S", cwd=search).stdout.splitlines()
    assert lines[-1] == "4 finished runs; --markdown says what sets them apart"
    assert lines[0].split()[-1].startswith("held-")
    assert [line.split()[3] for line in lines[:-1]] == ["validation", "test", "test", "test"]
    assert [line.split()[-1].rpartition("/")[0] for line in lines[1:-1]] == [
        "one/runs",
        "one/runs",
        "two/runs",
    ]


@pytest.mark.parametrize("form", [[], ["--csv"], ["--markdown"]], ids=str)
def test_damaged_runs_are_named_in_one_line_and_the_others_listed(search, form):
    damaged = [keep(search / "S/two/runs", Recipe(name=f"broken{n}"), 0) for n in (1, 2)]
    for folder, content in zip(damaged, ("{", '{"seed": 1}')):
        (folder / "record.json").write_text(content)
    result = run(*MNISTLAB, "runs", "S", *form, cwd=search)
    line = refusal(result)
    for folder in damaged:
        assert f"{folder.relative_to(search)}/record.json: not a run's record" in line
    for name in ("one", "two", "held"):
        assert name in result.stdout
    assert "broken" not in result.stdout
    for folder in damaged:
        (folder / "record.json").unlink()
    whole = run(*MNISTLAB, "runs", "S", *form, cwd=search)
    assert (whole.returncode, whole.stdout) == (0, result.stdout)


def test_unfinished_runs_are_left_out_and_an_empty_folder_has_headings_alone(tmp_path):
    (tmp_path / "E" / "begun").mkdir(parents=True)
    (tmp_path / "E" / "begun" / "checkpoint.safetensors").write_bytes(b"")
    assert run(*MNISTLAB, "runs", "E", "--csv", cwd=tmp_path).stdout.startswith(
        "name,seed,what_differs,"
    )
    assert run(*MNISTLAB, "runs", "E", cwd=tmp_path).stdout == "E: no finished runs, 1 unfinished\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "--csv"], "none: no such folder"),
        (["file", "--markdown"], "file: no such folder"),
        (
            [".", "--csv", "--markdown"],
            "--csv, --markdown and --json are forms of the same list: give one of them",
        ),
        ([".", "--html"], "No such option '--html'"),
    ],
)
def test_bad_input_gets_one_line(tmp_path, arguments, message):
    (tmp_path / "file").write_text("")
    assert message in refusal(run(*MNISTLAB, "runs", *arguments, cwd=tmp_path))


def ask(cwd, *arguments, answer=""):
    return subprocess.run(
        [*MNISTLAB, "runs", *arguments],
        cwd=cwd,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def test_json_has_every_field_of_every_record(search):
    listed = json.loads(run(*MNISTLAB, "runs", "S", "--json", cwd=search).stdout)
    assert len(listed) == 4
    for entry in listed:
        record = json.loads((search / entry.pop("path") / "record.json").read_text())
        assert entry == {key: value for key, value in record.items() if key != "sha256"}


def test_runs_are_removed_once_that_is_confirmed_and_other_files_are_kept(search):
    mine = next((search / "S/two/runs").iterdir()) / "notes.txt"
    mine.write_text("mine")
    refused = ask(search, "S", "--remove", answer="n\n")
    assert (refused.returncode, refused.stdout) == (1, "nothing removed\n")
    assert "Remove 4 runs in S?" in refused.stderr
    silent = ask(search, "S", "--remove")
    assert silent.returncode == 2
    assert "give --yes" in silent.stderr
    assert len(list(search.rglob("record.json"))) == 4
    done = ask(search, "S", "--remove", answer="y\n")
    assert done.returncode == 0, done
    assert done.stdout.endswith("removed 4 runs\n")
    assert "holds other files, which are kept" in done.stdout
    kept = {path for path in (search / "S").rglob("*") if path.is_file()}
    assert kept == {mine}
    assert "no finished runs" in ask(search, "S").stdout


def test_checkpoints_and_logits_are_pruned_and_an_evaluation_makes_the_logits_again(few, tmp_path):
    train = ("train", "mlp", "--data", few, "--epochs", 1, "--run")
    assert run(*MNISTLAB, *train, "R/done", cwd=tmp_path).returncode == 0
    before = json.loads(run(*MNISTLAB, "evaluate", "R/done", "--json", cwd=tmp_path).stdout)
    (tmp_path / "R" / "begun").mkdir()
    (tmp_path / "R" / "begun" / "checkpoint.safetensors").write_bytes(b"12345")
    logits = tmp_path / "R/done/test_logits.npy"
    own = tmp_path / "R/done/checkpoint.safetensors"
    size = logits.stat().st_size + own.stat().st_size + 5
    pruned = ask(tmp_path, "R", "--prune", "logits", "--prune", "checkpoints", "--yes")
    assert (pruned.returncode, pruned.stdout) == (0, f"freed {size:,} bytes\n")
    assert not logits.exists()
    assert not own.exists()
    assert not list((tmp_path / "R/begun").glob("*.safetensors"))
    after = json.loads(run(*MNISTLAB, "evaluate", "R/done", "--json", cwd=tmp_path).stdout)
    assert (after["errors"], after["confusion"]) == (before["errors"], before["confusion"])
    assert after["loss"] == pytest.approx(before["loss"])
    assert ask(tmp_path, "R", "--prune", "logits").stdout == "R: nothing to prune\n"


def test_a_run_in_progress_is_neither_removed_nor_pruned(search):
    folder = next((search / "S/two/runs").iterdir())
    with RunFolder(folder).lock():
        kept = ask(search, "S/two", "--remove", "--yes")
    assert kept.returncode == 0
    assert "in progress" in kept.stdout
    assert kept.stdout.endswith("removed 0 runs\n")
    assert (folder / "record.json").exists()
