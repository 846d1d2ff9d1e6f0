"""Links between pages lead to files and headings that exist, without building the site."""

from pathlib import Path

import pytest

from tests.documents import ALL, BY_HAND, DOCS, READ, ROOT, anchors, links, name_of, prose


@pytest.mark.parametrize("page", ALL, ids=name_of)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    broken = []
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = page.parent / target if target else page
        if link.startswith(("http:", "https:")):
            continue
        if not path.is_file() or (anchor and anchor not in anchors(path)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name_of)
def test_links_of_the_site_stay_in_the_site(page: Path) -> None:
    inside = [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link]
    assert [path for path in inside if not path.is_relative_to(DOCS)] == []


def test_the_first_page_lists_all_others() -> None:
    listed = {link for link in links(DOCS / "index.md") if link.endswith(".md")}
    assert listed == {path.name for path in DOCS.glob("*.md")} - {"index.md"}


def test_every_picture_is_shown() -> None:
    shown = {(page.parent / link).resolve() for page in READ for link in links(page)}
    assert set((DOCS / "pictures").iterdir()) <= shown


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# One\n\n## `Two`, and one\n\n## One\n\n[a](b.md#c) ![d](e.svg) `[f](g)`\n")
    assert list(links(tmp_path / "page.md")) == ["b.md#c", "e.svg"]
    assert anchors(tmp_path / "page.md") == {"one", "two-and-one", "one-1"}


@pytest.mark.parametrize("page", [ROOT / "CONTRIBUTING.md", *BY_HAND], ids=name_of)
def test_lines_of_prose_end_at_100_characters(page: Path) -> None:
    assert [f"{name_of(page)}:{number}" for number, line in prose(page) if len(line) > 100] == []
