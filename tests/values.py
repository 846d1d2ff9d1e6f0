"""Small values for tests."""

from benchcli.schema import Costs, Failure, Family, FamilyResult, Interval, Record, Sample, Target, Timing, Variant

COSTS = Costs(100, 10, 5, 20, 80, 60, 40)


def variant(name: str, kind: str = "fine") -> Variant:
    return Variant(name, "faulty:build", {"kind": kind}, (4, 8, 8), "4")


def family(*variants: Variant, name: str = "g2-x1", guideline: str = "g2") -> Family:
    return Family(name, guideline, 1, "paper-arm", 1, "float32", "nchw", variants)


def sample(name: str, launch: int, number: int, seconds: float, faults: float | None = 0.0) -> Sample:
    return Sample(name, launch, number, 1, seconds, faults)


def timing(relative: Interval | None, launches: int = 6) -> Timing:
    return Timing(Interval(0.001, 0.0009, 0.0011), relative, launches, 60, 0.0)


def record(
    of: Family,
    name: str,
    relative: Interval | None,
    deviation: float = 0.0,
    failure: Failure | None = None,
    warnings: tuple[str, ...] = (),
) -> Record:
    found = next(v for v in of.variants if v.name == name)
    time = None if failure else timing(relative)
    return Record("run", "suite", of, found, Target(), failure, COSTS, deviation, time, warnings)


def result(extreme: Interval | None, deviation: float = 0.0, guideline: str = "g2") -> FamilyResult:
    of = family(variant("g=1"), variant("g=8"), name=f"{guideline}-x1", guideline=guideline)
    records = (record(of, "g=1", Interval(1.0, 1.0, 1.0)), record(of, "g=8", extreme, deviation))
    return FamilyResult(of, records, ())
