"""The page's files: those that a server hands out, and all in one for browsers that read by
themselves.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from mnistlab.page.bundle import bundle

_LINKS = (
    '<link rel="icon" href="icon.svg">\n',
    '<link rel="stylesheet" href="base.css">\n<link rel="stylesheet" href="page.css">\n',
    '<script type="module" src="{}"></script>\n',
)
"""Of a page: what is put into it where it has to be a single file."""
_READS = "index.html", "page.js", "worker.js"
_CLASSIFIES = "classify.html", "classify.js", "classify_worker.js"
"""Of each page the HTML, and the modules that start in it and in its worker."""


def served() -> dict[str, bytes]:
    """Return the files of the pages whose pictures a server reads or classifies, by name."""
    return _files("shared") | _files("served")


def standalone(
    model: dict[str, Any], binaries: Mapping[str, bytes], *, classifies: bool = False
) -> str:
    """Return the page that reads by itself: one HTML file that asks nothing of any server.

    Args:
        model: as ``about`` the model's metadata; what ``network.js`` takes, if there is a network;
            to read, as ``limits``, ``threshold``, ``faint`` and ``longest``; to classify, ``fit``,
            how pictures are brought to the network's size.
        binaries: ``weights`` of the network, float32, little-endian; to read, ``core`` and
            ``reader``, the content of ``core.wasm`` and of the core's model.
        classifies: it classifies whole pictures; the other page finds and reads digits in them.
    """
    html, start, worker = _CLASSIFIES if classifies else _READS
    names = _files("shared") | _files("standalone")
    texts = {name: content.decode() for name, content in names.items()}
    script = bundle(
        {name: text for name, text in texts.items() if name.endswith(".js")}, start, worker
    )
    icon = f'<link rel="icon" href="data:image/svg+xml;base64,{_text(names["icon.svg"])}">\n'
    style = f"<style>\n{texts['base.css']}{texts['page.css']}</style>\n"
    told = json.dumps(model, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    page = texts[html]
    for link, content in zip(_LINKS, (icon, style, ""), strict=True):
        page = _replace(page, link.format(start), content)
    return _replace(
        page,
        "</body>\n",
        f'<script type="application/json" id="model">{told}</script>\n'
        + "".join(
            f'<script type="text/plain" id="{name}">{_packed(name, content)}</script>\n'
            for name, content in binaries.items()
        )
        + f"<script>\n{script}</script>\n</body>\n",
    )


def _packed(name: str, content: bytes) -> str:
    # Numbers of several bytes compress better with their high bytes and their low bytes apart.
    apart = content if name == "core" else content[0::2] + content[1::2]
    return _text(gzip.compress(apart, mtime=0))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _replace(page: str, part: str, by: str) -> str:
    before, found, after = page.partition(part)
    if not found:
        raise ValueError(f"the page lacks {part!r}")
    return before + by + after


def _files(folder: str) -> dict[str, bytes]:
    """Return what is in a folder of this package, at every depth, by path from there."""
    found: dict[str, bytes] = {}

    def visit(place: Traversable, path: str) -> None:
        for one in sorted(place.iterdir(), key=lambda one: one.name):
            # What a file manager leaves behind.
            if one.name.startswith("."):
                continue
            if one.is_dir():
                visit(one, f"{path}{one.name}/")
            else:
                found[path + one.name] = one.read_bytes()

    visit(files(__package__).joinpath(folder), "")
    return found
