"""Collect the evidence on the families of a run, launch by launch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

from benchcli.noise.pace import marked, usual
from benchcli.sampling.artifact_cache import cache_folder
from benchcli.sampling.summarise import ALWAYS_LAUNCHES, FamilyEvidence, still_wide
from benchcli.sampling.timings import SINGLES, FirstSetting, timings
from benchcli.sampling.worker_reports import Collect, Failures, Reports, by_family, without
from benchcli.schema import Conditions, Costs, Family, Key, Plan, Preparation, Sample, Target
from benchcli.schema.protocol import LAUNCH, ROUNDS, SECONDS, ArtifactFacts, Exported, Loaded, Task

Value = TypeVar("Value")


@dataclass
class Evidence:
    """Samples, conditions and failures of all launches.

    A launch whose worker died adds no samples and no conditions.
    """

    target: Target
    plan: Plan
    costs: Mapping[Key, Costs]
    failures: Failures
    launches: int = 0
    seconds: float = SECONDS
    rounds: int = ROUNDS
    keeps_settings: bool = False
    """Whether what networks change of torch's settings stays: each process runs one version of a check."""
    same_calls: bool = False
    """Whether all variants' samples have as many calls as the baseline's."""
    samples: dict[Key, list[Sample]] = field(default_factory=dict)
    usual_s: float | None = None
    """The usual pace of the core over all samples; None if none has one."""
    conditions: dict[str, list[Conditions]] = field(default_factory=dict)
    singles: dict[Key, list[float]] = field(default_factory=dict)
    """Seconds of calls that were timed singly."""
    live: Mapping[str, str] = field(default_factory=dict)
    """Networks that a caller gave by value."""
    artifacts: Mapping[Key, str] = field(default_factory=dict)
    """The files that the runtime has prepared."""
    exported: Mapping[Key, Exported] = field(default_factory=dict)
    """What preparing them took."""
    loaded: dict[Key, list[Loaded]] = field(default_factory=dict)
    """What each launch that loaded them says."""
    compiles: bool = False
    """Whether a network uses `torch.compile`."""

    def launch(self, wanted: Sequence[Family], collect: Collect) -> None:
        """Make one launch of families, in a worker for each number of threads and each runtime.

        If a worker dies, try again, without the variants that have failed by then.
        """
        for target in dict.fromkeys(family.on(self.target) for family in wanted):
            attempt = 0
            while rest := self._alive([family for family in wanted if family.on(self.target) == target]):
                reports = collect(self._task(rest, attempt), self.plan.silence_s, self.failures)
                if reports.death is None:
                    self._keep(reports)
                    break
                attempt += 1
        self.launches += 1

    def _task(self, families: Sequence[Family], attempt: int) -> Task:
        return Task(
            LAUNCH,
            families[0].on(self.target),
            tuple(families),
            by_family(self.costs, families),
            launch=self.launches,
            seed=1000 * attempt + self.launches,
            seconds=self.seconds,
            rounds=self.rounds,
            keeps_settings=self.keeps_settings,
            same_calls=self.same_calls,
            most_seconds=self.plan.launch_share * self.plan.budget_s,
            singles=math.ceil(SINGLES / (self.plan.launches or ALWAYS_LAUNCHES)) if self.plan.percentiles else 0,
            live=self.live,
            artifacts=by_family(self.artifacts, families) if self.artifacts else {},
            cache="" if self.artifacts else cache_folder(),
            compiles=self.compiles,
        )

    def _alive(self, families: Sequence[Family]) -> list[Family]:
        """Return the families that have variants which have not failed, with these and their references alone."""
        return [family for family in without(families, set(self.failures.by_key)) if family.variants]

    def needed(self, family: Family) -> Family | None:
        """Return the family without the variants that are precise enough; None if none is left."""
        alive = self._alive([family])
        if not alive or self.plan.launches is not None:
            return alive[0] if alive else None
        times = timings(family, self.known(family).samples)
        wide = still_wide(family, times, self.plan) | {v.name for v in alive[0].variants if v.name not in times}
        done = {(family.name, v.name) for v in family.variants if v.name not in wide | {family.baseline}}
        return without(alive, done)[0] if wide else None

    def needed_of(self, families: Sequence[Family]) -> list[tuple[Family, Family | None]]:
        """Return each family with its variants that need launches; if one setting needs some, all settings get them."""
        needed = {family.name: self.needed(family) for family in families}
        open_ = {family.group for family in families if family.first and (needed[family.name] or self._is_wide(family))}
        for family in families:
            if family.group in open_:
                needed[family.name] = next(iter(self._alive([family])), None)
        return [(family, needed[family.name]) for family in families]

    def _is_wide(self, family: Family) -> bool:
        """Return whether a speed relative to the first setting is less precise than the plan wants."""
        first = self.first_of(family)
        if first is None or self.plan.launches is not None:
            return False
        samples = self.known(family).samples
        costs = of_family(self.costs, family.name)
        speeds = (first.speed_of(name, each, costs[name].items or 1) for name, each in samples.items())
        widths = [speed.relative_half_width for speed in speeds if speed]
        return any(width is None or width > self.plan.precision for width in widths)

    def first_of(self, family: Family) -> FirstSetting | None:
        """Return the evidence on the same networks in the first setting; None if this is it, or the only one."""
        if not family.first or family.first == family.name:
            return None
        items = {name: costs.items or 1 for name, costs in of_family(self.costs, family.first).items()}
        return FirstSetting(self._samples_of(family.first), items)

    def known(self, family: Family) -> FamilyEvidence:
        """Return the evidence on one family, without the samples of variants that failed later."""
        failures = of_family(self.failures.by_key, family.name)
        return FamilyEvidence(
            costs=of_family(self.costs, family.name),
            failures=failures,
            samples={name: samples for name, samples in self._samples_of(family.name).items() if name not in failures},
            conditions=tuple(self.conditions.get(family.name, ())),
            singles=of_family(self.singles, family.name),
            preparations={v.name: self._preparation((family.name, v.name)) for v in family.variants},
        )

    def _samples_of(self, family: str) -> dict[str, list[Sample]]:
        """Return the samples of a family's variants; those on a slow core are excluded, as far as is known by now."""
        return {name: marked(samples, self.usual_s) for name, samples in of_family(self.samples, family).items()}

    def _preparation(self, key: Key) -> Preparation:
        """Return what the runtime did before it ran a network."""
        exported, loaded = self.exported.get(key), self.loaded.get(key, ())
        facts = exported.facts if exported else ArtifactFacts()
        of_several = facts.argmax_agreement
        load_s = [each.seconds for each in loaded if each.seconds is not None]
        grown = [each.loaded_bytes for each in loaded if each.loaded_bytes is not None]
        errors = [each.output_error for each in loaded if each.output_error is not None]
        agreements = [each.argmax_agreement for each in loaded if each.argmax_agreement is not None]
        return Preparation(
            export_s=exported.seconds if exported else None,
            load_s=median(load_s) if load_s else None,
            loaded_bytes=round(median(grown)) if grown else None,
            artifact_bytes=exported.size if exported else None,
            output_error=max(errors, default=None),
            argmax_agreement=min(agreements, default=None) if of_several is None else of_several,
            reorders=facts.reorders,
        )

    def _keep(self, reports: Reports) -> None:
        for key, sample in reports.samples:
            self.samples.setdefault(key, []).append(sample)
        self.usual_s = usual(sample for samples in self.samples.values() for sample in samples)
        for single in reports.singles:
            self.singles.setdefault(single.key, []).extend(single.seconds)
        for each in reports.loaded:
            self.loaded.setdefault(each.key, []).append(each)
        for watched in reports.conditions:
            self.conditions.setdefault(watched.family, []).append(watched.conditions)


def of_family(table: Mapping[Key, Value], family: str) -> dict[str, Value]:
    """Return one family's part of a table, by variant."""
    return {variant: value for (name, variant), value in table.items() if name == family}
