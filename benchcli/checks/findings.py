"""Derive a check's findings from its measurements, order them, and derive the exit code."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from benchcli import formatting
from benchcli.checks import cost_causes, rules
from benchcli.checks.compared_inputs import other_input
from benchcli.checks.compared_outputs import output_outcome
from benchcli.checks.pairs import CONTROL, Pair
from benchcli.checks.rules import Judgement
from benchcli.checks.versions import BASE, HEAD
from benchcli.errors import FINE, NOT_MEASURED, REGRESSION
from benchcli.sampling.supervise import Survey
from benchcli.schema import Code, Costs, Failure, Interval, Key, OfVariant
from benchcli.spelling import given

Subject = Literal["network", "input", "output", "costs", "time"]
Outcome = Literal[
    "failed", "changed", "gone", "slower", "costlier", "inconclusive", "unmeasured", "new", "faster", "cheaper", "same"
]
REGRESSIONS: tuple[Outcome, ...] = ("failed", "changed", "gone", "slower", "costlier")
OPEN: tuple[Outcome, ...] = ("inconclusive", "unmeasured")
UNCOMPARED: tuple[Subject, ...] = ("network", "input")
"""The subjects of findings on networks that were not compared."""
CAUSED: tuple[Outcome, ...] = ("costlier", "cheaper", "changed", "slower")
"""Outcomes that a difference of what the modules do can explain, the one that it is told with first."""
FAR = 3
"""How many widths of an interval away a minimum detectable slowdown needs a reason."""
UNCHANGED: tuple[Outcome, ...] = ("inconclusive", "same")
"""Outcomes of a time that passes, and in which a slowdown could hide that was too small to be found."""
ROUNDING = 1 + 1e-5
"""The factor by which one slowdown must exceed another, because an effect is found by bisection."""
ORDER: tuple[Outcome, ...] = (*REGRESSIONS, *OPEN, "new", "faster", "cheaper", "same")
"""Outcomes from the most to the least important: a wrong result is worse than a slow one."""


@dataclass(frozen=True)
class Finding(OfVariant):
    """One result of a check: the variant, the subject, the outcome and the evidence."""

    subject: Subject
    outcome: Outcome
    text: str
    """The size and the certainty of the change, as text for people."""
    builder: str
    """The name of the function that builds the network."""
    change: Interval | None = None
    """Head's time over base's: 1.05 is 5 % slower. Only for the subject `time`."""
    judgement: Judgement | None = None
    detectable: float | None = None
    """The smallest slowdown that the check would have found here, as a factor: the minimum detectable effect."""
    base_s: float | None = None
    head_s: float | None = None
    allowed: bool = False
    """Whether the user declared this change as intended."""
    rerun: str = ""
    """The command that checks this variant again."""
    code: Code | None = None
    """Where head's network comes from, or base's; None if it ships or was not built."""

    @property
    def where(self) -> str:
        """The variant in the form that `--only` takes."""
        return f"{self.family}/{self.variant}"

    @property
    def fails(self) -> bool:
        """Whether this finding is a regression."""
        return self.outcome in REGRESSIONS and not self.allowed

    def may_hide(self, slowdown: float) -> bool:
        """Return whether the time passed, though the check would not have found a slowdown of this fraction."""
        passed = self.subject == "time" and self.outcome in UNCHANGED
        return passed and self.detectable is not None and self.detectable > (1 + slowdown) * ROUNDING


@dataclass(frozen=True)
class CheckData:
    """The measurements and settings that findings are derived from."""

    pairs: tuple[Pair, ...]
    surveys: Mapping[str, Survey]
    timed: bool
    """Whether the check measured times, or tried to."""
    threshold: float
    """The least change that counts, as a fraction."""
    judged: Mapping[str, Judgement] = field(default_factory=dict)
    """Judgements of time, by pair."""
    seconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Base's and head's seconds per call, whose ratio is the judged change, by pair."""
    failures: Mapping[Key, Failure] = field(default_factory=dict)
    """Failures while times were measured, by pair and side."""
    cut: Mapping[str, str] = field(default_factory=dict)
    """Why a pair's time was not judged, by pair."""
    growths: Mapping[str, float] = field(default_factory=dict)
    """The bytes that each call of head leaves behind and one of base does not, by pair; none where none are left."""
    allowed: tuple[str, ...] = ()


def findings(data: CheckData) -> Iterator[Finding]:
    """Yield each pair's findings.

    A pair that cannot be compared has one finding, on its network or its input. Any other has one per subject.
    """
    for pair in data.pairs:
        not_comparable = _network(data, pair)
        if not_comparable:
            yield not_comparable
            continue
        found = [_output(data, pair), _costs(data, pair), *([_time(data, pair)] if data.timed else [])]
        yield from _with_causes(found, data, pair)


