"""Make findings of what is known of base and head."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from benchcli import formatting
from benchcli.check import rules
from benchcli.check.findings import Finding, Outcome, Subject
from benchcli.check.pairs import BASE, CONTROL, HEAD, Pair
from benchcli.check.rules import Judgement
from benchcli.measure.survey import Survey
from benchcli.schema import Costs, Failure, Key


@dataclass(frozen=True)
class Known:
    """What was learnt of both sides."""

    pairs: tuple[Pair, ...]
    surveys: Mapping[str, Survey]
    timed: bool
    """Whether times were taken, or should have been."""
    theta: float
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
    base, head = (known.surveys[side].casualties.failures.get((pair.name, side)) for side in (BASE, HEAD))
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
            known, pair, "time", judgement.outcome, describe(judgement, known.theta), judgement, base_s, head_s
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


def describe(judgement: Judgement, theta: float) -> str:
    """Say how much, and how sure."""
    agreeing = f"{judgement.agreeing} of {judgement.launches} launches agree"
    text = f"{formatting.change(judgement.change)}, {agreeing}, a change counts from {_above(judgement.threshold)}"
    if judgement.outcome == "inconclusive":
        wide = " (the control moved: the machine is noisy)" if judgement.threshold > 1 + theta * 1.001 else ""
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
