"""Compare the networks of a recorded run with another baseline than theirs, from the samples that the run kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchcli.errors import DamagedRunError, UserError, unknown
from benchcli.runs.run_folder import SAMPLES, RunFolder
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.summarise import OF_RELATIVE_SPEED, flops_deviation, of_relative_speed
from benchcli.sampling.timings import timings
from benchcli.schema import Family, FamilyResult, Plan, Record, Sample, Timing
from benchcli.store.stored_runs import folder_of


def with_baseline(run: SuiteRun, name: str) -> SuiteRun:
    """Return the run with relative speeds to the network `name`, paired round by round as they were measured.

    `name` is a variant or FAMILY/VARIANT. Families without it keep their baseline. Raises UserError
    if no family has it, if it has no time, or if the samples are gone.
    """
    chosen = {result.family.name: _variant_of(result, name) for result in run.results}
    if not any(chosen.values()):
        raise unknown("network of this run", name, list(dict.fromkeys(each.variant.name for each in run.records)))
    if all(chosen[result.family.name] in ("", result.family.baseline) for result in run.results):
        return run
    kept = samples_of(run)
    results = (
        _rebased(result, variant, kept[result.family.name], run.environment.plan or Plan())
        if (variant := chosen[result.family.name])
        else result
        for result in run.results
    )
    return replace(run, results=tuple(results), baseline=name)


def samples_of(run: SuiteRun) -> Mapping[str, Mapping[str, Sequence[Sample]]]:
    """Return the samples of each family, by variant.

    Raises UserError if those of a variant that has a time are gone or damaged.
    """
    stored = RunFolder(folder_of(run.folder)).samples()
    by_family: dict[str, dict[str, list[Sample]]] = {result.family.name: {} for result in run.results}
    for family, variants in by_family.items():
        for sample in stored.get(family, ()):
            variants.setdefault(sample.variant, []).append(sample)
    for record in run.records:
        if record.timing and record.variant.name not in by_family[record.family.name]:
            raise DamagedRunError(
                f"{run.folder / SAMPLES} has no samples of {'/'.join(record.key)}",
                "without them only the baseline of the run itself is known; measure again with the other network first",
            )
    return by_family


def _variant_of(result: FamilyResult, name: str) -> str:
    """Return the variant of a family that the name stands for; empty if it is of none."""
    names = {
        text: each.name for each in result.family.variants for text in (each.name, f"{result.family.name}/{each.name}")
    }
    return names.get(name, "")


def _rebased(result: FamilyResult, name: str, samples: Mapping[str, Sequence[Sample]], plan: Plan) -> FamilyResult:
    """Return the results of a family beside another of its variants, which comes first."""
    first = next(each for each in result.records if each.variant.name == name)
    if first.timing is None:
        why = first.failure.error if first.failure else "it was not measured"
        raise UserError(f"{'/'.join(first.key)} has no time to compare with: {why}")
    others = [each for each in result.records if each is not first]
    family = replace(result.family, variants=(first.variant, *(each.variant for each in others)))
    times = timings(family, samples)
    records = tuple(_beside(record, first, family, times, plan) for record in (first, *others))
    return replace(result, family=family, records=records)


def _beside(record: Record, first: Record, family: Family, times: Mapping[str, Timing], plan: Plan) -> Record:
    """Return a record with what depends on the baseline made anew; what does not is as it was recorded."""
    kept = [each for each in record.warnings if each.kind not in OF_RELATIVE_SPEED]
    timing, again = record.timing, times.get(record.variant.name)
    if timing and again:
        timing = replace(timing, relative=again.relative, modes=again.modes)
        kept = [*of_relative_speed(timing, first.timing, plan), *kept]
    deviation = flops_deviation(record.costs, first.costs)
    return replace(record, family=family, flops_deviation=deviation, timing=timing, warnings=tuple(kept))
