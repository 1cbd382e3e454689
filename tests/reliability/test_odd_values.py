"""Values that no program of ours wrote, where numbers, names or tables are expected: refused in one line."""

import pytest

from mnistlab import RunFolder, load_dataset, read_study
from mnistlab.errors import ExperimentError
from mnistlab.experiments.grid import read_grid
from tests.reliability.damage import read_or_refusal


@pytest.mark.parametrize(
    "cell", ["=1+1", '=cmd|"/c calc"!A1', "@SUM(1)", "+1e9", "nan", "1e400", "9" * 30, "-1", "0x7", "#1"]
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
    "text", ["[" * 100_000, '{"format": 1, "x": ' + "[" * 100_000, "7", "null", '"x"', "[]", "\ud800"]
)
def test_odd_json_in_the_place_of_a_record_or_comparison_is_refused(tmp_path, text):
    for name, read in (
        ("record.json", lambda: RunFolder(tmp_path).read_record()),
        ("comparison.json", lambda: read_study(tmp_path / "comparison.json")),
    ):
        (tmp_path / name).write_bytes(text.encode(errors="surrogatepass"))
        assert read_or_refusal(read, name)[1]
