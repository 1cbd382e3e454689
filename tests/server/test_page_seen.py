"""The page in a real browser: dark mode, keyboard, what is said aloud, the other tabs."""

from tests.server.hands import PHONE, draw, expect_read, sync_api
from tests.server.serving import served


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
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    assert [name for name, _ in reached] == [
        "Undo",
        "Clear",
        "Choose a picture",
        *(text.replace("\n", " ") for text in page.locator("#digits button").all_inner_texts()),
        "Copy text",
        "Copy CSV",
        "1",
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
  return [outlined.innerText.replaceAll("\\n", " "),
          getComputedStyle(outlined).outlineStyle === "solid"];
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
        sync_api.expect(page.get_by_role("heading", name="No report yet")).to_be_visible()
        absent = running.client.get("/report.html")
        assert (absent.status_code, list(absent.json())) == (404, ["error"])
        (tmp_path / "report.html").write_text(
            "<style>h1 { color: rgb(1, 2, 3) }</style><h1>b wins</h1>", encoding="utf-8"
        )
        page.reload()
        heading = inside.get_by_role("heading", name="b wins")
        sync_api.expect(heading).to_have_css("color", "rgb(1, 2, 3)")
        (tmp_path / "report.html").write_text(
            "<h1>a wins</h1><script>document.body.innerText = ''</script>", "utf-8"
        )
        page.reload()
        sync_api.expect(inside.get_by_role("heading", name="a wins")).to_be_visible()
        assert len(trouble) == 1, trouble
        assert "Content Security Policy" in trouble[0]
        page.get_by_role("link", name="Draw").click()
        sync_api.expect(page.get_by_role("heading", name="Write a number")).to_be_visible()
        page.close()


def test_without_a_report_there_is_no_second_tab(visit):
    assert visit().get_by_role("link", name="Report").count() == 0
