"""Draw what share of each network's time goes to each of its outermost modules."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.layer_rows import LayerRow, layer_rows
from benchcli.grouping import groups
from benchcli.reports.charts import stacks
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.reports.views.layer_table import OWN

MOST = 7
"""The most modules with a part of their own; the rest of a network is one part."""
REST = "(other modules)"


class ByLayer(Chart):
    """A figure for each network whose layers were timed: its architecture gives its parts."""

    name = "layers"
    shows = "share of the time by layer"
    after = "breakdown"
    heading = "Time by layer"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of runs and networks."""
        for run in runs:
            networks = groups(layer_rows(run.report.layers, _depth(run)), lambda row: row.key)
            names = [network for _, network in networks]
            for (family, name), rows in networks.items():
                network = f"{name} ({family})" if names.count(name) > 1 else name
                shares = _largest(rows)
                yield stacks.figure(
                    f"Where the time of {network} goes, by layer{f' ({run.label})' if run.label else ''}",
                    "The bar is a call of the network; its parts are its modules in the order of their calls.",
                    {network: shares},
                    tuple(shares),
                )


def _depth(run: LabelledRun) -> int:
    """Return the first depth at which some network has more than one module."""
    for depth in range(1, 4):
        rows = layer_rows(run.report.layers, depth)
        if any(row.path for row in rows) and len([row for row in rows if row.path]) > len({r.variant for r in rows}):
            return depth
    return 1


def _largest(rows: Sequence[LayerRow]) -> dict[str, float]:
    """Return the shares of the largest modules in their order, then that of the rest."""
    shares = {f"{row.path} {row.kind}" if row.path else OWN: max(row.share, 0.0) for row in rows}
    kept = sorted(shares, key=lambda name: -shares[name])[:MOST]
    rest = sum(share for name, share in shares.items() if name not in kept)
    return {**{name: share for name, share in shares.items() if name in kept}, **({REST: rest} if rest > 0 else {})}


CHARTS.add(ByLayer())
