"""Results as a terminal shows them: kept runs and hostile pages, at several widths."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from rich.cells import cell_len

import benchcli
from benchcli.reports.fitting import fit
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.formats.table import draw
from benchcli.reports.page import Page, Table, cleaned, numbers, words
from benchcli.reports.terminal import Screen
from benchcli.schema import Interval
from tests.hostile import STRINGS
from tests.reports.test_hostile import page as hostile_page

KEPT = Path(__file__).parents[3] / "results" / "reference"
RUNS = sorted(path.name for path in KEPT.iterdir() if path.is_dir())
GAINS = re.compile("^(finding|outcome|where|gain)$")
ALWAYS = re.compile(
    r"^(family|network|block|variant|scale|claim|layer|time ms|relative speed|speed|verdict|Pareto front|"
    r"compared with the first|share|batch|dtype|layout|supports it|evidence|text)$"
)
"""The headings of columns that no width takes away."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@cache
def kept(name: str) -> Page:
    """Return the page of a kept run, or of the claims that it judges."""
    folder = str(KEPT / name)
    return (benchcli.claims(folder) if name.startswith("claims") else benchcli.load(folder)).page


def squeezed(text: str) -> str:
    """Return a text without its spaces, which wrapping moves."""
    return "".join(COLOUR.sub("", text).split())


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", RUNS)
def test_a_kept_run_fits_the_terminal_and_loses_only_the_columns_that_it_names(name: str, width: int) -> None:
    page, screen = kept(name), Screen(width, colours=True, bars=True)
    shown = COLOUR.sub("", draw(page, screen))
    assert max(map(cell_len, shown.splitlines())) <= width
    for table in page.tables:
        left_out = fit(table, width, with_bars=True).left_out
        differ = {column.heading for column in table.columns if len(set(column.cells)) > 1}
        always = GAINS if table.key == "findings" else ALWAYS
        assert not [heading for heading in left_out if heading in differ and always.match(heading)]
        assert set(left_out) <= {column.heading for column in table.columns if column.priority is not None}
        if left_out:
            assert squeezed(f"left out at {width} columns: {', '.join(left_out)}: a wider") in squeezed(shown)
        for line in (table.title, *table.lines):
            assert squeezed(line) in squeezed(shown)
    assert squeezed(page.heading) in squeezed(shown)
    assert squeezed(page.footer) in squeezed(shown)


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", RUNS)
def test_every_cell_of_a_column_that_is_shown_is_there(name: str, width: int) -> None:
    for table in kept(name).tables:
        fitted = fit(table, width, with_bars=True)
        lone = Page("", "", (replace(table, title="", lines=(), groups=()),), "", (), (), {})
        shown = draw(lone, Screen(width, bars=True))
        starts = [sum(fitted.widths[:number]) + 2 * number for number in range(len(fitted.widths))]
        for start, size, column in zip(starts, fitted.widths, fitted.columns, strict=True):
            read = "".join(slice_of(line, start, size) for line in shown.splitlines())
            assert squeezed("".join((*column.heading, *column.cells))) in squeezed(read), column.heading


def slice_of(line: str, start: int, size: int) -> str:
    """Return what stands in some columns of a line; every letter of the kept runs is one column wide."""
    return line[start : start + size]


@pytest.mark.parametrize("name", RUNS)
def test_a_pipe_has_no_limit_no_bars_no_colours_and_no_empty_lines_in_a_table(name: str) -> None:
    page = kept(name)
    shown = draw(page, Screen())
    assert shown == FORMATS["table"].render(page)
    assert not re.search("[█░\x1b]", shown)
    assert not any(line.startswith("left out at ") for line in shown.splitlines())
    for table in page.tables:
        assert all(line in shown.splitlines() for line in table.lines)
        assert shown.count("\n\n") == len(page.tables) + 1


