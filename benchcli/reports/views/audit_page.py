"""Lay out the audit of a network: what it breaks, what would help, and where each layer is on the roofline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from benchcli import formatting
from benchcli.analysis import audit_findings as analysis
from benchcli.analysis import joint_gain
from benchcli.analysis.audit_findings import AuditFinding, unclaimed_modules
from benchcli.analysis.layer_rows import OWN, LayerRow, accounted, are_judged, rolled_up
from benchcli.analysis.places import launches_of, place_cells, placed_layers
from benchcli.analysis.published import top1_error
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Annotation, Page, Table, numbers, words
from benchcli.reports.views import cells
from benchcli.reports.views.cells import ACCESS, FLOPS
from benchcli.reports.views.layer_table import above_roof, of_other_calls
from benchcli.reports.views.run_page import footer, heading
from benchcli.runs.audit_file import AuditedCalls
from benchcli.runs.rows import Cell
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Interval, Record
from benchcli.schema.environment import as_json
from benchcli.spelling import given
from benchcli.workloads.layer_chain import chain_of, difference

FEWER = 0.005
"""The least share of multiply-adds that rebuilt layers have fewer, for a line to say that gains are at equal ones."""
SLOW = 0.1
"""The least share of the time in slow kernels of which the headline speaks."""
MOST_LAYERS = 20
MOST_FINDINGS = 25
"""The most rows of a table for people; every format for programs has all."""
MOST_ANSWERS = 4
LOPSIDED = 1.25
"""How many times as long the longer side of an interval is whose ends are shown."""
MOST_REASONS = 3
"""The most findings without a gain that are told apart in one row."""
MOST_WITHOUT_GAIN = 3
"""The most rows of an audit for layers that were rebuilt without a gain; a line names the others."""
REBUILT = ("alignment",)
"""What is no guideline, and has a row only if something may be won."""
COLUMNS = (
    *("audit", "title", "reason", "places", "share", "share_low", "share_high", "seconds", "judgement"),
    *("gain", "gain_low", "gain_high", "speed", "speed_low", "speed_high", "flops_change"),
    *("before", "after", "before_s", "after_s", "rebuilt_share", "is_modelled", "runtime", "why"),
)
MODEL = (
    "bound by: the largest term of the additive model; neither: too far from the roof for arithmetic or bytes to be it"
)
ACCURACY = "what a change costs in accuracy is not known: train the changed network to see"
ATTENTION = ("attention", "transformer", "rnn", "lstm", "gru")
"""Parts of the names of operators for which no guideline is claimed."""


def page(run: SuiteRun, audited: AuditedCalls, findings: Sequence[AuditFinding], depth: int | None = None) -> Page:
    """Return the page: the findings, the changed forms of the whole network, and the layers."""
    rows = tuple(map(_row, findings))
    changed = [each for each in run.records if each.family.first]
    placed = placed_layers(run, audited, depth)
    return Page(
        name=run.records[0].variant.name,
        heading=heading(run),
        tables=(
            _findings(run, audited, findings),
            *([_changes([run.records[0], *changed])] if changed else []),
            _layers(run, audited, findings, placed, depth),
        ),
        footer=footer(run),
        columns=COLUMNS,
        rows=rows,
        identity=("audit", "reason", "before"),
        leading=("title", "share", "gain", "gain_low", "gain_high", "judgement"),
        annotations=tuple(_annotation(each, run.records[0], audited) for each in findings if each.judgement == "gain"),
        summary=_summary(run, findings),
        command="audit",
        data={
            "environment": as_json(run.environment),
            "network": _network_data(run),
            "findings": list(rows),
            "together": _ends("gain", joint_gain.together(findings)[0]),
            "layers": list(map(_layer_data, placed)),
        },
    )


def answers(findings: Sequence[AuditFinding]) -> tuple[str, ...]:
    """Return what would help most, in a few sentences."""
    gains = [each for each in findings if each.judgement == "gain"][:MOST_ANSWERS]
    return tuple(f"{signed('gain')}: {_sentence(each)}" for each in gains)


def _summary(run: SuiteRun, findings: Sequence[AuditFinding]) -> str:
    record = run.records[0]
    total, which = joint_gain.together(findings)
    time = formatting.timed(record.timing.seconds) if record.timing else "no time"
    broken = dict.fromkeys(
        each.audit for each in findings if each.is_guideline and each.share.estimate >= analysis.WORTH
    )
    breaks = f"breaks {', '.join(sorted(broken))}" if broken else "breaks no guideline"
    slow = sum(each.share.estimate for each in findings if each.audit == "kernel")
    if slow >= SLOW:
        breaks += f"; {formatting.percent(slow)} of the time is in kernels that are slow here"
    if total is None:
        return f"{record.variant.name}: {time}; {breaks}; no certain gain"
    return (
        f"{record.variant.name}: {time}; {breaks}; {formatting.counted(len(which), 'change')} would win "
        f"{gain(total)} of the time{' together' if len(which) > 1 else ''}"
    )


def gain(won: Interval) -> str:
    """Return a share of the time with its half-width: "4.1 % ± 0.3", or its ends where they are lopsided."""
    middle = formatting.percent(won.estimate)
    if won.low is None or won.high is None:
        return f"{middle} ± ?"
    down, up = won.estimate - won.low, won.high - won.estimate
    if max(down, up) > LOPSIDED * min(down, up) and max(down, up) >= 0.005:
        low = formatting.percent(won.low).removesuffix(" %")
        return f"{middle} ({low} to {formatting.percent(won.high)})"
    return f"{middle} ± {(up + down) * 50:.1f}"


def _findings(run: SuiteRun, audited: AuditedCalls, findings: Sequence[AuditFinding]) -> Table:
    lines_only = [each for _, several in _without_rows(findings) for each in several]
    shown = list(_merged([each for each in findings if _is_shown(each) and each not in lines_only]))[:MOST_FINDINGS]
    details, brief = cells.noise_lines(run.records[:1])
    return Table(
        key="findings",
        title="What makes it slow, and what would help",
        columns=(
            words("finding", (each.audit for each in shown)),
            words("outcome", (signed(each.judgement) for each in shown)),
            words("where", map(_where, shown)),
            words("what", (each.reason for each in shown), 4),
            numbers("share", map(_share, shown), 5),
            numbers("gain", (gain(each.gain) if each.gain else UNKNOWN for each in shown)),
            numbers("speed", (formatting.speed(each.speed) if each.speed else UNKNOWN for each in shown), 3),
            numbers("Δ FLOPs", map(_flops, shown), 1),
            words("measured", map(_measured, shown), 2),
        ),
        lines=tuple(_below(run, audited, findings)),
        details=details,
        brief=brief,
    )


def _is_shown(each: AuditFinding) -> bool:
    """Return whether a finding is worth a row: it has a gain, or from a hundredth of the time on."""
    if each.audit in REBUILT and each.gain is None:
        return False
    return each.gain is not None or each.share.estimate >= analysis.WORTH


def _without_rows(findings: Sequence[AuditFinding]) -> Iterator[tuple[str, list[AuditFinding]]]:
    """Yield, for each audit, what was rebuilt without a gain and is named in a line, beyond the first rows of it."""
    nothing = [each for each in findings if each.judgement in ("no gain", "loss")]
    for audit, alike in groups(nothing, lambda each: each.audit).items():
        if rest := alike[0 if audit in REBUILT else MOST_WITHOUT_GAIN :]:
            yield audit, rest


def _merged(findings: Sequence[AuditFinding]) -> Iterator[AuditFinding]:
    """Yield findings, those of one audit as one that have no gain for the same reason."""
    yield from (each for each in findings if each.gain)
    for (audit, _), alike in groups(
        (each for each in findings if not each.gain), lambda each: (each.audit, each.why)
    ).items():
        if audit == "kernel" or len(alike) == 1:
            yield from alike
            continue
        reasons = "; ".join(each.reason for each in alike[:MOST_REASONS])
        rest = len(alike) - MOST_REASONS
        yield replace(
            alike[0],
            reason=reasons + (f"; {rest} more" if rest > 0 else ""),
            places=tuple(dict.fromkeys(place for each in alike for place in each.places)),
            behind=tuple(dict.fromkeys(layer for each in alike for layer in each.behind)),
            share=Interval(sum(each.share.estimate for each in alike)),
            is_modelled=any(each.is_modelled for each in alike),
        )


def _where(each: AuditFinding) -> str:
    """Return the first module, how many others there are, and after which of its layers, if it does the work itself."""
    first, rest = each.places[0], len(each.places) - 1
    text = f"{first or OWN} and {rest} more" if rest else first or OWN
    after = list(dict.fromkeys(_within(layer, each.places) for layer in each.behind))
    if not after or (rest and len(after) > 1):
        return text
    return f"{text} after {after[0]}" + (f" and {len(after) - 1} more" if len(after) > 1 else "")


def _within(layer: str, places: Sequence[str]) -> str:
    """Return the path of a layer within the innermost of some places that holds it."""
    holders = [place for place in places if place and layer.startswith(f"{place}.")]
    return layer.removeprefix(f"{max(holders, key=len)}.") if holders else layer


def _share(each: AuditFinding) -> str:
    return ("≈ " if each.is_modelled else "") + formatting.percent(each.share.estimate)


def _flops(each: AuditFinding) -> str:
    return UNKNOWN if each.flops_change is None else formatting.percent(each.flops_change, signed=True)


def _measured(each: AuditFinding) -> str:
    if each.runtime:
        return f"the network in {each.runtime}" + (f": {each.why}" if each.why else "")
    times = _before_and_after(each)
    return f"{difference(chain_of(each.before), chain_of(each.after))}: {' → '.join(times)} ms" if times else each.why


def _before_and_after(each: AuditFinding) -> tuple[str, str] | None:
    """Return the milliseconds of layers as they are and of the rebuilt ones, as text; None if they have no times."""
    if not each.before_s or not each.after_s:
        return None
    return formatting.milliseconds(each.before_s.estimate), formatting.milliseconds(each.after_s)


def _below(run: SuiteRun, audited: AuditedCalls, findings: Sequence[AuditFinding]) -> Iterator[str]:
    total, which = joint_gain.together(findings)
    if not launches_of(run):
        yield "no finding: no layers were timed"
    beside = [each for each in findings if each.judgement == "gain" and each not in which]
    if total and (len(which) > 1 or beside):
        names, others = (
            formatting.named(list(dict.fromkeys(f"{each.audit} at {_where(each)}" for each in of)))
            for of in (which, beside)
        )
        yield (
            f"together, no operator counted twice, and where two share a tensor with its channels: {gain(total)} "
            f"({names})"
            + (f"; not beside these, as they change the same layers or channels: {others}" if beside else "")
        )
    yield from _of_shares(run, audited, findings)
    for audit, rest in _without_rows(findings):
        yield f"{audit}: rebuilt without a gain at {formatting.named(list(dict.fromkeys(map(_where, rest))))}"
    small = [each for each in findings if not each.gain and not _is_shown(each)]
    if small:
        count, least = formatting.counted(len(small), "finding"), formatting.percent(analysis.WORTH, decimals=0)
        share = sum(each.share.estimate for each in small if each.audit == "g4")
        work = f"; those of g4 are {formatting.percent(share)} together" if share else ""
        are = "is" if len(small) == 1 else "are"
        yield f"{count} of less than {least} of the time, or not measured, {are} not shown{work}"
    if findings and not any(each.before or each.runtime for each in findings):
        forms = f"{given('apply')} measures the network in other forms"
        yield f"no guideline has layers here that can be rebuilt; {forms}"
    yield from cells.warning_lines(run.records[:1])
    yield from _not_understood(run, audited)
    yield from _not_traced(run, audited)
    error = top1_error(run.records[0])
    yield ACCURACY + (f"; as published it has a top-1 error of {error} %" if error else "")


def _of_parts(audited: AuditedCalls, modelled: Sequence[AuditFinding]) -> Iterator[str]:
    """Yield how a module's time is shared out over its operators."""
    beside = dict.fromkeys(name.removeprefix("aten.") for each in modelled for name in each.beside)
    how = (
        "by the times of their operators while these are watched"
        if audited.seconds
        else "by the additive model, which knows bytes and multiply-adds, not that tanh or interpolation take longer"
    )
    if modelled:
        yield f"≈ a part of the time of modules that have other operators too ({formatting.named(list(beside))}), {how}"


