"""Batch normalisations that the convolution before them can absorb."""

from collections.abc import Iterator, Sequence

from benchcli.schema import OperatorCall
from benchcli.workloads.guidelines.base import Audit, Breach
from benchcli.workloads.operator_graph import OperatorGraph
from benchcli.workloads.other_audits.base import OTHER_AUDITS


class BatchNormFolding(Audit):
    """A batch normalisation of inference is a factor and a bias, which the convolution before it can have."""

    name = "folding"
    title = "batch normalisation that can be folded"
    claim = "networks that normalise after each convolution are slower"
    source = "Jacob et al., 2018, section 3.2"

    def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
        """Yield all of them as one: they are folded together, in the whole network."""
        graph = OperatorGraph(calls)
        found = tuple(
            place
            for place, call in enumerate(calls)
            if graph.is_normalisation(place)
            and call.producers
            and (before := call.producers[0]) is not None
            and calls[before].geometry
            and graph.only_reader(before) == place
        )
        if found:
            yield Breach(found, f"{len(found)} after a convolution", runtime="eager:fold")


OTHER_AUDITS.add(BatchNormFolding())
