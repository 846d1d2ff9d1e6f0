"""Lay out why networks are as fast as they are: their places on the roofline, and the kernels that they run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from benchcli import formatting
from benchcli.analysis.kernel_differences import NO_OPERATOR, Growth, KernelDifference
from benchcli.analysis.places import PLACE_COLUMNS, place_cells
from benchcli.analysis.roofline import Placement
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.advice import sentence
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Column, Page, Table, numbers, words
from benchcli.reports.views import cells, peaks_page
from benchcli.reports.views.run_page import footer, heading
from benchcli.runs.rows import Cell
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import CallKernels, Failure, KernelUse, Key, Record, Uncounted
from benchcli.schema.environment import as_json
from benchcli.spelling import given

LEAST_SHARE = 0.01
"""The least share of a call with which a kernel has a row of its own; CSV and JSON have all."""
MAIN = 2
"""How many kernels stand in the row of a network, and how many parts of a difference in its sentence."""
AGREED = 0.1
"""The largest relative difference of the time of a call from the recorded one without a line."""
OUTSIDE = "(in no operator)"
KERNEL_COLUMNS = ("work", "implementation", "count", "kernel_s", "kernel_share")
COUNTS = ("instructions", "cycles", "cache_misses")
COLUMNS = (
    *("family", "variant", "median_s", "relative_speed"),
    *PLACE_COLUMNS,
    *("call_s", *COUNTS),
    *KERNEL_COLUMNS,
)
UNCOUNTED: Mapping[Uncounted, str] = {
    "refused": (
        "instructions and cache misses: the system does not let this user count them: `sudo sysctl "
        "kernel.perf_event_paranoid=2` permits it, and in a container the capability PERFMON"
    ),
    "absent": (
        "instructions and cache misses: the processor shows no counters here, as in most virtual machines: run it on "
        "the machine itself, or let the hypervisor pass them on"
    ),
}


@dataclass(frozen=True)
class Found:
    """What is known of the networks of a run, by family and variant."""

    run: SuiteRun
    places: Mapping[Key, Placement]
    kernels: Mapping[Key, CallKernels]
    failures: Mapping[Key, Failure]
    elsewhere: str
    """In what this machine differs from the run's; empty if it is the same one."""
    differences: Sequence[KernelDifference]


def page(found: Found) -> Page:
    """Return the page: a row for each network, what differs, and a row for each kernel."""
    run = found.run
    records = [record for record in run.records if record.timing]
    lines = tuple(_lines(records, found))
    found = replace(found, kernels={key: _settled(of, run) for key, of in found.kernels.items()})
    rows = tuple(row for record in records for row in _rows(record, found))
    return Page(
        name=run.suite_name,
        heading=heading(run),
        tables=(_networks(records, found, lines), *([_kernels(records, found)] if found.kernels else [])),
        footer=footer(run),
        columns=COLUMNS,
        rows=rows,
        identity=("family", "variant", "work", "implementation"),
        leading=("relative_speed", "bound", "roof_share", "count", "kernel_s", "kernel_share"),
        data={
            "environment": as_json(run.environment),
            "elsewhere": found.elsewhere,
            "networks": [_object(record, found) for record in records],
        },
    )


def _settled(of: CallKernels, run: SuiteRun) -> CallKernels:
    """Return kernels whose shares are of their sum, where calls take longer now than when they were measured.

    What a disturbed call takes longer than its kernels is no work of Python's.
    """
    timings = (each.timing for each in run.records if each.key == of.key and each.timing)
    is_longer = any(of.call_s > (1 + AGREED) * timing.seconds.estimate for timing in timings)
    return replace(of, call_s=sum(use.seconds for use in of.uses)) if is_longer and of.uses else of


def _networks(records: Sequence[Record], found: Found, lines: tuple[str, ...]) -> Table:
    several = len({record.family.name for record in records}) > 1
    return Table(
        key="explain",
        title="Why they are as fast as they are",
        columns=(
            *([cells.families(records)] if several else []),
            words("network", (record.variant.name for record in records)),
            *cells.times(records),
            *_places(records, found.places),
            *_of_kernels(records, found.kernels),
        ),
        lines=lines,
        groups=tuple(len([r for r in result.records if r.timing]) for result in found.run.results),
    )


def _places(records: Sequence[Record], places: Mapping[Key, Placement]) -> Iterator[Column]:
    """Yield the columns of places, which on a narrow screen outlive those of a run's own page."""
    for number, column in enumerate(cells.places([places.get(record.key) for record in records])):
        yield replace(column, priority=number + 2)


