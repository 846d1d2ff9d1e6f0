"""Find disturbances of a run, and return them as warning codes.

Each rule has a threshold. Quiet machines stay below it and disturbed ones exceed it;
`benchmarks/disturbed.py` shows both. A code is a kind, with an optional detail after a colon.
`report.advice` has the sentence for each kind.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import mean, median, quantiles

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.measure.environment import STEADY, has_effect
from benchcli.schema import Conditions, Record, Sample, Target
from benchcli.statistics import has_ranks, launch_log_seconds
from benchcli.system.machine import system, usable_cores

FAULTING = 1.0
"""Least minor faults per call for a warning: from there on, page faults dominate the time."""
PAGING = 1.0
"""Least major faults per launch for a warning: each one reads from disk or swap."""
BUSY_SHARE = 1 / 8
"""Most work of other processes without a warning, as a share of the cores."""
BUSY_LAUNCHES = 0.25
"""Least share of busy launches for a warning, if the mean over all launches is below the limit."""
PREEMPTED = 0.15
"""Most preempted samples without a warning, as a share of all samples."""
STEAL_CORES = 0.05
"""Most CPU time that the hypervisor takes without a warning, in cores."""
THROTTLED = 0.01
"""Most time that a CPU quota throttles the run without a warning, as a share of the wall time."""
FREQUENCY_DROP = 0.1
"""Most drop of the median frequency below the highest one without a warning, as a share of it."""
OVERHEAD = 1e-3
"""Most overhead of the harness without a warning, as a share of a call."""
UNSTEADY = 0.10
"""Largest spread of the launches' times without a warning: 10th to 90th percentile, relative."""


QUIET = (
    "imprecise",
    "few-launches",
    "no-baseline",
    "costs",
    "uncounted",
    "host-bound",
    "overhead",
    "allocator",
    "unpaired",
)
"""Kinds of warning that do not indicate a disturbed machine."""


def disturbed(records: Iterable[Record]) -> bool:
    """Return whether any warning reports a disturbance of the measurement."""
    return any(is_disturbance(code) for record in records for code in record.warnings)


def is_disturbance(code: str) -> bool:
    """Return whether a warning code reports a disturbance."""
    return code.partition(":")[0] not in QUIET


def preflight(target: Target, busy_cores: Callable[[], float | None]) -> list[str]:
    """Return the warnings that hold before anything is measured.

    Call `busy_cores`, which takes time, only for several threads that fit the usable cores.
    """
    cores = usable_cores()
    codes = []
    if target.threads > cores:
        codes.append(f"threads:{target.threads} threads on {cores} usable cores")
    elif target.threads > 1 and (busy := busy_cores() or 0.0) > cores - target.threads + BUSY_SHARE * cores:
        codes.append(f"threads:{target.threads} threads, with {busy:.1f} of {cores} cores busy with other work")
    if target.allocator == STEADY.name and not has_effect():
        codes.append(f"allocator:{system()}")
    return codes


def disturbances(conditions: Sequence[Conditions], threads: int, of_host: bool = True) -> list[str]:
    """Return the warning codes for a family's launches as a whole.

    `of_host` is whether what disturbs the host disturbed the times.
    """
    rules = _RULES if of_host else _RULES_OF_DEVICES
    return [code for rule in rules if (code := rule(conditions, threads))] if conditions else []


def host_bound_way_out(target: Target) -> str:
    """Return how to time the device and not its host, with what this device and runtime have."""
    device = DEVICES[split_name(target.device)[0]]
    larger = "a larger --batch or larger networks"
    return f"--runtime graph, or {larger}" if device.graphs and target.runtime != "graph" else larger


def host_was_timed(*records: Record) -> str | None:
    """Return why the times are of the host and not of the device, and the way out; None if they are not."""
    for record in records:
        for code in record.warnings:
            kind, _, way_out = code.partition(":")
            if kind == "host-bound":
                return f"the host was timed, and not the device, for {record.variant.name}: give {way_out}"
    return None


def of_samples(samples: Sequence[Sample], conditions: Sequence[Conditions], way_out: str = "") -> Iterator[str]:
    """Yield the warning codes for the samples of one variant; `way_out` is that of a host-bound one."""
    faults = [sample.faults for sample in samples if sample.faults is not None]
    if faults and mean(faults) >= FAULTING:
        yield f"page-faults:{mean(faults):.0f}"
    for reason, least in (("preempted", PREEMPTED), ("throttled", 0.0), ("clock", 0.0)):
        share = mean(sample.excluded == reason for sample in samples)
        if share > least:
            yield f"{reason}:{share:.0%} of the samples"
    if is_host_bound(samples):
        yield f"host-bound:{way_out}"
    spread = launch_spread(samples)
    if spread is not None and spread > UNSTEADY:
        yield f"unsteady:{spread:.0%}"
    call_s = median(sample.seconds for sample in samples)
    overhead_s = median(each.call_overhead_s for each in conditions) if conditions else 0.0
    if overhead_s > OVERHEAD * call_s and samples[0].host_seconds is None:  # a device queue hides the host's loop
        yield f"overhead:{overhead_s / call_s:.1%}"


def is_host_bound(samples: Sequence[Sample]) -> bool:
    """Return whether the host was timed in at least half of the samples, and not the device."""
    return bool(samples) and median(sample.is_host_bound for sample in samples) >= 0.5


def launch_spread(samples: Sequence[Sample]) -> float | None:
    """Return the relative spread of the launches' times, from the 10th to the 90th percentile.

    None with fewer launches than an interval needs.
    """
    logs = list(launch_log_seconds(samples).values())
    if not has_ranks(len(logs)):
        return None
    tenths = quantiles(logs, n=10, method="inclusive")
    return math.expm1(tenths[-1] - tenths[0])


