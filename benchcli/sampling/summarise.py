"""Turn samples into records: times, intervals, precision and warnings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchcli import formatting
from benchcli.noise.diagnosis import of_launches, of_samples
from benchcli.sampling.timings import FirstSetting, percentiles, reference_speed, timings
from benchcli.schema import (
    Code,
    Conditions,
    Costs,
    Failure,
    Family,
    FamilyResult,
    Plan,
    Preparation,
    Record,
    ReferenceSpeed,
    Sample,
    Target,
    Timing,
    Variant,
)
from benchcli.schema.warnings import RunWarning
from benchcli.statistics import LEAST_LAUNCHES, has_ranks


@dataclass(frozen=True)
class Context:
    """What all records of a run share."""

    run: str
    suite: str
    target: Target
    plan: Plan
    peak_float32: float | None = None
    """FLOP/s that the device can do at most in float32, a multiply-add counted as two; None if unknown."""
    codes: Mapping[str, Code] = field(default_factory=dict)
    """Where users' own networks come from, by variant."""
    noticed: Mapping[str, tuple[RunWarning, ...]] = field(default_factory=dict)
    """What a survey noticed of the networks that concerns their times, by variant."""


@dataclass(frozen=True)
class FamilyEvidence:
    """The costs, failures and samples of one family, by variant name, and its conditions."""

    costs: Mapping[str, Costs]
    failures: Mapping[str, Failure]
    samples: Mapping[str, Sequence[Sample]]
    conditions: tuple[Conditions, ...]
    singles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Seconds of calls that were timed singly."""
    preparations: Mapping[str, Preparation] = field(default_factory=dict)


def result(
    context: Context, family: Family, evidence: FamilyEvidence, first: FirstSetting | None = None
) -> FamilyResult:
    """Return a record for every variant of the family, measured or not, with the samples.

    `first` is the evidence on the first of several settings, unless the family is in it.
    """
    times = timings(family, evidence.samples)
    samples = [sample for samples in evidence.samples.values() for sample in samples]
    of_host = any(sample.is_of_host for sample in samples)
    shared = of_launches(evidence.conditions, context.target.threads, of_host)
    if first:
        items = {name: costs.items or 1 for name, costs in evidence.costs.items()}
        times = {
            name: replace(time, setting=first.speed_of(name, evidence.samples[name], items.get(name, 1)))
            for name, time in times.items()
        }
    records = tuple(_record(context, family, variant, evidence, times, shared) for variant in family.variants)
    return FamilyResult(family, records, tuple(sorted(samples, key=lambda s: (s.launch, s.round))), evidence.conditions)


def _record(
    context: Context,
    family: Family,
    variant: Variant,
    evidence: FamilyEvidence,
    times: Mapping[str, Timing],
    shared: Sequence[RunWarning],
) -> Record:
    name = variant.name
    cost, reference = _counted(evidence, name), _counted(evidence, family.baseline)
    time, failure = times.get(name), evidence.failures.get(name)
    if time and (impossible := _impossible(time, cost, family, context.peak_float32)):
        time, failure = None, impossible
    warnings = _counting(evidence.costs.get(name), is_timed=time is not None)
    if time:
        singles = evidence.singles.get(name, ())
        time = replace(time, reference=_reference_speed(family, name, evidence), percentiles=percentiles(singles))
        observed = of_samples(evidence.samples[name], evidence.conditions, context.target)
        compared = of_relative_speed(time, times.get(family.baseline), context.plan)
        warnings += [*_noticed(context, family, name), *compared, *observed, *shared]
    return Record(
        run=context.run,
        suite=context.suite,
        family=family,
        variant=variant,
        target=context.target,
        failure=failure if failure or time else Failure("failed", "it was not reached"),
        costs=cost,
        flops_deviation=flops_deviation(cost, reference),
        timing=time,
        warnings=tuple(warnings),
        code=context.codes.get(name),
        preparation=evidence.preparations.get(name, Preparation()),
    )


def _noticed(context: Context, family: Family, name: str) -> list[RunWarning]:
    """Return what a survey noticed; how little outputs depend on inputs only where they are compared with others."""
    is_plain = family.on(context.target).runtime == Target.runtime and family.dtype == "float32"
    return [each for each in context.noticed.get(name, ()) if not (is_plain and each.kind == "insensitive")]


def _impossible(time: Timing, costs: Costs | None, family: Family, peak: float | None) -> Failure | None:
    """Return the failure of a time in which the device cannot have done the work in float32; None if it can."""
    if peak is None or costs is None or costs.least_flops is None or family.dtype != "float32":
        return None
    rate = 2 * costs.least_flops / time.seconds.estimate
    if rate <= peak:
        return None
    text = f"its rate of {rate / 1e12:.3g} TFLOP/s is above the {peak / 1e12:.3g} that the device can do in float32"
    return Failure("failed", f"{text}: it computes in TF32 or with less precision, or the time is wrong")


def _counted(evidence: FamilyEvidence, name: str) -> Costs | None:
    costs = evidence.costs.get(name)
    return costs if costs and costs.error is None else None


def _counting(costs: Costs | None, is_timed: bool) -> list[RunWarning]:
    """Return the warnings about what was not counted. What was not timed either has its failure."""
    if costs is None:
        return []
    if costs.error:
        return [RunWarning("uncounted", text=costs.error)] if is_timed else []
    formulas = [RunWarning("formula", text=formatting.named(costs.formulas))] if costs.formulas else []
    return [*(RunWarning("costs", text=text) for text in costs.unknown), *formulas]


def flops_deviation(costs: Costs | None, reference: Costs | None) -> float | None:
    """Return by which share multiply-adds differ from the baseline's; None if either is not known, or 0."""
    if not (costs and reference and costs.flops_complete and reference.flops_complete and reference.flops):
        return None
    return costs.flops / reference.flops - 1


