"""mnistlab predict --table, --grid and --pattern: real pictures, real files."""

import csv
import io
import json
import re
import sys
import zipfile

import pytest
from PIL import Image

from mnistlab.recogniser.table_files import write_tables
from tests.cli.processes import PREDICT, objects, refusal, run
from tests.recogniser.drawing import sheet
from tests.recogniser.readings import cells, reading

MARKS = [["12", "407", "85"], ["3", "", "60"], ["27", "219", ""], ["", "55", "31"]]


@pytest.fixture(scope="module")
def sheets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheets")
    grid = sheet([["5", "", "7"], ["", "9", ""], ["2", "", "8"]], wide=100)
    for name, picture in (("marks", sheet(MARKS)), ("grid", grid), ("line", sheet([["407"]]))):
        Image.fromarray(picture).save(folder / f"{name}.png")
    return folder


def table(path):
    return [*csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))]


def test_a_table_is_written_with_its_blank_cells(sheets, tmp_path):
    out = tmp_path / "out.csv"
    result = run(*PREDICT, "marks.png", "--table", out, cwd=sheets)
    assert result.returncode == 0
    assert result.stderr == f"wrote {out}: 1 table of 4 x 3, rows x columns\n"
    assert table(out) == MARKS
    assert result.stdout.splitlines()[0].startswith("marks.png  12 407 85")
    (read,) = objects("marks.png", cwd=sheets)
    assert [[cell["text"] for cell in row] for row in read["tables"][0]["rows"]] == MARKS


def test_a_grid_is_what_it_is_told_to_be(sheets, tmp_path):
    out = tmp_path / "out.json"
    run(*PREDICT, "grid.png", "--grid", "3x3", "--table", out, cwd=sheets)
    ((found),) = json.loads(out.read_text())
    assert found["file"] == "grid.png"
    assert [[cell["text"] for cell in row] for row in found["rows"]] == [
        ["5", "", "7"],
        ["", "9", ""],
        ["2", "", "8"],
    ]


def test_several_pictures_go_into_one_file_and_a_page_without_table_is_told(sheets, tmp_path):
    out = tmp_path / "out.html"
    result = run(*PREDICT, "marks.png", "line.png", "--table", out, cwd=sheets)
    assert result.returncode == 1
    missing, wrote = result.stderr.splitlines()
    assert missing == "line.png   error: no table found; if it is a grid, say which: --grid 9x9"
    assert re.fullmatch(
        rf".*wrote {re.escape(str(out))}: 1 table of \d x \d, rows x columns", wrote
    )
    assert re.findall(r"<h2>(.*)</h2>", out.read_text()) == ["marks.png"]
    result = run(*PREDICT, "line.png", "--table", tmp_path / "no.csv", cwd=sheets)
    assert result.returncode == 1
    assert "no.csv: not written, since there is no table" in result.stderr
    assert not (tmp_path / "no.csv").exists()


def test_what_is_read_beside_a_table_is_told(sheets, tmp_path):
    marks, line = (Image.open(sheets / name).convert("L") for name in ("marks.png", "line.png"))
    both = Image.new("L", (max(marks.width, line.width), marks.height + line.height + 60), 255)
    both.paste(line, (0, 0))
    both.paste(marks, (0, line.height + 60))
    both.save(tmp_path / "both.png")
    result = run(*PREDICT, "both.png", "--table", "both.csv", cwd=tmp_path)
    assert result.returncode == 0
    wrote, beside = result.stderr.splitlines()
    assert wrote.startswith("wrote both.csv: 1 table of 4 x 3")
    count = len("".join(run(*PREDICT, "line.png", cwd=sheets).stdout.split()[1].split()))
    assert beside.startswith(f"both.png: {count} characters in no cell of a table;")


def test_a_pattern_takes_the_likeliest_reading_that_it_allows(sheets):
    (read,) = objects("marks.png", "--pattern", r"\d{1,3}", "--pattern", "2=0-99", cwd=sheets)
    rows = read["tables"][0]["rows"]
    assert [row[0]["text"] for row in rows] == ["12", "3", "27", ""]
    assert [rows[place][1]["sure"] for place in (0, 1, 3)] == [False, True, True]
    assert read["notes"][0].startswith("407 hardly fits 0-99 and is read as ")
    (read,) = objects("line.png", "--pattern", "dd/mm/yyyy", cwd=sheets)
    assert (read["text"], read["sure"], read["notes"]) == (
        "407",
        False,
        ["407 does not fit dd/mm/yyyy"],
    )


