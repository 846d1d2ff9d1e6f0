"""Draw the relative speeds of blocks and networks, with their intervals."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.published import relative_speed
from benchcli.reports.charts import grammar
from benchcli.reports.charts.axis import COLUMNS, HERE, PAPER, measured
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun, families_of
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import Family, FamilyResult

MOST_ROWS = 60
"""The most networks of a family that are drawn."""


class RelativeSpeeds(Chart):
    """A figure for each family that is no guideline's; several runs are several series."""

    name = "intervals"
    shows = "relative speeds with their intervals"
    after = "pareto"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the first run's families."""
        for results in families_of(runs):
            family = results[0][1].family
            if not family.guideline and any(_is_compared(result) for _, result in results):
                yield _figure(family, results, MOST_ROWS * len(runs))


def _is_compared(result: FamilyResult) -> bool:
    """Return whether a network has a speed relative to the baseline, which may have failed."""
    return any(record.timing and record.timing.relative for record in result.records[1:])


def _figure(family: Family, results: Sequence[tuple[str, FamilyResult]], most: int) -> Figure:
    rows = [row for label, result in results for row in _rows(label, result)][:most]
    is_published = any(row[1] == PAPER and row[0] != family.baseline for row in rows)
    rows = [row for row in rows if row[1] != PAPER or is_published]
    return Figure(
        key=family.catalogue or "custom",
        title=f"Speed relative to {family.baseline} ({family.name})",
        text=f"Above 1 a network is faster than {family.baseline}. Lines are 95 % intervals"
        + (", and the paper's figures have a mark of their own." if is_published else ".")
        + grammar.pale(rows),
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(rows),
    )


def _rows(label: str, result: FamilyResult) -> Iterator[tuple[Cell, ...]]:
    for record in result.records:
        yield measured(label or HERE, record)
        published = relative_speed(record, result.records[0])
        if published is not None and not label:
            yield record.variant.name, PAPER, grammar.drawn(published), None, None, ""


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    labels = list(dict.fromkeys(row[1] for row in rows))
    x, y = grammar.number("relative speed", zero=True), grammar.name("network", rows, 0)
    series = grammar.series("series", labels, "color", "shape")
    if len(labels) > 1:
        series["yOffset"] = {"field": "series", "type": "nominal", "sort": labels}
    points = grammar.intervals(x, y, COLUMNS, "low", "high", series, across=True)
    if len(labels) > 1:
        points["layer"][0]["encoding"]["yOffset"] = series["yOffset"]
    height = grammar.rows_height([row[0] for row in rows]) * (2 if len(labels) > 2 else 1)
    return {"height": height, "layer": [grammar.rule_at("x", 1, x["scale"]), points]}


CHARTS.add(RelativeSpeeds())
