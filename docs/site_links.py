"""What the website does to pages before MkDocs renders them, and after.

Links: pages link to files all over the repository, as a code host shows them.

MkDocs sees ``docs/`` only. This hook adds the pages at the repository's top and every other linked
file to the site, and rewrites the links. Where a link names a folder, its report is shown; a folder
without one is named, without a link.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TOP = {
    "README.md": "index.md",
    "README.ko.md": "korean.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages at the repository's top, and their names on the site."""
_LINK = re.compile(r"(!?)\[([^\[\]]*)\]\((?!https?:|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def pages() -> dict[str, Path]:
    """Return every page of the site: its place there, and its file."""
    found = {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*.md")}
    return found | {place: ROOT / name for name, place in TOP.items()}


def shown(file: Path) -> Path | None:
    """Return what the site shows of a linked file: itself, or a folder's report if there is one."""
    if not file.is_dir():
        return file
    reports = (file / name for name in ("report.html", "table.md"))
    return next((report for report in reports if report.is_file()), None)


def place(file: Path) -> str:
    """Return where a file of the repository is on the site."""
    if file.is_relative_to(DOCS):
        return file.relative_to(DOCS).as_posix()
    inside = file.relative_to(ROOT).as_posix()
    return TOP.get(inside, inside)


def linked(page: Path) -> set[Path]:
    """Return the files and folders of the repository that a page links to."""
    text = page.read_text(encoding="utf-8")
    return {(page.parent / match[3]).resolve() for match in _LINK.finditer(text)}


def rewrite(text: str, page: Path, at: str) -> str:
    """Return a page's Markdown with links that hold on the site, where it is at ``at``."""

    def replace(match: re.Match[str]) -> str:
        mark, label, target, anchor = match.groups("")
        file = (page.parent / target).resolve()
        if not (found := shown(file)):
            return f"{label} (`{file.relative_to(ROOT).as_posix()}`)"
        return f"{mark}[{label}]({posixpath.relpath(place(found), posixpath.dirname(at))}{anchor})"

    return _LINK.sub(replace, text)


def outside() -> dict[str, Path]:
    """Return what the site shows of the repository outside ``docs/``: its place, and its file."""
    files = {page for page in pages().values() if page.parent == ROOT}
    files |= {file for page in pages().values() for file in map(shown, linked(page)) if file}
    return {place(file): file for file in files if not file.is_relative_to(DOCS)}


def on_files(files: Any, config: Any) -> Any:
    """Add what lies outside ``docs/``."""
    from mkdocs.structure.files import File

    for at, file in sorted(outside().items()):
        files.append(File.generated(config, at, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Any, **_others: Any) -> str:
    """Rewrite a page's links."""
    return rewrite(markdown, Path(page.file.abs_src_path), page.file.src_uri)


def on_page_content(html: str, **_others: Any) -> str:
    """Take Sphinx's roles out of docstrings, which mkdocstrings does not know."""
    return re.sub(r":(?:attr|class|func|meth|mod):(?=<code>)", "", html)
