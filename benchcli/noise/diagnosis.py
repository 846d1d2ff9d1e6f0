"""Diagnose what disturbed measurements, by rules with thresholds, as warnings.

Quiet machines stay below the thresholds and disturbed ones exceed them; `benchmarks/disturbed.py`
shows both. `reports.advice` has the sentence of each kind of warning.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import mean, median, quantiles
from typing import Literal

from benchcli.backends.allocators import STEADY, has_effect
from benchcli.backends.devices.base import device_named
from benchcli.noise import pace
from benchcli.schema import SLOW_CORE, Conditions, FamilyResult, Key, Record, Sample, Target
from benchcli.schema.warnings import RunWarning
from benchcli.spelling import given
from benchcli.statistics import has_ranks, launch_log_seconds
from benchcli.system.machine import system, usable_cores

FAULTING = 1.0
"""Least minor faults per call for a warning: from there on, page faults dominate the time."""
OVERHEAD = 1e-3
"""Most overhead of the harness without a warning, as a share of a call."""
KERNELS_APART = 0.02
"""Most difference, without a warning, between the times of launches with different kernels."""
UNSTEADY = 0.10
"""Largest spread of the launches' times without a warning: 10th to 90th percentile, relative."""
PAGING = 1.0
"""Least major faults per launch for a warning: each one reads from disk or swap."""
BUSY_SHARE = 1 / 8
"""Most work of other processes without a warning, as a share of the cores."""
BUSY_LAUNCHES = 0.25
"""Least share of busy launches for a warning, if the mean over all launches is below the limit."""
PREEMPTED = 0.15
"""Most preempted samples without a warning, as a share of all samples."""
SLOW_SAMPLES = 0.15
"""Most samples on a slow core without a warning, as a share of all samples."""
SLOW_RUN = 1.15
"""The usual pace of a run, in those of earlier ones, from which on it is called slow."""
STEAL_CORES = 0.05
"""Most CPU time that the hypervisor takes without a warning, in cores."""
THROTTLED = 0.01
"""Most time that a CPU quota throttles the run without a warning, as a share of the wall time."""
OWN_THREADS = 1.2
"""Most cores that a process uses without a warning, as a multiple of the threads that it was given."""
FREQUENCY_DROP = 0.1
"""Most drop of the median frequency below the highest one without a warning, as a share of it."""
SLOW_CLOCK = 0.75
"""Least clock of an accelerator without a warning, as a share of its default."""
IN_USE = 0.05
"""Most use of an accelerator by other processes without a warning, as a share of the time."""


def disturbed(records: Iterable[Record]) -> bool:
    """Return whether any warning reports a disturbance of the measurement."""
    return any(warning.is_disturbance for record in records for warning in record.warnings)


def preflight(target: Target, busy_cores: Callable[[], float | None]) -> list[RunWarning]:
    """Return the warnings that hold before anything is measured.

    Call `busy_cores`, which takes time, only for several threads that fit the usable cores.
    """
    cores = usable_cores()
    warnings = []
    if target.threads > cores:
        warnings.append(RunWarning("threads", target.threads, of_cores=cores))
    elif target.threads > 1 and (busy := busy_cores() or 0.0) > cores - target.threads + BUSY_SHARE * cores:
        warnings.append(RunWarning("threads", target.threads, other=round(busy, 1), of_cores=cores))
    if target.allocator == STEADY.name and not has_effect():
        warnings.append(RunWarning("allocator", text=system()))
    return warnings


def before_launches(compile_s: Mapping[Key, float]) -> Iterator[RunWarning]:
    """Yield the warning about networks whose launches take long to start, by the seconds of their first call."""
    if compile_s:
        names = ", ".join(dict.fromkeys(variant for _, variant in compile_s))
        yield RunWarning("compiles", round(min(compile_s.values()), 1), round(max(compile_s.values()), 1), text=names)


def with_noticed(noticed: Sequence[RunWarning], result: FamilyResult) -> FamilyResult:
    """Add the warnings from before the run to every record.

    They replace warnings of the same kind that measuring added.
    """
    kinds = {each.kind for each in noticed}
    records = (
        replace(record, warnings=(*noticed, *(each for each in record.warnings if each.kind not in kinds)))
        for record in result.records
    )
    return replace(result, records=tuple(records))


GRAPH = "graph"
"""The text of a host-bound warning where the runtime of that name would help."""


def host_bound(target: Target, trains: bool = False) -> RunWarning:
    """Return the warning that the host was timed, with whether a graph, which cannot train, would time the device."""
    helps = device_named(target.device).graphs and target.runtime != GRAPH and not trains
    return RunWarning("host-bound", text=GRAPH if helps else "")


