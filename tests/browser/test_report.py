"""Reports in a real browser: they are drawn, used, printed and saved, and nothing leaves them."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchcli.api.recorded import load, together
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.page import Cell, Figure, Page, Table, cleaned, numbers, words
from tests.browser.conftest import SIZES, Seen
from tests.hostile import STRINGS

KEPT = Path(__file__).parents[2] / "results" / "reference"
NAMES = ["paper-epyc", "networks-epyc", "claims-epyc", "layers-epyc", "settings-epyc"]
Look = Callable[..., Seen]
SPEC = {
    "height": 100,
    "mark": {"type": "point"},
    "encoding": {
        "x": {"field": "time ms", "type": "quantitative"},
        "y": {"field": "network", "type": "nominal"},
        "tooltip": [{"field": "network", "title": "network"}],
    },
}


@cache
def html_of(name: str) -> str:
    """Return the report of a kept run."""
    return load(KEPT / name).show("html")


def page(names: list[str], number: float | None = 1.5, title: str = "table") -> str:
    """Return a report with a table and a chart of these names."""
    rows: tuple[tuple[Cell, ...], ...] = tuple((name, number) for name in names)
    figure = Figure(title, title, ("network", "time ms"), rows, SPEC, "key")
    times = (f"{place}.5" if number else "–" for place in range(len(names)))
    table = Table(title, (words("network", names), numbers("time ms", times)), (title,), key="key")
    whole = Page(title, title, (table,), title, ("network",), (), {}, figures=(figure,), facts=((title, title),))
    return FORMATS["html"].render(cleaned(whole))


def nothing_went_wrong(seen: Seen) -> None:
    assert seen.told == []
    assert [url for url in seen.requests if not url.startswith(("file://", "blob:"))] == []
    assert len([url for url in seen.requests if url.startswith("file://")]) == 1


def violations(seen: Seen) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(seen.page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_a_report_of_a_kept_run_is_drawn(look: Look, name: str, size: str) -> None:
    result, text = load(KEPT / name), html_of(name)
    seen = look(text, size)
    states = seen.draw_all()
    assert states == ["drawn"] * text.count('class="chart"')
    labels = seen.page.evaluate(
        "[...document.querySelectorAll('.chart')].map((each) => each.getAttribute('aria-label'))"
    )
    assert {label.split(". ")[0] for label in labels} <= {figure.title for figure in result.drawn.figures}
    assert seen.marks() > sum(len(figure.rows) for figure in result.drawn.figures) / 4
    width = seen.page.evaluate("document.documentElement.scrollWidth")
    assert width <= SIZES[size][0]
    nothing_went_wrong(seen)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing(look: Look, scheme: str) -> None:
    seen = look(html_of("g2-epyc"), color_scheme=scheme)
    seen.draw_all()
    assert violations(seen) == []


def test_an_accessibility_checker_finds_nothing_in_a_long_page(look: Look) -> None:
    assert violations(look(html_of("claims-epyc"), "phone")) == []


def test_ten_machines_stand_side_by_side(look: Look, tmp_path: Path) -> None:
    for number in range(10):
        folder = tmp_path / f"run{number}"
        shutil.copytree(KEPT / "g2-epyc", folder)
        environment = json.loads((folder / "environment.json").read_text())
        environment["machine"] |= {"host": f"host{number}", "cpu": f"Processor {number}"}
        environment["started"] = f"2026-07-{number + 10}T00:00:00Z"
        (folder / "environment.json").write_text(json.dumps(environment))
    seen = look(together(str(tmp_path / "run*")).show("html"))
    assert set(seen.draw_all()) == {"drawn"}
    assert seen.page.get_by_text("Processor 9 · host9").count() > 0
    nothing_went_wrong(seen)


def test_ten_thousand_rows_are_there_without_all_standing_in_the_page(look: Look) -> None:
    seen = look(page([f"network {number}" for number in range(10_000)]))
    table = seen.table
    assert table.locator("[role=status]").inner_text() == "10000 rows"
    assert table.locator("tbody tr").count() == 200
    table.get_by_role("button", name="Show 200 more of 9800 rows").click()
    assert table.locator("tbody tr").count() == 400
    table.get_by_role("searchbox").fill("network 9999")
    assert table.locator("tbody tr").count() == 1
    nothing_went_wrong(seen)


@pytest.mark.parametrize(("names", "number"), [([], 1.0), (["one"], 1.0), (["one", "two"], None)])
def test_no_row_one_row_and_no_number(look: Look, names: list[str], number: float | None) -> None:
    seen = look(page(names, number))
    assert seen.draw_all() == ["drawn"]
    nothing_went_wrong(seen)


def test_hostile_texts_take_no_effect(look: Look) -> None:
    for text in STRINGS[::30]:
        seen = look(page([text, "plain"], title=text))
        assert seen.draw_all() == ["drawn"], repr(text)
        nothing_went_wrong(seen)
        seen.page.context.close()


def test_all_hostile_texts_in_one_page_take_no_effect(look: Look) -> None:
    seen = look(page(list(STRINGS)))
    assert seen.draw_all() == ["drawn"]
    seen.table.get_by_role("button", name="network").click()
    assert seen.page.evaluate("document.querySelectorAll('main script, main img, main iframe, main a').length") == 0
    nothing_went_wrong(seen)


def cells(seen: Seen, column: int = 0) -> list[str]:
    return list(
        seen.page.evaluate(
            "(column) => [...document.querySelector('.page > section > .table tbody').rows]"
            ".map((row) => row.cells[column].textContent)",
            column,
        )
    )


def test_a_table_sorts_by_numbers_both_ways_and_back(look: Look) -> None:
    seen = look(html_of("g2-epyc"))
    table = seen.table
    heading = table.get_by_role("button", name="time ms")
    column = seen.page.evaluate(
        "[...document.querySelector('.page > section > .table thead tr').cells]"
        ".findIndex((cell) => cell.textContent.startsWith('time ms'))"
    )
    before = cells(seen, column)
    heading.click()
    heading.click()
    assert cells(seen, column) == sorted(before, key=lambda cell: float(cell.split()[0]), reverse=True)
    assert table.locator("th[aria-sort=descending]").count() == 1
    heading.click()
    assert cells(seen, column) == before


def test_a_table_is_used_by_keyboard_alone(look: Look) -> None:
    seen = look(html_of("g2-epyc"))
    seen.table.get_by_role("searchbox").focus()
    seen.page.keyboard.type("g=8")
    assert len(cells(seen)) == 1
    for _ in range(3):  # past the columns and the download, to the region that scrolls
        seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("th[aria-sort=ascending]").count() == 1
    assert seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def saved(seen: Seen, button: Any) -> bytes:
    with seen.page.expect_download() as waiting:
        button.click()
    return Path(waiting.value.path()).read_bytes()


def test_what_a_table_shows_is_downloaded_as_csv(look: Look) -> None:
    seen = look(page(["=1+1", "plain, with a comma", '"quoted"', "-2+3", "-1 +cmd", "-1.1 %"]))
    table = seen.table
    rows = list(csv.reader(io.StringIO(saved(seen, table.get_by_role("button", name="Download CSV")).decode())))
    assert rows == [
        ["network", "time ms"],
        ["'=1+1", "0.5"],
        ["plain, with a comma", "1.5"],
        ['"quoted"', "2.5"],
        ["'-2+3", "3.5"],
        ["'-1 +cmd", "4.5"],
        ["-1.1 %", "5.5"],
    ]


def test_a_chart_is_saved_as_svg_and_png(look: Look) -> None:
    seen = look(html_of("g2-epyc"), color_scheme="dark")
    seen.draw_all()
    figure = seen.page.locator("figure").first
    svg = saved(seen, figure.get_by_role("button", name="Save SVG")).decode()
    assert svg.startswith("<svg")
    assert "var(" not in svg
    assert "G2 ✓ holds" in svg
    assert saved(seen, figure.get_by_role("button", name="Save PNG")).startswith(b"\x89PNG")
    nothing_went_wrong(seen)


def test_colours_follow_the_system_and_the_button(look: Look) -> None:
    seen = look(html_of("g2-epyc"), color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert seen.page.evaluate(background) == "rgb(20, 24, 29)"
    seen.page.get_by_role("button", name="Light colours").click()
    assert seen.page.evaluate(background) == "rgb(255, 255, 255)"
    seen.draw_all()
    axis = "getComputedStyle(document.querySelector('.chart svg text')).fill"
    assert seen.page.evaluate(axis) == "rgb(27, 32, 38)"
    seen.page.get_by_role("button", name="Dark colours").click()
    assert seen.page.evaluate(axis) == "rgb(231, 234, 238)"


def test_a_page_prints_light_and_whole(look: Look, tmp_path: Path) -> None:
    seen = look(html_of("g2-epyc"), color_scheme="dark")
    seen.draw_all()
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not seen.page.locator(".tools").first.is_visible()
    assert seen.page.locator(".chart svg").first.is_visible()
    assert len(seen.page.pdf()) > 20_000


STATES = "[...document.querySelectorAll('.chart')].map((each) => each.dataset.state ?? 'folded')"


def test_charts_are_drawn_before_the_page_counts_as_loaded(look: Look) -> None:
    seen = look(html_of("paper-epyc"))  # what opens a page waits for its load, and nothing else
    states = seen.page.evaluate(STATES)
    assert set(states) == {"drawn", "folded"}
    folded = seen.page.evaluate("document.querySelectorAll('details.folded:not([open]) .chart').length")
    assert states.count("folded") == folded > 0
    seen.page.locator("details.folded > summary").first.click()
    seen.page.locator("details.folded[open] .chart svg").first.wait_for()


def test_a_page_that_is_printed_at_once_has_all_charts(look: Look) -> None:
    seen = look(html_of("g2-epyc"), size="phone")
    seen.page.pdf()
    assert set(seen.page.evaluate(STATES)) == {"drawn"}
    nothing_went_wrong(seen)


WIDTHS = """[...document.querySelectorAll('.page > section > .table .scroll')].map((each) =>
    [each.scrollWidth - each.clientWidth, each.querySelector('caption').textContent])"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["networks-epyc", "layers-epyc", "paper-epyc"])
