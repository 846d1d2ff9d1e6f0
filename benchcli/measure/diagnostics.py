"""Find disturbances of a run, and return them as warning codes.

Each rule has a threshold. Quiet machines stay below it and disturbed ones exceed it;
`benchmarks/disturbed.py` shows both. A code is a kind, with an optional detail after a colon.
`report.advice` has the sentence for each kind.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import mean, median

from benchcli.measure.environment import STEADY, has_effect
from benchcli.schema import Conditions, Record, Sample, Target
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
HOST_BOUND = 0.9
"""Least host time to queue the work for a warning, as a share of the device's time."""


QUIET = ("imprecise", "few-launches", "no-baseline", "costs", "host-bound", "overhead", "allocator")
"""Kinds of warning that do not indicate a disturbed machine."""


def disturbed(records: Iterable[Record]) -> bool:
    """Return whether any warning reports a disturbance of the measurement."""
    return any(code.partition(":")[0] not in QUIET for record in records for code in record.warnings)


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


def disturbances(conditions: Sequence[Conditions], threads: int) -> list[str]:
    """Return the warning codes for a family's launches as a whole."""
    return [code for rule in _RULES if (code := rule(conditions, threads))] if conditions else []


def of_samples(samples: Sequence[Sample], conditions: Sequence[Conditions]) -> Iterator[str]:
    """Yield the warning codes for the samples of one variant."""
    faults = [sample.faults for sample in samples if sample.faults is not None]
    if faults and mean(faults) >= FAULTING:
        yield f"page-faults:{mean(faults):.0f}"
    for reason, least in (("preempted", PREEMPTED), ("throttled", 0.0), ("clock", 0.0)):
        share = mean(sample.excluded == reason for sample in samples)
        if share > least:
            yield f"{reason}:{share:.0%} of the samples"
    queueing = [sample.host_seconds / sample.seconds for sample in samples if sample.host_seconds is not None]
    if queueing and median(queueing) >= HOST_BOUND:
        yield "host-bound"
    call_s = median(sample.seconds for sample in samples)
    overhead_s = median(each.call_overhead_s for each in conditions) if conditions else 0.0
    if overhead_s > OVERHEAD * call_s and not queueing:  # a device queue hides the host's loop
        yield f"overhead:{overhead_s / call_s:.1%}"


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


_RULES = (_threads, _busy, _steal, _quota, _paging, _frequency, _reasons)
