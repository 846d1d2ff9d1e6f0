"""Judge whether a guideline holds, from the measurements of a family."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from benchcli.analysis import equal_flops
from benchcli.analysis.equal_flops import EFFECT
from benchcli.analysis.paper_effect import PaperEffect, VectorFill, paper_effect, vector_fill
from benchcli.noise.diagnosis import host_was_timed
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import FamilyResult, Interval, Outcome, Record
from benchcli.workloads.guidelines.base import EXPERIMENTS

UNDECIDED = ("inconclusive", "not judged")
VerdictOutcome = Literal["holds", "reversed", "no effect", "inconclusive", "not judged"]


@dataclass(frozen=True)
class Verdict:
    """The verdict of one family on its guideline."""

    family: str
    guideline: str
    scale: int
    outcome: VerdictOutcome
    variant: str
    """The extreme variant, which decides."""
    baseline: str
    relative: Interval | None
    """The measured relative speed of the extreme variant."""
    at_equal_flops: Interval | None
    """The relative speed converted to the baseline's FLOPs, which is judged."""
    flops_deviation: float | None
    """FLOPs of the extreme variant divided by the baseline's, minus 1."""
    threshold: float
    """The least effect that counts, as a fraction."""
    advice: str | None
    """Why the family is not judged, or how to settle an inconclusive verdict."""
    modes: tuple["ModeVerdict", ...] = ()
    """What the launches of each mode say, at equal FLOPs; empty if there is only one mode."""
    paper: PaperEffect | None = None
    """How the effect compares with the paper's; None if that is not known, or if this one is not decided."""
    vectors: VectorFill | None = None
    """How the extreme variant's channels fill vectors; None if the baseline's do so no better, or it is not known."""
    reorders: "Reorders | None" = None
    """Conversions of layout; None if both networks have as many, or the runtime does not tell."""


@dataclass(frozen=True)
class Reorders:
    """How often a runtime converts layouts in a call of two networks, where the numbers differ."""

    variant: int
    baseline: int


@dataclass(frozen=True)
class ModeVerdict:
    """What one of two modes of the extreme variant says."""

    share: float
    """Of the launches."""
    at_equal_flops: float
    """The median of its relative speeds, converted to the baseline's FLOPs."""
    outcome: VerdictOutcome


def verdicts_of(run: SuiteRun) -> list[Verdict]:
    """Return the verdicts of a run; none beside another baseline, of which the guideline claims nothing."""
    machine = run.environment.machine
    return [] if run.baseline else verdicts(run.results, lanes=machine.float_lanes if machine else None)


def verdicts(results: Iterable[FamilyResult], effect: float = EFFECT, lanes: int | None = None) -> list[Verdict]:
    """Return a verdict for each family that tests a guideline; `lanes` are float32 numbers in a vector."""
    return [verdict(result, effect, lanes) for result in results if result.family.guideline]


def verdict(result: FamilyResult, effect: float = EFFECT, lanes: int | None = None) -> Verdict:
    """Compare the family's extreme variant with its baseline, at equal FLOPs.

    holds: it is slower, or faster if the guideline claims that. reversed: the opposite. The rule is
    that of `equal_flops.judge`.
    """
    family, record = result.family, extreme(result)
    guideline = EXPERIMENTS[family.guideline]
    judgement = equal_flops.judge(record, result.records[0], effect, guideline.by_launches)
    of_host = host_was_timed(record, result.records[0]) if guideline.by_launches else None
    of_host = of_host and f"it counts the launches of kernels: {of_host}"
    return Verdict(
        family=family.name,
        guideline=family.guideline,
        scale=family.scale,
        outcome=outcome(judgement.outcome, guideline.faster),
        variant=record.variant.name,
        baseline=family.baseline,
        relative=judgement.relative,
        at_equal_flops=judgement.at_equal_flops,
        flops_deviation=record.flops_deviation,
        threshold=effect,
        advice="; ".join(filter(None, (judgement.reason, of_host))) or None,
        modes=tuple(_of_modes(record, effect, guideline.faster)) if judgement.outcome != "not judged" else (),
        paper=paper_effect(record) if judgement.outcome not in UNDECIDED else None,
        vectors=vector_fill(record, result.records[0], lanes) if judgement.outcome not in UNDECIDED else None,
        reorders=_reorders(record, result.records[0]),
    )


def _reorders(record: Record, baseline: Record) -> Reorders | None:
    own, its = record.preparation.reorders, baseline.preparation.reorders
    return None if own is None or its is None or own == its else Reorders(own, its)


def _of_modes(record: Record, effect: float, claims_faster: bool) -> Iterator[ModeVerdict]:
    for mode in record.timing.modes if record.timing else ():
        speed = mode.speed * (1 + (record.flops_deviation or 0.0))
        said = Interval(speed, speed, speed).compare(effect)
        yield ModeVerdict(mode.share, speed, outcome(said, claims_faster))


def extreme(result: FamilyResult) -> Record:
    """Return the record of the variant that the guideline calls the furthest from the baseline."""
    guideline = EXPERIMENTS[result.family.guideline]
    name = guideline.extreme([record.variant.name for record in result.records])
    return next(record for record in result.records if record.variant.name == name)


def outcome(speed: Outcome, claims_faster: bool) -> VerdictOutcome:
    """Return the outcome for a guideline that claims that the variant is faster, or slower."""
    by_direction: Mapping[Outcome, VerdictOutcome] = {
        "faster": "holds" if claims_faster else "reversed",
        "slower": "reversed" if claims_faster else "holds",
        "no effect": "no effect",
        "inconclusive": "inconclusive",
        "not judged": "not judged",
    }
    return by_direction[speed]
