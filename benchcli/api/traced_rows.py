"""The layers and the operators of a run as rows, which show themselves as tables."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchcli.api.result import on_screen
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import CATEGORIES

if TYPE_CHECKING:
    import pandas

    from benchcli.analysis.breakdown_rows import BreakdownRow
    from benchcli.analysis.layer_rows import LayerRow


LAYER_COLUMNS = [
    *("family", "variant", "layer", "type", "calls", "seconds", "seconds_low", "seconds_high", "share"),
    *("flops", "mac_bytes", "inputs", "outputs", "operators"),
]
"""The columns of a frame of layers, of which the first three identify a row; those of their places follow."""


class LayerRows(list["LayerRow"]):
    """A list of the modules of a run's networks. A Python prompt shows the table of the slowest ones."""

    def __init__(self, rows: "Iterable[LayerRow]" = (), depth: int | None = None) -> None:
        super().__init__(rows)
        self.depth = depth
        """The depth to which the modules are rolled up; None if each has only what it does itself."""

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each module, indexed by family, network and layer, in SI units."""
        import pandas

        from benchcli.analysis.places import PLACE_COLUMNS, place_cells

        rows = [
            {
                "family": each.family,
                "variant": each.variant,
                "layer": each.path,
                "type": each.kind,
                "calls": each.calls,
                "seconds": each.seconds.estimate,
                "seconds_low": each.seconds.low,
                "seconds_high": each.seconds.high,
                **{
                    name: getattr(each, name)
                    for name in ("share", "flops", "mac_bytes", "inputs", "outputs", "operators")
                },
                **place_cells(each.place),
            }
            for each in self
        ]
        return pandas.DataFrame(rows, columns=[*LAYER_COLUMNS, *PLACE_COLUMNS]).set_index(LAYER_COLUMNS[:3])

    def __repr__(self) -> str:
        from benchcli.reports.views.layer_table import table_of

        if not self:
            return "[]"
        return on_screen(table_of(self, self.depth), f"{len(self)} modules; to_frame() has all their fields")


class BreakdownRows(list["BreakdownRow"]):
    """A list of a run's networks with the shares of their time. A Python prompt shows it as a table."""

    def __init__(self, rows: "Iterable[BreakdownRow]", run: SuiteRun) -> None:
        super().__init__(rows)
        self._run = run

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each network, indexed by family and network: seconds, and the shares by category.

        A share is empty if it is not judged: profiled calls were faster than others.
        """
        import pandas

        rows = [
            {
                "family": each.family,
                "variant": each.variant,
                "call_s": each.call_s,
                **each.shares,
                "reorder": each.reorder,
            }
            for each in self
        ]
        columns = ["family", "variant", "call_s", *CATEGORIES, "reorder"]
        return pandas.DataFrame(rows, columns=columns).set_index(columns[:2])

    def __repr__(self) -> str:
        from benchcli.reports.views.breakdown_table import table

        if not self:
            return "[]"
        return on_screen(table(self._run.records, self._run.breakdowns, self._run.untraced), "")
