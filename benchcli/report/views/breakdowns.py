"""The table of where the time goes."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchcli import formatting
from benchcli.report.page import Table
from benchcli.schema import Breakdown, Category, Failure, Key, Record
from benchcli.statistics import median_share

HEADINGS: Mapping[Category, str] = {
    "convolution": "convolution",
    "depthwise": "depthwise",
    "elementwise": "element-wise",
    "data": "data movement",
    "other": "other",
}
AGREED = 0.05
"""By so much the parts may differ from the time, and the time from the one that was measured before."""


def table(records: Sequence[Record], breakdowns: Sequence[Breakdown], failures: Mapping[Key, Failure]) -> Table:
    """Lay out the medians over launches of each variant's parts."""
    rows = _grouped(records, breakdowns)
    several = len({family for family, _ in rows}) > 1
    return Table(
        title="Where the time goes",
        words=2 if several else 1,
        columns=(
            *(["family"] if several else []),
            "variant",
            "time ms",
            *HEADINGS.values(),
            "reorders",
            "framework",
            "sum / time",
            "profiling",
        ),
        rows=tuple(_row(key, of, several) for key, of in rows.items()),
        lines=(
            "percentages are shares of one call; time ms is from calls without profiling, profiling is how much longer "
            "calls were with it",
            "reorders, counted in data movement, are layout conversions inside convolutions; framework, counted in "
            "other, is the time in no operator",
            *lines(records, breakdowns, failures),
        ),
    )


def lines(
    records: Sequence[Record], breakdowns: Sequence[Breakdown], failures: Mapping[Key, Failure]
) -> tuple[str, ...]:
    """Return what to mind of where the time goes."""
    rows = _grouped(records, breakdowns)
    measured = {record.key: record for record in records}
    return (
        *_apart(rows),
        *_moved(rows, measured),
        *(f"{each.status}: {_name(key, rows)} was not traced: {each.error}" for key, each in failures.items()),
    )


def _grouped(records: Sequence[Record], breakdowns: Sequence[Breakdown]) -> dict[Key, list[Breakdown]]:
    """Return the launches of each variant that has a record."""
    measured = {record.key for record in records}
    found: dict[Key, list[Breakdown]] = {}
    for each in breakdowns:
        if (each.family, each.variant) in measured:
            found.setdefault((each.family, each.variant), []).append(each)
    return found


def _name(key: Key, rows: Mapping[Key, Sequence[Breakdown]]) -> str:
    """Name a variant, with its family where there are several."""
    return " ".join(key) if len({family for family, _ in rows}) > 1 else key[1]


def _row(key: Key, of: Sequence[Breakdown], several: bool) -> tuple[str, ...]:
    return (
        *([key[0]] if several else []),
        key[1],
        formatting.milliseconds(median(each.call_s for each in of)),
        *(formatting.percent(median_share(of, category)) for category in HEADINGS),
        formatting.percent(median(each.reorder_s / each.whole_s for each in of)),
        formatting.percent(median(each.framework_s / each.whole_s for each in of)),
        f"{_parts_over_time(of):.2f}",
        formatting.percent(median(each.traced_s / each.call_s for each in of) - 1, signed=True),
    )


def _parts_over_time(of: Sequence[Breakdown]) -> float:
    return median(each.whole_s / each.call_s for each in of)


def _apart(rows: Mapping[Key, Sequence[Breakdown]]) -> list[str]:
    """Name the rows whose operators take longer one by one than all together."""
    apart = [_name(key, rows) for key, of in rows.items() if _parts_over_time(of) > 1 + AGREED]
    if not apart:
        return []
    return [f"! {', '.join(apart)}: profiling slowed these operators: shares are of their sum"]


def _moved(rows: Mapping[Key, Sequence[Breakdown]], measured: Mapping[Key, Record]) -> list[str]:
    """Say of which rows the time was another one while they were traced."""
    told = []
    for key, of in rows.items():
        timing = measured[key].timing
        moved = median(each.call_s for each in of) / timing.seconds.estimate - 1 if timing else 0.0
        if abs(moved) > AGREED:
            told.append(f"{_name(key, rows)} {formatting.percent(moved, signed=True)}")
    return [f"the time changed between the measurement and the profile: {', '.join(told)}"] if told else []
