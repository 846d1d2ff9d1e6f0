"""When a variant has been measured enough."""

from collections.abc import Mapping

from benchcli.schema import Family, Plan, Timing

LEAST_LAUNCHES = 8
"""Fewer launches can agree by chance, and an interval that is narrow by chance must not end the measuring."""
ALWAYS_LAUNCHES = 2
"""So many launches are made even over the budget: one alone has no interval."""


def still_wide(family: Family, timings: Mapping[str, Timing], plan: Plan) -> set[str]:
    """Return the variants that need more launches for the precision asked; the baseline is measured with any of them.

    A time without a baseline has no relative speed, and needs no more than the least number of launches.
    """
    return {
        name
        for name, timing in timings.items()
        if timing.launches < LEAST_LAUNCHES
        or (name != family.baseline and timing.relative is not None and not within(timing, plan.precision))
    }


def within(timing: Timing, precision: float) -> bool:
    """Say whether one relative speed is as precise as asked."""
    half_width = timing.relative.half_width if timing.relative else None
    return half_width is not None and half_width <= precision


def another_launch(done: int, least: int, fits: bool, plan: Plan) -> bool:
    """Say whether to launch again: so often as the plan says, or while a launch as long as the last one fits."""
    if plan.launches is not None:
        return done < plan.launches
    return done < least or fits