def _of_shares(run: SuiteRun, audited: AuditedCalls, findings: Sequence[AuditFinding]) -> Iterator[str]:
    """Yield what shares, and the gains that follow from them, are of."""
    above = (each for each in findings if each.gain and each.gain.estimate > each.share.estimate)
    if any(each.before and not each.is_modelled for each in above):
        yield (
            "a gain above its share is of all that is rebuilt: what follows a convolution's width changes with it, and "
            "element-wise work is rebuilt with the convolution before it"
        )
    if any(each.before and each.is_guideline and each.edges and _is_shown(each) for each in findings):
        yield (
            "a gain is that of the rebuilt layers alone: neighbours whose channels must follow are not rebuilt, and "
            "win or lose besides"
        )
    fewer = [each for each in findings if (each.flops_change or 0.0) <= -FEWER and _is_shown(each)]
    if not all(each.is_exact for each in fewer):
        yield "a gain is at equal FLOPs: where the rebuilt layers have fewer, it counts less than their speed"
    if any(each.is_exact and _is_shown(each) for each in findings):
        yield (
            "what folds into one convolution computes the same with other weights (RepVGG), without training: its "
            "gain is all of its speed"
        )
    yield from _of_parts(audited, [each for each in findings if each.is_modelled and _is_shown(each)])
    if disturbed := list(dict.fromkeys(each.audit for each in findings if each.is_disturbed)):
        yield (
            f"{formatting.named(disturbed)}: undecided, whatever the interval, because over half of the samples of the "
            "whole network were disturbed; measure again when the machine is quiet"
        )
    launches = launches_of(run)
    if launches and not are_judged(launches):
        yield (
            f"shares and gains are off by as much: all layers together took {formatting.percent(accounted(launches))} "
            "of a call while they were timed; measure again when the machine is quiet"
        )


