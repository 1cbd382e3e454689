"""The page in a real browser: pictures handed to it, and a server that is busy or of another
mind."""

import io
import json

from PIL import Image

from tests.server.hands import draw, expect_nothing, expect_read, sync_api, wait_for
from tests.server.pictures import file, number


def test_a_picture_is_chosen_dropped_or_pasted(visit):
    page = visit()
    draw(page, "3")
    page.locator("#file").set_input_files(
        {"name": "n.png", "mimeType": "image/png", "buffer": number("46")}
    )
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
  const options = { bubbles: true, cancelable: true,
                    dataTransfer: transfer, clipboardData: transfer };
  document.body.dispatchEvent(
    event === "drop" ? new DragEvent(event, options) : new ClipboardEvent(event, options));
}"""


def test_a_large_photo_is_made_smaller_before_it_is_sent(visit):
    page = visit()
    photo = file(Image.open(io.BytesIO(number("58"))).convert("RGB").resize((4800, 3200)), "JPEG")
    with page.expect_request("**/api/read**") as asked:
        page.locator("#file").set_input_files(
            {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
        )
    assert asked.value.method == "POST"
    expect_read(page, "58")
    assert page.locator("#boxes").get_attribute("viewBox") == "0 0 2000 1333"


def test_what_is_no_picture_is_told(visit):
    page = visit(expect=["422", "Failed to load resource"])
    page.locator("#file").set_input_files(
        {"name": "n.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    )
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
        groups = (group for line in found["lines"] for group in line["groups"])
        for place, one in enumerate(one for group in groups for one in group["characters"]):
            one["sure"] = place == 0
        found["also"][0]["text"] = "29"
        found["notes"] = ["ink that may be a character was not read in 1 place"]
        found["left_out"] = [[1, 2, 30, 40]]
        route.fulfill(body=json.dumps(found), content_type="application/json")

    page.route("**/api/read**", answer)
    draw(page, "24")
    wait_for(
        page,
        "Read: 2 4. Unsure of the 2nd. Ink that may be a character was not read in 1 place.",
    )
    assert page.locator("#digits .unsure .digit").all_inner_texts() == ["4"]
    assert page.locator("#boxes .unsure").count() == 2
    assert page.locator("#models .other").all_inner_texts() == ["9"]
