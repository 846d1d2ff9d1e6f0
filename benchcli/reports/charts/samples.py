"""Draw every sample as it was observed, before any statistics."""

from collections.abc import Collection, Sequence

from benchcli.grouping import groups
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, SampleChart
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import Sample
from benchcli.statistics import CLEAN_ROUNDS, counted_by_launch

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
        counting = _counting(own)
        rows = [_row(sample, counting) for sample in own[::step]]
        thinned = f" (one in {step} of {len(own)} is drawn)" if step > 1 else ""
        return Figure(
            title=f"Samples of {name}",
            text=f"Each mark is the time per call of one timed block{thinned}. Disturbed samples do not "
            f"count, unless their launch has fewer than {CLEAN_ROUNDS} others: then all of it counts. What ran on a "
            "slow core does not, as long as enough launches have other samples.",
            columns=COLUMNS,
            rows=tuple(rows),
            spec=_spec(rows),
        )


def _counting(samples: Sequence[Sample]) -> set[tuple[str, int, int]]:
    """Return the networks, launches and rounds of the samples that count."""
    return {
        (network, launch, number)
        for network, own in groups(samples, lambda each: each.variant).items()
        for launch, rounds in counted_by_launch((each.launch, each.round, (each.excluded,)) for each in own).items()
        for number in rounds
    }


def _row(sample: Sample, counting: Collection[tuple[str, int, int]]) -> tuple[Cell, ...]:
    state = "counts" if (sample.variant, sample.launch, sample.round) in counting else "excluded"
    if sample.excluded:
        state += f": {sample.excluded}"
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