def _not_understood(run: SuiteRun, audited: AuditedCalls) -> Iterator[str]:
    """Yield what the audit does not judge."""
    unknown = list(dict.fromkeys(each.operator for each in audited.calls if each.flops is None))
    if unknown:
        yield f"not understood, and in no finding: {formatting.named(unknown)}"
    operators = [each.operator for each in audited.calls if any(name in each.operator.lower() for name in ATTENTION)]
    kinds = list(dict.fromkeys([*(each.split(".")[1] for each in operators), *unclaimed_modules(run).values()]))
    if kinds:
        yield f"{formatting.named(kinds)}: counted and placed; guidelines say nothing of attention and recurrent layers"
    if audited.uncalled:
        yield f"{formatting.named(audited.uncalled)}: forward is called directly: its own work counts for the caller"


def _not_traced(run: SuiteRun, audited: AuditedCalls) -> Iterator[str]:
    """Yield that a network has no graph, as its code branches, and which layers run in some launches alone."""
    if not audited.branching:
        return
    launches = launches_of(run)
    called = [{layer.path for layer in each.layers} for each in launches]
    some = [
        path for path in dict.fromkeys(path for each in called for path in each) if any(path not in c for c in called)
    ]
    alone = f"; {formatting.named(some)}: in some of {len(launches)} launches only" if some else ""
    yield (
        f"{formatting.named([path or OWN for path in audited.branching])}: the code reads values of tensors, as a "
        "branch does, so the graph could not be traced: the audit is of the operators that one call dispatched, and "
        f"other inputs may take another way{alone}"
    )


