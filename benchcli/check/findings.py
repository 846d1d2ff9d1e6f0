"""What a check says of base and head: findings, their order, and the exit code that all of them make."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchcli import formatting
from benchcli.check import rules
from benchcli.check.pairs import CONTROL, Pair
from benchcli.check.rules import Judgement
from benchcli.check.versions import BASE, HEAD
from benchcli.errors import FINE, NOT_MEASURED, REGRESSION
from benchcli.measure.supervise import Survey
from benchcli.schema import Costs, Failure, Interval, Key

Subject = Literal["network", "output", "costs", "time"]
Outcome = Literal[
    "slower", "costlier", "changed", "gone", "failed", "unmeasured", "inconclusive", "new", "faster", "cheaper", "same"
]
REGRESSIONS: tuple[Outcome, ...] = ("slower", "costlier", "changed", "gone", "failed")
OPEN: tuple[Outcome, ...] = ("unmeasured", "inconclusive")
ORDER: tuple[Outcome, ...] = (*REGRESSIONS, *OPEN, "new", "faster", "cheaper", "same")
"""What matters most comes first."""
ALLOWABLE = ("costs", "output", "gone", "new")
"""Changes that may be meant; a slowdown is not one of them."""


@dataclass(frozen=True)
class Finding:
    """What is so, where, how much, and how sure."""

    family: str
    variant: str
    subject: Subject
    outcome: Outcome
    text: str
    """How much and how sure, in words."""
    builder: str
    """Where the network is made."""
    change: Interval | None = None
    """Of time, as a factor: 1.05 is 5 % slower."""
    judgement: Judgement | None = None
    base_s: float | None = None
    head_s: float | None = None
    allowed: bool = False
    """Whether the person said that this is meant."""
    again: str = ""
    """The command that looks at this variant again."""

    @property
    def where(self) -> str:
        """The variant as `--only` takes it."""
        return f"{self.family}/{self.variant}"

    @property
    def fails(self) -> bool:
        """Whether it is a regression."""
        return self.outcome in REGRESSIONS and not self.allowed


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, what matters most first, and the largest change first within each outcome."""
    return tuple(sorted(findings, key=lambda f: (not f.fails, ORDER.index(f.outcome), -_size(f))))


def exit_code(findings: Iterable[Finding], strict: bool) -> int:
    """Return the code: a regression; else not measured, where something is open; else fine.

    An inconclusive time is open only where the check is strict; no time at all always is. Where nothing was held
    against anything, nothing is fine: networks that are all new, say, unless the person said so.
    """
    known = list(findings)
    if any(finding.fails for finding in known):
        return REGRESSION
    is_open = any(f.outcome == "unmeasured" or (strict and f.outcome == "inconclusive") for f in known)
    compared = any(finding.subject != "network" or finding.allowed for finding in known)
    return NOT_MEASURED if is_open or not compared else FINE


def _size(finding: Finding) -> float:
    """Return how large its change is, to a hundredth of a per cent: what is smaller makes no order."""
    return round(abs(finding.change.estimate - 1), 4) if finding.change else 0.0


@dataclass(frozen=True)
class Known:
    """What was learnt of both sides."""

    pairs: tuple[Pair, ...]
    surveys: Mapping[str, Survey]
    timed: bool
    """Whether times were taken, or should have been."""
    threshold: float
    """The least change that counts, as a fraction."""
    judged: Mapping[str, Judgement] = field(default_factory=dict)
    """By pair."""
    seconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    failures: Mapping[Key, Failure] = field(default_factory=dict)
    """What went wrong while time was taken, by pair and side."""
    cut: Mapping[str, str] = field(default_factory=dict)
    """Pairs whose time was not judged, and why."""
    allowed: tuple[str, ...] = ()


def findings(known: Known) -> Iterator[Finding]:
    """Yield what is to be said of each pair: its network alone where it cannot be compared, else each subject."""
    for pair in known.pairs:
        alone = _network(known, pair)
        if alone:
            yield alone
            continue
        yield _output(known, pair)
        yield _costs(known, pair)
        if known.timed:
            yield _time(known, pair)


