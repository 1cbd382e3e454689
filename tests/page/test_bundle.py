"""mnistlab.page.bundle on small modules, and on those of the page."""

import base64
import gzip
import re
import shutil
import subprocess
from importlib.resources import files

import pytest

from mnistlab.characters import CHARACTERS, DIGITS
from mnistlab.page import served, standalone
from mnistlab.page.bundle import bundle
from mnistlab.recogniser import engine

MODULES = {
    "start.js": '// Start.\nimport { half } from "./sums/half.js";\nglobalThis.told = half(10);\n',
    "sums/half.js": (
        'import { TWO } from "../two.js";\n\nexport function half(number) {\n  return number /'
        " TWO;\n}\n"
    ),
    "two.js": "export const TWO = 2;\n",
    "idle.js": "globalThis.told = -1;\n",
}


def test_modules_run_when_they_are_imported_and_no_others():
    script = bundle(MODULES, "idle.js", "start.js")
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    code = f"{script}process.stdout.write(String(globalThis.told));"
    assert (
        subprocess.run(
            [node, "-e", code], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        == "5"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('import { three } from "./two.js";\n', "two.js exports no three"),
        ('import { one } from "./one.js";\n', "one.js exports no one"),
        ('import * as two from "./two.js";\n', "cannot be bundled: import"),
        ("export default 1;\n", "cannot be bundled: export default 1;"),
        ('const end = "</script>";\n', "cannot be bundled: </script"),
    ],
)
def test_what_is_not_understood_is_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        bundle(MODULES | {"start.js": text}, "start.js", "idle.js")


def test_every_module_says_what_it_is_and_stays_short():
    sources = list(files("mnistlab.page").rglob("*.js"))
    assert len(sources) > 20
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("// "), path
        assert len(text.splitlines()) <= 250, path
        assert max(map(len, text.splitlines())) <= 100, path


def test_a_page_tells_its_model_whatever_its_name_is():
    page = standalone({"about": {"name": "</script><b>"}}, {"core": b"\0asm", "reader": b"MNLR"})
    assert "</script><b>" not in page
    assert page.count("<script") == page.count("</script>") == 4
    (held,) = re.findall('<script type="text/plain" id="core">(.*)</script>', page)
    assert gzip.decompress(base64.b64decode(held)) == b"\0asm"


def test_a_server_hands_out_no_reader():
    names = set(served())
    assert {"index.html", "page.js", "reading.js", "docs.css"} <= names
    assert not names & {"core.js", "reader.js", "worker.js"}
    assert not any("/" in name for name in names)


def test_the_page_knows_the_characters_and_the_cores_rows_as_python_does():
    page = files("mnistlab.page")
    text = page.joinpath("shared/characters.js").read_text("utf-8")
    assert f'CHARACTERS = "{CHARACTERS}"' in text
    assert f"DIGITS = {DIGITS};" in text
    core = page.joinpath("standalone/core.js").read_text("utf-8")
    rows = re.search(r"HEAD = (\d+), CHARACTER = (\d+), TABLE_CELL = (\d+);", core)
    assert tuple(map(int, rows.groups())) == (engine._HEAD, engine._CHARACTER, engine._TABLE_CELL)
    assert f"SIDE = {engine.IMAGE};" in core
