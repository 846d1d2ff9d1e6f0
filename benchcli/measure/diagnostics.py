"""What can be trusted of a run: warnings as codes, before it, while it goes on, and from its samples.

Each rule has a threshold that quiet machines stay below and disturbed ones pass; `benchmarks/disturbed.py`
shows both. A code is a kind, perhaps with a detail after a colon; `report.advice` has the sentences.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import mean, median

from benchcli.measure.environment import STEADY, has_effect
from benchcli.schema import Conditions, Record, Sample, Target
from benchcli.system.machine import system, usable_cores

FAULTING = 1.0
"""Minor faults per call from which the memory, not the network, is being timed."""
PAGING = 1.0
"""Major faults per launch from which something is read from disk, or from swap, while it is timed."""
BUSY_SHARE = 1 / 8
"""Others' work as a share of the cores."""
BUSY_LAUNCHES = 0.25
PREEMPTED = 0.15
"""Share of the samples during which the core was taken away."""
STEAL_CORES = 0.05
THROTTLED = 0.01
"""Share of the time for which a quota held the run back."""
FREQUENCY_DROP = 0.1
"""How far a launch's frequency lies below the highest one's."""
OVERHEAD = 1e-3
"""Share of a call that is the harness's."""
LAUNCH_BOUND = 0.9
"""Share of the device's time that the host needs to queue the work."""


QUIET = ("imprecise", "few-launches", "no-baseline", "costs", "launch-bound", "overhead", "allocator")
"""Kinds that say nothing against the machine's rest."""


def disturbed(records: Iterable[Record]) -> bool:
    """Say whether any warning is of something that disturbed the measuring."""
    return any(code.partition(":")[0] not in QUIET for record in records for code in record.warnings)


def preflight(target: Target, busy_cores: Callable[[], float | None]) -> list[str]:
    """Return the warnings that are known before anything is measured; the machine is looked at where that matters."""
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
    """Return what disturbed a family's launches as a whole."""
    return [code for rule in _RULES if (code := rule(conditions, threads))] if conditions else []


def of_samples(samples: Sequence[Sample], conditions: Sequence[Conditions]) -> Iterator[str]:
    """Yield what the samples of one variant say of themselves."""
    faults = [sample.faults for sample in samples if sample.faults is not None]
    if faults and mean(faults) >= FAULTING:
        yield f"page-faults:{mean(faults):.0f}"
    for reason, least in (("preempted", PREEMPTED), ("throttled", 0.0), ("clock", 0.0)):
        share = mean(sample.excluded == reason for sample in samples)
        if share > least:
            yield f"{reason}:{share:.0%} of the samples"
    queueing = [sample.host_seconds / sample.seconds for sample in samples if sample.host_seconds is not None]
    if queueing and median(queueing) >= LAUNCH_BOUND:
        yield "launch-bound"
    call_s = median(sample.seconds for sample in samples)
    overhead_s = median(each.call_overhead_s for each in conditions) if conditions else 0.0
    if overhead_s > OVERHEAD * call_s and not queueing:  # a queue hides the host's loop
        yield f"overhead:{overhead_s / call_s:.1%}"


def _threads(conditions: Sequence[Conditions], threads: int) -> str | None:
    """Threads that outnumber free cores wait for each other, whoever keeps the cores busy."""
    busy = _mean(conditions, lambda each: each.busy_cores)
    taken = [each.pressure for each in conditions if each.pressure is not None]
    waiting = not taken or max(taken) > PREEMPTED
    if threads > 1 and busy is not None and busy > _bearable(conditions) and waiting:
        return f"threads:{threads} threads, with {busy:.1f} cores busy with other work"
    return None


def _busy(conditions: Sequence[Conditions], _threads: int) -> str | None:
    """Other work in a quarter of the launches counts, however little it is over all of them."""
    bearable = _bearable(conditions)
    busy = [each for each in conditions if each.busy_cores is not None and each.busy_cores > bearable]
    overall = _mean(conditions, lambda each: each.busy_cores)
    if overall is None or (overall <= bearable and len(busy) < BUSY_LAUNCHES * len(conditions)):
        return None
    cores = _mean(busy, lambda each: each.busy_cores)
    return f"busy:{cores:.1f} cores busy in {len(busy)} of {len(conditions)} launches"


def _steal(conditions: Sequence[Conditions], _threads: int) -> str | None:
    steal = _mean(conditions, lambda each: each.steal_cores)
    return f"steal:{steal:.2f}" if steal is not None and steal > STEAL_CORES else None


def _quota(conditions: Sequence[Conditions], _threads: int) -> str | None:
    held = [each.throttled_s for each in conditions if each.throttled_s is not None]
    # Groups in groups, and several cores, are held back at once, and all are counted.
    share = min(1.0, sum(held) / sum(each.wall_s for each in conditions))
    return f"quota:{share:.0%}" if share > THROTTLED else None


def _paging(conditions: Sequence[Conditions], _threads: int) -> str | None:
    faults = _mean(conditions, lambda each: each.major_faults)
    return f"paging:{faults:.0f}" if faults is not None and faults >= PAGING else None


def _frequency(conditions: Sequence[Conditions], _threads: int) -> str | None:
    clocks = [each.clock_hz or each.frequency_hz for each in conditions]
    known = [clock for clock in clocks if clock]
    if len(known) < 2 or (median(known) >= (1 - FREQUENCY_DROP) * max(known) and min(known) >= 0.5 * max(known)):
        return None
    return f"frequency:{min(known) / 1e6:.0f} to {max(known) / 1e6:.0f} MHz"


def _reasons(conditions: Sequence[Conditions], _threads: int) -> str | None:
    reasons = sorted({reason for each in conditions for reason in each.throttle_reasons})
    return f"held-down:{', '.join(reasons)}" if reasons else None


def _bearable(conditions: Sequence[Conditions]) -> float:
    """Return how many cores others may keep busy before it is said."""
    return BUSY_SHARE * max((each.cores for each in conditions if each.cores), default=2)


def _mean(conditions: Sequence[Conditions], value: Callable[[Conditions], float | None]) -> float | None:
    """Return the mean over the launches, by their length; None where it was not seen."""
    seen = [(found, each.wall_s) for each in conditions if (found := value(each)) is not None]
    return sum(found * wall_s for found, wall_s in seen) / sum(wall_s for _, wall_s in seen) if seen else None


_RULES = (_threads, _busy, _steal, _quota, _paging, _frequency, _reasons)
