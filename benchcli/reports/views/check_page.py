"""Lay out the findings of a check as a page."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from benchcli import formatting
from benchcli.checks.alone import UNDECIDED
from benchcli.checks.check_folder import COLUMNS, finding_row
from benchcli.checks.findings import OPEN, REGRESSIONS, Finding, Outcome, is_raised
from benchcli.checks.headline import Headline, headline_of, word
from benchcli.checks.session import CheckReport
from benchcli.checks.versions import BASE, HEAD
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.advice import sentence
from benchcli.reports.outcomes import UNSURE, signed
from benchcli.reports.page import Annotation, Column, Level, Page, Table, numbers, words
from benchcli.schema import Key
from benchcli.schema.environment import CheckFacts, as_json
from benchcli.settings import ONLY
from benchcli.spelling import given

LEVELS: Mapping[Outcome, Level] = {
    "unmeasured": "error",
    "inconclusive": "skipped",
    "new": "notice",
    "cheaper": "notice",
    "faster": "notice",
}
"""The level for CI of each outcome that is not a regression."""
LISTED: tuple[Outcome, ...] = (*REGRESSIONS, *OPEN, "new", "cheaper", "faster")
"""Outcomes with a line of their own below the table."""


def page(report: CheckReport) -> Page:
    """Return the page of a check."""
    findings, environment = report.findings, report.environment
    check = environment.check or CheckFacts(report.name)
    headline = headline_of(findings, check.fail_if_mde_above)
    lines = (*_lines(findings, headline), *_notes(check), *map(sentence, check.warnings))
    return Page(
        name=report.name,
        heading=report.heading,
        tables=(
            Table(
                title=f"check {report.name}",
                columns=_columns(findings, check.threshold),
                lines=lines,
                key="changes",
                unchanged=sum(all(each.outcome == "same" for each in of) for of in _by_network(findings).values()),
            ),
        ),
        summary=headline.text,
        footer=" · ".join(filter(None, [headline.text, how(check), str(report.folder or "")])),
        columns=COLUMNS,
        identity=("family", "variant", "subject"),
        leading=("outcome", "fails", "change", "change_low", "change_high", "threshold", "base_s", "head_s", "text"),
        rows=tuple(finding_row(finding) for finding in findings),
        data={
            "environment": as_json(environment),
            "headline": {"text": headline.text, **asdict(headline)},
            "findings": [{**asdict(finding), "fails": finding.fails} for finding in findings],
        },
        annotations=tuple(annotation(finding, check.fail_if_mde_above) for finding in findings),
    )


def annotation(finding: Finding, limit: float | None = None) -> Annotation:
    """Return a finding as a result for CI: an error if a slowdown of the fraction `limit` could hide in it."""
    is_blind = limit is not None and finding.may_hide(limit)
    return Annotation(
        level="error" if is_blind else _level(finding),
        group=finding.family,
        name=f"{finding.variant} {finding.subject}",
        title=f"{finding.where} {'not measured well enough' if is_blind else finding.outcome}",
        text=describe_finding(finding),
        outcome=finding.outcome,
        message=f"{finding.outcome}: {finding.text}",
        detail=f"{finding.builder}: {finding.text}",
        rerun=finding.rerun,
        file=finding.code.file if finding.code else "",
        line=finding.code.line if finding.code else 0,
        seconds=finding.head_s,
    )


def _level(finding: Finding) -> Level:
    if finding.fails:
        return "failure"
    if finding.outcome in LEVELS:
        return LEVELS[finding.outcome]
    return "notice" if finding.allowed else "passed"


def _notes(check: CheckFacts) -> Iterator[str]:
    """Yield notes that concern all networks."""
    if check.baseline is not None:
        yield "outputs are not compared: a recorded run does not hold them"
        return
    software = {side: check.software.get(side, {}) for side in (BASE, HEAD)}
    for name, base in software[BASE].items():
        head = software[HEAD].get(name)
        if base != head:
            yield f"{name} differs: {base} in base, {head} in head"
    if check.why_apart:
        yield f"base and head ran in separate processes: {check.why_apart}"


def how(check: CheckFacts) -> str:
    """Return a description of how times were measured."""
    kinds = {"screening": check.screenings, "confirming": check.confirmations}
    launches = [f"{number} {kind}" for kind, number in kinds.items() if number]
    took = formatting.seconds(check.seconds or 0.0)
    if check.costs_only:
        return f"costs only, no times · {took}"
    if check.baseline is not None:
        if not check.timed:
            return f"costs compared, times not · {took}"
        method = "times relative to the reference network"
    elif launches:
        where = "in one process" if check.together else "in separate processes"
        method = f"base and head {where} · {' + '.join(launches)} launches"
    else:
        return took
    state = "disturbed" if was_disturbed(check) else "quiet"
    widened = "" if check.baseline is not None else "from "  # by what the control differs from base
    return f"{method} · threshold {widened}{formatting.percent(check.threshold or 0.0)} · {took} · {state}"


def was_disturbed(check: CheckFacts) -> bool:
    """Return whether the machine was so loud that warnings, or launches that tell nothing, say so."""
    return bool(check.warnings) or check.why_apart == UNDECIDED


def describe_finding(finding: Finding) -> str:
    """Return a finding as a sentence: outcome, network, and the size and certainty of the change."""
    return f"{_word(finding)} {finding.where} ({finding.builder}): {finding.text}"


def outcome_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each outcome that is more than the same, with the networks that share its reason."""
    listed = [finding for finding in findings if finding.outcome in LISTED]
    for (outcome, text), of_text in groups(listed, lambda finding: (_word(finding), finding.text)).items():
        networks = formatting.named([f"{finding.where} ({finding.builder})" for finding in of_text])
        yield f"{signed(outcome)} {networks}: {text}"


