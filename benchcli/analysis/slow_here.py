"""What is slow on this machine whatever the guidelines say: kernels far below the roof, a slow dtype."""

import math
from collections.abc import Collection, Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.audit_findings import AuditFinding, is_in_any, times_of, unclaimed_modules
from benchcli.analysis.call_times import CallTimes
from benchcli.analysis.roofline import Placement, place
from benchcli.grouping import groups
from benchcli.runs.audit_file import AuditedCalls
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Interval, OperatorCall, sizes
from benchcli.schema.roofs import Roofs
from benchcli.spelling import given
from benchcli.workloads.operator_graph import OperatorGraph

SLOW_KERNEL = 0.15
"""The share of the roof below which a kernel is called slow here."""
SLOW_DTYPE = 0.9
"""The share of float32's peak below which a dtype is called slow here."""
NOTHING = "there is nothing to rebuild it as"
OTHER_FORMS = "another layout or runtime may have a better kernel"
FOLDED = "folding removes it behind a convolution"
LEAST_OF_KERNEL = 0.03
"""The least share of the time with which a slow kernel is named."""


def slow_here(run: SuiteRun, audited: AuditedCalls) -> Iterator[AuditFinding]:
    """Yield the kernels and the dtype that are slow here. There is nothing to rebuild them as, so they have no gain."""
    if audited.roofs is None:
        return
    times = times_of(run, audited)
    if times:
        yield from slow_kernels(audited.calls, times, audited.roofs, unclaimed_modules(run))
    dtype, record = run.results[0].family.dtype, run.records[0]
    peak, usual = audited.roofs.peak(dtype), audited.roofs.peak("float32")
    if peak and usual and peak < SLOW_DTYPE * usual and record.timing:
        reason = f"{dtype} computes at {peak / usual:.2f} of float32's peak"
        seconds = record.timing.seconds
        yield _named("dtype", "no unit for the dtype", reason, (), ("",), seconds, Interval(1.0), NOTHING)


def slow_kernels(
    calls: Sequence[OperatorCall], times: CallTimes, roofs: Roofs, unclaimed: Collection[str] = ()
) -> Iterator[AuditFinding]:
    """Yield the operators that are slow, those of one kind together; none of the modules `unclaimed`."""
    alone = (number for number in range(len(calls)) if not times.is_modelled([number]))  # they have a time of their own
    claimed = [number for number in alone if not is_in_any(calls[number].module, unclaimed)]
    placed = {number: _place(number, calls[number], times, roofs) for number in claimed}
    slow = {
        number: at.achieved
        for number, at in placed.items()
        if at and at.bound == "neither" and at.achieved < SLOW_KERNEL
    }
    graph = OperatorGraph(calls)
    for kind, numbers in groups(slow, lambda number: _kind(number, graph)).items():
        share = times.share_of(numbers)
        if share.estimate >= LEAST_OF_KERNEL:
            low, high = (
                formatting.percent(end(slow[each] for each in numbers), decimals=0).removesuffix(" %")
                for end in (min, max)
            )
            reason = f"{kind} at {low if low == high else f'{low} to {high}'} % of the roof"
            places = tuple(dict.fromkeys(calls[number].module for number in numbers))
            seconds = times.time_of(numbers)
            why = FOLDED if all(map(graph.is_normalisation, numbers)) else f"{OTHER_FORMS}: see {given('apply')}"
            yield _named("kernel", "slow kernel here", reason, tuple(numbers), places, seconds, share, why)


def _place(number: int, call: OperatorCall, times: CallTimes, roofs: Roofs) -> Placement | None:
    return place(call.flops or 0, call.mac_bytes, 1, times.time_of([number]).estimate, roofs, call.dtype)


def _kind(number: int, graph: OperatorGraph) -> str:
    """Return what a call computes, in words: "depthwise 3x3 convolution", or its operator's name."""
    found = graph.convolution(number)
    if found is None:
        return graph.names[number]
    width = "depthwise " if found.is_depthwise else "grouped " if found.groups > 1 else ""
    step = f" of stride {sizes(found.stride)}" if math.prod(found.stride) > 1 else ""
    return f"{width}{sizes(found.kernel)} convolution{step}"


def _named(
    audit: str,
    title: str,
    reason: str,
    calls: tuple[int, ...],
    places: tuple[str, ...],
    seconds: Interval,
    share: Interval,
    why: str,
) -> AuditFinding:
    return AuditFinding(audit, title, False, reason, calls, places, seconds, share, why=why)
