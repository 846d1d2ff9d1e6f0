"""Draw every sample as it was observed, before any statistics."""

from collections.abc import Sequence

from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, SampleChart
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import Sample

MOST_SAMPLES = 400
"""The most samples of a family that are drawn, evenly spaced among all of them."""
MOST_NETWORKS = 60
"""The most networks of a family that are drawn: the first ones."""
COLUMNS = ("network", "time ms", "launch", "round", "state")


class RawSamples(SampleChart):
    """A figure of the samples of each family; none for several runs."""

    name = "samples"
    shows = "every raw sample"
    after = "layers"
    heading = "Raw samples"
    is_folded = True

    def figure(self, name: str, networks: Sequence[str], samples: Sequence[Sample]) -> Figure:
        """Return the figure of the samples of some networks, under a name for them all."""
        own = [sample for network in networks[:MOST_NETWORKS] for sample in samples if sample.variant == network]
        step = max(1, -(-len(own) // MOST_SAMPLES))
        rows = [_row(sample) for sample in own[::step]]
        thinned = f" (one in {step} of {len(own)} is drawn)" if step > 1 else ""
        return Figure(
            title=f"Samples of {name}",
            text=f"Each mark is the time per call of one timed block{thinned}. Excluded samples were disturbed and do "
            "not count.",
            columns=COLUMNS,
            rows=tuple(rows),
            spec=_spec(rows),
        )


def _row(sample: Sample) -> tuple[Cell, ...]:
    state = f"excluded: {sample.excluded}" if sample.excluded else "counts"
    return sample.variant, grammar.drawn(sample.seconds, 1e3), sample.launch, sample.round, state


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    return {
        "height": grammar.rows_height([row[0] for row in rows]),
        "mark": {"type": "point", "size": 30, "strokeWidth": 1},
        "encoding": {
            "x": grammar.number("time ms"),
            "y": grammar.name("network", rows, 0),
            **grammar.series("state", sorted({row[4] for row in rows}, key=str), "color", "shape"),
            "tooltip": grammar.tooltip(COLUMNS),
        },
    }


CHARTS.add(RawSamples())
