"""The exported page: how long Chromium takes to read a drawing.

``python -m benchmarks.browser --json results/browser/summary.json`` made the record. It needs
Chromium and Playwright, which the tests use as well.
"""

import base64
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import command
from benchmarks.serving import drawing
from mnistlab.errors import ExportError
from mnistlab.exporting import export_site
from mnistlab.runs import describe_environment

_READINGS, _QUICK_READINGS = 300, 30
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = """async ([encoded, times]) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0)), took = [];
  for (let time = 0; time < times; time++) {
    const began = performance.now();
    await mnistlab.read(new Blob([bytes]));
    took.push(performance.now() - began);
  }
  return took;
}"""


@dataclass(frozen=True)
class BrowserBenchmark:
    """What was measured with a drawing of three digits, from its file to the answer.

    Attributes:
        readings: of the same drawing.
        first: milliseconds of the first one, while the browser compiles the module.
        median: milliseconds of the others.
        low: milliseconds that a twentieth of them stays below.
        high: milliseconds that a twentieth of them exceeds.
        browser: its name and version.
        environment: versions and hardware.
    """

    readings: int
    first: float
    median: float
    low: float
    high: float
    browser: str
    environment: dict[str, Any]


def measure_browser(*, quick: bool, on_turn: Callable[[str], None]) -> BrowserBenchmark:
    """Export the reader's page and let it read a drawing again and again.

    Args:
        quick: a tenth of the readings.
        on_turn: called once the browser has opened the page.

    Raises:
        ExportError: Playwright or Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ExportError("this needs Playwright: pip install playwright") from error
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        raise ExportError("this needs Chromium; on Debian: apt-get install chromium")
    times = _QUICK_READINGS if quick else _READINGS
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = export_site("reader", Path(folder) / "site").file
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(page.as_uri())
        on_turn("reading")
        first, *others = tab.evaluate(_SECONDS, [base64.b64encode(drawing()).decode(), times + 1])
        name = f"Chromium {browser.version}"
        browser.close()
    low, median, high = (round(float(at), 1) for at in np.quantile(others, (0.05, 0.5, 0.95)))
    environment = describe_environment("cpu", 1, "wasm").model_dump()
    return BrowserBenchmark(times, round(first, 1), median, low, high, name, environment)


def _lines(result: BrowserBenchmark) -> Iterator[str]:
    yield (
        f"a drawing in {result.browser}: {result.median} ms ({result.low} to {result.high} ms in"
        f" nine of ten readings), the first one {result.first} ms"
    )


main = command("browser", measure_browser, _lines)

if __name__ == "__main__":
    main()
