"""Draw time against FLOPs, and against memory access."""

from collections.abc import Iterator, Sequence

from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import Record
from benchcli.statistics import rank_correlation

FLOPS, BYTES, TIME = "MFLOPs (mult-adds)", "memory access MB", "time ms"
COLUMNS = ("network", "series", FLOPS, BYTES, TIME)
LEAST = 3
"""The fewest networks that say something about costs and time."""
MOST_SERIES = 8
"""The most groups of networks with a colour and shape of their own."""


class CostsAndTime(Chart):
    """Two figures of all networks of a run; none for several runs."""

    name = "costs"
    shows = "FLOPs and memory access against time"
    after = "intervals"
    heading = "FLOPs, memory access and time"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figure of FLOPs, then that of memory access."""
        records = [record for record in runs[0].report.records if record.timing and record.costs]
        if len(runs) > 1 or len(records) < LEAST:
            return
        rows = [_row(record, group) for record, group in zip(records, _groups(records), strict=True)]
        for column, words in ((FLOPS, "FLOPs"), (BYTES, "memory access")):
            place = COLUMNS.index(column)
            correlation = rank_correlation([float(row[place] or 0) for row in rows], [row[4] for row in rows])
            yield Figure(
                title=f"Time against {words}",
                text=f"{len(rows)} networks; both axes are logarithmic." + _correlated(words, correlation),
                columns=COLUMNS,
                rows=tuple(rows),
                spec=_spec(rows, column),
            )


def _correlated(words: str, correlation: float | None) -> str:
    if correlation is None:
        return ""
    sentence = f" Spearman's rank correlation of {words} and time is {correlation:.2f}"
    return f"{sentence}; at 1 the one orders the networks as the other does."


def _groups(records: Sequence[Record]) -> list[str]:
    """Return the group of each record: its family, or its guideline or catalogue where families are many."""
    families = [record.family.name for record in records]
    if len(set(families)) <= MOST_SERIES:
        return families
    kinds = [record.family.guideline.upper() or record.family.catalogue or "networks" for record in records]
    return kinds if len(set(kinds)) <= MOST_SERIES else ["networks"] * len(records)


def _row(record: Record, group: str) -> tuple[str, str, float | None, float | None, float]:
    assert record.timing  # noqa: S101  the caller left out the others
    assert record.costs  # noqa: S101
    where = f"{record.family.name}/{record.variant.name}"
    flops, bytes_ = (grammar.drawn(count, 1e-6) or None for count in (record.costs.flops, record.costs.mac_bytes))
    return where, group, flops, bytes_, grammar.drawn(record.timing.seconds.estimate, 1e3) or 0.0


def _spec(rows: Sequence[tuple[Cell, ...]], column: str) -> grammar.Spec:
    return {
        "height": 260,
        "transform": [{"filter": f"datum['{column}'] > 0"}],
        "mark": grammar.POINT,
        "encoding": {
            "x": grammar.number(column, log=True),
            "y": grammar.number(TIME, log=True),
            **grammar.series("series", [row[1] for row in rows], "color", "shape"),
            "tooltip": grammar.tooltip(COLUMNS),
        },
    }


CHARTS.add(CostsAndTime())
