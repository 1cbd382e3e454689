"""The core's tables of numbers that line up, and mnistlab.recogniser.grid: rows and columns."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mnistlab.characters import OTHER
from mnistlab.errors import MnistlabError
from mnistlab.recogniser import Box
from mnistlab.recogniser.engine import Engine
from mnistlab.recogniser.models import find_model
from tests.recogniser.readings import cells, found, known, reading

TALL, PITCH, COLUMN, DIGIT = 20, 44, 120, 12


@pytest.fixture(scope="module")
def engine():
    return Engine(find_model("reader").read_bytes())


def digits_of(boxes):
    """The boxes of the digits of numbers, float32 ``(n, 4)``, and whose they are."""
    sides, numbers = [], []
    for number, (left, top, right, bottom) in enumerate(boxes):
        edges = np.linspace(left, right, max(1, round((right - left) / DIGIT)) + 1)
        sides += [(edge, top, after, bottom) for edge, after in pairwise(edges)]
        numbers += [number] * (len(edges) - 1)
    return np.array(sides, np.float32), numbers


def tables_of(engine, sides, numbers):
    """The tables' rows, of those the cells, of those the numbers."""
    result = engine.arrange(sides, known(np.ones(len(sides), int)))
    assert not result.cells[:, 7].any()
    whose = dict(zip(map(tuple, sides.tolist()), numbers))
    inside = [[] for _ in result.cells]
    for row in result.characters:
        number, cell = whose[tuple(row[:4].tolist())], int(row[29])
        if cell >= 0 and number not in inside[cell]:
            inside[cell].append(number)
    tables = {}
    for (table, row, column), cell in zip(result.cells[:, :3].astype(int).tolist(), inside):
        rows = tables.setdefault(table, [])
        rows += [[]] * (row == len(rows))
        rows[row] = [*rows[row], cell]
        assert len(rows[row]) == column + 1
    return list(tables.values())


def find_tables(engine, boxes):
    return tables_of(engine, *digits_of(boxes))


def turned(boxes, degrees):
    """Boxes of the same sizes, about turned middles."""
    sides = np.array(boxes, float)
    middles = (sides[:, :2] + sides[:, 2:]) / 2
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return sides + np.tile(middles @ turn - middles, 2)


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
            wide, tall = draw(st.integers(22, 70)), draw(st.integers(16, 24))
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
def test_numbers_that_line_up_are_a_table_blank_cells_kept(engine, sheet, random):
    places = list(sheet)
    random.shuffle(places)
    (table,) = find_tables(engine, [sheet[place] for place in places])
    read = {
        (row, column): [places[i] for i in cell]
        for row, line in enumerate(table)
        for column, cell in enumerate(line)
        if cell
    }
    assert read == {place: [place] for place in places}


@given(sheets(), st.integers(1, 5), st.integers(0, 500))
@settings(deadline=None, max_examples=50)
def test_neither_place_nor_size_matters(engine, sheet, scale, shift):
    sides, numbers = digits_of(sheet.values())
    tables = tables_of(engine, scale * sides + shift, numbers)
    assert tables == tables_of(engine, sides, numbers)


@given(st.lists(st.lists(st.integers(2, 7), min_size=3, max_size=6), min_size=3, max_size=8))
@settings(deadline=None, max_examples=200)
def test_every_number_is_in_at_most_one_cell_of_whatever_is_found(engine, lines):
    boxes = []
    for row, words in enumerate(lines):
        left = 10
        for length in words:
            boxes.append(Box(left, PITCH * row, left + 12 * length, PITCH * row + TALL))
            left += 12 * length + 25
    told = [
        i for table in find_tables(engine, boxes) for row in table for cell in row for i in cell
    ]
    assert len(told) == len(set(told))


def test_running_lines_are_no_table(engine):
    lengths = [(3, 5, 2, 6), (6, 2, 4, 3), (2, 2, 7, 2), (5, 4, 4, 2), (3, 3, 3, 6)]
    boxes = []
    for row, words in enumerate(lengths):
        left = 10
        for length in words:
            boxes.append(Box(left, PITCH * row, left + 12 * length, PITCH * row + TALL))
            left += 12 * length + 25
    assert find_tables(engine, boxes) == []
    column = [Box(0, PITCH * row, 50, PITCH * row + TALL) for row in range(9)]
    assert find_tables(engine, column) == []


def test_a_number_that_was_read_in_part_does_not_cost_its_row(engine):
    boxes = block(0, 5, 3)
    left, top, right, bottom = boxes[13]
    boxes[13] = Box(left + 25, top, right - 5, bottom)
    assert [[len(row) for row in table] for table in find_tables(engine, boxes)] == [[3] * 5]


