"""From samples to what is said of a family: timings, warnings and records."""

from collections.abc import Mapping, Sequence
from statistics import mean

from benchcli.measure.stopping import within
from benchcli.schema import (
    Costs,
    Failure,
    Family,
    FamilyResult,
    Interval,
    Plan,
    Record,
    Sample,
    Target,
    Timing,
)
from benchcli.statistics import interval_over_launches, launch_log_ratios, launch_log_seconds

FAULTING = 1.0
"""Minor faults per call from which the memory, not the network, is being timed."""


def timing(samples: Sequence[Sample], baseline: Sequence[Sample], is_baseline: bool) -> Timing | None:
    """Return the time of one variant; None where it has no samples."""
    if not samples:
        return None
    counted = [sample.faults for sample in samples if sample.faults is not None]
    ratios = launch_log_ratios(baseline, samples)
    relative = Interval(1.0, 1.0, 1.0) if is_baseline else interval_over_launches(ratios) if ratios else None
    return Timing(
        seconds=interval_over_launches(launch_log_seconds(samples)),
        relative=relative,
        launches=len({sample.launch for sample in samples}),
        samples=len(samples),
        faults=mean(counted) if counted else None,
    )


def timings(family: Family, samples: Mapping[str, Sequence[Sample]]) -> dict[str, Timing]:
    """Return the time of every variant that has samples."""
    baseline = samples.get(family.baseline, ())
    found = {
        variant.name: timing(samples.get(variant.name, ()), baseline, variant.name == family.baseline)
        for variant in family.variants
    }
    return {name: time for name, time in found.items() if time}


def result(
    run: str,
    suite: str,
    family: Family,
    target: Target,
    plan: Plan,
    costs: Mapping[str, Costs],
    failures: Mapping[str, Failure],
    samples: Mapping[str, Sequence[Sample]],
) -> FamilyResult:
    """Return a record for every variant of the family, measured or not, and the samples behind them."""
    times = timings(family, samples)
    reference = costs.get(family.baseline)
    records = []
    for variant in family.variants:
        name = variant.name
        cost, failure = costs.get(name), failures.get(name)
        time = times.get(name)
        records.append(
            Record(
                run=run,
                suite=suite,
                family=family,
                variant=variant,
                target=target,
                failure=failure if failure or time else Failure("failed", "it was not reached"),
                costs=cost,
                flops_deviation=cost.flops / reference.flops - 1 if cost and reference else None,
                timing=time,
                warnings=tuple(warnings(cost, time, plan)),
            )
        )
    kept = tuple(sample for of_variant in samples.values() for sample in of_variant)
    return FamilyResult(family, tuple(records), tuple(sorted(kept, key=lambda s: (s.launch, s.round))))


def warnings(costs: Costs | None, time: Timing | None, plan: Plan) -> list[str]:
    """Return the codes of what a reader of the row must know; `benchcli.advice` has their sentences."""
    found = [f"costs:{text}" for text in costs.unknown] if costs else []
    if time and time.faults is not None and time.faults >= FAULTING:
        found.append(f"page-faults:{time.faults:.0f}")
    if time and time.relative is None:
        found.append("no-baseline")
    elif time and not within(time, plan.precision):
        found.append("imprecise:launches" if plan.launches else "imprecise:budget")
    return found
