"""Small values for tests."""

from dataclasses import replace
from typing import Any

from benchcli.schema import (
    Conditions,
    Costs,
    Exclusion,
    Failure,
    Family,
    FamilyResult,
    Interval,
    Record,
    Sample,
    Target,
    Timing,
    Variant,
)
from benchcli.schema.warnings import RunWarning

COSTS = Costs(100, 10, 5, 20, 80, 60, 40)


def variant(name: str, kind: str = "fine") -> Variant:
    return Variant(name, "faulty:build", {"kind": kind}, (4, 8, 8), "4")


def family(*variants: Variant, name: str = "g2-x1", guideline: str = "g2") -> Family:
    return Family(name, guideline, 1, "paper-arm", 1, "float32", "nchw", variants)


def sample(
    name: str,
    launch: int,
    number: int,
    seconds: float,
    faults: float | None = 0.0,
    excluded: Exclusion | None = None,
    host_seconds: float | None = None,
) -> Sample:
    return Sample(name, launch, number, 1, seconds, faults, excluded, host_seconds)


def conditions(launch: int = 0, **changes: Any) -> Conditions:
    """A launch that nothing disturbed."""
    quiet = Conditions(
        launch=launch,
        wall_s=1.0,
        cpu_s=1.0,
        minor_faults=0,
        major_faults=0,
        voluntary_switches=3,
        involuntary_switches=3,
        busy_cores=0.02,
        cores=2,
        steal_cores=0.0,
        pressure=0.01,
        throttled_s=0.0,
        frequency_hz=2e9,
        load=0.1,
        memory_bytes=300_000_000,
        call_overhead_s=1e-7,
    )
    return replace(quiet, **changes)


def timing(relative: Interval | None, launches: int = 6) -> Timing:
    return Timing(Interval(0.001, 0.0009, 0.0011), relative, launches, 60, 0.0)


def record(
    of: Family,
    name: str,
    relative: Interval | None,
    deviation: float = 0.0,
    failure: Failure | None = None,
    warnings: tuple[RunWarning, ...] = (),
) -> Record:
    found = next(v for v in of.variants if v.name == name)
    time = None if failure else timing(relative)
    return Record("run", "suite", of, found, Target(), failure, COSTS, deviation, time, warnings)


def result(extreme: Interval | None, deviation: float = 0.0, guideline: str = "g2") -> FamilyResult:
    of = family(variant("g=1"), variant("g=8"), name=f"{guideline}-x1", guideline=guideline)
    records = (record(of, "g=1", Interval(1.0, 1.0, 1.0)), record(of, "g=8", extreme, deviation))
    return FamilyResult(of, records, ())