def block(top, rows, columns, left=10):
    return [
        Box(left + 100 * c, top + PITCH * r, left + 100 * c + 40, top + PITCH * r + TALL)
        for r in range(rows)
        for c in range(columns)
    ]


def test_two_tables_and_a_heading_on_one_page(engine):
    heading = [Box(10, 0, 260, TALL)]
    first, second = block(60, 3, 3), block(500, 4, 2)
    tables = find_tables(engine, [*heading, *first, *second])
    assert [[len(row) for row in table] for table in tables] == [[3] * 3, [2] * 4]
    assert sorted(i for row in tables[0] for cell in row for i in cell) == list(range(1, 10))


@pytest.mark.parametrize("tilt", [1.5, -4, 15])
def test_a_table_may_be_turned(engine, tilt):
    sides, numbers = digits_of(block(300, 8, 5))
    (table,) = tables_of(engine, turned(sides, tilt).astype(np.float32), numbers)
    assert table == [[[5 * row + column] for column in range(5)] for row in range(8)]


def test_a_cell_is_around_its_number_or_where_its_row_and_column_cross(engine):
    boxes = block(0, 4, 3)
    boxes[4] = boxes[4]._replace(right=boxes[4].right + 20)
    sides, _ = digits_of(boxes[:7] + boxes[8:])
    result = engine.arrange(sides, known(np.ones(len(sides), int)))
    expected = [*boxes[:7], (boxes[7].left, boxes[7].top, boxes[4].right, boxes[7].bottom)]
    np.testing.assert_allclose(result.cells[:, 3:7], [*expected, *boxes[8:]])


def test_ink_that_is_not_read_is_told_to_be_in_its_cell(engine):
    boxes = block(0, 4, 3)
    sides, numbers = digits_of(boxes)
    kinds = np.array([OTHER if number == 7 else 1 for number in numbers])
    result = engine.arrange(sides, known(kinds))
    assert len(result.cells) == 12
    assert set(result.left_out[:, 29]) == {7}
    assert 7 not in result.characters[:, 29]


@given(
    arrays(np.float32, st.tuples(st.integers(0, 60), st.just(4)), elements=st.floats(width=32)),
    st.floats(width=32),
    st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_no_boxes_make_the_core_stop(engine, boxes, likely, mixed):
    if mixed:
        sides, _ = digits_of(block(0, 9, 3))
        boxes = np.concatenate([boxes, sides])
    kinds = known(np.ones(len(boxes), int))
    kinds[::3] = likely
    result = engine.arrange(boxes, kinds)
    rows = np.concatenate([result.characters, result.left_out])
    assert len(rows) == len(boxes)
    assert (rows[:, 29] < len(result.cells)).all()


def sudoku(rows, tilt=0, pitch=40):
    """Lines of digits, ``.`` for none, one group a line, as an engine without rulings sees them."""
    boxes = [
        Box(20 + pitch * c, 20 + pitch * r, 32 + pitch * c, 40 + pitch * r)
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
        if text != "."
    ]
    places = dict(enumerate({"box": box} for box in np.round(turned(boxes, tilt))))
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


@pytest.mark.parametrize(("rows", "columns", "full"), [(1, 2, 2), (2, 1, 2), (1, 1, 1)])
def test_several_numbers_in_a_cell_are_unsure_and_in_reading_order(rows, columns, full):
    places = [(0, 0), (12, 0), (80, 0), (92, 0), (0, 60), (12, 60), (80, 60), (92, 60)]
    odd = {n: {"box": (x, y, x + 10, y + 20)} for n, (x, y) in enumerate(places)}
    page = reading("12 34", "56 78", odd=odd)
    assert page.grid(2, 2).sure
    gridded = page.grid(rows, columns)
    assert not gridded.sure
    assert f"so the grid may not be {rows}x{columns}" in gridded.notes[-1]
    told = [cell.text for row in gridded.tables[0].rows for cell in row if len(cell.groups) > 1]
    assert len(told) == full
    assert " ".join(told) == ("12 56 34 78" if columns == 2 else "12 34 56 78")


def test_a_grid_of_nothing_and_an_impossible_one():
    assert reading().grid(3, 3).tables == ()
    for rows, columns in ((0, 1), (1, 0), (101, 100), (2.5, 2)):
        with pytest.raises(MnistlabError, match=f"a grid of {rows}x{columns}: "):
            reading("1").grid(rows, columns)


def test_a_grid_is_refined_by_patterns():
    page = reading("60", odd={0: {"6": 0.6, "5": 0.4}})
    assert page.grid(1, 1).matching("1=0-59").tables[0].rows[0][0].text == "50"
    assert found("60").group.tolist() == [0, 0]
