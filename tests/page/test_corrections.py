"""The page in chromium: what is read is corrected, and copied."""

import json
import shutil
import subprocess

import pytest

from mnistlab import Recogniser
from mnistlab.exporting import export_site
from mnistlab.page import served
from mnistlab.page.bundle import bundle
from mnistlab.recogniser.table_files import write_tables
from mnistlab.rendering.photographs import render_photograph
from tests.exporting.pages import draw, expect_read, show, visited
from tests.handwriting import small_bank
from tests.page.tables import table
from tests.server.pictures import number

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
ROWS = [["12", "", "407"], ["35", "8", ""], ["", "36", "21"], ["70", "54", "33"]]
CLIPBOARD = "navigator.clipboard.readText()"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return export_site("reader", tmp_path_factory.mktemp("site")).file.as_uri()


@pytest.fixture
def page(browser, address):
    with visited(browser, address, permissions=["clipboard-read", "clipboard-write"]) as (
        page,
        complaints,
    ):
        yield page
    assert complaints == []


def cells(page):
    rows = page.locator("#tables tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("td").all()] for row in rows]


def copied(page, form):
    page.locator(f"#copy-{form}").click()
    page.wait_for_function("document.getElementById('copied').textContent === 'Copied'")
    return page.evaluate(CLIPBOARD)


def test_a_character_is_corrected_by_choosing_another(page):
    show(page, number("407"))
    page.locator("#digits button").nth(1).click()
    assert page.locator("#correct").is_visible()
    page.locator("#choices").get_by_role("button", name="6").click()
    assert page.locator("#digits .digit").all_inner_texts() == ["4", "6", "7"]
    assert page.locator("#digits .corrected .mark").all_inner_texts() == ["corrected"]
    assert page.locator("#said").inner_text() == "The 2nd is 6 now"
    assert page.locator("#doubt").inner_text() == ""
    assert copied(page, "text") == "467"
    # What the reader saw stays there to look at.
    assert page.locator("#bars .best th").inner_text() == "0"


def test_a_character_is_corrected_by_typing_and_an_unsure_one_confirmed(page):
    show(page, number("12"))
    page.locator("#digits button").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("-")
    assert page.locator("#digits .digit").all_inner_texts() == ["-", "2"]
    assert page.evaluate("document.activeElement.dataset.place") == "0"
    page.keyboard.press("1")
    assert page.locator("#digits .mark").all_inner_texts() == ["confirmed"]
    page.keyboard.press("a")
    page.keyboard.press("Control+5")
    assert page.locator("#digits .digit").all_inner_texts() == ["1", "2"]


def test_choices_are_one_stop_for_the_keyboard_and_arrows_go_on(page):
    show(page, number("35"))
    page.locator("#copy-csv").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "3"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "5"
    assert page.locator("#digits .digit").all_inner_texts() == ["3", "5"]
    page.keyboard.press("Enter")
    assert page.locator("#digits .digit").all_inner_texts() == ["5", "5"]
    page.locator("#choices button[tabindex='0']").focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.textContent") == "%"


def test_a_correction_stays_while_one_goes_on_drawing_and_goes_with_the_drawing(page):
    draw(page, "4")
    expect_read(page, "4")
    page.keyboard.press("9")
    draw(page, "7", left=0.65)
    # Its first stroke alone is read as a dash.
    page.wait_for_function(
        "[...document.querySelectorAll('#digits .digit')].map(d => d.innerText).join('') === '97'"
    )
    assert page.locator("#digits .corrected").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("#correct").is_hidden()
    draw(page, "4")
    expect_read(page, "4")


def texts_of(content):
    """The cells that Python reads in a picture's one table."""
    (found,) = Recogniser().read(content).as_dict()["tables"]
    return [[cell["text"] for cell in row] for row in found["rows"]]


@pytest.mark.parametrize("ruled", [True, False])
def test_a_table_is_shown_corrected_and_copied(page, ruled):
    content = table(ROWS, ruled=ruled)
    rows = texts_of(content)
    assert "" in rows[1]
    assert "8" in rows[1]
    show(page, content)
    assert cells(page) == rows
    size = f"Table: {len(rows)} rows, {len(rows[0])} columns"
    assert page.locator("#tables caption").inner_text() == size
    page.locator("#tables").get_by_role("button", name="8").click()
    page.keyboard.press("3")
    rows[1][rows[1].index("8")] = "3"
    assert cells(page) == rows
    assert page.locator("#tables .corrected").get_attribute("aria-label") == "3, corrected"
    assert copied(page, "csv") == "".join(f"{','.join(row)}\r\n" for row in rows)
    assert copied(page, "text") == "12 407\n35 3\n36 21\n70 54 33"


def cells_of(reading):
    return [cell for found in reading.tables for row in found.rows for cell in row]


def test_unsure_cells_are_marked_until_they_are_corrected(page, tmp_path):
    content, reading = next(
        (content, reading)
        for index in range(20)
        for content in [render_photograph("table", 2029, index, small_bank()).content]
        for reading in [Recogniser().read(content)]
        if any(not group.sure for cell in cells_of(reading) for group in cell.groups)
    )
    unsure = [cell for cell in cells_of(reading) if not cell.sure]
    show(page, content)
    assert page.locator("#tables td.unsure").count() == len(unsure)
    write_tables(tmp_path / "t.csv", [("x", reading.answer)])
    assert copied(page, "csv") == (tmp_path / "t.csv").read_bytes().decode()
    marked = page.locator("#tables button.unsure")
    count = marked.count()
    assert count
    while marked.count():
        marked.first.click()
        page.keyboard.press("5")
    assert page.locator("#tables :is(.corrected, .confirmed)").count() == count
    left = [cell for cell in unsure if cell.left_out]
    assert page.locator("#tables td.unsure").count() == len(left)


def answer(*lines):
    """A reading as a server gives it, of lines of groups of (text, sure)."""
    box, shares = [0, 0, 10, 10], [0.0] * 20

    def told(text, sure, **more):
        return {"text": text, "sure": sure, "confidence": 0.5, "box": box} | more

    def group(text, sure):
        of = [told(one, sure, cut=False, probabilities=shares) for one in text]
        return told(text, sure, characters=of)

    made = [[group(*one) for one in line] for line in lines]
    said = [told(" ".join(g["text"] for g in line), True, groups=line) for line in made]
    return {"lines": said, "tables": [], "notes": [], "left_out": [], "images": []}


def in_node(script):
    """What a script says that uses transcripts."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    start = 'import { Transcript } from "./transcript.js";\n' + script
    modules = {"start.js": start, "transcript.js": served()["transcript.js"].decode()}
    script = bundle(modules, "idle.js", "start.js")
    return subprocess.run([node, "-e", script], capture_output=True, check=True).stdout.decode()


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ([100, 40, 116, 200], True),
        # A stroke's box moves by much of its width, and a dash's by much of its height.
        ([108, 44, 130, 200], True),
        ([92, 36, 112, 190], True),
        # Another stroke made another character of it, or it is another one.
        ([60, 40, 160, 200], False),
        ([180, 40, 196, 200], False),
    ],
)
def test_a_correction_stays_where_its_character_does(box, kept):
    old, new = answer([("1", True)]), answer([("1", True)])
    for given, place in ((old, [100, 40, 116, 200]), (new, box)):
        given["lines"][0]["groups"][0]["characters"][0]["box"] = place
    text = in_node(f"""const before = new Transcript({json.dumps(old)});
before.correct(0, "7");
process.stdout.write(new Transcript({json.dumps(new)}, before).text);
""")
    assert text == ("7" if kept else "1")


def test_csv_of_lines_has_a_row_each_marks_what_is_unsure_and_holds_no_formula():
    given = answer([("12,50", True), ("-3", True)], [("7", False), ("-(1)", True), ("+:2", False)])
    text = in_node(f"process.stdout.write(new Transcript({json.dumps(given)}).csv);")
    assert text == '"12,50",-3\r\n7?,"\'-(1)","\'+:2?"\r\n'


def test_what_is_copied_over_plain_http_is_there_too(browser, address):
    script = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
    with visited(browser, address, script) as (page, _):
        show(page, number("35"))
        page.locator("#copy-text").focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.getElementById('copied').textContent === 'Copied'")
        assert page.evaluate("document.activeElement.id") == "copy-text"
        page.evaluate("document.body.append(document.createElement('textarea'))")
        page.locator("textarea").focus()
        page.keyboard.press("Control+v")
        assert page.locator("textarea").input_value() == "35"


def test_a_wide_table_scrolls_by_itself_on_a_phone(browser, address):
    with visited(browser, address, **PHONE) as (page, complaints):
        show(page, table([["123", "456", "789", "123", "456", "789"]] * 3, tall=30))
        assert page.locator("#tables tr").first.locator("td").count() == 6
        assert page.locator("#tables").evaluate("one => one.scrollWidth > one.clientWidth")
        assert page.locator("#tables").evaluate("one => getComputedStyle(one).overflowX") == "auto"
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        first = page.locator("#tables button").first
        first.tap()
        assert first.get_attribute("aria-pressed") == "true"
        page.locator("#choices button").nth(9).tap()
        assert first.inner_text() == "9"
    assert complaints == []


def test_empty_and_blank_pictures_offer_nothing_to_correct_or_copy(page):
    assert page.locator("#correct").is_hidden()
    assert page.locator("#copies").is_hidden()
    page.keyboard.press("5")
    assert page.locator("#nothing").inner_text() == "–"