def way_out(warning: RunWarning) -> str:
    """Return what to give so that the device is timed and not its host."""
    larger = f"a larger {given('batch')} or larger networks"
    return f"{given('runtime', 'graph')}, or {larger}" if warning.text == GRAPH else larger


def host_was_timed(*records: Record) -> str | None:
    """Return why the times are of the host and not of the device, and the way out; None if they are not."""
    for record in records:
        for each in record.warnings:
            if each.kind == "host-bound":
                name = record.variant.name
                return f"the host was timed, and not the device, for {name}: give {way_out(each)}"
    return None


def of_samples(samples: Sequence[Sample], conditions: Sequence[Conditions], target: Target) -> Iterator[RunWarning]:
    """Yield the warnings about the samples of one variant."""
    faults = [sample.faults for sample in samples if sample.faults is not None]
    if faults and mean(faults) >= FAULTING:
        yield RunWarning("page-faults", round(mean(faults)))
    yield from _slow_core(samples)
    limits: tuple[tuple[Literal["preempted", "throttled", "clock"], float], ...] = (
        ("preempted", PREEMPTED),
        ("throttled", 0.0),
        ("clock", 0.0),
    )
    for reason, least in limits:
        share = mean(sample.excluded == reason for sample in samples)
        if share > least:
            yield RunWarning(reason, round(share, 2))
    if is_host_bound(samples):
        yield host_bound(target, any(each.part_shares for each in samples))
    yield from _kernels(samples, conditions)
    compile_s = [seconds for each in conditions if (seconds := each.compile_s.get(samples[0].variant))]
    if compile_s:
        yield RunWarning("compiles", round(min(compile_s), 1), round(max(compile_s), 1))
    spread = launch_spread(samples)
    if spread is not None and spread > UNSTEADY:
        yield RunWarning("unsteady", round(spread, 2))
    call_s = median(sample.seconds for sample in samples)
    overhead_s = median(each.call_overhead_s for each in conditions) if conditions else 0.0
    if overhead_s > OVERHEAD * call_s and samples[0].host_seconds is None:  # a device queue hides the host's loop
        yield RunWarning("overhead", round(overhead_s / call_s, 3))


def _slow_core(samples: Sequence[Sample]) -> Iterator[RunWarning]:
    """Yield the warning about samples on a slow core: their share, and its speed as a share of the usual one."""
    usual_s = pace.usual(samples)
    slow = [each.pace_s for each in samples if each.excluded == SLOW_CORE and each.pace_s]
    if usual_s is not None and len(slow) > SLOW_SAMPLES * len(samples):
        yield RunWarning("slow-core", round(len(slow) / len(samples), 2), other=round(usual_s / median(slow), 1))


def of_pace(samples: Sequence[Sample], earlier_s: float | None) -> Iterator[RunWarning]:
    """Yield the warning that the core was slow throughout: its usual pace, in those of earlier runs on the machine."""
    usual_s = pace.usual(samples)
    if usual_s is not None and earlier_s and usual_s > SLOW_RUN * earlier_s:
        yield RunWarning("slow-run", round(usual_s / earlier_s, 2))


def is_host_bound(samples: Sequence[Sample]) -> bool:
    """Return whether the host was timed in at least half of the samples, and not the device."""
    return bool(samples) and median(sample.is_host_bound for sample in samples) >= 0.5


def _kernels(samples: Sequence[Sample], conditions: Sequence[Conditions]) -> Iterator[RunWarning]:
    """Yield a warning if a library chose different kernels in different launches, and the times differ with them."""
    chosen = {each.launch: each.kernels.get(samples[0].variant) for each in conditions}
    logs: dict[str, list[float]] = {}
    for launch, log in launch_log_seconds(samples).items():
        if kernels := chosen.get(launch):
            logs.setdefault(kernels, []).append(log)
    medians = [median(each) for each in logs.values()]
    apart = math.expm1(max(medians) - min(medians)) if medians else 0.0
    if apart > KERNELS_APART:
        yield RunWarning("kernels", len(medians), other=round(apart, 2))


def launch_spread(samples: Sequence[Sample]) -> float | None:
    """Return the relative spread of the launches' times, from the 10th to the 90th percentile.

    None with fewer launches than an interval needs.
    """
    logs = list(launch_log_seconds(samples).values())
    if not has_ranks(len(logs)):
        return None
    tenths = quantiles(logs, n=10, method="inclusive")
    return math.expm1(tenths[-1] - tenths[0])


