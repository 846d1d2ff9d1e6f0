"""Markdown as a pull request shows it: the result first, and what did not change folded."""

from benchcli.reports.formats.base import FORMATS
from benchcli.reports.formats.markdown import FOLDED
from benchcli.reports.page import Page, Table, words


def rendered(changed: int, unchanged: int) -> str:
    rows = [(f"changed-{number}", "✗ SLOWER") for number in range(changed)]
    rows += [(f"fine-{number}", "✓ same") for number in range(unchanged)]
    columns = tuple(map(words, ("network", "verdict"), zip(*rows, strict=True)))
    table = Table("check ci", columns, ("✗ SLOWER it: why",), unchanged=unchanged)
    summary = f"{changed + unchanged} networks: {changed} SLOWER"
    page = Page("ci", "base a · head b", (table,), f"{summary} · 14 s · quiet", (), (), {}, summary=summary)
    return FORMATS["markdown"].render(page)


def test_the_summary_is_the_first_line_and_is_said_once() -> None:
    lines = rendered(2, 1).splitlines()
    assert lines[0] == "**3 networks: 2 SLOWER**"
    assert lines[-1] == "14 s · quiet"


def test_a_few_unchanged_networks_are_in_the_table() -> None:
    assert "<details>" not in rendered(1, FOLDED)
    assert rendered(1, FOLDED).count("\n| fine-") == FOLDED


def test_many_unchanged_networks_are_folded_below_the_changes() -> None:
    text = rendered(2, FOLDED + 1)
    shown, _, folded = text.partition(f"<details><summary>{FOLDED + 1} without a change</summary>\n\n| network |")
    assert "changed-1" in shown
    assert "- ✗ SLOWER it: why" in shown
    assert "fine-" not in shown
    assert folded.count("\n| fine-") == FOLDED + 1
    assert "changed-" not in folded
    assert "\n\n</details>\n\n14 s" in folded


def test_a_check_in_which_nothing_changed_has_no_empty_table() -> None:
    text = rendered(0, FOLDED + 1)
    assert text.count("| network | verdict |") == 1
    assert text.index("<details>") < text.index("| network |")