def test_tables_fit_the_screen_and_the_rest_is_behind_a_button(look: Look, name: str, size: str) -> None:
    seen = look(html_of(name), size)
    assert [each for each in seen.page.evaluate(WIDTHS) if each[0] > 1] == []
    table = seen.table
    button = table.locator("button.columns")
    assert button.is_visible()
    before = table.locator("thead th:visible").count()
    more = int(button.inner_text().split()[0])
    button.click()
    assert table.locator("thead th:visible").count() == before + more == table.locator("thead th").count()
    assert button.inner_text() == "Fewer columns"
    button.click()
    assert table.locator("thead th:visible").count() == before
    assert table.locator("tbody tr").first.locator("td:visible").count() == before


def test_the_first_screen_has_one_heading_the_answer_and_a_picture(look: Look) -> None:
    for name in NAMES:
        seen = look(html_of(name))
        assert seen.page.locator("h1").count() == 1
        assert seen.page.locator(".answers li").count() >= 1
        ends = seen.page.evaluate(
            "['.badge', '.answers', '.overview .chart'].map((each) => document.querySelector(each)"
            ".getBoundingClientRect()).map((box) => box.top)"
        )
        assert ends == sorted(ends)
        assert ends[-1] < SIZES["desktop"][1]
        tables = "[...document.querySelectorAll('table')].filter((each) => each.checkVisibility())[0]"
        assert seen.page.evaluate(f"{tables}.getBoundingClientRect().top") > ends[-1]
        seen.page.context.close()