def _changes(records: Sequence[Record]) -> Table:
    """Return the table of the whole network as it is, the first record, and in forms that need no training."""
    return Table(
        key="changes",
        title="The whole network, changed without training",
        columns=(
            words("change", map(_change, records)),
            numbers("time ms", map(cells.time, records)),
            numbers("times as fast", map(_setting, records)),
            numbers("output error", map(_error, records), 1),
        ),
        lines=(
            *cells.not_judged(records),
            *cells.of_little_meaning(records),
            *cells.warning_lines([each for each in records if each.failure]),
        ),
    )


def _change(record: Record) -> str:
    return (record.family.runtime or record.family.layout) if record.family.first else "as it is"


def _setting(record: Record) -> str:
    if not record.family.first:
        return "1" if record.timing else UNKNOWN
    mark = cells.DISTURBED if record.is_disturbed else ""
    return formatting.speed(record.timing.setting) + mark if record.timing and record.timing.setting else UNKNOWN


def _error(record: Record) -> str:
    error = record.preparation.output_error
    return UNKNOWN if error is None else f"{error:.0e}"


def _layers(
    run: SuiteRun,
    audited: AuditedCalls,
    findings: Sequence[AuditFinding],
    rows: Sequence[LayerRow],
    depth: int | None,
) -> Table:
    launches = launches_of(run)
    placed = sorted(rows, key=lambda row: -row.seconds.estimate)
    shown = placed[:MOST_LAYERS] if depth is None else placed
    broken = _broken(audited, findings, depth)
    rest = sum(row.share for row in placed[len(shown) :])
    others = (
        f"; {len(placed) - len(shown)} more layers take {formatting.percent(rest)}" if len(placed) > len(shown) else ""
    )
    lines = (
        [f"all layers together take {formatting.percent(accounted(launches))} of a call{others}"] if launches else []
    )
    lines += of_other_calls(launches, run.by_key())
    if any(row.place for row in shown):
        lines.append(MODEL)
    lines += above_roof(shown)
    if audited.roofs is None:
        lines.append("the roofs of this machine are not known: no place on the roofline")
    return Table(
        key="layers",
        title="Layers" if depth is None else f"Layers, rolled up to depth {depth}",
        columns=(
            words("layer", (row.path or OWN for row in shown)),
            words("type", (row.kind for row in shown), 6),
            numbers(FLOPS, (UNKNOWN if row.flops is None else formatting.mega(row.flops) for row in shown), 3),
            numbers(ACCESS, (formatting.mega(row.mac_bytes) for row in shown), 2),
            numbers("time ms", (formatting.time(row.seconds) for row in shown)),
            numbers("share", (formatting.percent(row.share) for row in shown)),
            *cells.places([row.place for row in shown], of_roof=4, bound=5),
            words("breaks", (", ".join(broken.get(row.path, {})) for row in shown)),
        ),
        lines=tuple(lines),
    )


