"""Compare the kernels of a family's baseline with those of the network whose speed differs most from it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchcli.schema import CallKernels, FamilyResult, KernelUse, Key, Record

NO_OPERATOR = ""
"""The name of what no operator does: Python, and dispatching operators."""


@dataclass(frozen=True)
class Growth:
    """A part of the time that one of two networks takes longer."""

    name: str
    """A kernel's, or NO_OPERATOR."""
    seconds: float
    """By which it takes longer in the slower network."""
    faster: KernelUse | None
    slower: KernelUse | None
    """The kernel in each of the two; None if a network does not run it."""


@dataclass(frozen=True)
class KernelDifference:
    """What the baseline of a family and another network of it run."""

    record: Record
    """Of the other network, whose relative speed differs most from 1."""
    baseline: CallKernels
    other: CallKernels

    @property
    def is_slower(self) -> bool:
        """Whether the other network was the slower one when it was measured."""
        timing = self.record.timing
        return not (timing and timing.relative and timing.relative.estimate >= 1)

    @property
    def slower(self) -> CallKernels:
        """The kernels of the slower of the two."""
        return self.other if self.is_slower else self.baseline

    @property
    def faster(self) -> CallKernels:
        """The kernels of the faster of the two."""
        return self.baseline if self.is_slower else self.other

    @property
    def seconds(self) -> float:
        """By how much the slower one takes longer, now that its kernels were named; negative if it does not."""
        return self.slower.call_s - self.faster.call_s

    @property
    def shares(self) -> list[Growth]:
        """Return where the slower one takes longer, the largest part first.

        Empty if it does not now, or if naming the kernels slowed one of the two down.
        """
        if self.seconds <= 0 or self.slower.is_slowed or self.faster.is_slowed:
            return []
        faster, slower = ({use.name: use for use in each.uses} for each in (self.faster, self.slower))
        shares = [Growth(NO_OPERATOR, self.slower.unnamed_s - self.faster.unnamed_s, None, None)]
        for name in {**slower, **faster}:
            one, other = faster.get(name), slower.get(name)
            grown_s = (other.seconds if other else 0.0) - (one.seconds if one else 0.0)
            shares.append(Growth(name, grown_s, one, other))
        longer = (share for share in shares if share.seconds > 0)
        return sorted(longer, key=lambda share: -share.seconds)


def difference(result: FamilyResult, kernels: Mapping[Key, CallKernels]) -> KernelDifference | None:
    """Return what differs in a family; None if its baseline, or every other network, has no speed or no kernels."""
    baseline = kernels.get((result.family.name, result.family.baseline))
    speeds = {
        record.key: record.timing.relative.estimate
        for record in result.records
        if record.timing and record.timing.relative and record.key in kernels
    }
    others = [key for key in speeds if key[1] != result.family.baseline]
    if baseline is None or not others:
        return None
    furthest = max(others, key=lambda key: abs(math.log(speeds[key])))
    record = next(record for record in result.records if record.key == furthest)
    return KernelDifference(record, baseline, kernels[furthest])