def of_launches(conditions: Sequence[Conditions], threads: int, of_host: bool = True) -> list[RunWarning]:
    """Return the warnings about a family's launches as a whole.

    `of_host` is whether what disturbs the host disturbed the times.
    """
    rules = _RULES if of_host else _RULES_OF_DEVICES
    return [warning for rule in rules if (warning := rule(conditions, threads))] if conditions else []


def _threads(conditions: Sequence[Conditions], threads: int) -> RunWarning | None:
    """Warn of threads without a free core each: such threads wait for each other."""
    busy = _mean(conditions, lambda each: each.busy_cores)
    taken = [each.pressure for each in conditions if each.pressure is not None]
    waiting = not taken or max(taken) > PREEMPTED
    if threads > 1 and busy is not None and busy > _bearable(conditions) and waiting:
        return RunWarning("threads", threads, other=round(busy, 1))
    return None


def _own_threads(conditions: Sequence[Conditions], threads: int) -> RunWarning | None:
    """Warn of a process that used more cores than it was given threads: something in it has a pool of its own."""
    used = _mean(conditions, lambda each: None if each.cpu_s is None else each.cpu_s / each.wall_s)
    is_more = used is not None and used > OWN_THREADS * threads
    return RunWarning("own-threads", round(used, 1), other=threads) if used and is_more else None


def _busy(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    """Warn of other work: on average, or in a quarter of the launches if the average is low."""
    bearable = _bearable(conditions)
    busy = [each for each in conditions if each.busy_cores is not None and each.busy_cores > bearable]
    overall = _mean(conditions, lambda each: each.busy_cores)
    if overall is None or (overall <= bearable and len(busy) < BUSY_LAUNCHES * len(conditions)):
        return None
    cores = _mean(busy, lambda each: each.busy_cores)
    return RunWarning("busy", cores and round(cores, 1), launches=len(busy), of_launches=len(conditions))


def _steal(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    steal = _mean(conditions, lambda each: each.steal_cores)
    return RunWarning("steal", round(steal, 2)) if steal is not None and steal > STEAL_CORES else None


def _quota(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    throttled = [each.throttled_s for each in conditions if each.throttled_s is not None]
    # Nested groups and several cores can be throttled at once, and the counters add all of them.
    share = min(1.0, sum(throttled) / sum(each.wall_s for each in conditions))
    return RunWarning("quota", round(share, 2)) if share > THROTTLED else None


def _paging(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    faults = _mean(conditions, lambda each: each.major_faults)
    return RunWarning("paging", round(faults)) if faults is not None and faults >= PAGING else None


def _frequency(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    clocks = [each.clock_hz or each.frequency_hz for each in conditions]
    hertz = [clock for clock in clocks if clock]
    if len(hertz) < 2 or (median(hertz) >= (1 - FREQUENCY_DROP) * max(hertz) and min(hertz) >= 0.5 * max(hertz)):
        return None
    return RunWarning("frequency", round(min(hertz), -6), round(max(hertz), -6))


def _reasons(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    reasons = sorted({reason for each in conditions for reason in each.throttle_reasons})
    return RunWarning("held-down", text=", ".join(reasons)) if reasons else None


def _slow_clock(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    shares = [each.clock_share for each in conditions if each.clock_share is not None]
    return RunWarning("slow-clock", round(median(shares), 2)) if shares and median(shares) < SLOW_CLOCK else None


def _power_cap(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    capped = [each.power_capped for each in conditions if each.power_capped is not None]
    return RunWarning("power-cap", round(mean(capped), 2)) if any(capped) else None


def _shared_device(conditions: Sequence[Conditions], _threads: int) -> RunWarning | None:
    """Warn of processes of others on the device that used it before the first launch."""
    others = max((each.other_processes or 0 for each in conditions), default=0)
    busy = conditions[0].utilisation or 0.0  # later launches may see what the launch before them left
    return RunWarning("shared-device", others, other=round(busy, 2)) if others and busy > IN_USE else None


def _bearable(conditions: Sequence[Conditions]) -> float:
    """Return how many cores other processes may use without a warning."""
    return BUSY_SHARE * max((each.cores for each in conditions if each.cores), default=2)


def _mean(conditions: Sequence[Conditions], value: Callable[[Conditions], float | None]) -> float | None:
    """Return the mean over the launches, weighted by wall time; None if no launch has the value."""
    pairs = [(number, each.wall_s) for each in conditions if (number := value(each)) is not None]
    return sum(number * wall_s for number, wall_s in pairs) / sum(wall_s for _, wall_s in pairs) if pairs else None


_RULES_OF_DEVICES = (_frequency, _reasons, _slow_clock, _power_cap, _shared_device)
_RULES = (_threads, _own_threads, _busy, _steal, _quota, _paging, *_RULES_OF_DEVICES)