def _broken(audited: AuditedCalls, findings: Sequence[AuditFinding], depth: int | None) -> dict[str, dict[str, None]]:
    """Return the audits that each layer breaks, by its path."""
    found: dict[str, dict[str, None]] = {}
    for each in sorted(findings, key=lambda finding: finding.audit):
        for number in each.calls:
            found.setdefault(rolled_up(audited.calls[number].module, depth), {})[each.audit] = None
    return found


def _sentence(each: AuditFinding) -> str:
    """Return a finding with its gain, as a sentence."""
    if each.runtime:
        return f"{each.title}, {each.reason}: the network would gain {gain(each.gain) if each.gain else UNKNOWN}"
    of_layers = _before_and_after(each)
    times = f" ({' to '.join(of_layers)} ms)" if of_layers else ""
    won = gain(each.gain) if each.gain else UNKNOWN
    return f"{_where(each)}: {each.reason}; rebuilt as {each.after}{times} the network would gain {won}"


def _annotation(each: AuditFinding, record: Record, audited: AuditedCalls) -> Annotation:
    """Return the annotation at the line that makes the first of the modules, or else at that of the network."""
    code = record.code
    own = (code.file, code.line) if code else ("", 0)
    file, line = own if each.runtime else audited.made.get(each.places[0], own)
    return Annotation(
        level="notice",
        group=record.variant.name,
        name=f"{each.audit} {_where(each)}",
        title=f"{each.title}: {record.variant.name}",
        text=_sentence(each),
        outcome=each.judgement,
        message=each.reason,
        detail=f"{record.variant.name}: {each.reason}",
        rerun=f"benchcli audit {record.variant.name}",
        file=file,
        line=line,
        seconds=each.seconds.estimate,
    )


def _row(each: AuditFinding) -> Mapping[str, Cell]:
    values = {
        **asdict(each),
        "places": " ".join(place or OWN for place in each.places),
        "judgement": each.judgement,
        "seconds": each.seconds.estimate,
        "before_s": each.before_s.estimate if each.before_s else None,
        "after_s": each.after_s,
        "rebuilt_share": each.rebuilt_share.estimate if each.rebuilt_share else None,
        **_ends("share", each.share),
        **_ends("gain", each.gain),
        **_ends("speed", each.speed),
    }
    return {name: values[name] for name in COLUMNS}


def _ends(name: str, interval: Interval | None) -> dict[str, Cell]:
    estimate, low, high = (interval.estimate, interval.low, interval.high) if interval else (None, None, None)
    return {name: estimate, f"{name}_low": low, f"{name}_high": high}


def _network_data(run: SuiteRun) -> Mapping[str, Cell]:
    record = run.records[0]
    timing = _ends("seconds", record.timing.seconds if record.timing else None)
    launches = launches_of(run)
    return {
        "network": record.variant.name,
        "flops": record.costs.flops if record.costs else None,
        "mac_bytes": record.costs.mac_bytes if record.costs else None,
        **timing,
        "layers_share": accounted(launches) if launches else None,
    }


def _layer_data(row: LayerRow) -> Mapping[str, Cell]:
    return {
        "layer": row.path,
        "type": row.kind,
        "calls": row.calls,
        "flops": row.flops,
        "mac_bytes": row.mac_bytes,
        **_ends("seconds", row.seconds),
        "share": row.share,
        **place_cells(row.place),
    }