def _with_causes(found: Sequence[Finding], data: CheckData, pair: Pair) -> Iterator[Finding]:
    """Yield a pair's findings, one that tells of a change with the modules and operators that differ."""
    base, head = (data.surveys[side].details.get((pair.name, side)) for side in (BASE, HEAD))
    changed = min((f for f in found if f.outcome in CAUSED), key=lambda f: CAUSED.index(f.outcome), default=None)
    causes = cost_causes.described(base, head) if changed else ""
    for each in found:
        yield replace(each, text=f"{each.text}; {causes}") if causes and each is changed else each


def _network(data: CheckData, pair: Pair) -> Finding | None:
    """Return why a pair cannot be compared; None if it can."""
    base, head = (data.surveys[side].failures.by_key.get((pair.name, side)) for side in (BASE, HEAD))
    other = other_input(pair, data.surveys)
    if pair.base is None:
        return _finding(data, pair, "network", "new", "only head has it: there is nothing to compare it with")
    if pair.head is None:
        return _finding(data, pair, "network", "gone", "base's copy of the suite has it, head's has not")
    if other:
        return _finding(data, pair, "input", "changed", f"measured on another input: {other}")
    if base and head:
        return _finding(data, pair, "network", "unmeasured", f"it fails in base and head ({head.status}): {head.error}")
    if head:
        return _finding(data, pair, "network", "failed", f"base runs it, head does not ({head.status}): {head.error}")
    if base:
        outcome: Outcome = "new" if "new" in data.allowed else "unmeasured"
        return _finding(data, pair, "network", outcome, f"base does not run it ({base.status}): {base.error}")
    return None


def _output(data: CheckData, pair: Pair) -> Finding:
    base, head = (data.surveys[side].outputs[pair.name, side] for side in (BASE, HEAD))
    finding = _finding(data, pair, "output", *output_outcome(base, head))
    are_random = finding.outcome == "unmeasured" and base.is_random
    return replace(finding, allowed=pair.head is not None and pair.head.allow_random) if are_random else finding


def _costs(data: CheckData, pair: Pair) -> Finding:
    base, head = (data.surveys[side].costs[pair.name, side] for side in (BASE, HEAD))
    outcome, text = costs_outcome(base, head)
    if grown := data.growths.get(pair.name):
        outcome, text = "costlier", f"each call leaves {formatting.prefixed(grown, 'B')} of memory behind; {text}"
    return _finding(data, pair, "costs", outcome, text)


def costs_outcome(base: Costs, head: Costs) -> tuple[Outcome, str]:
    """Return the outcome of a comparison of costs, and its description."""
    uncounted = head.error or base.error
    if uncounted:
        of_one = "" if head.error and base.error else "of one side "
        return "unmeasured", f"the costs {of_one}could not be counted: {uncounted}"
    changes = sorted(rules.cost_changes(base, head), key=lambda change: change.head < change.base)  # rises first
    text = ", ".join(rules.describe(change) for change in changes) or "the same costs"
    if any(change.head > change.base for change in changes):
        return "costlier", text
    if head.unknown != base.unknown:
        not_counted = ", ".join(sorted(set(head.unknown) - set(base.unknown))) or "what base alone does"
        return "unmeasured", f"costs incomplete in head, no rule for {not_counted}; as far as they are counted: {text}"
    bound = f", as far as they are counted: there is no rule for {', '.join(head.unknown)}" if head.unknown else ""
    return ("cheaper" if changes else "same"), text + bound


def _time(data: CheckData, pair: Pair) -> Finding:
    judgement = data.judged.get(pair.name)
    if judgement:
        base_s, head_s = data.seconds[pair.name]
        return _finding(
            data, pair, "time", judgement.outcome, describe(judgement, data.threshold), judgement, base_s, head_s
        )
    failures = [data.failures.get((pair.name, side)) for side in (BASE, CONTROL, HEAD)]
    base, head = failures[0] or failures[1], failures[2]  # the control is base too
    if head and not base:
        return _finding(data, pair, "time", "failed", f"head fails while it is timed ({head.status}): {head.error}")
    if base:
        return _finding(data, pair, "time", "unmeasured", f"base fails while it is timed ({base.status}): {base.error}")
    why = data.cut.get(pair.name, f"no launch fitted the time limit: give a larger {given('time_limit')}")
    return _finding(data, pair, "time", "unmeasured", why)


def describe(judgement: Judgement, threshold: float) -> str:
    """Return the size and the certainty of a change of time, as text."""
    rest = f" ({judgement.left_out} more were on a slow core throughout)" if judgement.left_out else ""
    agreeing = f"{judgement.agreeing} of {judgement.launches} launches agree in direction{rest}"
    raised = " (raised: two runs of base differed)" if is_raised(judgement, threshold) else ""
    text = f"time {formatting.change(judgement.change)}, {agreeing}, threshold {_above(judgement.threshold)}{raised}"
    if judgement.mean:
        text += f"; the mean {formatting.change(judgement.mean)}{_why_mean(judgement.change, judgement.mean)}"
    text += _why_open(judgement, threshold)
    if judgement.outcome in UNCHANGED:
        text += f"; minimum detectable slowdown {_above(judgement.detectable)}{_why_so_coarse(judgement)}"
    return text


