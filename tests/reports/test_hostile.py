"""Hostile texts in every text of a page, in every format: nothing takes effect."""

import csv
import html.parser
import io
import json
import re
from collections.abc import Mapping
from xml.etree import ElementTree

import pytest

from benchcli.api.result import Result, _html
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.page import Annotation, Page, Table, cleaned, numbers, words
from benchcli.runs.rows import Cell
from tests.hostile import STRINGS

ALLOWED = set("\n")
"""The only control character that a format writes by itself."""


def page(text: str) -> Page:
    """Return a page that holds the text wherever a page holds text."""
    annotation = Annotation(
        level="failure",
        group=text,
        name=text,
        title=text,
        text=text,
        outcome=text,
        message=text,
        detail=text,
        rerun=text,
        file=text,
        line=1,
    )
    table = Table(text, (words(text, [text, "plain"]), numbers("number", ["1", text])), (text,))
    rows: tuple[Mapping[str, Cell], ...] = ({"name": text, "number": 1.5}, {"name": "plain", "number": None})
    return Page(text, text, (table,), text, ("name", "number"), rows, {"key": text, text: [text]}, (annotation,), text)


class HostileResult(Result):
    """A result of one page."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _laid_out(self) -> Page:
        return page(self.text)


def test_there_are_enough_hostile_strings() -> None:
    assert len(set(STRINGS)) >= 200


@pytest.mark.parametrize("format_", [each.name for each in FORMATS])
def test_no_control_character_reaches_a_terminal_or_a_log(format_: str) -> None:
    for text in STRINGS:
        shown = HostileResult(text).show(format_)
        assert not {letter for letter in set(shown) if not letter.isprintable()} - ALLOWED, repr(text)


@pytest.mark.parametrize("format_", ["table", "markdown", "github", "csv"])
def test_no_line_becomes_a_command_of_github(format_: str) -> None:
    for text in STRINGS:
        if text.startswith("::"):
            continue
        commands = [line for line in HostileResult(text).show(format_).splitlines() if line.startswith("::")]
        assert len(commands) == (2 if format_ == "github" else 0), repr(text)


def test_markup_of_the_terminal_is_text() -> None:
    shown = HostileResult("[bold red]markup[/]").show("table")
    assert shown.count("[bold red]markup[/]") == 7


def test_markdown_holds_no_html_link_code_or_mention() -> None:
    for text in STRINGS:
        shown = HostileResult(text).show("markdown")
        assert "<" not in shown.replace("&lt;", ""), repr(text)
        assert not re.search(r"(?<!\\)[\[`]", shown), repr(text)
        assert "@" not in shown, repr(text)
        rows = [line for line in shown.splitlines() if line.startswith("| ")]
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}, repr(text)


def test_csv_is_read_back_and_holds_no_formula() -> None:
    for text in STRINGS:
        (header, first, _second) = csv.reader(io.StringIO(HostileResult(text).show("csv")))
        assert header == ["name", "number"]
        assert first[1] == "1.5"
        assert not first[0].startswith(("=", "+", "-", "@")), repr(text)


def test_json_is_read_back() -> None:
    for text in STRINGS:
        assert json.loads(HostileResult(text).show("json"))["key"] == cleaned(text)


def test_junit_is_read_back() -> None:
    for text in STRINGS:
        suite = ElementTree.fromstring(HostileResult(text).show("junit"))
        (case,) = suite.iter("testcase")
        assert case.get("name") == cleaned(text)


class Tags(html.parser.HTMLParser):
    """Collects the tags of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: "list[tuple[str, str | None]]") -> None:
        """Note a tag; there are no attributes in what benchcli writes."""
        assert attrs == []
        self.tags.add(tag)


def test_the_notebooks_html_has_the_tables_tags_alone() -> None:
    for text in STRINGS:
        parser = Tags()
        parser.feed(_html(cleaned(page(text))))
        assert parser.tags == {"p", "table", "caption", "tr", "th", "td"}, repr(text)


def test_printable_text_of_any_language_is_left_alone() -> None:
    for text in ("größer ±1 %", "1×1 → 3×3", "日本語", "Δ FLOPs", "😀"):
        assert cleaned(text) == text
