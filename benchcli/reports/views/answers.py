"""Say the result of a run, a check or several runs in a few sentences, for what begins with them."""

from collections import Counter
from collections.abc import Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.claims.base import ClaimVerdict, Judged
from benchcli.analysis.comparison import Comparison
from benchcli.analysis.front import pareto_front
from benchcli.analysis.layer_rows import are_judged
from benchcli.analysis.module_tree import layer_types
from benchcli.analysis.setting_effects import setting_effects
from benchcli.analysis.verdicts import Verdict, verdicts_of
from benchcli.checks.findings import Finding
from benchcli.grouping import groups
from benchcli.reports.outcomes import BAD, sign_of, signed
from benchcli.reports.views import cells, labels
from benchcli.reports.views.breakdown_table import HEADINGS
from benchcli.reports.views.check_page import outcome_lines
from benchcli.reports.views.guideline_table import in_brief
from benchcli.reports.views.network_table import front_lines
from benchcli.reports.views.settings_table import differing, setting
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Breakdown, FamilyResult, Interval, Record
from benchcli.statistics import median_share, tracing_agrees
from benchcli.workloads.guidelines.base import EXPERIMENTS

MOST = 8
"""The most sentences."""
MOST_PARTS = 3
"""The most parts of a network's time that a sentence names: the largest ones."""
MOST_NETWORKS = 2
"""The most networks whose parts are told."""
LEAST_CHANGE = 0.005
"""The least change between runs that is called one."""


def of_run(report: SuiteRun) -> tuple[str, ...]:
    """Return what a run says: failures, verdicts, settings, times and what they go to."""
    judged = groups(verdicts_of(report), lambda verdict: verdict.guideline)
    found = [
        *_failed(report.records),
        *(_of_guideline(name, of) for name, of in judged.items()),
        *_of_sweeps(report),
        *_of_settings(report.results),
        *_of_networks(report.results),
        *_of_breakdowns(report.breakdowns),
        *_of_layers(report),
    ]
    return _first(found)


