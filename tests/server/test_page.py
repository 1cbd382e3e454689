"""The page in a real browser: drawing, pictures, keyboard, and what it says."""

import io
import json
import shutil
import time

import pytest
from PIL import Image

from tests.browser import FLAGS
from tests.server.handwriting import write
from tests.server.pictures import file, number
from tests.server.serving import served

sync_api = pytest.importorskip("playwright.sync_api")
SECONDS = 20
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def server():
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium here; on Debian: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def visit(server, browser):
    """Open the page; at the end nothing may have gone wrong, nor out to other hosts."""
    contexts, complaints, expected = [], [], []

    def visit(expect=(), **options):
        expected.extend(expect)
        contexts.append(browser.new_context(**({"viewport": {"width": 1100, "height": 900}} | options)))
        contexts[-1].set_default_timeout(1000 * SECONDS)
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((server.url, "data:", f"blob:{server.url}"))
                or complaints.append(f"request: {request.url}")
            ),
        )
        page.goto(server.url)
        sync_api.expect(page.locator("#models tr")).to_have_count(3)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [complaint for complaint in complaints if not any(part in complaint for part in expected)] == []


def paths(page, text, left=0.1, top=0.2, height=0.6):
    """Where a hand goes that writes a number; all in units of the pad's height."""
    box = page.locator("#pad").bounding_box()
    for stroke in write(text, left, top, height):
        yield [(box["x"] + x * box["height"], box["y"] + y * box["height"]) for x, y in stroke]


def draw(page, text, **place):
    for first, *others in paths(page, text, **place):
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()


def wait_for(page, said):
    """Wait until the page says so; Playwright's own waiting looks less and less often."""
    deadline = time.monotonic() + SECONDS
    while (found := page.locator("#said").text_content()) != said:
        assert time.monotonic() < deadline, f"the page says {found!r}, not {said!r}"
        page.wait_for_timeout(30)


def expect_read(page, text):
    wait_for(page, f"Read: {' '.join(text)}")
    assert page.locator("#digits .digit").all_inner_texts() == list(text)


def expect_nothing(page):
    sync_api.expect(page.get_by_text("no digit", exact=True)).to_be_visible()
    assert page.locator("#digits").is_hidden()


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
    assert page.locator("#digits img").first.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [28, 28]
    assert page.locator("#models .reads").all_inner_texts() == ["407"] * 3
    heads = [head.split() for head in page.locator("#models th").all_inner_texts()[1:]]
    assert heads == [["LeNet-5", *["99.10", "%", "on", "MNIST"]], ["CustomMLP", *["99.00", "%", "on", "MNIST"]]]
    page.get_by_role("button", name="7").click()
    assert page.locator("#bars .best th").inner_text() == "7"
    assert page.locator("#bars-title").inner_text() == "Probabilities of the 3rd digit"
    assert len(page.locator("#bars .figure").all_inner_texts()) == 10


def test_a_finger_draws_and_the_page_stays(visit):
    page = visit(**PHONE)
    touch = page.context.new_cdp_session(page)
    for stroke in paths(page, "25"):
        for kind, points in zip(("touchStart", *["touchMove"] * len(stroke)), stroke):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": points[0], "y": points[1]}]})
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
            told = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "pointerType": "pen", "force": force}
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
    draw(page, "1", left=1.0)
    expect_read(page, "31")
    page.keyboard.press("Control+z")
    expect_read(page, "3")
    page.keyboard.press("Control+z")
    expect_nothing(page)
    assert page.evaluate(INK) == 0
    for clear in (lambda: page.get_by_role("button", name="Clear").click(), lambda: page.keyboard.press("Delete")):
        draw(page, "8")
        expect_read(page, "8")
        clear()
        expect_nothing(page)
        assert page.locator("#boxes rect").count() == 0


def test_an_empty_pad_asks_nothing(visit):
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    page.wait_for_timeout(400)
    assert asked == []
    expect_nothing(page)


def test_a_picture_is_chosen_dropped_or_pasted(visit):
    page = visit()
    draw(page, "3")
    page.locator("#file").set_input_files({"name": "n.png", "mimeType": "image/png", "buffer": number("46")})
    expect_read(page, "46")
    assert page.get_by_role("img", name="The picture n.png").is_visible()
    page.get_by_role("button", name="Undo").click()
    expect_read(page, "3")
    for event, text in (("drop", "92"), ("paste", "18")):
        page.evaluate(HAND_OVER, [event, list(number(text))])
        expect_read(page, text)
        assert page.locator("#boxes rect").count() == 2
        page.keyboard.press("Escape")
        expect_nothing(page)
        assert page.locator("#picture").is_hidden()


HAND_OVER = """([event, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "x.png", { type: "image/png" }));
  const options = { bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer };
  document.body.dispatchEvent(event === "drop" ? new DragEvent(event, options) : new ClipboardEvent(event, options));
}"""


def test_a_large_photo_is_made_smaller_before_it_is_sent(visit):
    page = visit()
    photo = file(Image.open(io.BytesIO(number("58"))).convert("RGB").resize((4800, 3200)), "JPEG")
    with page.expect_request("**/api/read**") as asked:
        page.locator("#file").set_input_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo})
    assert asked.value.method == "POST"
    expect_read(page, "58")
    assert page.locator("#boxes").get_attribute("viewBox") == "0 0 2000 1333"