def _of_kernels(records: Sequence[Record], kernels: Mapping[Key, CallKernels]) -> Iterator[Column]:
    if not kernels:
        return
    found = [kernels.get(record.key) for record in records]
    yield words("kernels", (_main(each) if each else UNKNOWN for each in found), 9)
    yield numbers("reorders", (_reorders(each) if each else UNKNOWN for each in found), 8)
    if any(each and each.counts for each in found):
        yield numbers("instructions M", (_count(each, "instructions") for each in found), 1)
        yield numbers("cache misses k", (_count(each, "cache_misses", 1e3) for each in found), 1)


def _main(of: CallKernels) -> str:
    return ", ".join(f"{_runs(use)} {formatting.percent(use.seconds / of.sum_s, decimals=0)}" for use in of.uses[:MAIN])


def _runs(use: KernelUse) -> str:
    return f"{use.name} ×{use.count}"


def _reorders(of: CallKernels) -> str:
    if not of.tells_reorders:
        return UNKNOWN
    reorders = [use for use in of.uses if use.is_reorder]
    if not reorders:
        return "0"
    share = formatting.percent(sum(use.seconds for use in reorders) / of.sum_s)
    return f"{sum(use.count for use in reorders)} ({share})"


def _count(of: CallKernels | None, name: str, unit: float = 1e6) -> str:
    value = getattr(of.counts, name) if of and of.counts else None
    return UNKNOWN if value is None else formatting.significant(value / unit)


def _lines(records: Sequence[Record], found: Found) -> Iterator[str]:
    for each in found.differences:
        label = f"{each.record.family.name}: " if len(found.differences) > 1 else ""
        yield from (f"{label}{text}" for text in _sentences(each, found.run))
    if found.elsewhere:
        yield f"kernels are asked on the machine of the run alone, and this is another one: {found.elsewhere}"
    if not found.places:
        yield (
            "no roofs of this machine are known, and so no place on the roofline: `benchcli device --peaks` measures "
            f"them, with the {given('device')} and {given('threads')} of the run"
        )
    for roofs in found.run.environment.roofs if found.places else ():
        yield from (f"the roofs: {sentence(warning)}" for warning in peaks_page.warnings(roofs))
    for failure, entries in groups(found.failures.items(), lambda entry: entry[1]).items():
        names = formatting.named(list(dict.fromkeys(name for (_, name), _ in entries)))
        yield f"{signed(failure.status)}: the kernels of {names} are not known: {failure.error}"
    yield from _slowed(found.kernels)
    yield from _changed(records, found.kernels)
    for why in dict.fromkeys(each.uncounted for each in found.kernels.values() if each.uncounted):
        yield UNCOUNTED[why]


def _sentences(of: KernelDifference, run: SuiteRun) -> Iterator[str]:
    """Yield what the baseline and the network that is furthest from it run, and where the difference in time is."""
    name, baseline = of.other.variant, of.baseline.variant
    timing = of.record.timing
    speed = f" ({formatting.speed(timing.relative)} of its speed)" if timing and timing.relative else ""
    yield f"{name} beside {baseline}{speed}: {_ran(_settled(of.other, run), _settled(of.baseline, run))}"
    if of.shares:
        large = [share for share in of.shares if share.seconds >= LEAST_SHARE * of.seconds]
        parts = "; ".join(_part(share, of) for share in large[:MAIN])
        yield (
            f"of the {formatting.milliseconds(of.seconds)} ms that a call of {of.slower.variant} takes longer "
            f"than one of {of.faster.variant}: {parts}"
        )
    elif of.seconds <= 0:
        yield f"{of.slower.variant} was not slower while its kernels were named: try again when the machine is quiet"


def _ran(one: CallKernels, other: CallKernels) -> str:
    """Return the main kernels of two networks: "g=8 ran convolution gemm:ref ×10 (80 % of its time), g=1 ran ..."."""
    pairs = [(of, _longest(of)) for of in (one, other)]
    names = {use.name for _, use in pairs if use}
    if len(names) == 1 and all(use for _, use in pairs):
        times = (f"×{use.count} in {of.variant} ({_share(use, of)})" for of, use in pairs if use)
        return f"both ran {names.pop()}, {' and '.join(times)}"
    return ", ".join(
        f"{of.variant} ran {f'{_runs(use)} ({_share(use, of)})' if use else 'nothing'}" for of, use in pairs
    )


def _share(use: KernelUse, of: CallKernels) -> str:
    return f"{formatting.percent(use.seconds / of.sum_s, decimals=0)} of its time"


def _longest(of: CallKernels) -> KernelUse | None:
    """Return the kernel of a library that takes longest, reorders apart; of torch if no library ran any."""
    libraries = [use for use in of.uses if use.is_library and not use.is_reorder]
    return next(iter(libraries or of.uses), None)


def _part(share: Growth, of: KernelDifference) -> str:
    """Return a part of a difference: "0.82 ms in sgemm mkl (80 runs, 10 in g=1)"."""
    text = f"{formatting.milliseconds(share.seconds)} ms in {_title(share.name)}"
    if share.slower is None:
        return text
    runs = formatting.counted(share.slower.count, "run")
    return f"{text} ({runs}, {share.faster.count if share.faster else 'none'} in {of.faster.variant})"