def of_check(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return what a check found beside its headline, the most important first."""
    return _first(list(outcome_lines(findings)))


def of_claims(claims: Sequence[Judged]) -> tuple[str, ...]:
    """Return how many claims have each verdict, and which do not hold."""
    by_verdict: dict[ClaimVerdict, list[Judged]] = groups(claims, lambda each: each.verdict)
    counts = Counter(each.verdict for each in claims)
    return tuple(
        f"{signed(verdict)}: {counts[verdict]} of {len(claims)} claims"
        + ("" if verdict == "holds" else f": {formatting.named([each.claim.name for each in of])}")
        for verdict, of in by_verdict.items()
    )


def of_comparison(comparison: Comparison, labels: Sequence[str]) -> tuple[str, ...]:
    """Return how each run compares with the first one, over all networks that both have."""
    return _first(
        [
            _of_mean(label, labels[0], mean, sum(row.changes[number] is not None for row in comparison.rows))
            for number, (label, mean) in enumerate(zip(labels, comparison.means, strict=True))
            if number
        ]
    )


def _first(found: Sequence[str]) -> tuple[str, ...]:
    rest = len(found) - MOST
    return (*found[:MOST], f"{rest} more below") if rest > 0 else tuple(found)


def _failed(records: Sequence[Record]) -> Iterator[str]:
    failed = [record.variant.name for record in records if record.failure]
    if failed:
        yield f"{BAD} {len(failed)} of {formatting.counted(len(records), 'network')} failed: {formatting.named(failed)}"


def _of_guideline(name: str, judged: Sequence[Verdict]) -> str:
    sign, _, outcome = in_brief(judged).partition(" ")
    text = f"{sign} {name.upper()} ({EXPERIMENTS[name].title}) {outcome}"
    known = [verdict for verdict in judged if verdict.relative]
    speeds = [(each.at_equal_flops or each.relative) for each in known]
    estimates = sorted(speed.estimate for speed in speeds if speed)
    if not estimates:
        return text
    variants = " or ".join(dict.fromkeys(verdict.variant for verdict in known))
    is_converted = any(
        each.at_equal_flops and abs(each.flops_deviation or 0) >= cells.LEAST_DEVIATION for each in known
    )
    of_baseline = f"of the speed of {known[0].baseline}{f' {cells.EQUAL_FLOPS}' if is_converted else ''}"
    if len(estimates) == 1 and (only := speeds[0]):
        return f"{text}: {variants} runs at {formatting.speed(only)} {of_baseline}"
    return f"{text}: {variants} runs at {estimates[0]:.2f} to {estimates[-1]:.2f} {of_baseline}"


def _of_sweeps(report: SuiteRun) -> Iterator[str]:
    """Yield what each line of a sweep says."""
    if any(result.family.swept_axis for result in report.results):
        from benchcli.reports.views import sweep_tables

        yield from sweep_tables.sentences(report)


def _of_settings(results: Sequence[FamilyResult]) -> Iterator[str]:
    """Yield the fastest setting of each network."""
    compared = [
        result
        for result in results
        if result.family.first and not result.family.guideline and not result.family.swept_axis
    ]
    records = cells.records_of(compared)
    names = differing(records)
    for network, effects in groups(setting_effects(compared), lambda each: each.record.variant.name).items():
        first = next(record for record in records if record.variant.name == network)
        faster = [each.record for each in effects if each.outcome == "faster"]
        best = max(faster, key=_speed, default=None)
        speed = best.timing.setting if best and best.timing else None
        where = setting(first, names)
        if best is None or speed is None:
            yield f"{sign_of('no difference')} no setting makes {network} certainly faster than {where}"
        else:
            times = f"{formatting.speed(speed)} times as fast as with {where}"
            rivals = [
                setting(each.record, names)
                for each in effects
                if each.record is not best and _may_reach(each.record, speed)
            ]
            is_it = "faster" if rivals else "fastest"
            also = f"; {formatting.named(rivals)} may be as fast" if rivals else ""
            yield f"{sign_of('faster')} {network} is {is_it} with {setting(best, names)}: {times}{also}"


def _may_reach(record: Record, speed: Interval) -> bool:
    """Return whether a setting may be as fast as one of a speed, which is relative to the same first setting."""
    own = record.timing.setting if record.timing else None
    return own is not None and (own.high is None or speed.low is None or own.high >= speed.low)


def _speed(record: Record) -> float:
    return record.timing.setting.estimate if record.timing and record.timing.setting else 0.0


def _of_networks(results: Sequence[FamilyResult]) -> Iterator[str]:
    """Yield the fastest and the slowest network of each kind, how others compare with the baseline, and the front."""
    others = [each for each in results if not (each.family.guideline or each.family.first or each.family.swept_axis)]
    for of in groups(others, _compared_with).values():
        records = [record for record in cells.records_of(of) if record.timing]
        if len({record.variant.name for record in records}) > 1:
            yield _fastest(records)
            yield from cells.sentences(records)
            yield from list(front_lines(records, pareto_front(records)))[:1]
        else:
            yield from (f"{record.variant.name} takes {_time(record)}" for record in records)


def _compared_with(result: FamilyResult) -> tuple[str, str]:
    """Return what tells apart the groups in which a fastest one means something: blocks have one for each family."""
    return result.family.catalogue, result.family.name if result.family.catalogue == "blocks" else ""


def _fastest(records: Sequence[Record]) -> str:
    ordered = sorted(records, key=_seconds)
    first, last = ordered[0], ordered[-1]
    what = f"{records[0].family.widths} channels: " if records[0].family.catalogue == "blocks" else ""
    of = "blocks" if what else "networks"
    rivals = list(dict.fromkeys(each.variant.name for each in ordered[1:] if not _takes_less(first, each)))
    fastest, slowest = (f"{each.variant.name} ({_time(each)})" for each in (first, last))
    why = cells.why_not_judged(ordered)
    if rivals and why:
        return f"{what}which of {len(ordered)} {of} is the fastest is not judged: {why}"
    if rivals:
        also = f"{formatting.named(rivals)} may be as fast"
        return f"{what}{fastest} took the least time of {len(ordered)} {of}, but {also}"
    if why:
        return f"{what}{fastest} took the least time of {len(ordered)} {of}, {slowest} the most; some were disturbed"
    return f"{what}{fastest} is the fastest of {len(ordered)} {of}, {slowest} the slowest"


def _takes_less(one: Record, other: Record) -> bool:
    """Return whether the interval of one time ends before that of the other begins."""
    seconds, others = (each.timing.seconds if each.timing else None for each in (one, other))
    return bool(seconds and others and others.low is not None and seconds.is_below(others.low))


def _seconds(record: Record) -> float:
    return record.timing.seconds.estimate if record.timing else 0.0


def _time(record: Record) -> str:
    return formatting.timed(record.timing.seconds) if record.timing else formatting.UNKNOWN


def _of_breakdowns(breakdowns: Sequence[Breakdown]) -> Iterator[str]:
    """Yield the largest parts of the time of each network, where networks are few."""
    traced = groups(breakdowns, lambda each: each.key)
    names = labels.networks(traced)
    for key, of in traced.items() if len(traced) <= MOST_NETWORKS else ():
        if tracing_agrees(of):
            shares = {heading: median_share(of, category) for category, heading in HEADINGS.items()}
            yield f"The time of {names[key]} goes to {_largest(shares)}"


def _of_layers(report: SuiteRun) -> Iterator[str]:
    """Yield the types of layers that take most of the time of each network, where networks are few."""
    types = groups(layer_types(report.layers), lambda each: each.key)
    traced = groups(report.layers, lambda each: each.key)
    names = labels.networks(types)
    for key, of in types.items() if len(types) <= MOST_NETWORKS else ():
        if are_judged(traced[key]):
            parts = _largest({each.kind: each.share for each in of})
            yield f"Most of the time of {names[key]} goes to layers of type {parts}"


def _largest(shares: dict[str, float]) -> str:
    ordered = sorted(shares.items(), key=lambda each: -each[1])[:MOST_PARTS]
    return ", ".join(f"{name} ({formatting.percent(share, decimals=0)})" for name, share in ordered)


def _of_mean(label: str, first: str, mean: float | None, count: int) -> str:
    if mean is None:
        return f"{label}: no network is comparable with those of {first}"
    networks = formatting.counted(count, "network")
    if abs(mean - 1) < LEAST_CHANGE:
        return f"{label}: as long as {first}, over {networks}"
    outcome = "longer" if mean > 1 else "shorter"
    return f"{label}: {formatting.percent(abs(mean - 1))} {outcome} than {first}, over {networks} (geometric mean)"
