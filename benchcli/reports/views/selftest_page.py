"""Lay out the self-test's result, as lines and as an object for JSON."""

from collections.abc import Sequence
from dataclasses import asdict

from benchcli import formatting
from benchcli.analysis.aa_test import Summary, Trial
from benchcli.analysis.equal_flops import EFFECT
from benchcli.reports.advice import sentence
from benchcli.reports.page import Page, Table, numbers, words
from benchcli.schema.warnings import RunWarning
from benchcli.statistics import Count

SLOWDOWN = 0.05
ENOUGH = 20
"""The fewest comparisons that say something about the coverage of the intervals."""


def page(done: Sequence[Trial], summary: Sequence[str]) -> Page:
    """Return the page: a row for each comparison, and the lines of the summary."""
    rows = tuple(
        {
            **{name: value for name, value in asdict(each).items() if name not in {"relative", "warnings"}},
            **{f"relative.{end}": getattr(each.relative, end, None) for end in ("estimate", "low", "high")},
            "warnings": "; ".join(map(sentence, each.warnings)),
        }
        for each in done
    )
    speeds = (formatting.speed(each.relative) if each.relative else formatting.UNKNOWN for each in done)
    columns = (
        words("name", (each.name for each in done)),
        words("networks", (each.kind for each in done)),
        numbers("relative speed", speeds),
    )
    table = Table("comparisons", columns, tuple(summary))
    return Page("selftest", "", (table,), "", tuple(rows[0]) if rows else (), rows, {"comparisons": list(rows)})


def data(done: Sequence[Trial], result: Summary) -> dict[str, object]:
    """Return the comparisons and their summary, for JSON."""
    return {"comparisons": [asdict(each) for each in done], "summary": asdict(result)}


def lines(done: Sequence[Trial], result: Summary) -> list[str]:
    """Return the lines of the summary, the warnings and the conclusion."""
    power = f"{_share(result.found)} slowdowns of 5 % were found" if result.found else "no slowdown was measured"
    effect = formatting.percent(EFFECT)
    return [
        f"coverage         {_share(result.covered)} of the A/A tests' 95 % intervals contain 1",
        f"false positives  {_share(result.false_alarms)} of equal networks were called different by over {effect}",
        f"power            {power}",
        f"half-width       {formatting.percent(result.half_width)} (median of the 95 % intervals)",
        f"MDE              {formatting.percent(result.detectable)}, the minimum detectable effect at 80 % power",
        *(f"{name}: {sentence(warning)}" for warning, name in _warnings(done).items()),
        _meaning(result),
    ]


def _share(count: Count) -> str:
    interval = count.interval
    return f"{count.found} of {count.of} (95 % interval {formatting.span(interval.low or 0.0, interval.high or 1.0)})"


def _warnings(done: Sequence[Trial]) -> dict[RunWarning, str]:
    """Return the first warning of each kind, with the number of comparisons that have one."""
    by_kind: dict[str, list[RunWarning]] = {}
    for comparison in done:
        for warning in {each.kind: each for each in comparison.warnings}.values():
            by_kind.setdefault(warning.kind, []).append(warning)
    return {several[0]: f"{len(several)} of {len(done)} comparisons" for several in by_kind.values()}


def _meaning(result: Summary) -> str:
    interval = result.covered.interval
    if result.covered.of < ENOUGH:
        return f"too few comparisons to judge the intervals: give {ENOUGH} or more"
    low, high = interval.low or 0.0, interval.high or 1.0
    if high < 0.95:
        return (
            "the intervals are too narrow here: see the warnings, and `benchcli device` for what disturbs this machine"
        )
    if low > 0.95:
        return "the intervals are wider than necessary here, and can be trusted"
    if result.detectable > SLOWDOWN:
        return "the intervals are right here, but wide: most slowdowns of 5 % would be missed"
    return "the intervals are right here"
