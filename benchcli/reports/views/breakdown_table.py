"""Lay out the table of time by category of operator."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

from benchcli import formatting
from benchcli.grouping import groups
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Column, Table, numbers, words
from benchcli.reports.views.cells import AGREED, agree
from benchcli.schema import Breakdown, Category, Failure, Key, Record
from benchcli.statistics import median_share, reorder_share, tracing_agrees

HEADINGS: Mapping[Category, str] = {
    "convolution": "convolution",
    "depthwise": "depthwise",
    "product": "matrix products",
    "elementwise": "element-wise",
    "pooling": "pooling",
    "data": "data movement",
    "framework": "framework",
    "other": "other",
}
PRIORITIES: Mapping[Category, int] = {
    "convolution": 11,
    "depthwise": 9,
    "product": 7,
    "elementwise": 10,
    "pooling": 6,
    "data": 8,
    "framework": 5,
    "other": 4,
}
"""The priority of each category on a narrow screen."""
LEAST_SHARE = 0.0005
"""The least share of a call for which a category has a column: a smaller one reads 0.0 %."""
RANGE = 0.02
"""The least range of a share over launches that is shown."""


def table(records: Sequence[Record], breakdowns: Sequence[Breakdown], failures: Mapping[Key, Failure]) -> Table:
    """Return the table: medians over launches of each variant's parts."""
    rows = _grouped(records, breakdowns)
    several = len({family for family, _ in rows}) > 1
    return Table(
        key="breakdown",
        title="Where the time goes",
        columns=(
            *([Column("family", tuple(family for family, _ in rows), is_grouping=True)] if several else []),
            words("network", (variant for _, variant in rows)),
            numbers("time ms", (formatting.milliseconds(median(each.call_s for each in of)) for of in rows.values())),
            *(
                numbers(HEADINGS[each], (_share(of, each) for of in rows.values()), priority)
                for each, priority in PRIORITIES.items()
                if any(of.parts[each] >= LEAST_SHARE * of.call_s for of in breakdowns)
            ),
            numbers("of which reorders", map(_reorders, rows.values()), 2),
            numbers("sum / time", (f"{_parts_over_time(of):.2f}" for of in rows.values()), 3),
            numbers("profiling", map(_profiling, rows.values()), 1),
        ),
        lines=(
            "percentages are shares of the sum of the parts, ± how far single launches are from it where that matters; "
            "time ms is from calls without profiling, profiling is how much longer calls were with it",
            "sum / time is the sum of the parts over time ms; near 1.00 the parts account for the whole call",
            "matrix products include attention and recurrent layers, pooling other reductions; framework is the time "
            "in no operator; of data movement, reorders are layout conversions inside convolutions, or of the runtime",
            *lines(records, breakdowns, failures),
        ),
        groups=tuple(Counter(family for family, _ in rows).values()),
    )


def lines(
    records: Sequence[Record], breakdowns: Sequence[Breakdown], failures: Mapping[Key, Failure]
) -> tuple[str, ...]:
    """Return warnings about the breakdown."""
    rows = _grouped(records, breakdowns)
    measured = {record.key: record for record in records}
    return (
        *_disagreeing(rows),
        *_apart(rows),
        *_moved(rows, measured),
        *(f"{signed(each.status)}: {_name(key, rows)} was not traced: {each.error}" for key, each in failures.items()),
    )


def _grouped(records: Sequence[Record], breakdowns: Sequence[Breakdown]) -> dict[Key, list[Breakdown]]:
    """Return the launches of each variant that has a record."""
    measured = {record.key for record in records}
    launches = groups(breakdowns, lambda each: each.key)
    return {key: of for key, of in launches.items() if key in measured}


def _name(key: Key, rows: Mapping[Key, Sequence[Breakdown]]) -> str:
    """Return a variant's name, preceded by its family if there are several."""
    return " ".join(key) if len({family for family, _ in rows}) > 1 else key[1]


def _share(of: Sequence[Breakdown], category: Category) -> str:
    """Return a category's share, with how far launches are from it where they differ by more than RANGE."""
    if not tracing_agrees(of):
        return formatting.UNKNOWN
    if category == "framework" and _parts_over_time(of) > 1 + AGREED:
        return formatting.UNKNOWN  # profiling slowed the operators, which leave no time to it
    share, shares = median_share(of, category), [median_share([each], category) for each in of]
    if max(shares) - min(shares) <= RANGE:
        return formatting.percent(share)
    return f"{100 * share:.1f} ± {formatting.percent(max(abs(each - share) for each in shares))}"


def _disagreeing(rows: Mapping[Key, Sequence[Breakdown]]) -> list[str]:
    """Return a warning for rows whose traced calls were faster than others."""
    faster = [f"{_name(key, rows)} {_profiling(of)}" for key, of in rows.items() if not tracing_agrees(of)]
    if not faster:
        return []
    why = "calls with profiling were faster than without, so the machine changed in between: measure again later"
    return [f"– {formatting.named(faster)} not judged: {why}"]


def _reorders(of: Sequence[Breakdown]) -> str:
    share = reorder_share(of) if tracing_agrees(of) else None
    return formatting.UNKNOWN if share is None else formatting.percent(share)


def _profiling(of: Sequence[Breakdown]) -> str:
    return formatting.percent(median(each.traced_s / each.call_s for each in of) - 1, signed=True)


def _parts_over_time(of: Sequence[Breakdown]) -> float:
    return median(each.sum_s / each.call_s for each in of)


def _apart(rows: Mapping[Key, Sequence[Breakdown]]) -> list[str]:
    """Return a warning for rows whose parts sum to more than the time of the call."""
    apart = [_name(key, rows) for key, of in rows.items() if _parts_over_time(of) > 1 + AGREED]
    if not apart:
        return []
    return [f"! {formatting.named(apart)}: profiling slowed these operators: shares are of their sum"]


def _moved(rows: Mapping[Key, Sequence[Breakdown]], measured: Mapping[Key, Record]) -> list[str]:
    """Return a warning for rows whose time changed between measuring and tracing."""
    moved = []
    for key, of in rows.items():
        timing = measured[key].timing
        call_s = median(each.call_s for each in of)
        if timing and not agree(call_s, timing.seconds.estimate):
            change = formatting.percent(call_s / timing.seconds.estimate - 1, signed=True)
            moved.append(f"{_name(key, rows)} {change}")
    return [f"the time changed between the measurement and the profile: {formatting.named(moved)}"] if moved else []
