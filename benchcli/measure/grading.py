"""How fit a machine is for measuring, judged from a look at it. Nothing here measures, and nothing prints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from benchcli.measure.diagnostics import disturbances
from benchcli.measure.fitness import Probe

SPREAD = 0.03
"""Deviation of equal pieces of work from which the core itself is unsteady."""
SLOW = 0.05
"""Share of pieces held up from which something else takes the core."""
CLOCK_STEP_S = 1e-5

Word = Literal["good", "fair", "poor"]


@dataclass(frozen=True)
class Grade:
    """good: nothing disturbs; fair: measure, within limits that are named; poor: something disturbs now."""

    word: Word
    findings: tuple[str, ...]
    """Codes of `benchcli.measure.advice`, the gravest first."""


def grade(machine: Mapping[str, Any], seen: Probe, threads: int) -> Grade:
    """Grade a machine from its facts and from what was seen on it."""
    now, always = tuple(_now(seen, threads)), tuple(_always(machine, seen))
    word: Word = "poor" if now else "fair" if always else "good"
    return Grade(word, now + always)


def _now(seen: Probe, threads: int) -> Iterator[str]:
    """Yield what disturbs at this moment."""
    yield from disturbances((seen.conditions,), threads)
    if seen.spread > SPREAD:
        yield f"spread:{seen.spread:.0%}"
    if seen.slow > SLOW:
        yield f"held-up:{seen.slow:.0%}"
    if seen.steps_back or seen.resolution_s > CLOCK_STEP_S:
        yield f"clock-steps:{seen.resolution_s * 1e6:.2g} µs, {seen.steps_back} times back"


def _always(machine: Mapping[str, Any], seen: Probe) -> Iterator[str]:
    """Yield what limits this machine whatever runs on it."""
    if machine.get("virtualised"):
        yield "virtualised"
    quota = machine.get("cpu_quota")
    if quota is not None and quota < 1:
        yield f"small-quota:{quota:.2g}"
    governor = machine.get("governor")
    if governor not in {None, "performance"}:
        yield f"governor:{governor}"
    if machine.get("turbo"):
        yield "turbo"
    if machine.get("cores") == 1:
        yield "one-core"
    blind = [*seen.unseen, *(name for name in ("governor", "turbo") if name in machine and machine[name] is None)]
    if blind:
        yield f"unseen:{', '.join(blind)}"
