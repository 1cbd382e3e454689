"""Takes docs/images/report.png and page.png: the report of the comparison in ``results/compare``,
and the page to draw on with a number on it.

``python -m docs.images.pages``, run from a checkout, with Debian's chromium.
"""

import re
import subprocess
import sys
from pathlib import Path

from tests.browser import chromium
from tests.server.hands import draw, expect_read

ROOT, NUMBER = Path(__file__).parents[2], "407"


def main() -> None:
    """Write both pictures."""
    here = Path(__file__).parent
    command = [sys.executable, "-m", "mnistlab", "serve", "--port", "0"]
    with (
        chromium() as browser,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,  # noqa: S603
    ):
        page = browser.new_page(viewport={"width": 1100, "height": 1244})
        page.goto((ROOT / "results" / "compare" / "report.html").as_uri())
        plot = page.locator("figure, .plot, svg, img").first.bounding_box()
        page.set_viewport_size({"width": 1100, "height": int(plot["y"] + plot["height"])})
        page.screenshot(path=here / "report.png")
        try:
            page.goto(_address(server))
            draw(page, NUMBER)
            expect_read(page, NUMBER)
            page.screenshot(path=here / "page.png", full_page=True)
        finally:
            server.terminate()


def _address(server: subprocess.Popen[str]) -> str:
    for line in server.stdout or ():
        if found := re.search(r"http://[\d.:]+", line):
            return found[0]
    raise RuntimeError("the server ended before it said where it is")


if __name__ == "__main__":
    main()
