"""The table of where the time goes."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchcli import units
from benchcli.pages import Table
from benchcli.schema import Breakdown, Category, Failure, Record
from benchcli.shares import share

HEADINGS: Mapping[Category, str] = {
    "convolution": "convolution",
    "depthwise": "depthwise",
    "elementwise": "element-wise",
    "data": "data movement",
    "other": "other",
}
AGREED = 0.05
"""By so much the parts may differ from the time, and the time from the one that was measured before."""
Key = tuple[str, str]


def table(records: Sequence[Record], breakdowns: Sequence[Breakdown], failures: Mapping[Key, Failure]) -> Table:
    """Lay out the medians over launches of each variant's parts."""
    found: dict[Key, list[Breakdown]] = {}
    for each in breakdowns:
        found.setdefault((each.family, each.variant), []).append(each)
    measured = {(record.family.name, record.variant.name): record for record in records}
    rows = {key: of for key, of in found.items() if key in measured}
    several = len({family for family, _ in rows}) > 1
    return Table(
        title="Where the time goes",
        words=2 if several else 1,
        columns=(
            *(["family"] if several else []),
            "network",
            "time ms",
            *HEADINGS.values(),
            "hidden reorders",
            "framework",
            "parts/time",
            "tracing",
        ),
        rows=tuple(_row(key, of, several) for key, of in rows.items()),
        lines=(
            "shares of a call; data movement holds the reorders hidden in convolutions, other the framework's time; "
            "time is that of calls beside the traced ones, which tracing makes so much longer",
            *_apart(rows),
            *_moved(rows, measured),
            *(f"{each.status}: {variant} was not traced: {each.error}" for (_, variant), each in failures.items()),
        ),
    )


def _row(key: Key, of: Sequence[Breakdown], several: bool) -> tuple[str, ...]:
    return (
        *([key[0]] if several else []),
        key[1],
        units.milliseconds(median(each.call_s for each in of)),
        *(units.percent(share(of, category)) for category in HEADINGS),
        units.percent(median(each.reorder_s / each.whole_s for each in of)),
        units.percent(median(each.framework_s / each.whole_s for each in of)),
        f"{_parts_over_time(of):.2f}",
        units.percent(median(each.traced_s / each.call_s for each in of) - 1, signed=True),
    )


def _parts_over_time(of: Sequence[Breakdown]) -> float:
    return median(each.whole_s / each.call_s for each in of)


def _apart(rows: Mapping[Key, Sequence[Breakdown]]) -> list[str]:
    """Name the rows whose operators take longer one by one than all together."""
    apart = [name for (_, name), of in rows.items() if abs(_parts_over_time(of) - 1) > AGREED]
    if not apart:
        return []
    return [f"! {', '.join(apart)}: operators take longer where they are traced: shares are of their sum"]


def _moved(rows: Mapping[Key, Sequence[Breakdown]], measured: Mapping[Key, Record]) -> list[str]:
    """Say of which rows the time was another one while they were traced."""
    told = []
    for key, of in rows.items():
        timing = measured[key].timing
        moved = median(each.call_s for each in of) / timing.seconds.estimate - 1 if timing else 0.0
        if abs(moved) > AGREED:
            told.append(f"{key[1]} {units.percent(moved, signed=True)}")
    return [f"the machine was not as it was before, times moved: {', '.join(told)}"] if told else []