_NUMBER = r"\d+(?:\.\d+)?"
_AMOUNT = re.compile(
    rf"(?P<least>{_NUMBER})(?: to (?P<most>{_NUMBER}))?(?P<unit>\D*?)(?: in (?P<some>\d+) of (?P<all>\d+) launches)?"
)
"""A detail that states an amount, perhaps with the number of launches that it concerns."""


def merged(codes: Sequence[str]) -> dict[str, list[str]]:
    """Merge the codes of one kind that state amounts, so that one cause gives one warning.

    Return the merged codes, each with the codes that it stands for. A merged code has the range of
    the amounts, and of the share of launches.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for code in codes:
        kind, _, detail = code.partition(":")
        amount = _AMOUNT.fullmatch(detail)
        groups.setdefault((kind, amount["unit"] if amount else detail), []).append(code)
    return {parts[0] if len(set(parts)) == 1 else _merge(parts): parts for parts in groups.values()}


def _merge(codes: Sequence[str]) -> str:
    details = [amount for code in codes if (amount := _AMOUNT.fullmatch(code.partition(":")[2]))]
    ends = [amount[name] for amount in details for name in ("least", "most") if amount[name]]
    least, most, unit = min(ends, key=float), max(ends, key=float), details[0]["unit"]
    percent = "%" if unit.startswith("%") else ""
    shares = [int(amount["some"]) / int(amount["all"]) for amount in details if int(amount["all"] or 0)]
    launches = f" in {_range(min(shares), max(shares))} of the launches" if shares else ""
    amounts = f"{least}{unit}" if least == most else f"{least}{percent} to {most}{unit}"
    return f"{codes[0].partition(':')[0]}:{amounts}{launches}"


def _range(least: float, most: float) -> str:
    return f"{least:.0%}" if f"{least:.0%}" == f"{most:.0%}" else f"{least:.0%} to {most:.0%}"


def _threads(conditions: Sequence[Conditions], threads: int) -> str | None:
    """Warn of threads without a free core each: such threads wait for each other."""
    busy = _mean(conditions, lambda each: each.busy_cores)
    taken = [each.pressure for each in conditions if each.pressure is not None]
    waiting = not taken or max(taken) > PREEMPTED
    if threads > 1 and busy is not None and busy > _bearable(conditions) and waiting:
        return f"threads:{threads} threads, with {busy:.1f} cores busy with other work"
    return None


def _busy(conditions: Sequence[Conditions], _threads: int) -> str | None:
    """Warn of other work: on average, or in a quarter of the launches if the average is low."""
    bearable = _bearable(conditions)
    busy = [each for each in conditions if each.busy_cores is not None and each.busy_cores > bearable]
    overall = _mean(conditions, lambda each: each.busy_cores)
    if overall is None or (overall <= bearable and len(busy) < BUSY_LAUNCHES * len(conditions)):
        return None
    cores = _mean(busy, lambda each: each.busy_cores)
    return f"busy:{cores:.1f} cores in {len(busy)} of {len(conditions)} launches"


def _steal(conditions: Sequence[Conditions], _threads: int) -> str | None:
    steal = _mean(conditions, lambda each: each.steal_cores)
    return f"steal:{steal:.2f}" if steal is not None and steal > STEAL_CORES else None


def _quota(conditions: Sequence[Conditions], _threads: int) -> str | None:
    throttled = [each.throttled_s for each in conditions if each.throttled_s is not None]
    # Nested groups and several cores can be throttled at once, and the counters add all of them.
    share = min(1.0, sum(throttled) / sum(each.wall_s for each in conditions))
    return f"quota:{share:.0%}" if share > THROTTLED else None


def _paging(conditions: Sequence[Conditions], _threads: int) -> str | None:
    faults = _mean(conditions, lambda each: each.major_faults)
    return f"paging:{faults:.0f}" if faults is not None and faults >= PAGING else None


def _frequency(conditions: Sequence[Conditions], _threads: int) -> str | None:
    clocks = [each.clock_hz or each.frequency_hz for each in conditions]
    hertz = [clock for clock in clocks if clock]
    if len(hertz) < 2 or (median(hertz) >= (1 - FREQUENCY_DROP) * max(hertz) and min(hertz) >= 0.5 * max(hertz)):
        return None
    return f"frequency:{min(hertz) / 1e6:.0f} to {max(hertz) / 1e6:.0f} MHz"


def _reasons(conditions: Sequence[Conditions], _threads: int) -> str | None:
    reasons = sorted({reason for each in conditions for reason in each.throttle_reasons})
    return f"held-down:{', '.join(reasons)}" if reasons else None


def _bearable(conditions: Sequence[Conditions]) -> float:
    """Return how many cores other processes may use without a warning."""
    return BUSY_SHARE * max((each.cores for each in conditions if each.cores), default=2)


def _mean(conditions: Sequence[Conditions], value: Callable[[Conditions], float | None]) -> float | None:
    """Return the mean over the launches, weighted by wall time; None if no launch has the value."""
    pairs = [(number, each.wall_s) for each in conditions if (number := value(each)) is not None]
    return sum(number * wall_s for number, wall_s in pairs) / sum(wall_s for _, wall_s in pairs) if pairs else None


_RULES_OF_DEVICES = (_frequency, _reasons)
_RULES = (_threads, _busy, _steal, _quota, _paging, *_RULES_OF_DEVICES)
