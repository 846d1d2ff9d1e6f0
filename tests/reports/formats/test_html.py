"""The HTML page: whole, safe, and the same numbers as elsewhere. Browsers are in tests/browser."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from benchcli.api.recorded import load
from benchcli.reports.formats import html
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.page import Figure, Page, Table, cleaned, numbers, words
from tests.hostile import STRINGS

KEPT = Path(__file__).parents[3] / "results" / "reference"
LOADING = ("src", "href", "srcset", "poster", "data", "action", "formaction", "background", "xlink:href")


class Reader(HTMLParser):
    """Collects a page's elements, scripts and text outside scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.texts.append(data)


def rendered(page: Page) -> str:
    return FORMATS["html"].render(cleaned(page))


def a_page(text: str = "fine", rows: int = 2) -> Page:
    columns = (words(text, [text] * rows), numbers("number", map(str, range(rows))))
    table = Table(text, columns, (text, f"! {text}"))
    spec = {"mark": "point", "encoding": {"x": {"field": "time ms", "type": "quantitative"}}}
    figure = Figure(text, text, ("network", "time ms"), ((text, 1.5), (text, None)), spec)
    return Page(text, text, (table,), text, (text,), (), {}, facts=((text, text),), figures=(figure,))


@cache
def a_plain_page() -> Reader:
    return Reader(rendered(a_page()))


def data_of(page: str) -> Any:
    return json.loads(Reader(page).scripts[0])


def test_a_page_loads_nothing() -> None:
    reader = Reader(load(KEPT / "g2-epyc").show("html"))
    for tag, attributes in reader.elements:
        for name in LOADING:
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
        assert tag not in {"link", "iframe", "object", "embed", "base", "img"}
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in re.sub(r"<script>.*?</script>", "", load(KEPT / "g2-epyc").show("html"), flags=re.DOTALL)


def test_the_policy_admits_the_pages_two_scripts_alone() -> None:
    reader = Reader(rendered(a_page()))
    policy = next(a["content"] for tag, a in reader.elements if tag == "meta" and "content-security" in str(a).lower())
    assert policy
    assert "default-src 'none'" in policy
    hashes = {f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in reader.scripts[1:]}
    assert set(re.search("script-src ([^;]*)", policy)[1].split()) == hashes  # type: ignore[index]
    assert len(hashes) == 2


@pytest.fixture
def without_vega(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave Vega out of pages, which makes them small: it is the same in all."""
    whole = html._web
    monkeypatch.setattr(html, "_web", lambda name: "void 0;" if name == "vega.js" else whole(name))


@pytest.mark.parametrize("text", STRINGS)
def test_a_hostile_text_is_text(without_vega: None, text: str) -> None:
    page = rendered(a_page(text))
    plain, hostile = a_plain_page(), Reader(page)
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    names, others = ([sorted(a.keys() - {"class"}) for _, a in each.elements] for each in (hostile, plain))
    assert names == others
    assert hostile.scripts[1:] == plain.scripts[1:]
    assert json.loads(hostile.scripts[0])["figures"]["figure-0"]["title"] == cleaned(text)


def test_a_long_table_stands_in_the_page_in_part_and_in_its_data_whole() -> None:
    page = rendered(a_page(rows=1000))
    assert page.count("<tr>") < 300
    assert [len(rows) for rows in data_of(page)["tables"].values() if rows] == [1000]


def test_every_chart_has_its_numbers_and_words_beside_it() -> None:
    run = load(KEPT / "paper-epyc")
    page = run.show("html")
    reader = Reader(page)
    charts = [attributes for tag, attributes in reader.elements if attributes.get("class") == "chart"]
    assert len(charts) == len(run.drawn.figures) == len(data_of(page)["figures"])
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in charts)
    assert sum(text == "Numbers of this chart" for text in reader.texts) == len(charts)


@pytest.mark.parametrize(("charts", "folded"), [(24, 0), (25, 1)])
def test_many_charts_of_a_section_are_folded(charts: int, folded: int) -> None:
    page = a_page()
    figures = tuple(replace(page.figures[0], title=f"chart {n}", rows=((f"net {n}", 1.5),)) for n in range(charts + 1))
    assert rendered(replace(page, figures=figures)).count('<details class="folded">') == folded


def test_verdicts_and_warnings_stand_above_the_table_that_they_are_about() -> None:
    page = load(KEPT / "g2-epyc").show("html")
    assert page.index("holds: g=8 runs at") < page.index("<table>")
    assert '<li class="good">✓' in page
    assert '<li class="warning">! fine' in rendered(a_page())


def test_the_licences_of_the_scripts_stay_in_the_page() -> None:
    page = rendered(a_page())
    for name in ("vega 6", "vega-lite 6", "d3-array", "d3-scale"):
        assert name in page
    assert page.count("Redistribution and use in source and binary forms") >= 1


def test_the_page_of_a_result_without_anything_is_a_page() -> None:
    reader = Reader(rendered(Page("empty", "", (), "", (), (), {})))
    assert "h1" in {tag for tag, _ in reader.elements}