def _network(known: Known, pair: Pair) -> Finding | None:
    """Return what keeps a pair from being compared."""
    base, head = (known.surveys[side].failures.by_key.get((pair.name, side)) for side in (BASE, HEAD))
    other = pair.other_input()
    if pair.base is None:
        return _finding(known, pair, "network", "new", "only head has it, there is nothing to compare it with")
    if pair.head is None:
        return _finding(known, pair, "network", "gone", "base has it, and head's suite has it no more")
    if other:
        return _finding(known, pair, "network", "gone", f"the suite measures something else under its name: {other}")
    if base and head:
        return _finding(
            known, pair, "network", "unmeasured", f"it fails in base and head ({head.status}): {head.error}"
        )
    if head:
        return _finding(known, pair, "network", "failed", f"base runs it, head does not ({head.status}): {head.error}")
    if base:
        allowed: Outcome = "new" if "new" in known.allowed else "unmeasured"
        return _finding(known, pair, "network", allowed, f"base does not run it ({base.status}): {base.error}")
    return None


def _output(known: Known, pair: Pair) -> Finding:
    base, head = (known.surveys[side].outputs[pair.name, side] for side in (BASE, HEAD))
    if base.shape != head.shape:
        return _finding(known, pair, "output", "changed", f"its output is {head.shape}, and was {base.shape}")
    if not rules.is_finite(base):
        return _finding(known, pair, "output", "unmeasured", "base's output is not finite: give it weights that are")
    if not rules.is_finite(head):
        return _finding(known, pair, "output", "failed", "head's output is not finite, and base's is")
    apart = rules.difference(base, head)
    if not apart <= rules.MOST_DIFFERENCE:
        return _finding(
            known,
            pair,
            "output",
            "changed",
            f"with the same seed and input its output differs by {formatting.percent(apart)} (weights that are "
            "drawn in another order do that too)",
        )
    return _finding(known, pair, "output", "same", "the same output")


def _costs(known: Known, pair: Pair) -> Finding:
    base, head = (known.surveys[side].costs[pair.name, side] for side in (BASE, HEAD))
    return _finding(known, pair, "costs", *costs_outcome(base, head))


def costs_outcome(base: Costs, head: Costs) -> tuple[Outcome, str]:
    """Say what became of the costs, and how much."""
    changes = list(rules.cost_changes(base, head))
    text = ", ".join(rules.describe(change) for change in changes) or "the same costs"
    if any(change.head > change.base for change in changes):
        return "costlier", text
    uncounted = sorted(set(head.unknown) - set(base.unknown))
    if uncounted:
        return "unmeasured", f"not counted for certain in head: {', '.join(uncounted)}"
    return ("cheaper" if changes else "same"), text


def _time(known: Known, pair: Pair) -> Finding:
    judgement = known.judged.get(pair.name)
    if judgement:
        base_s, head_s = known.seconds[pair.name]
        return _finding(
            known, pair, "time", judgement.outcome, describe(judgement, known.threshold), judgement, base_s, head_s
        )
    failures = [known.failures.get((pair.name, side)) for side in (BASE, CONTROL, HEAD)]
    base, head = failures[0] or failures[1], failures[2]
    if head and not base:
        return _finding(known, pair, "time", "failed", f"head fails while it is timed ({head.status}): {head.error}")
    if base:
        return _finding(
            known, pair, "time", "unmeasured", f"base fails while it is timed ({base.status}): {base.error}"
        )
    why = known.cut.get(pair.name, "no launch fitted the budget: give a larger --budget")
    return _finding(known, pair, "time", "unmeasured", why)


def describe(judgement: Judgement, threshold: float) -> str:
    """Say how much, and how sure."""
    agreeing = f"{judgement.agreeing} of {judgement.launches} launches agree"
    text = f"{formatting.change(judgement.change)}, {agreeing}, a change counts from {_above(judgement.threshold)}"
    if judgement.outcome == "inconclusive":
        wide = " (the control moved: the machine is noisy)" if judgement.threshold > 1 + threshold * 1.001 else ""
        text += f"{wide}; a slowdown of {_above(judgement.detectable)} would have been found"
    return text


def _above(factor: float) -> str:
    return formatting.percent(factor - 1)


def _finding(
    known: Known,
    pair: Pair,
    subject: Subject,
    outcome: Outcome,
    text: str,
    judgement: Judgement | None = None,
    base_s: float | None = None,
    head_s: float | None = None,
) -> Finding:
    allowed = (subject if subject != "network" else outcome) in known.allowed and subject != "time"
    return Finding(
        family=pair.family,
        variant=pair.variant,
        subject=subject,
        outcome=outcome,
        text=text,
        builder=pair.builder,
        change=judgement.change if judgement else None,
        judgement=judgement,
        base_s=base_s,
        head_s=head_s,
        allowed=allowed,
    )
