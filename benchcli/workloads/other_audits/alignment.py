"""Channels that do not fill the processor's vectors."""

import copy
import math
from collections.abc import Iterator, Sequence

from benchcli.schema import OperatorCall
from benchcli.schema.environment import Machine
from benchcli.workloads.guidelines.base import Audit, Breach, Repair
from benchcli.workloads.layer_chain import with_widths
from benchcli.workloads.operator_graph import OperatorGraph
from benchcli.workloads.other_audits.base import OTHER_AUDITS

LANES = 16
"""float32 numbers in a vector, where the machine does not say: a block of channels of oneDNN and ONNX Runtime."""


class Alignment(Audit):
    """Dense convolutions with channels that are no multiple of the numbers in a vector."""

    name = "alignment"
    title = "channels that do not fill vectors"
    claim = "networks with channels that do not fill the processor's vectors are slower"
    source = "oneDNN, memory format propagation; ONNX Runtime, NCHWc transformer (pull request 7442)"
    lanes = LANES

    def on(self, machine: Machine) -> "Alignment":
        """Return the audit for the width of a machine's vectors."""
        found = copy.copy(self)
        found.lanes = machine.float_lanes or LANES
        return found

    def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
        """Yield the convolutions, repaired by as many more channels as fill the vectors."""
        graph = OperatorGraph(calls)
        for place, found in graph.convolutions():
            line = graph.line(place)
            widths = self._filled(found.c_in), self._filled(found.c_out)
            is_filled = widths == (found.c_in, found.c_out)
            if found.groups > 1 or is_filled or graph.reads_input(place) or line is None:
                continue
            image = graph.image(place)
            yield Breach(
                line.calls[:1],
                f"{found.c_in} to {found.c_out} channels, {self._unfilled(found.c_in, found.c_out)} of {self.lanes}",
                Repair(line.chain, with_widths(line.chain, *widths), image, (widths[0], *image[1:])),
                line.calls,
            )

    def _unfilled(self, *widths: int) -> str:
        others = [each for each in widths if self._filled(each) != each]
        return "no multiples" if len(others) == len(widths) else f"{others[0]} is no multiple"

    def _filled(self, channels: int) -> int:
        return math.ceil(channels / self.lanes) * self.lanes


OTHER_AUDITS.add(Alignment())