PLACES = {place: {"cell": cell} for place, cell in enumerate([0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3])}
PLACES[1] |= {"2": 0.4, "7": 0.3}
PLACES[7]["line"] = -1
DOUBT = reading("12 -4.50", "007 8", odd=PLACES, cells=cells(3, 2)).answer


def test_unsure_cells_are_marked_in_every_form(tmp_path):
    answers = [("a.png", DOUBT), ("b=1.png", DOUBT)]
    for name in ("t.csv", "t.html", "t.json"):
        assert write_tables(tmp_path / name, answers) == 2
    text = (tmp_path / "t.csv").read_bytes().decode()
    first, second = text.split("\r\n\r\n")
    assert first + "\r\n" == second == "12?,-4.50\r\n07?,8\r\n,\r\n"
    html = (tmp_path / "t.html").read_text()
    assert '<td class="unsure" title="40.0 %">12</td><td title="99.5 %">-4.50</td>' in html
    assert html.count('class="unsure" title') == 4
    told = json.loads((tmp_path / "t.json").read_text())
    assert [one["file"] for one in told] == ["a.png", "b=1.png"]
    assert told[0] == {"file": "a.png"} | DOUBT.tables[0].model_dump()


def test_a_workbook_has_a_sheet_a_table_and_numbers(tmp_path):
    pytest.importorskip("xlsxwriter")
    answers = [("scans/a.png", DOUBT), ("a.png", DOUBT), ("x" * 40 + ".png", DOUBT)]
    assert write_tables(tmp_path / "t.xlsx", answers) == 3
    content = (tmp_path / "t.xlsx").read_bytes()
    assert write_tables(tmp_path / "t.xlsx", answers) == 3
    assert (tmp_path / "t.xlsx").read_bytes() == content
    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        names = re.findall(r'<sheet name="([^"]*)"', book.read("xl/workbook.xml").decode())
        cells_of = book.read("xl/worksheets/sheet1.xml").decode()
        texts = re.findall(r"<t>([^<]*)</t>", book.read("xl/sharedStrings.xml").decode())
        comments = book.read("xl/comments1.xml").decode()
    assert names == ["a.png", "a.png (2)", "x" * 31]
    assert re.findall(r'<c r="(\w+)" s="\d+"(?: t="(\w)")?><v>([^<]*)</v>', cells_of) == [
        ("A1", "", "12"),
        ("B1", "", "-4.5"),
        ("A2", "s", "0"),
        ("B2", "", "8"),
    ]
    assert texts == ["07"]
    assert comments.count("unsure: ") == 2


def test_without_the_extra_the_install_command_is_told(sheets, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['xlsxwriter'] = None\n")
    result = run(
        *PREDICT,
        "marks.png",
        "--table",
        tmp_path / "t.xlsx",
        cwd=sheets,
        env={"PYTHONPATH": f"{tmp_path}:{':'.join(sys.path)}"},
    )
    assert "pip install 'mnistlab[xlsx]'" in refusal(result)


BAD = {
    "other ending": (
        ["--table", "t.txt"],
        "t.txt: tables are written as .csv, .json, .html, .xlsx",
    ),
    "no ending": (["--table", "t"], "t: tables are written as"),
    "into nowhere": (["--table", "no/t.csv"], "no: cannot be written"),
    "several in CSV": (["grid.png", "--table", "t.csv"], "which of 2 pictures a table is from"),
    "no grid": (["--grid", "9"], "'--grid': 9 is no grid; 9x9 is"),
    "no rows": (["--grid", "0x3"], "0x3 is no grid"),
    "no pattern": (["--pattern", "[0-9"], "pattern [0-9: ends where a ] is needed"),
    "two patterns": (["--pattern", "1", "--pattern", "2"], "there is one for all numbers already"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_gets_one_line_before_anything_is_read(case, sheets):
    arguments, message = BAD[case]
    before = sorted(path.name for path in sheets.iterdir())
    result = run(*PREDICT, "marks.png", *arguments, cwd=sheets)
    assert message in refusal(result)
    assert result.stdout == ""
    assert sorted(path.name for path in sheets.iterdir()) == before


def test_a_picture_is_never_overwritten_by_its_table(sheets, tmp_path):
    (tmp_path / "a.csv").write_bytes((sheets / "line.png").read_bytes())
    result = run(*PREDICT, "a.csv", "--table", "./a.csv", cwd=tmp_path)
    assert "would be overwritten" in refusal(result)
