"""Layouts that are converted, and back again."""

from collections.abc import Iterator, Sequence

from benchcli.schema import OperatorCall
from benchcli.workloads.guidelines.base import Audit, Breach
from benchcli.workloads.operator_graph import OperatorGraph
from benchcli.workloads.other_audits.base import OTHER_AUDITS


class LayoutRoundTrips(Audit):
    """Copies that move channels to the innermost place in memory, and copies that move them back."""

    name = "layout"
    title = "layouts converted back and forth"
    claim = "networks that convert the layout of their tensors between operators are slower"
    source = "PyTorch, channels last memory format"

    def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
        """Yield each conversion with the one that undoes it; there are no layers to rebuild."""
        for there, back in OperatorGraph(calls).round_trips():
            moved = "last" if calls[there].reordered[-1] == 0 else "first"
            yield Breach((there, back), f"channels to {moved}, and back")


OTHER_AUDITS.add(LayoutRoundTrips())
