"""benchmarks.records: published runs made anew, one after another, with their weights left out."""

import json
import subprocess

import pytest

from benchmarks.records import load_records, table
from mnistlab import read_comparison
from mnistlab.cli.app import app, run
from mnistlab.training.fingerprint import PUBLISHED, total

SHORT = ["--seeds", "2", "--epochs", "1", "--quiet"]


@pytest.fixture
def records(tmp_path, few):
    """Of a table of two, the second of which fails until a file is there."""
    named = tmp_path / "records.toml"
    command = f"mnistlab repeat mlp --data {few} {' '.join(SHORT)} --out OUT"
    named.write_text(
        f'few = "{command}"\nsaid = "cat {tmp_path}/said && test -f {tmp_path}/said"\n'
    )
    return load_records(named, tmp_path / "results", tmp_path / "work")


def test_a_record_is_published_once_without_its_weights(records):
    few = records[0]
    assert few.state == "to be made"
    few.make()
    assert few.current
    names = {str(file.relative_to(few.folder)) for file in few.folder.rglob("*") if file.is_file()}
    assert {"made.json", "summary.json", "report.html", "records/seed-1.json"} <= names
    assert not [name for name in names if name.startswith(("runs", "bits", "seconds"))]
    assert list((few.work / "runs").glob("*/model.safetensors"))
    assert few.made["seconds"] > 0
    assert few.made["bits"] == total(PUBLISHED)
    assert "as today's code makes it" in table(records).text(200)


def test_other_bits_or_another_command_are_made_anew(records, tmp_path):
    (tmp_path / "said").write_text("first")
    said = records[1]
    (said.folder).mkdir(parents=True)
    (said.folder / "search.csv").write_text("kept")
    said.make()
    assert (said.folder / "table.txt").read_text() == "first"
    assert (said.folder / "search.csv").read_text() == "kept"
    for key, old in (("bits", "0123"), ("command", "true")):
        made = said.made
        (said.folder / "made.json").write_text(json.dumps(made | {key: old}))
        assert said.state == f"begun: other {key}"
        (tmp_path / "said").write_text(key)
        (said.work / "table.txt").unlink()
        said.make()
        assert said.current
        assert (said.folder / "table.txt").read_text() == key


def test_what_fails_is_kept_to_be_gone_on_with(records, tmp_path):
    said = records[1]
    with pytest.raises(subprocess.CalledProcessError, match="exit status 1"):
        said.make()
    assert said.state == "begun"
    assert not said.folder.exists()
    (said.work / "seconds").write_text("100")
    (tmp_path / "said").write_text("now")
    said.make()
    assert said.made["seconds"] >= 100


def test_what_other_bits_began_is_thrown_away(records, tmp_path):
    said = records[1]
    said.work.mkdir(parents=True)
    (said.work / "bits").write_text("0123")
    (said.work / "table.txt").write_text("old")
    (tmp_path / "said").write_text("new")
    said.make()
    assert (said.folder / "table.txt").read_text() == "new"


def test_runs_that_are_kept_beside_another_record_are_published_there(tmp_path, few, undrawn):
    made, named, work = tmp_path / "made", tmp_path / "records.toml", tmp_path / "work"
    copies = (f'{name} = "cp -r {made}/{name} {work}"' for name in ("first", "second"))
    named.write_text("\n".join(copies))
    for name, other in (("first", "mlp"), ("second", "sprint99")):
        options = ["--data", few, "--runs", made / "first" / "runs", "--out", made / name]
        command = ["compare", "lenet5", other, *SHORT, *map(str, options)]
        assert run(app, command) == 0
    first, second = load_records(named, tmp_path / "results", work)
    first.make()
    second.make()
    assert read_comparison(first.folder).verdict
    assert {group.label for group in read_comparison(second.folder).groups} == {
        "lenet5",
        "sprint99",
    }
    assert not list(first.folder.rglob("*.safetensors"))
    # Making the first anew leaves the second's runs beside it.
    first.make()
    assert len(read_comparison(second.folder).groups) == 2