def _reference_speed(family: Family, name: str, evidence: FamilyEvidence) -> ReferenceSpeed | None:
    """Return the speed relative to the reference network of the nearest arithmetic intensity.

    The state of the machine affects a reference and a network alike if both are bound by the same.
    """
    costs, samples = {each: costs for each, costs in evidence.costs.items() if costs.error is None}, evidence.samples
    known = [each.name for each in family.references if each.name in costs and samples.get(each.name)]
    if name not in costs or not known:
        return None
    nearest = min(known, key=lambda each: abs(costs[each].log_intensity - costs[name].log_intensity))
    return reference_speed(nearest, samples[nearest], samples[name])


OF_RELATIVE_SPEED = ("no-baseline", "few-launches", "imprecise", "modes", "unpaired")
"""The kinds of warnings that depend on the baseline."""


def of_relative_speed(time: Timing, baseline: Timing | None, plan: Plan) -> list[RunWarning]:
    """Return the warnings about the speed relative to a baseline."""
    return [*_precision(time, plan), *_modes(time), *_unpaired(time, baseline)]


def _precision(time: Timing, plan: Plan) -> list[RunWarning]:
    if time.relative is None:
        return [RunWarning("no-baseline")]
    if not has_ranks(time.launches):
        return [RunWarning("few-launches", time.launches)]
    if within(time, plan.precision):
        return []
    return [RunWarning("imprecise", text="launches" if plan.launches else "budget")]


def _modes(time: Timing) -> list[RunWarning]:
    """Return the note of a relative speed with two modes."""
    shares = [f"{each.speed:.2f} in {formatting.percent(each.share, decimals=0)}" for each in time.modes]
    return [RunWarning("modes", text=f"{shares[0]} of the launches and {shares[1]}")] if shares else []


UNPAIRED = 0.02
"""The largest disagreement, without a warning, of a relative speed and the ratio of the times."""


def _unpaired(time: Timing, baseline: Timing | None) -> list[RunWarning]:
    """Return a warning if the times, which are not paired, contradict the relative speed."""
    if time.relative is None or baseline is None:
        return []
    ratio = baseline.seconds.estimate / time.seconds.estimate
    disagreement = math.expm1(abs(math.log(ratio / time.relative.estimate)))
    return [RunWarning("unpaired", round(disagreement, 2))] if disagreement > UNPAIRED else []


ALWAYS_LAUNCHES = 6
"""The least launches even over the budget: fewer have no interval."""


def still_wide(family: Family, timings: Mapping[str, Timing], plan: Plan) -> set[str]:
    """Return the names of the variants that need more launches for the plan's precision.

    Every launch measures the baseline as well. A variant whose baseline has no time has no relative
    speed, and needs only `LEAST_LAUNCHES`.
    """
    return {
        name
        for name, timing in timings.items()
        if timing.launches < LEAST_LAUNCHES
        or (name != family.baseline and timing.relative is not None and not within(timing, plan.precision))
    }


def within(timing: Timing, precision: float) -> bool:
    """Return whether one relative speed has the given precision."""
    half_width = timing.relative.relative_half_width if timing.relative else None
    return half_width is not None and half_width <= precision


def another_launch(done: int, least: int, fits: bool, plan: Plan) -> bool:
    """Return whether to launch again, after `done` launches.

    A plan with a number of launches decides alone. Otherwise launch again below `least` launches,
    or if a launch as long as the last one `fits` the budget.
    """
    if plan.launches is not None:
        return done < plan.launches
    return done < least or fits
