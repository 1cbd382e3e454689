"""The page in a real browser: drawing, undoing, one digit and several."""

from PIL import Image

from tests.page.tables import table
from tests.server.hands import PHONE, draw, expect_no_digit, expect_nothing, expect_read, paths
from tests.server.pictures import file

BLANK = file(Image.new("L", (300, 200), 255))


def test_each_digit_is_read_as_it_is_drawn(visit):
    page = visit()
    for digit in "0123456789":
        draw(page, digit)
        expect_read(page, digit)
        page.keyboard.press("Escape")
        expect_nothing(page)


def test_a_number_in_a_row_is_read_and_shown(visit):
    page = visit()
    draw(page, "407", height=0.55)
    expect_read(page, "407")
    assert page.locator("#boxes rect").count() == 3
    assert page.locator("#digits img").count() == 3
    assert page.locator("#digits img").first.evaluate(
        "image => [image.naturalWidth, image.naturalHeight]"
    ) == [28, 28]
    assert page.locator("#models .reads").all_inner_texts() == ["407"] * 3
    heads = [head.split() for head in page.locator("#models th").all_inner_texts()[1:]]
    assert heads == [
        ["LeNet-5", *["99.10", "%", "on", "MNIST"]],
        ["CustomMLP", *["99.00", "%", "on", "MNIST"]],
    ]
    page.locator("#digits button").nth(2).click()
    assert page.locator("#bars .best th").inner_text() == "7"
    assert page.locator("#bars-title").inner_text() == "Probabilities of the 3rd character"
    assert page.locator("#bars tr:visible").count() >= 10


def test_models_are_compared_with_what_someone_corrected(visit):
    page = visit()
    draw(page, "25")
    expect_read(page, "25")
    assert page.locator("#models .other").count() == 0
    page.locator("#digits button").nth(1).click()
    page.keyboard.press("6")
    assert page.locator("#digits .digit").all_inner_texts() == ["2", "6"]
    # All three saw a 5.
    assert page.locator("#models .other").all_inner_texts() == ["5"] * 3
    assert page.locator("#digits .mark").all_inner_texts() == ["corrected"]


def test_a_table_fits_a_phone(visit):
    page = visit(**PHONE)
    page.locator("#file").set_input_files(
        {"name": "t.png", "mimeType": "image/png", "buffer": table([["12", "407"], ["35", "8"]])}
    )
    page.locator("#tables .digit").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_finger_draws_and_the_page_stays(visit):
    page = visit(**PHONE)
    touch = page.context.new_cdp_session(page)
    for stroke in paths(page, "25"):
        for kind, points in zip(("touchStart", *["touchMove"] * len(stroke)), stroke):
            touch.send(
                "Input.dispatchTouchEvent",
                {"type": kind, "touchPoints": [{"x": points[0], "y": points[1]}]},
            )
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect_read(page, "25")
    assert page.evaluate("[scrollX, scrollY]") == [0, 0]
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.get_by_text("Take a photo").is_visible()
    assert page.locator("#camera").get_attribute("capture") == "environment"


def test_a_pen_draws_wider_when_it_is_pressed(visit):
    page = visit(expect=["willReadFrequently"])
    pen = page.context.new_cdp_session(page)
    sizes = []
    for force in (0.2, 1.0):
        for (x, y), kind in zip(next(paths(page, "1")), ["mousePressed"] + ["mouseMoved"] * 90):
            told = {
                "type": kind,
                "x": x,
                "y": y,
                "button": "left",
                "buttons": 1,
                "pointerType": "pen",
                "force": force,
            }
            pen.send("Input.dispatchMouseEvent", told | {"clickCount": 1})
        pen.send("Input.dispatchMouseEvent", told | {"type": "mouseReleased", "buttons": 0})
        expect_read(page, "1")
        sizes.append(page.evaluate(INK))
        page.keyboard.press("Escape")
    assert sizes[0] < 0.8 * sizes[1]


INK = """() => {
  const canvas = document.getElementById("canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.filter((value, place) => place % 4 === 3 && value > 0).length;
}"""


def test_undo_and_clear_by_button_and_key(visit):
    page = visit()
    expect_nothing(page)
    assert page.locator("#undo").is_disabled()
    draw(page, "31")
    expect_read(page, "31")
    page.get_by_role("button", name="Undo").click()
    expect_read(page, "3")
    draw(page, "1", left=0.7)
    expect_read(page, "31")
    page.keyboard.press("Control+z")
    expect_read(page, "3")
    page.keyboard.press("Control+z")
    expect_nothing(page)
    assert page.evaluate(INK) == 0
    for clear in (
        lambda: page.get_by_role("button", name="Clear").click(),
        lambda: page.keyboard.press("Delete"),
    ):
        draw(page, "8")
        expect_read(page, "8")
        clear()
        expect_nothing(page)
        assert page.locator("#boxes rect").count() == 0


def test_no_digit_is_said_of_what_was_shown_and_not_before(visit):
    page = visit()
    assert "no digit" not in page.locator("body").inner_text()
    held = []
    page.route("**/api/read**", lambda route: held.append(route))
    blank = {"name": "blank.png", "mimeType": "image/png"}
    with page.expect_request("**/api/read**"):
        page.locator("#file").set_input_files(blank | {"buffer": BLANK})
    expect_nothing(page)
    held.pop().continue_()
    expect_no_digit(page)
    page.keyboard.press("Escape")
    expect_nothing(page)


def test_an_empty_pad_asks_nothing(visit):
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    page.wait_for_timeout(400)
    assert asked == []
    expect_nothing(page)