def one(*lines: str, bars: Sequence[Interval] = (), groups: tuple[int, ...] = ()) -> Page:
    """Return a page with a small table."""
    columns = (
        words("name", ["a", "b", "c"]),
        words("verdict", ["✓ holds", "✗ reversed", "? inconclusive"]),
        numbers("relative speed", ["1", "0.5", "2"], bars=bars),
    )
    table = Table("T", columns, lines, groups)
    return Page("p", "heading", (table,), "footer", (), (), {})


def test_colour_comes_from_the_sign_and_headings_are_bold() -> None:
    shown = draw(one("✓ ×1 holds: and more", "! a warning", "? near: a: b", "plain"), Screen(100, colours=True))
    assert "\x1b[1mT\x1b[0m" in shown
    assert "\x1b[1mname\x1b[0m" in shown
    assert "\x1b[32m✓ holds\x1b[0m" in shown
    assert "\x1b[31m✗ reversed\x1b[0m" in shown
    assert "\x1b[33m? inconclusive\x1b[0m" in shown
    assert "\x1b[32m✓ ×1 holds:\x1b[0m and more" in shown
    assert "\x1b[33m! a warning\x1b[0m" in shown
    assert "\nplain\n" in shown
    assert "\x1b[2m" not in shown  # nothing is dim


def test_a_screen_that_lacks_the_signs_has_ascii_ones_and_no_cell_is_lost() -> None:
    shown = draw(one("✓ ×1 holds: and more", "– ×2 not judged: why"), Screen(100, signs=False))
    assert re.search(r"^a     \+ holds +1$", shown, re.MULTILINE)
    assert re.search(r"^b     x reversed +0.5$", shown, re.MULTILINE)
    assert re.search(r"^c     \? inconclusive +2$", shown, re.MULTILINE)
    assert "\n+ ×1 holds: and more\n- ×2 not judged: why\n" in shown


def test_bars_stand_beside_the_relative_speed_where_there_is_room() -> None:
    intervals = (Interval(1.0, 1.0, 1.0), Interval(0.5, 0.4, 0.6), Interval(2.0, 1.5, 2.0))
    page = one(bars=intervals)
    lines = draw(page, Screen(80, bars=True)).splitlines()
    assert lines[3].split() == ["name", "verdict", "relative", "speed", "0", "to", "2.00"]
    assert lines[4].endswith("1  ██████████")
    assert lines[5].endswith("0.5  ████░░")
    assert "█" not in draw(page, Screen(40, bars=True))
    assert "█" not in draw(page, Screen(80))
    assert "█" not in draw(page, Screen())


def test_families_are_apart_in_a_terminal_alone() -> None:
    page = one(groups=(2, 1))
    assert "\n\nc " in draw(page, Screen(80))
    assert "\n\nc " not in draw(page, Screen())
    assert "\n\nb " not in draw(one(groups=(1, 1, 1)), Screen(80))


def test_sentences_wrap_at_words_with_an_indent_in_a_terminal_alone() -> None:
    sentence = "one two three four five six seven eight nine ten"
    assert "\none two three four five six\n  seven eight nine ten\n" in draw(one(sentence), Screen(28))
    assert f"\n{sentence}\n" in draw(one(sentence), Screen())


@pytest.mark.parametrize("screen", [Screen(80, colours=True, bars=True), Screen(40, signs=False), Screen()])
def test_hostile_names_stay_text_and_are_not_lost(screen: Screen) -> None:
    for text in STRINGS:
        page = cleaned(hostile_page(text))
        shown = draw(page, screen)
        bare = COLOUR.sub("", shown)
        assert all(letter.isprintable() or letter == "\n" for letter in bare), repr(text)
        assert squeezed(page.tables[0].title) in squeezed(bare), repr(text)
        if screen.width:
            assert max(map(cell_len, bare.splitlines())) <= screen.width, repr(text)


def test_stdout_decides_what_is_shown_and_a_file_gets_it_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    format_ = FORMATS["table"]
    page = one()
    plain: Callable[[], str] = lambda: format_.on_screen(page)  # noqa: E731
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert plain() == format_.render(page)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m" in plain()
    assert "\x1b" not in format_.render(page)
    monkeypatch.setenv("NO_COLOR", "1")
    assert plain() == format_.render(page)
