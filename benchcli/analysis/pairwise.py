"""Compare each two networks of a family, from the samples that a run kept, and rank them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from benchcli.analysis.other_baseline import samples_of
from benchcli.errors import UserError
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.timings import relative_speed
from benchcli.schema import FamilyResult, Interval, Record, Sample

PairOutcome = Literal["faster", "undecided", "not judged"]


@dataclass(frozen=True)
class NetworkPair:
    """Two networks of a family, the one that is estimated to be faster first."""

    faster: Record
    slower: Record
    speed: Interval
    """How many times as fast the first one is: the slower one's time over its time, paired round by round."""

    @property
    def outcome(self) -> PairOutcome:
        """faster: the whole interval is above 1. not judged: over half of the samples of one were disturbed."""
        if any(each.timing is None or each.is_disturbed for each in (self.faster, self.slower)):
            return "not judged"
        return "faster" if self.speed.is_above(1.0) else "undecided"


@dataclass(frozen=True)
class RankedNetwork:
    """A network with the places that it can have among those of its family; 1 is the fastest."""

    record: Record
    best: int
    """One more than the networks that are certainly faster."""
    worst: int
    """The number of networks without those that are certainly slower."""
    lead: NetworkPair | None
    """It and the next one of the ranking; None of the last."""


@dataclass(frozen=True)
class Ranking:
    """The networks of a family, the fastest first, and each two of them."""

    networks: tuple[RankedNetwork, ...]
    pairs: tuple[NetworkPair, ...]
    """In the order of the ranking."""


def rankings(run: SuiteRun) -> list[Ranking]:
    """Return the ranking of each family that has two networks with a time.

    Raises UserError if there is none, or if the samples are gone.
    """
    kept = samples_of(run)
    found = [_ranking(result, kept[result.family.name]) for result in run.results if len(_timed(result)) > 1]
    if not found:
        raise UserError(f"{run.folder} has no family with two networks that have a time: there is no pair to compare")
    return found


def _timed(result: FamilyResult) -> list[Record]:
    return [each for each in result.records if each.timing and each.timing.relative]


def _ranking(result: FamilyResult, samples: Mapping[str, Sequence[Sample]]) -> Ranking:
    ordered = sorted(_timed(result), key=_relative, reverse=True)
    pairs = [pair for one, other in combinations(ordered, 2) if (pair := _pair(one, other, samples))]
    return Ranking(tuple(_ranked(record, ordered, pairs) for record in ordered), tuple(pairs))


def _relative(record: Record) -> float:
    return record.timing.relative.estimate if record.timing and record.timing.relative else 0.0


def _pair(one: Record, other: Record, samples: Mapping[str, Sequence[Sample]]) -> NetworkPair | None:
    """Return the pair; None if the two share no round."""
    speed = relative_speed(samples[other.variant.name], samples[one.variant.name])
    if speed is None:
        return None
    return NetworkPair(one, other, speed) if speed.estimate >= 1 else NetworkPair(other, one, speed.inverse)


def _ranked(record: Record, ordered: Sequence[Record], pairs: Sequence[NetworkPair]) -> RankedNetwork:
    certain = [pair for pair in pairs if pair.outcome == "faster"]
    place = ordered.index(record)
    following = ordered[place + 1] if place + 1 < len(ordered) else None
    return RankedNetwork(
        record,
        best=1 + sum(pair.slower is record for pair in certain),
        worst=len(ordered) - sum(pair.faster is record for pair in certain),
        lead=next((each for each in pairs if {id(each.faster), id(each.slower)} == {id(record), id(following)}), None),
    )
