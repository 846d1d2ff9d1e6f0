"""Draw the layers of an audited network on the roofline of the machine (Williams et al., CACM 2009)."""

from collections.abc import Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.layer_rows import OWN, LayerRow
from benchcli.analysis.places import placed_layers
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, DrawnAudit
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema.roofs import Roofs

BOUND, INTENSITY, RATE = "bound by", "multiply-adds a byte", "G multiply-adds a second"
COLUMNS = ("layer", BOUND, INTENSITY, RATE, "share %", "of roof %")
LEAST_SHARE = 0.002
"""The least share of the time with which a layer is drawn."""
ENDS = (0.01, 1000.0)
"""The intensities from and to which the roofs are drawn."""
HEIGHT = 380


class Roofline(Chart):
    """A figure of all layers with multiply-adds, below the roofs."""

    name = "roofline"
    shows = "the layers of an audited network on the roofline of the machine"
    after = "gains"
    heading = "Roofline"

    def of_audit(self, audit: DrawnAudit) -> Iterator[Figure]:
        """Yield the figure; none if the roofs are not known, or no layer has a place."""
        roofs = audit.audited.roofs
        large = [row for row in placed_layers(audit.run, audit.audited) if row.place and row.share >= LEAST_SHARE]
        rows = [
            (
                row.path or OWN,
                row.place.bound,
                *map(grammar.drawn, (row.place.intensity, (row.flops or 0) / row.seconds.estimate / 1e9)),
                *(grammar.drawn(each, 100) for each in (row.share, row.place.achieved)),
            )
            for row in large
            if row.place and row.flops
        ]
        if roofs and rows:
            dtype = audit.run.results[0].family.dtype
            yield Figure(
                title="Layers on the roofline",
                text="Each point is a layer: how much it computes for a byte, and how fast. The sloped lines are the "
                "bandwidth of each cache level and of the memory, the level one is the peak; both are the most that "
                f"torch's operators reached here. Layers below {LEAST_SHARE:.1%} of the time are left out."
                + _without([row for row in large if not row.flops]),
                columns=COLUMNS,
                rows=tuple(rows),
                spec=_spec(rows, roofs, dtype),
                is_wide=True,
            )


def _without(rows: Sequence[LayerRow]) -> str:
    """Return which layers have no multiply-adds, and so no place in the figure."""
    if not rows:
        return ""
    names = formatting.named([f"{row.path or OWN} ({row.kind})" for row in sorted(rows, key=lambda row: -row.share)])
    share = formatting.percent(sum(row.share for row in rows))
    return f" So are those without multiply-adds, {share} of the time: {names}."


def _spec(rows: Sequence[tuple[Cell, ...]], roofs: Roofs, dtype: str) -> grammar.Spec:
    x, y = grammar.number(INTENSITY, log=True), grammar.number(RATE, log=True)
    series = grammar.series(BOUND, [row[1] for row in rows], "color", "shape")
    size = {"field": "share %", "type": "quantitative", "title": "share %", "scale": {"range": [20, 400]}}
    points = {
        "mark": {"type": "point", "filled": True, "opacity": 0.8},
        "encoding": {"x": x, "y": y, **series, "size": size, "tooltip": grammar.tooltip(COLUMNS)},
    }
    return {"height": HEIGHT, "layer": [*(_line(roofs, level.name, dtype, x, y) for level in roofs.levels), points]}


def _line(roofs: Roofs, name: str, dtype: str, x: grammar.Spec, y: grammar.Spec) -> grammar.Spec:
    """Return the roof of one level: its bandwidth up to the ridge, and the peak from there."""
    level, peak = next(each for each in roofs.levels if each.name == name), roofs.peak(dtype) or 0.0
    ridge = peak / level.best
    values = [
        {INTENSITY: grammar.drawn(at), RATE: grammar.drawn(min(peak, at * level.best) / 1e9)}
        for at in sorted({ENDS[0], *([ridge] if ENDS[0] < ridge < ENDS[1] else []), ENDS[1]})
    ]
    line = {"type": "line", "opacity": 0.5, "strokeWidth": 1.2, "tooltip": name}
    label = {"type": "text", "text": name, "align": "left", "baseline": "bottom", "dx": 3, "fontSize": 10}
    encoding = {"x": x, "y": y}
    return {
        "layer": [
            {"data": {"values": values}, "mark": line, "encoding": encoding},
            {"data": {"values": values[:1]}, "mark": label, "encoding": encoding},
        ]
    }


CHARTS.add(Roofline())
