"""The run of a suite: it is measured, stored, loaded and rendered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchcli.schema import Breakdown, Failure, FamilyResult, Key, Layers, Record
from benchcli.schema.environment import Environment

WELL_KNOWN = 0.05
"""The largest relative half-width of a network's time to which the times of its layers are brought."""


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

        Those of a network whose own time is not known so well are as they were timed: at another pace their
        intervals would leave out what is not known of it.
        """
        times = {key: _well_known_s(record) for key, record in self.by_key().items()}
        return tuple(each.at(times.get(each.key) or each.call_s) for each in self.timed_layers)

    def by_key(self) -> dict[Key, Record]:
        """Return all records, those of unfinished families too, by family and variant."""
        return {record.key: record for record in (*self.records, *self.partial)}


def _well_known_s(record: Record) -> float | None:
    """Return the time of a network, if it is known well enough for those of its layers to be brought to it."""
    seconds = record.timing.seconds if record.timing and not record.is_disturbed else None
    width = seconds.relative_half_width if seconds else None
    return seconds.estimate if seconds and width is not None and width <= WELL_KNOWN else None
