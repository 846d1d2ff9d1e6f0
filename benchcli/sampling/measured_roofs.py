"""Find the roofs of a machine: those that were kept, or else those that a few launches reach."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from benchcli.errors import NothingMeasuredError
from benchcli.grouping import groups
from benchcli.sampling import roof_cache
from benchcli.sampling.supervise import survey
from benchcli.sampling.worker_reports import Failures, collect
from benchcli.schema import Plan, Target
from benchcli.schema.protocol import ROOFS, Launcher, Reached, Task
from benchcli.schema.roofs import ACCESSES, MEMORY, CacheLevel, Peak, Roofs, Work
from benchcli.system.machine import machine

LAUNCHES = 3
"""Fresh processes: where memory lies, and which core is used, differs between them."""
SECONDS, ROUNDS = 2.5, 5
"""The least seconds, and the least rounds, for which a launch repeats its work."""
Best = Mapping[tuple[Work, str], float]
"""The largest rate of each work, by what it is of."""


def roofs_of(
    target: Target,
    launcher: Launcher,
    fresh: bool = False,
    announce: Callable[[str], None] = lambda doing: None,  # noqa: ARG005
) -> Roofs:
    """Return the roofs of a target's device: the kept ones, unless `fresh`, or measured ones.

    Raises UserError if the device is not available, and NothingMeasuredError if nothing could be measured on it.
    """
    target = roof_cache.of_roofs(target)
    there = survey((), target, Plan(), launcher)
    digest = roof_cache.digest_of(machine(), there.software, there.device, target)
    kept = None if fresh else roof_cache.fetch(digest)
    if kept:
        return kept
    start_s, now = time.monotonic(), datetime.now(UTC)
    reached = list(_launched(target, launcher, announce))
    torch = there.software.get("torch", "")
    roofs = _roofs(reached, digest, target, torch, f"{now:%Y-%m-%dT%H:%M:%SZ}")
    roof_cache.keep(roofs, time.monotonic() - start_s)
    return roofs


def _launched(target: Target, launcher: Launcher, announce: Callable[[str], None]) -> Iterable[Reached]:
    """Yield the rates of each launch. Raises NothingMeasuredError if one reached nothing."""
    for launch in range(LAUNCHES):
        announce(f"measuring roofs: launch {launch + 1} of {LAUNCHES}")
        failures = Failures()
        task = Task(ROOFS, target, (), {}, launch=launch, seed=launch, seconds=SECONDS, rounds=ROUNDS)
        reports = collect(launcher, task, Plan.silence_s, failures)
        if reports.death or not reports.reached:
            why = reports.death or next(iter(failures.by_key.values()), None)
            raise NothingMeasuredError(f"no roofs: {why.error if why else 'the worker reached nothing'}")
        yield from reports.reached


def _spread(launches: Sequence[float]) -> float:
    """Return the fastest launch over the second, minus 1; 0 if there is only one."""
    fastest = sorted(launches, reverse=True)[:2]
    return fastest[0] / fastest[-1] - 1 if fastest else 0.0


def _roofs(reached: Sequence[Reached], digest: str, target: Target, torch: str, measured: str) -> Roofs:
    by_work = groups(reached, lambda each: (each.work, each.of))
    launches = {key: [max(each.rates) for each in several if each.rates] for key, several in by_work.items()}
    best: Best = {key: max(several) for key, several in launches.items() if several}
    levels = {each.of: each.size for each in reached if each.work in ACCESSES and (each.work, each.of) in best}
    if MEMORY not in levels or ("dispatch", "") not in best:
        raise NothingMeasuredError("no roofs: the memory's bandwidth could not be measured")
    dtypes = dict.fromkeys(each.of for each in reached if each.work in ("product", "convolution"))
    return Roofs(
        digest=digest,
        device=target.device,
        threads=target.threads,
        torch=torch,
        measured=measured,
        peaks={dtype: Peak(best.get(("product", dtype)), best.get(("convolution", dtype))) for dtype in dtypes},
        levels=tuple(
            CacheLevel(name, size, {each: best[each, name] for each in ACCESSES if (each, name) in best})
            for name, size in levels.items()
        ),
        dispatch_s=1 / best["dispatch", ""],
        spread=max(map(_spread, launches.values())),
    )
