"""The run of a suite: it is measured, stored, loaded and rendered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchcli.schema import Breakdown, Failure, FamilyResult, Key, Layers, Record
from benchcli.schema.environment import Environment


@dataclass(frozen=True)
class SuiteRun:
    """The results of a suite's run, and its environment."""

    environment: Environment
    results: tuple[FamilyResult, ...]
    folder: Path
    seconds: float | None
    """The run's duration. None for a run read from its folder, which does not store it."""
    apart_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of what took time besides launches: costs, what runtimes prepare, traces; as `seconds`, not stored."""
    breakdowns: tuple[Breakdown, ...] = ()
    """In the order of families and variants, several launches each. Empty if none was requested."""
    untraced: Mapping[Key, Failure] = field(default_factory=dict)
    """The reasons why variants that have a time have no breakdown."""
    timed_layers: tuple[Layers, ...] = ()
    """In the order of families and variants, several launches each, as timed. Empty if none was requested."""
    unlayered: Mapping[Key, Failure] = field(default_factory=dict)
    """The reasons why variants that have a time have no layers."""
    unfinished: tuple[str, ...] = ()
    """Names of families that lack a record for at least one variant."""
    partial: tuple[Record, ...] = ()
    """The records of unfinished families, which are no part of `results`."""
    is_going: bool = False
    """Whether it is still being measured."""
    baseline: str = ""
    """The network that relative speeds were recomputed for; empty if each family has the baseline that it had."""

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of all families, one below the other."""
        return tuple(record for result in self.results for record in result.records)

    @property
    def runtimes(self) -> tuple[str, ...]:
        """What ran the networks; several were compared."""
        target = self.environment.target
        found = dict.fromkeys(result.family.on(target).runtime for result in self.results)
        return tuple(found) or (target.runtime,)

    @property
    def suite_name(self) -> str:
        """The name of the suite; empty if nothing says it."""
        return self.environment.suite.name if self.environment.suite else ""

    @cached_property
    def layers(self) -> tuple[Layers, ...]:
        """The layers at the pace of the network's own time, which is of more launches and of the machine at its usual.

        Those of a network that has no time are as they were timed.
        """
        times = {key: record.timing.seconds.estimate for key, record in self.by_key().items() if record.timing}
        return tuple(each.at(times.get((each.family, each.variant), each.call_s)) for each in self.timed_layers)

    def by_key(self) -> dict[Key, Record]:
        """Return all records, those of unfinished families too, by family and variant."""
        return {record.key: record for record in (*self.records, *self.partial)}