def _why_mean(median: Interval, mean: Interval) -> str:
    """Return why a mean is slower where the median is not: by calls that are far longer, or as it is more certain."""
    is_beyond = mean.low is not None and mean.low > median.estimate
    return ": some calls take far longer than the median" if is_beyond else ", which is more certain than the median"


def _why_so_coarse(judgement: Judgement) -> str:
    """Return why a slowdown far beyond the interval could pass; empty if it is not far beyond it."""
    if not is_far_beyond(judgement.detectable, judgement.change, judgement.threshold):
        return ""
    return ", as single launches were far off: the interval is of those in the middle"


def is_far_beyond(detectable: float, change: Interval, threshold: float = 1.0) -> bool:
    """Return whether a slowdown is several widths of an interval away, and of the threshold, all as factors."""
    low, high = change.low, change.high
    return low is not None and high is not None and detectable > max(high / low, threshold) ** FAR


def _why_open(judgement: Judgement, threshold: float) -> str:
    """Return why an inconclusive time is not decided though its 95 % interval seems to; empty if that is plain."""
    if judgement.outcome != "inconclusive" or judgement.mean:
        return ""
    if judgement.change.is_within(threshold):
        if error := rules.SAME_LOOKS.get(judgement.launches):
            sure = f"the interval of {formatting.percent(1 - error)} is not, which this many launches ask for"
            return f"; within the threshold, but {sure} before they call it the same"
        *looks, last = map(str, rules.SAME_LOOKS)
        return f"; within the threshold, but it can be called the same only after {', '.join(looks)} or {last} launches"
    if judgement.change.min_log_change > 0 and abs(math.log(judgement.change.estimate)) > math.log(judgement.threshold):
        few = judgement.launches < rules.LEAST_CHANGE
        why = "there are too few launches" if few else "single launches differ too much"
        return f"; the estimate is beyond the threshold, but {why} for the certainty that a check asks for"
    return ""


def is_raised(judgement: Judgement, threshold: float) -> bool:
    """Return whether the control's noise raised the threshold of a time by as much as one would read."""
    return (
        formatting.percent(judgement.threshold - 1) != formatting.percent(threshold)
        and judgement.threshold > 1 + threshold
    )


def is_allowed(subject: Subject, outcome: Outcome, allowed: Sequence[str]) -> bool:
    """Return whether the user declared this change as intended; a change of time never is."""
    is_change = outcome in REGRESSIONS or outcome == "new"
    return is_change and subject != "time" and (outcome if subject == "network" else subject) in allowed


def _above(factor: float) -> str:
    return formatting.percent(factor - 1)


def _finding(
    data: CheckData,
    pair: Pair,
    subject: Subject,
    outcome: Outcome,
    text: str,
    judgement: Judgement | None = None,
    base_s: float | None = None,
    head_s: float | None = None,
) -> Finding:
    return Finding(
        family=pair.family,
        variant=pair.variant,
        subject=subject,
        outcome=outcome,
        text=text,
        builder=pair.builder,
        change=judgement.change if judgement else None,
        judgement=judgement,
        detectable=judgement.detectable if judgement else None,
        base_s=base_s,
        head_s=head_s,
        allowed=is_allowed(subject, outcome, data.allowed),
        code=_code(data, pair),
    )


def _code(data: CheckData, pair: Pair) -> Code | None:
    """Return where head's network comes from, or base's where head has none."""
    codes = (data.surveys[side].codes.get((pair.name, side)) for side in (HEAD, BASE) if side in data.surveys)
    return next((code for code in codes if code), None)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings by importance; within one outcome, the largest change first."""
    return tuple(sorted(findings, key=lambda f: (not f.fails, _rank(f), -_size(f))))


def _rank(finding: Finding) -> int:
    """Return the position of an outcome in `ORDER`; an allowed change ranks with what is new."""
    return ORDER.index("new" if finding.allowed else finding.outcome)


def exit_code(findings: Iterable[Finding], strict: bool, most_detectable: float | None = None) -> int:
    """Return REGRESSION if a finding fails; else NOT_MEASURED if one is open; else FINE.

    An unmeasured subject is open unless that is allowed, an inconclusive time only if `strict`, and a time that
    passed if a slowdown of the fraction `most_detectable` could hide in it. A check that
    compared nothing is NOT_MEASURED too: for example if all networks are new, even if that is
    allowed.
    """
    all_findings = list(findings)
    if any(finding.fails for finding in all_findings):
        return REGRESSION
    unmeasured = any(finding.outcome == "unmeasured" and not finding.allowed for finding in all_findings)
    is_open = unmeasured or (strict and any(finding.outcome == "inconclusive" for finding in all_findings))
    hidden = most_detectable is not None and any(finding.may_hide(most_detectable) for finding in all_findings)
    compared = any(finding.subject not in UNCOMPARED for finding in all_findings)
    return NOT_MEASURED if is_open or hidden or not compared else FINE


def _size(finding: Finding) -> float:
    """Return the size of the change, rounded to 0.01 % so that noise does not order findings."""
    return round(abs(finding.change.estimate - 1), 4) if finding.change else 0.0
