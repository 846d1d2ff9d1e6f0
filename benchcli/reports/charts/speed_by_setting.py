"""Draw how fast each network is in each of several settings: batches, dtypes, layouts, sizes or threads."""

from collections.abc import Iterator, Sequence

from benchcli.grouping import groups
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.reports.views.settings_table import differing, setting
from benchcli.runs.rows import Cell
from benchcli.schema import Record

COLUMNS = ("setting", "network", "speed relative to the first", "low", "high", grammar.JUDGED)

SCALES = ("batch", "threads", "size")
"""Settings whose values are steps along a scale, which a line may join; dtypes and layouts are not."""


class SpeedBySetting(Chart):
    """A figure for each group of families that differ in a setting; none for several runs."""

    name = "settings"
    shows = "speed at several batches, dtypes, layouts, sizes or threads"
    after = "history"
    is_overview = True

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the groups."""
        results = runs[0].report.results if len(runs) == 1 else ()
        compared = [record for result in results if result.family.first for record in result.records]
        by_first = groups(compared, lambda record: record.family.first)
        for first, records in by_first.items():
            names = differing(records)
            rows = [_row(record, names) for record in records]
            if len({row[0] for row in rows}) > 1:
                yield _figure(first if len(by_first) > 1 else "", rows, names)


def _figure(first: str, rows: Sequence[tuple[Cell, ...]], names: Sequence[str]) -> Figure:
    return Figure(
        title=f"Speed by {' and '.join(names)}{f' ({first})' if first else ''}",
        text=f"Each network's speed relative to itself at {rows[0][0]}{', per item of a batch' * ('batch' in names)}, "
        f"with 95 % intervals.{grammar.pale(rows)}",
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(rows, is_scale=len(names) == 1 and names[0] in SCALES),
    )


def _row(record: Record, names: Sequence[str]) -> tuple[Cell, ...]:
    is_first = record.family.name == record.family.first
    speed = record.timing.setting if record.timing else None
    relative = (1.0, None, None) if is_first and record.timing else grammar.ends(speed)
    return setting(record, names), record.variant.name, *relative, grammar.judged(record)


def _spec(rows: Sequence[tuple[Cell, ...]], is_scale: bool) -> grammar.Spec:
    x, y = grammar.name("setting", rows, 0), grammar.number(COLUMNS[2])
    x["axis"]["labelAngle"] = -20
    series = grammar.series("network", [row[1] for row in rows], "color", "shape")
    return {"height": 220, "layer": grammar.curves(x, y, COLUMNS, series, "color", is_joined=is_scale)}


CHARTS.add(SpeedBySetting())
