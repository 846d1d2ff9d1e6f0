"""Find what disturbed whole launches, from their conditions, and return it as warning codes."""

from collections.abc import Callable, Sequence
from statistics import mean, median

from benchcli.schema import Conditions

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
SLOW_CLOCK = 0.75
"""Least clock of an accelerator without a warning, as a share of its default."""
IN_USE = 0.05
"""Most use of an accelerator by other processes without a warning, as a share of the time."""


def disturbances(conditions: Sequence[Conditions], threads: int, of_host: bool = True) -> list[str]:
    """Return the warning codes for a family's launches as a whole.

    `of_host` is whether what disturbs the host disturbed the times.
    """
    rules = _RULES if of_host else _RULES_OF_DEVICES
    return [code for rule in rules if (code := rule(conditions, threads))] if conditions else []


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


def _slow_clock(conditions: Sequence[Conditions], _threads: int) -> str | None:
    shares = [each.clock_share for each in conditions if each.clock_share is not None]
    return f"slow-clock:{median(shares):.0%}" if shares and median(shares) < SLOW_CLOCK else None


def _power_cap(conditions: Sequence[Conditions], _threads: int) -> str | None:
    capped = [each.power_capped for each in conditions if each.power_capped is not None]
    return f"power-cap:{mean(capped):.0%} of the samples" if any(capped) else None


def _shared_device(conditions: Sequence[Conditions], _threads: int) -> str | None:
    """Warn of processes of others on the device that used it before the first launch."""
    others = max((each.other_processes or 0 for each in conditions), default=0)
    busy = conditions[0].utilisation or 0.0  # later launches may see what the launch before them left
    if others and busy > IN_USE:
        return f"shared-device:{others} of them, {busy:.0%} of the time before the run"
    return None


def _bearable(conditions: Sequence[Conditions]) -> float:
    """Return how many cores other processes may use without a warning."""
    return BUSY_SHARE * max((each.cores for each in conditions if each.cores), default=2)


def _mean(conditions: Sequence[Conditions], value: Callable[[Conditions], float | None]) -> float | None:
    """Return the mean over the launches, weighted by wall time; None if no launch has the value."""
    pairs = [(number, each.wall_s) for each in conditions if (number := value(each)) is not None]
    return sum(number * wall_s for number, wall_s in pairs) / sum(wall_s for _, wall_s in pairs) if pairs else None


_RULES_OF_DEVICES = (_frequency, _reasons, _slow_clock, _power_cap, _shared_device)
_RULES = (_threads, _busy, _steal, _quota, _paging, *_RULES_OF_DEVICES)