def test_what_is_no_picture_is_told(visit):
    page = visit(expect=["422", "Failed to load resource"])
    page.locator("#file").set_input_files({"name": "n.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    sync_api.expect(page.get_by_role("alert")).to_contain_text("PDF")
    expect_nothing(page)
    page.keyboard.press("Escape")
    assert page.get_by_role("alert").is_hidden()


def test_a_busy_server_is_asked_again(visit):
    page = visit(expect=["503"])
    refusals = iter([503, 503])

    def answer(route):
        if status := next(refusals, None):
            route.fulfill(status=status, headers={"Retry-After": "1"}, body='{"error":"busy"}')
        else:
            route.continue_()

    page.route("**/api/read**", answer)
    draw(page, "5")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("busy")
    expect_read(page, "5")
    assert page.get_by_role("alert").is_hidden()


def test_an_answer_to_what_was_cleared_is_dropped_and_one_request_is_out_at_a_time(visit):
    page = visit()
    held = []
    page.route("**/api/read**", lambda route: held.append(route))
    draw(page, "5")
    page.wait_for_timeout(500)
    assert len(held) == 1
    page.keyboard.press("Escape")
    held.pop().continue_()
    page.wait_for_timeout(500)
    expect_nothing(page)
    assert held == []


def test_an_unsure_digit_is_marked_and_a_model_that_disagrees(visit):
    page = visit()

    def answer(route):
        found = route.fetch().json()
        found["unsure"] = [1]
        found["also"][0]["digits"] = "29"
        route.fulfill(body=json.dumps(found), content_type="application/json")

    page.route("**/api/read**", answer)
    draw(page, "24")
    wait_for(page, "Read: 2 4. Unsure of the 2nd.")
    assert page.locator("#digits .unsure .digit").all_inner_texts() == ["4"]
    assert page.locator("#boxes .unsure").count() == 1
    assert page.locator("#models .other").all_inner_texts() == ["9"]


def test_ink_is_dark_on_white_in_a_dark_page_too(visit):
    page = visit(color_scheme="dark", reduced_motion="reduce")
    with page.expect_request("**/api/read**"):
        draw(page, "6")
    expect_read(page, "6")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 24)"


def test_everything_is_reached_by_tab_with_its_focus_seen(visit):
    page = visit()
    draw(page, "17")
    expect_read(page, "17")
    reached = []
    page.evaluate("document.activeElement.blur()")
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    assert [name for name, _ in reached] == [
        "Undo",
        "Clear",
        "Choose a picture",
        *(text.replace("\n", " ") for text in page.locator("#digits button").all_inner_texts()),
        "the API",
        "",
    ]
    assert all(seen for name, seen in reached if name)
    page.locator("#digits button").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert page.locator("#bars .best th").inner_text() == "7"


FOCUSED = """() => {
  const element = document.activeElement;
  if (element === document.body) return ["", false];
  const outlined = element.tagName === "INPUT" ? element.parentElement : element;
  return [outlined.innerText.replaceAll("\\n", " "), getComputedStyle(outlined).outlineStyle === "solid"];
}"""


def test_what_is_seen_is_also_said(visit):
    page = visit()
    assert page.locator("#canvas").get_attribute("role") == "img"
    assert "empty" in page.locator("#canvas").get_attribute("aria-label")
    assert page.locator("#said").get_attribute("aria-live") == "polite"
    draw(page, "9")
    expect_read(page, "9")
    assert "read as 9" in page.locator("#canvas").get_attribute("aria-label")
    assert page.get_by_role("row", name="9").first.is_visible()


def test_the_documentation_page_is_whole(visit, server):
    page = visit(**PHONE)
    page.goto(f"{server.url}/docs")
    assert page.get_by_role("heading", name="/api/read").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_second_tab_shows_the_latest_report(browser, tmp_path):
    with served("--report", str(tmp_path), "--workers", "1") as running:
        page = browser.new_page()
        trouble = []
        page.on("console", lambda message: trouble.append(message.text))
        page.goto(running.url)
        page.get_by_role("link", name="Report").click()
        inside = page.frame_locator("iframe")
        sync_api.expect(inside.get_by_role("heading", name="No report yet")).to_be_visible()
        trouble.clear()  # the browser says 404 of it
        (tmp_path / "report.html").write_text(
            "<style>h1 { color: rgb(1, 2, 3) }</style><h1>b wins</h1>", encoding="utf-8"
        )
        page.reload()
        heading = inside.get_by_role("heading", name="b wins")
        sync_api.expect(heading).to_have_css("color", "rgb(1, 2, 3)")
        (tmp_path / "report.html").write_text("<h1>a wins</h1><script>document.body.innerText = ''</script>", "utf-8")
        page.reload()
        sync_api.expect(inside.get_by_role("heading", name="a wins")).to_be_visible()
        assert len(trouble) == 1, trouble
        assert "Content Security Policy" in trouble[0]
        page.get_by_role("link", name="Draw").click()
        sync_api.expect(page.get_by_role("heading", name="Write a number")).to_be_visible()
        page.close()


def test_without_a_report_there_is_no_second_tab(visit):
    assert visit().get_by_role("link", name="Report").count() == 0
