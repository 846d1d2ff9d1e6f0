"""Draw each launch of a family beside the others: what moves all networks at once is the machine."""

from collections.abc import Sequence
from math import exp, log
from statistics import median

from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, SampleChart
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import Sample
from benchcli.statistics import launch_log_seconds

MOST_NETWORKS = 30
"""The most networks of a family that are drawn: the first ones."""
COLUMNS = ("launch", "network", "time relative to the median", "time ms")


class Launches(SampleChart):
    """A figure of the launches of each family over time; none for several runs."""

    name = "launches"
    shows = "the launches over time"
    after = "samples"
    heading = "Launches over time"
    is_folded = True

    def figure(self, name: str, networks: Sequence[str], samples: Sequence[Sample]) -> Figure:
        """Return the figure of the samples of some networks, under a name for them all."""
        rows = [row for network in networks[:MOST_NETWORKS] for row in _launches(network, samples)]
        return Figure(
            title=f"Launches of {name}",
            text="Each network's median time in each launch (a fresh process), relative to its median over all of "
            "them. What moves all lines at once is the machine; relative speeds are paired within a launch.",
            columns=COLUMNS,
            rows=tuple(rows),
            spec=_spec(rows),
        )


def _launches(name: str, samples: Sequence[Sample]) -> list[tuple[Cell, ...]]:
    logs = launch_log_seconds(each for each in samples if each.variant == name)
    if not logs:
        return []
    middle = median(logs.values())
    return [
        (launch, name, grammar.drawn(exp(each - middle)), grammar.drawn(exp(each), 1e3))
        for launch, each in sorted(logs.items())
    ]


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    spread = max((abs(log(float(row[2] or 1))) for row in rows), default=0.0)
    least = exp(max(spread, log(1.02)) * 1.1)  # a quiet run shall look like one
    y = grammar.number("time relative to the median")
    y["scale"] = {"domain": [1 / least, least], "nice": False}
    x = {
        "field": "launch",
        "type": "ordinal",
        "title": "launch, in the order of time",
        "axis": {"labelAngle": 0, "labelOverlap": True},
    }
    series = grammar.series("network", [row[1] for row in rows], "color", "shape")
    line = {"mark": {"type": "line", "strokeWidth": 1}, "encoding": {"x": x, "y": y, "color": series["color"]}}
    points = {
        "mark": {**grammar.POINT, "size": 35},
        "encoding": {"x": x, "y": y, **series, "tooltip": grammar.tooltip(COLUMNS)},
    }
    return {"height": 180, "layer": [grammar.rule_at("y", 1, y["scale"]), line, points]}


CHARTS.add(Launches())
