"""mnistlab.recogniser.tables and grid: rows and columns."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mnistlab.errors import MnistlabError
from mnistlab.recogniser import Box
from mnistlab.recogniser.tables import find_tables
from tests.recogniser.readings import cells, found, reading

TALL, PITCH, COLUMN = 20, 44, 120


def turned(boxes, degrees):
    """Boxes of the same sizes, about turned middles."""
    sides = np.array(boxes, float)
    middles = (sides[:, :2] + sides[:, 2:]) / 2
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [Box(*row) for row in np.round(sides + np.tile(middles @ turn - middles, 2)).astype(int)]


@st.composite
def sheets(draw):
    """Where the numbers of a table are, by row and column."""
    rows, columns = draw(st.integers(3, 9)), draw(st.integers(2, 5))
    edges = [draw(st.sampled_from(["left", "right", "middle"])) for _ in range(columns)]
    placed = {}
    for row in range(rows):
        for column in range(columns):
            if draw(st.integers(0, 9)) < 3:
                continue
            wide, tall = draw(st.integers(8, 70)), draw(st.integers(16, 24))
            left = (
                30
                + COLUMN * column
                + {"left": 0, "right": 80 - wide, "middle": 40 - wide / 2}[edges[column]]
            )
            left += draw(st.integers(-5, 5))
            top = 30 + PITCH * row + draw(st.integers(-4, 4))
            placed[row, column] = Box(round(left), top, round(left) + wide, top + tall)
    full = [sum(c == column for _, c in placed) for column in range(columns)]
    assume(sum(n >= 3 for n in full) >= 2)
    assume(all(full) and {row for row, _ in placed} == set(range(rows)))
    return placed


@given(sheets(), st.randoms())
@settings(deadline=None, max_examples=100)
def test_numbers_that_line_up_are_a_table_blank_cells_kept(sheet, random):
    places = list(sheet)
    random.shuffle(places)
    (table,) = find_tables([sheet[place] for place in places])
    read = {
        (row, column): [places[i] for i in cell]
        for row, line in enumerate(table)
        for column, cell in enumerate(line)
        if cell
    }
    assert read == {place: [place] for place in places}


@given(sheets(), st.integers(1, 5), st.integers(0, 500))
@settings(deadline=None, max_examples=50)
def test_neither_place_nor_size_matters(sheet, scale, shift):
    boxes = [Box(*(scale * side + shift for side in box)) for box in sheet.values()]
    assert find_tables(boxes) == find_tables(list(sheet.values()))


@given(st.lists(st.lists(st.integers(2, 7), min_size=3, max_size=6), min_size=3, max_size=8))
@settings(deadline=None, max_examples=200)
def test_every_number_is_in_at_most_one_cell_of_whatever_is_found(lines):
    boxes = []
    for row, words in enumerate(lines):
        left = 10
        for length in words:
            boxes.append(Box(left, PITCH * row, left + 12 * length, PITCH * row + TALL))
            left += 12 * length + 25
    told = [i for table in find_tables(boxes) for row in table for cell in row for i in cell]
    assert len(told) == len(set(told))


def test_running_lines_are_no_table():
    lengths = [(3, 5, 2, 6), (6, 2, 4, 3), (2, 2, 7, 2), (5, 4, 4, 2), (3, 3, 3, 6)]
    boxes = []
    for row, words in enumerate(lengths):
        left = 10
        for length in words:
            boxes.append(Box(left, PITCH * row, left + 12 * length, PITCH * row + TALL))
            left += 12 * length + 25
    assert find_tables(boxes) == []
    assert find_tables([Box(0, PITCH * row, 50, PITCH * row + TALL) for row in range(9)]) == []


def test_a_number_that_was_read_in_part_does_not_cost_its_row():
    boxes = block(0, 5, 3)
    left, top, right, bottom = boxes[13]
    boxes[13] = Box(left + 25, top, right - 5, bottom)
    assert [[len(row) for row in table] for table in find_tables(boxes)] == [[3] * 5]


def block(top, rows, columns, left=10):
    return [
        Box(left + 100 * c, top + PITCH * r, left + 100 * c + 40, top + PITCH * r + TALL)
        for r in range(rows)
        for c in range(columns)
    ]


def test_two_tables_and_a_heading_on_one_page():
    heading = [Box(10, 0, 260, TALL)]
    first, second = block(60, 3, 3), block(500, 4, 2)
    tables = find_tables([*heading, *first, *second])
    assert [[len(row) for row in table] for table in tables] == [[3] * 3, [2] * 4]
    assert sorted(i for row in tables[0] for cell in row for i in cell) == list(range(1, 10))


@pytest.mark.parametrize("tilt", [1.5, -4])
def test_a_table_may_be_turned(tilt):
    boxes = block(300, 8, 5)
    (table,) = find_tables(turned(boxes, tilt))
    assert table == [[[5 * row + column] for column in range(5)] for row in range(8)]


def test_a_reading_without_rulings_has_the_tables_that_line_up():
    page = reading("12 407", "35 219", "80 664")
    (table,) = page.tables
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["12", "407"],
        ["35", "219"],
        ["80", "664"],
    ]
    assert not table.ruled
    assert table.rows[1][1].groups[0] is page.lines[1].groups[1]
    ruled = reading("12 407", "35 219", "80 664", cells=cells(1, 1))
    assert [len(one.rows) for one in ruled.tables] == [1]


def sudoku(rows, tilt=0, pitch=40):
    """Lines of digits, ``.`` for none, one group a line, as an engine without rulings sees them."""
    boxes = [
        Box(20 + pitch * c, 20 + pitch * r, 32 + pitch * c, 40 + pitch * r)
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
        if text != "."
    ]
    places = dict(enumerate({"box": box} for box in turned(boxes, tilt)))
    return reading(*(row.replace(".", "") for row in rows if row.strip(".")), odd=places)


PUZZLE = ["53..7....", "6..195...", ".98....6.", "8...6...3", "4..8.3..1", "7...2...6"]
PUZZLE += [".6....28.", "...419..5", "....8..79"]


@pytest.mark.parametrize("tilt", [0, 3, -7.5])
def test_a_grid_has_a_cell_for_every_place(tilt):
    found = sudoku(PUZZLE, tilt).grid(9, 9)
    (table,) = found.tables
    assert ["".join(cell.text or "." for cell in row) for row in table.rows] == PUZZLE
    assert found.lines[0].text == "5 3 7"
    assert found.text.count("\n") == 8
    assert found.notes == ()
    box = table.rows[4][4].box
    assert abs(box.right - box.left - 40) <= 2


def test_a_grid_with_empty_columns_at_its_edge_is_told_to_be_doubtful():
    rows = [row[:-1] + "." for row in PUZZLE]
    found = sudoku(rows).grid(9, 9)
    assert [cell.text for cell in found.tables[0].rows[0]][:2] == ["5", "3"]
    assert found.notes == (
        "outer rows or columns of the grid are empty, so it is taken to be in the picture's middle",
    )


def test_a_grid_is_that_of_the_rulings():
    places = {0: {"cell": 0}, 1: {"cell": 3}}
    page = reading("1", "2", odd=places, cells=cells(2, 2))
    assert page.grid(2, 2).tables[0].rows[1][1].text == "2"
    divided = reading("1", "2", odd=places, cells=cells(1, 1, width=200, height=80))
    (table,) = divided.grid(2, 4).tables
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["1", "", "", ""],
        ["2", "", "", ""],
    ]
    assert table.rows[1][3].box == (150, 40, 200, 80)


def test_numbers_of_several_digits_stay_together_in_a_grid():
    page = reading(
        "15 7",
        "3 20",
        odd={
            3: {"box": (5, 45, 15, 65)},
            4: {"box": (60, 45, 70, 65)},
            5: {"box": (72, 45, 82, 65)},
        },
    )
    assert [[cell.text for cell in row] for row in page.grid(2, 2).tables[0].rows] == [
        ["15", "7"],
        ["3", "20"],
    ]


def test_a_grid_of_nothing_and_an_impossible_one():
    assert reading().grid(3, 3).tables == ()
    for rows, columns in ((0, 1), (1, 0), (101, 100)):
        with pytest.raises(MnistlabError, match=f"a grid of {rows}x{columns}: "):
            reading("1").grid(rows, columns)


def test_a_grid_is_refined_by_patterns():
    page = reading("60", odd={0: {"6": 0.6, "5": 0.4}})
    assert page.grid(1, 1).matching("1=0-59").tables[0].rows[0][0].text == "50"
    assert found("60").group.tolist() == [0, 0]