def test_a_module_is_seen_alone_after_a_click(look: Look) -> None:
    seen = look(html_of("layers-epyc"))
    chart = seen.page.locator(".chart", has=seen.page.locator("svg")).nth(1)
    assert "by module" in str(chart.get_attribute("aria-label"))
    ticks = "(chart) => [...chart.querySelectorAll('.role-axis-label text')].map((each) => Number(each.textContent))"
    assert max(chart.evaluate(ticks)) >= 90
    chart.locator("path[aria-roledescription=bar], .mark-rect path").nth(2).click()
    seen.page.wait_for_function(f"(chart) => Math.max(...({ticks})(chart)) < 50", arg=chart.element_handle())
    chart.locator(".mark-rect path").first.click()
    seen.page.wait_for_function(f"(chart) => Math.max(...({ticks})(chart)) >= 90", arg=chart.element_handle())


def test_without_scripts_all_numbers_are_there(look: Look) -> None:
    seen = look(html_of("g2-epyc"), java_script_enabled=False)
    assert seen.page.locator("noscript p").is_visible()
    assert seen.page.locator("td", has_text="0.622").count() >= 1
    assert not seen.page.locator(".tools").first.is_visible()


def test_a_chart_that_cannot_be_drawn_says_so(look: Look) -> None:
    broken = page(["one"]).replace('"type":"point"', '"type":"no such mark"')
    seen = look(broken)
    assert seen.draw_all() == ["failed"]
    assert seen.page.get_by_text("This chart could not be drawn").is_visible()
