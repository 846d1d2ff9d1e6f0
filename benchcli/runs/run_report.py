"""Define the report of a run: what was measured, and its environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchcli.schema import Breakdown, Failure, FamilyResult, Key, Layers, Record


@dataclass(frozen=True)
class RunReport:
    """The results of a run that has ended, and its environment."""

    environment: dict[str, Any]
    results: tuple[FamilyResult, ...]
    folder: Path
    seconds: float | None
    """The run's duration. None for a run read from its folder, which does not store it."""
    breakdowns: tuple[Breakdown, ...] = ()
    """In the order of families and variants, several launches each. Empty if none was requested."""
    untraced: Mapping[Key, Failure] = field(default_factory=dict)
    """The reasons why variants that have a time have no breakdown."""
    layers: tuple[Layers, ...] = ()
    """In the order of families and variants, several launches each. Empty if none was requested."""
    unlayered: Mapping[Key, Failure] = field(default_factory=dict)
    """The reasons why variants that have a time have no layers."""
    unfinished: tuple[str, ...] = ()
    """Families that a run read from its folder lacks."""
    is_going: bool = False
    """Whether it is still being measured."""

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of all families, one below the other."""
        return tuple(record for result in self.results for record in result.records)