def _lines(findings: Sequence[Finding], headline: Headline) -> Iterator[str]:
    yield from outcome_lines(findings)
    if headline.above:
        names = ", ".join(headline.above)
        quieter = f"stop other work, or give more {given('launches')} and a larger {given('time_limit')}"
        yield f"{UNSURE} a slowdown above {headline.bound} could have passed unnoticed in {names}: {quieter}"
    if any(finding.fails for finding in findings):
        yield "an outcome in capitals fails the check"
    again = [f for f in findings if f.fails or f.outcome in OPEN or (f.subject == "time" and f.where in headline.above)]
    yield from (f"re-run: {rerun}" for rerun in _reruns([each for each in again if each.rerun]))


def _reruns(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the commands that repeat the check for some networks: one for all in which nothing else differs."""
    for (before, after), alike in groups(findings, _around).items():
        yield before + " ".join(dict.fromkeys(map(_only, alike))) + after


def _around(finding: Finding) -> tuple[str, str]:
    """Return what stands in the command of a finding before and after the network's name."""
    before, _, after = finding.rerun.partition(_only(finding))
    return before, after


def _only(finding: Finding) -> str:
    return shlex.join(ONLY.words((finding.where,)))


def _columns(findings: Sequence[Finding], threshold: float | None) -> tuple[Column, ...]:
    networks = _by_network(findings)
    times = [next((each for each in of if each.subject == "time"), None) for of in networks.values()]
    return (
        words("family", (family for family, _ in networks)),
        words("network", (variant for _, variant in networks)),
        words("verdict", (_verdict(of, threshold) for of in networks.values())),
        numbers("base ms", (_milliseconds(time.base_s if time else None) for time in times), 1),
        numbers("head ms", (_milliseconds(time.head_s if time else None) for time in times)),
        numbers(
            "change in time", (formatting.change(time.change) if time and time.change else UNKNOWN for time in times)
        ),
    )


def _milliseconds(seconds: float | None) -> str:
    return formatting.milliseconds(seconds) if seconds else UNKNOWN


def _verdict(of_network: Sequence[Finding], threshold: float | None) -> str:
    """Return the outcomes of a network, and the threshold of its time if the control's noise raised it."""
    judgements = [each.judgement for each in of_network if each.judgement]
    raised = [each.threshold - 1 for each in judgements if threshold is not None and is_raised(each, threshold)]
    return _outcomes(of_network) + "".join(f" (threshold raised to {formatting.percent(each)})" for each in raised)


def _outcomes(of_network: Sequence[Finding]) -> str:
    changed = list(dict.fromkeys(_word(finding) for finding in of_network if finding.outcome != "same"))
    return signed(*changed or [_same(of_network)])


def _same(of_network: Sequence[Finding]) -> str:
    """Return the verdict of a network in which nothing changed: it says if no time was compared."""
    return "same" if any(finding.subject == "time" for finding in of_network) else "same costs"


def _word(finding: Finding) -> str:
    """Return the outcome as text, in capitals if it fails the check."""
    return word(finding.outcome, finding.allowed)


def _by_network(findings: Sequence[Finding]) -> dict[Key, list[Finding]]:
    return groups(findings, lambda finding: finding.key)
