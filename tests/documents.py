"""What the pages for readers hold: their code, commands, links and anchors. A new page is found by itself."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt  # rich brings it
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GENERATED = {DOCS / name for name in ("api.md", "cli.md", "networks.md")}
"""Pages that `make docs` writes as a whole."""
READ = [
    ROOT / "README.md",
    ROOT / "results" / "README.md",
    ROOT / "suites" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
"""Pages for users."""
BY_HAND = [page for page in READ if page not in GENERATED]
ALL = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *READ]
_MARKDOWN = MarkdownIt("commonmark").enable("table")


class Code(NamedTuple):
    """A block of code; the language is empty where it is indented or has none."""

    language: str
    text: str


def name_of(page: Path) -> str:
    """Return the page's name in test ids and messages."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Code]:
    """Yield the blocks of code."""
    for token in tokens(page):
        if token.type in {"fence", "code_block"}:
            yield Code(token.info.strip(), token.content)


def tokens(page: Path) -> list[Token]:
    """Return the page's blocks, without comments, which would swallow the lines below them."""
    text = re.sub(r"^<!--.*?-->$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return _MARKDOWN.parse(text)


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of each `benchcli` that stands on a line of its own in a block of code."""
    for code in blocks(page):
        if code.language in {"", "sh"}:
            for line in code.text.replace("\\\n", " ").splitlines():
                yield from _command(line.strip().removeprefix("$ ").removeprefix("Example: "))


def mentions(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of each `benchcli ...` within a sentence."""
    for token in tokens(page):
        for child in token.children or ():
            if child.type == "code_inline":
                yield from _command(child.content)


def _command(line: str) -> Iterator[list[str]]:
    if line.startswith("benchcli "):
        yield shlex.split(line, comments=True)[1:]


def links(page: Path) -> Iterator[str]:
    """Yield what links and pictures lead to."""
    for token in tokens(page):
        for child in token.children or ():
            target = child.attrGet("href") if child.type == "link_open" else child.attrGet("src")
            if isinstance(target, str):
                yield target


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings."""
    found = Counter[str]()
    names = set()
    for token, after in pairwise(tokens(page)):
        if token.type == "heading_open":
            words = "".join(child.content for child in after.children or ())
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            names.add(f"{anchor}-{found[anchor]}" if found[anchor] else anchor)
            found[anchor] += 1
    return names


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of sentences, with their numbers: no code, no tables, and nothing that is generated."""
    lines = page.read_text(encoding="utf-8").splitlines()
    left_out = set[int]()
    for token in _MARKDOWN.parse("\n".join(lines)):
        if token.map and token.type in {"fence", "code_block", "table_open", "html_block"}:
            left_out |= set(range(*token.map))
    inside = False
    for number, line in enumerate(lines):
        inside = (inside or line.startswith("<!-- table")) and not line.startswith("<!-- end")
        if number not in left_out and not inside and not line.startswith("|"):
            yield number + 1, line