def _title(name: str) -> str:
    return "no operator" if name == NO_OPERATOR else name


def _slowed(kernels: Mapping[Key, CallKernels]) -> Iterator[str]:
    """Yield a line for networks whose kernels took longer together, while they were named, than a call."""
    slowed = [
        f"{of.variant} {formatting.percent(of.sum_s / of.call_s - 1, signed=True)}"
        for of in kernels.values()
        if of.is_slowed
    ]
    if slowed:
        yield (
            "kernels took longer while they were named, so shares are of their sum, and no difference is told: "
            f"{formatting.named(slowed)}"
        )


def _changed(records: Sequence[Record], kernels: Mapping[Key, CallKernels]) -> Iterator[str]:
    """Yield a line for networks whose calls take another time now than when they were measured."""
    moved = []
    for record in records:
        of = kernels.get(record.key)
        change = of.call_s / record.timing.seconds.estimate - 1 if of and record.timing else 0.0
        if abs(change) > AGREED:
            moved.append((record.variant.name, change))
    if moved:
        named = formatting.named([f"{name} {formatting.percent(change, signed=True)}" for name, change in moved])
        yield (
            "calls take another time now than when they were measured, so shares count and not times, and where calls "
            f"take longer those of the kernels' sum: {named}"
        )


def _kernels(records: Sequence[Record], found: Found) -> Table:
    several = len({record.family.name for record in records}) > 1
    shown = [(record, use) for record in records for use in _shown(found.kernels.get(record.key))]
    totals = {key: of.sum_s for key, of in found.kernels.items()}
    known = [record for record in records if record.key in found.kernels]
    return Table(
        key="kernels",
        title="Kernels of a call",
        columns=(
            *([cells.families([record for record, _ in shown])] if several else []),
            words("network", (record.variant.name for record, _ in shown)),
            words("work", (use.work for _, use in shown)),
            words("implementation", (use.implementation for _, use in shown)),
            numbers("runs", (str(use.count) if use.count else UNKNOWN for _, use in shown)),
            numbers("time ms", (formatting.milliseconds(use.seconds) for _, use in shown)),
            numbers("share", (formatting.percent(use.seconds / totals[record.key]) for record, use in shown)),
        ),
        lines=(
            "work and implementation as the library or the runtime names them; torch: what an operator of torch does "
            "beside the kernels of oneDNN and MKL that it runs, or all of it; reorder: a conversion of memory layouts",
            f"times are the least of several calls; kernels below {formatting.percent(LEAST_SHARE, decimals=0)} are "
            "left out here, and CSV and JSON have them",
        ),
        groups=tuple(len(_shown(found.kernels[record.key])) for record in known),
    )


def _shown(of: CallKernels | None) -> list[KernelUse]:
    if of is None:
        return []
    uses = [use for use in of.uses if use.seconds >= LEAST_SHARE * of.sum_s]
    outside = KernelUse(OUTSIDE, UNKNOWN, 0, of.unnamed_s)
    return [*uses, *([outside] if outside.seconds >= LEAST_SHARE * of.sum_s else [])]


def _rows(record: Record, found: Found) -> list[dict[str, Cell]]:
    """Return the rows of a network, one for each kernel; a single one if its kernels are not known."""
    of = found.kernels.get(record.key)
    network = _network(record, found)
    uses = of.uses if of else ()
    rows = [{**network, **_kernel_cells(use, of)} for use in uses if of]
    return rows or [{**network, **dict.fromkeys(KERNEL_COLUMNS)}]


def _network(record: Record, found: Found) -> dict[str, Cell]:
    of, timing = found.kernels.get(record.key), record.timing
    relative = timing.relative if timing else None
    return {
        "family": record.family.name,
        "variant": record.variant.name,
        "median_s": timing.seconds.estimate if timing else None,
        "relative_speed": relative.estimate if relative else None,
        **place_cells(found.places.get(record.key)),
        "call_s": of.call_s if of else None,
        **{name: getattr(of.counts, name) if of and of.counts else None for name in COUNTS},
    }


def _kernel_cells(use: KernelUse, of: CallKernels) -> dict[str, Cell]:
    values = (use.work, use.implementation, use.count, use.seconds, use.seconds / of.sum_s)
    return dict(zip(KERNEL_COLUMNS, values, strict=True))


def _object(record: Record, found: Found) -> dict[str, object]:
    of, failure = found.kernels.get(record.key), found.failures.get(record.key)
    return {
        **_network(record, found),
        "kernels": [asdict(use) for use in of.uses] if of else None,
        "unnamed_s": of.unnamed_s if of else None,
        "reason": failure.error if failure else None,
    }
