"""Compare the versions in processes of their own with the versions in one process.

One process compares two versions sharply, because both share its moment and its memory. It is a
refinement: two processes are the truth. What one version does to the whole process, or what it no
longer does, is there for both in one process, whatever it is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median

from benchcli.checks.versions import BASE, HEAD
from benchcli.sampling.evidence import Evidence
from benchcli.schema import Family
from benchcli.statistics import launch_log_ratios, launch_log_seconds

DIFFERENCE = 0.05
"""The least difference of the mean change of all networks for which the versions get separate processes."""
DIFFERENCE_OF_ONE = 0.10
"""The same for a single network, whose launches vary more than the mean of all."""
SLOWED = 0.5
"""From here on a version is slowed by what the other one does to their process, even if both are alike there.

Less may be a neighbour on the same physical core, in all launches of both and in none of one alone.
"""
ROUNDS = 6
"""Rounds of a launch of one version alone."""
LAUNCHES = 4
"""The most launches of each version alone. They take turns with launches of both, until they agree and are settled."""
SIDES = (BASE, HEAD)

UNDECIDED = "launches of each alone were too disturbed to tell whether one may hold both"
"""Why versions that may not differ alone get processes of their own."""


@dataclass(frozen=True)
class AloneAndTogether:
    """Head's time over base's, and what that of processes of their own says of that of one process."""

    apart: float
    """In processes of their own: of the fastest launches."""
    together: float
    """In one process: the median over launches."""
    differs: bool
    """Whether the one is not the other."""
    is_settled: bool
    """Whether both versions were as fast alone as in one process."""
    is_unanimous: bool
    """Whether they differ whichever launches are held against each other."""
    slowed: float
    """The time in one process over that alone, of the version and the network that it slows most."""

    @property
    def agrees(self) -> bool:
        """Whether one process may stand for two."""
        return self.is_settled and not self.differs and self.slowed <= 1 + SLOWED

    @property
    def why_not(self) -> str:
        """Why it may not; empty if it may."""
        if self.agrees:
            return ""
        if self.is_unanimous:
            apart, together = f"{self.apart:.2f} times as long as base", f"{self.together:.2f} times in one process"
            return f"in processes of their own head takes {apart}, and {together}"
        if self.is_settled and not self.differs:
            return f"a version takes {self.slowed:.2f} times as long in one process with the other as alone"
        return UNDECIDED


def of_side(family: Family, side: str) -> Family:
    """Return a pair's family with one version as its only variant."""
    return replace(family, variants=tuple(each for each in family.variants if each.name == side))


def compared(
    families: Sequence[Family], together: Sequence[Evidence], apart: Mapping[str, Evidence]
) -> AloneAndTogether | None:
    """Return how the change in one process compares with that in two; None if no network has both.

    The change is the mean over the families, held against DIFFERENCE, or that of a single one, against
    DIFFERENCE_OF_ONE: code that loads late affects only the families after it. Noise only adds time, so that
    the fastest launch of each version alone counts. Until it is as fast as in one process it may have been
    disturbed as well, and hide an effect.
    """
    logs = [_logs(family, together, apart) for family in families]
    known = [each for each in logs if each]
    if not known:
        return None
    groups = [(known, DIFFERENCE), *(([each], DIFFERENCE_OF_ONE) for each in known)]
    group, limit = max(groups, key=lambda each: abs(_gap(each[0])) - math.log1p(each[1]))
    return AloneAndTogether(
        math.exp(mean(each.apart for each in group)),
        math.exp(mean(each.both for each in group)),
        differs=abs(_gap(group)) > math.log1p(limit),
        is_settled=all(each.is_settled for each in known),
        is_unanimous=mean(each.least_gap for each in group) > math.log1p(limit),
        slowed=math.exp(max(each.slowed for each in known)),
    )


@dataclass(frozen=True)
class _Logs:
    """Logarithms of one network: of head's time over base's, alone and in one process."""

    apart: float
    both: float
    is_settled: bool
    least_gap: float
    """How far these two are apart at least, whichever launches are taken; negative if they overlap."""
    slowed: float
    """Of the time in one process over that alone, each of the fastest launch; of the version that is slowed more."""


def _logs(family: Family, together: Sequence[Evidence], apart: Mapping[str, Evidence]) -> _Logs | None:
    """Return the logarithms of a family; None if it lacks launches of both, or of one of the versions alone."""
    both = _together(family, together)
    base, head = (sorted(_seconds(family, [apart[side]], side)) for side in SIDES)
    if not (both and base and head):
        return None
    limit = math.log1p(DIFFERENCE_OF_ONE)
    slowed = [min(_seconds(family, together, side)) - lone[0] for side, lone in zip(SIDES, (base, head), strict=True)]
    changes = sorted(both.values())
    gap = max(head[0] - base[-1] - changes[-1], changes[0] - (head[-1] - base[0]))
    return _Logs(head[0] - base[0], median(changes), min(slowed) >= -limit, gap, max(slowed))


def _gap(group: Sequence[_Logs]) -> float:
    """Return by how much the mean change in two processes is above that in one."""
    return mean(each.apart - each.both for each in group)


def _together(family: Family, evidence: Sequence[Evidence]) -> dict[int, float]:
    """Return log(head / base) of each launch of both."""
    known = [each.known(family).samples for each in evidence]
    head, base = ([sample for samples in known for sample in samples.get(side, ())] for side in (HEAD, BASE))
    return launch_log_ratios(head, base)


def _seconds(family: Family, evidence: Sequence[Evidence], side: str) -> list[float]:
    """Return the logarithm of the seconds of each launch of one side."""
    samples = [sample for each in evidence for sample in each.known(family).samples.get(side, ())]
    return list(launch_log_seconds(samples).values())
