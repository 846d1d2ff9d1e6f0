"""When a family has been measured enough."""

from collections.abc import Iterable

from benchcli.schema import Plan, Timing

LEAST_LAUNCHES = 5
"""Fewer launches can agree by chance, and an interval that is narrow by chance must not end the measuring."""
ALWAYS_LAUNCHES = 2
"""So many launches are made even over the budget: one alone has no interval."""


def precise(timings: Iterable[Timing], plan: Plan) -> bool:
    """Say whether every relative speed is as precise as asked; a time without a baseline has none."""
    return all(
        timing.launches >= LEAST_LAUNCHES and (timing.relative is None or within(timing, plan.precision))
        for timing in timings
    )


def within(timing: Timing, precision: float) -> bool:
    """Say whether one relative speed is as precise as asked."""
    half_width = timing.relative.half_width if timing.relative else None
    return half_width is not None and half_width <= precision


def another_launch(done: int, spent_s: float, budget_s: float, plan: Plan) -> bool:
    """Say whether the next launch, as long as those before, still fits."""
    if plan.launches is not None:
        return done < plan.launches
    if done < ALWAYS_LAUNCHES:
        return True
    return spent_s + spent_s / done <= budget_s
