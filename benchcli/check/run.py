"""Check head against base: costs and outputs exactly, then time."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchcli.check.findings import Finding, ordered
from benchcli.check.folder import CheckFolder
from benchcli.check.judging import Known, findings
from benchcli.check.pairs import BASE, HEAD, Pair
from benchcli.check.session import CheckRequest, CheckTools, UnderWay
from benchcli.check.timing import Times, take_times
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.measure.survey import survey
from benchcli.schema import Plan

HARDWARE = ("card", "driver", "memory_bytes", "processors")
"""Facts of a device that are the same whatever torch asks it."""


@dataclass(frozen=True)
class Checked:
    """What a check found, complete or not."""

    findings: tuple[Finding, ...]
    facts: Mapping[str, Any]
    """How it was done: what `environment.json` has besides."""
    warnings: tuple[str, ...]
    seconds: float
    finished: bool


def check(request: CheckRequest, tools: CheckTools, folder: CheckFolder) -> Iterator[Checked]:
    """Yield what is known after the exact part, and again after the time: what was found is never lost.

    Raises UserError where base and head cannot be compared, NothingMeasuredError where no worker runs.
    """
    with ExitStack() as stack:
        under_way = UnderWay(request, tools, folder, stack)
        _survey(under_way)
        yield _checked(under_way, None, finished=request.costs_only)
        if request.costs_only:
            return
        measurable = [pair for pair in request.pairs if _measurable(under_way, pair)]
        times = Times()
        try:
            take_times(under_way, measurable, times)
        except (KeyboardInterrupt, NothingMeasuredError) as ending:
            times.give_up(str(ending) or "the check was interrupted", [pair.name for pair in measurable])
            yield _checked(under_way, times, finished=False)
            raise
        yield _checked(under_way, times, finished=True)


def _survey(under_way: UnderWay) -> None:
    """Count base's and head's costs. Raises UserError where they are not on the same hardware."""
    request = under_way.request
    for side in (BASE, HEAD):
        under_way.say(f"counting {side}'s costs")
        families = [family for pair in request.pairs if (family := pair.family_of(side))]
        launcher = under_way.launcher(BASE if under_way.together else side)
        try:
            under_way.surveys[side] = survey(families, request.target, Plan(), launcher)
        except NothingMeasuredError as error:
            raise NothingMeasuredError(f"{side}: {error}") from None
    base, head = (under_way.surveys[side].device for side in (BASE, HEAD))
    for name in HARDWARE:
        if base.get(name) != head.get(name):
            raise UserError(
                f"base and head see different hardware ({name}: {base.get(name)} and {head.get(name)}), and cannot be "
                "compared: give both the same device"
            )


def _measurable(under_way: UnderWay, pair: Pair) -> bool:
    counted = all((pair.name, side) in under_way.surveys[side].costs for side in (BASE, HEAD))
    return counted and pair.other_input() is None


def _checked(under_way: UnderWay, timed: Times | None, finished: bool) -> Checked:
    times = timed or Times()
    request = under_way.request
    known = Known(
        pairs=request.pairs,
        surveys=under_way.surveys,
        timed=timed is not None,
        theta=under_way.theta,
        judged=times.judged,
        seconds=times.seconds,
        failures=under_way.casualties.failures,
        cut=times.cut,
        allowed=request.allowed,
    )
    base, head = under_way.surveys[BASE], under_way.surveys[HEAD]
    facts = {
        "together": under_way.together,
        "why_apart": under_way.why_apart,
        "theta": under_way.theta,
        "software": {BASE: dict(base.software), HEAD: dict(head.software)},
        "device": dict(head.device),
        **times.counts,
    }
    return Checked(ordered(findings(known)), facts, tuple(times.warnings), under_way.spent_s(), finished)
