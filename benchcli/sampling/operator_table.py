"""Keep the times of operators on a machine, measure those that a table lacks, and keep what they are worth.

A table is of one machine, device, number of threads, allocator, and version of torch; another of these is
another table.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchcli import files
from benchcli.errors import NothingMeasuredError
from benchcli.grouping import groups
from benchcli.sampling import artifact_cache
from benchcli.sampling.worker_reports import Failures, collect
from benchcli.schema import Plan, Target
from benchcli.schema.observations import Count, Duration
from benchcli.schema.protocol import OPERATORS, Launcher, OperatorTimed, Task
from benchcli.schema.recipes import OperatorRecipe, OperatorTimes
from benchcli.schema.structure import structure
from benchcli.settings import OF_TABLES
from benchcli.system import machine

LAUNCHES = 2
"""Fresh processes that time each operator: where its memory lies differs between them."""
FORMAT = 5
"""Of the table; another one is another table."""


@dataclass(frozen=True)
class Calibration:
    """What the times of whole networks say of sums of their operators' times."""

    factors: tuple[float, ...]
    """Of the terms of `analysis.time_model`, in their order."""
    half_bytes: float
    """Bytes of weights of a network whose operators are half way from the near to the far state of the caches."""
    flops_s: float
    """Seconds of a multiply-add, if they were all that counts."""
    byte_s: float
    """Seconds of a byte of memory access, if they were all that counts."""
    additive: tuple[float, ...]
    """Seconds of a multiply-add, of a byte and of an operator, whose sum is nearest to the networks' times."""
    errors: tuple[float, ...]
    """ln(predicted / measured) of each network, predicted by the factors of other families of networks."""
    seconds: Mapping[str, Duration] = field(default_factory=dict)
    """The time of each network, at the table's pace."""
    operators: tuple[str, ...] = ()
    """What the networks call, each once; empty in a table from before this was kept."""

    @property
    def fastest_s(self) -> float:
        """The time of the fastest network; 0 if no times are kept."""
        return min(self.seconds.values(), default=0.0)


@dataclass
class OperatorTable:
    """What is known of the operators of a machine."""

    digest: str
    times: dict[str, OperatorTimes] = field(default_factory=dict)
    """By the recipes' keys."""
    failures: dict[str, str] = field(default_factory=dict)
    """Why others cannot be called alone, by the recipes' keys."""
    disturbed: tuple[str, ...] = ()
    """The keys of the recipes that were timed while other work took the core, in all launches: to be timed again."""
    calibration: Calibration | None = None
    reference_s: Duration = 0.0
    """Seconds of a call of the reference network, at whose pace all times are; 0 if there are none.

    It is the fastest of the first launches. Machines have slower states, in which all takes longer.
    """
    measured_s: Duration = 0.0
    """Seconds that measuring took."""
    format_: Count = FORMAT

    def lacking(self, recipes: Iterable[OperatorRecipe]) -> list[OperatorRecipe]:
        """Return the recipes of which nothing is known, or only what was disturbed, each once."""
        known = {*self.times, *self.failures} - {*self.disturbed}
        return list({each.key: each for each in recipes if each.key not in known}.values())

    def add(self, timed: Iterable[tuple[OperatorRecipe, OperatorTimed]]) -> None:
        """Add what launches said of recipes, at the table's pace: of each state the fastest launch.

        The launches were made one after the other, at one pace: that of their fastest reference network.
        """
        timed = list(timed)
        pace_s = min((event.reference_s for _, event in timed if event.reference_s > 0), default=0.0)
        self.reference_s = self.reference_s or pace_s
        factor = self.reference_s / pace_s if pace_s else 1.0
        by_key = groups(timed, lambda each: each[0].key)
        disturbed = {key for key, several in by_key.items() if all(event.disturbed for _, event in several)}
        self.disturbed = tuple(sorted({*self.disturbed} - by_key.keys() | disturbed))
        for key, several in by_key.items():
            times = [event.times.scaled(factor) for _, event in several if event.times]
            if key in disturbed and key in self.times:
                times.append(self.times[key])
            if times:
                self.times[key] = OperatorTimes(
                    *(min(getattr(each, state) for each in times) for state in ("warm_s", "near_s", "far_s"))
                )
            else:
                self.failures[key] = several[0][1].error


def digest_of(software: Mapping[str, str | None], device: Mapping[str, object], target: Target) -> str:
    """Return the digest of what a table depends on."""
    settings = {each.name: getattr(target, each.name) for each in OF_TABLES}
    return machine.digest(machine.machine(), {"torch": software.get("torch"), "format": FORMAT}, device, settings)


def fetch(digest: str) -> OperatorTable:
    """Return the table that was kept; an empty one if there is none. A damaged one is none."""
    with tempfile.TemporaryDirectory(prefix="benchcli-") as folder:
        copy = Path(folder) / "table"
        if artifact_cache.fetch(artifact_cache.cache_folder(), _key(digest), copy) is None:
            return OperatorTable(digest)
        try:
            found = structure(json.loads(copy.read_text(encoding="utf-8")), OperatorTable)
        except (OSError, ValueError, RecursionError):
            return OperatorTable(digest)
    return found if (found.digest, found.format_) == (digest, FORMAT) else OperatorTable(digest)


def keep(table: OperatorTable) -> None:
    """Keep a table, with what other processes have kept in the meantime."""
    folder, key = artifact_cache.cache_folder(), _key(table.digest)
    others = fetch(table.digest)
    table.disturbed += tuple(key for key in others.disturbed if key not in table.times)
    table.times = {**others.times, **table.times}
    table.failures = {**others.failures, **table.failures}
    table.calibration = table.calibration or others.calibration
    table.reference_s = others.reference_s or table.reference_s
    with tempfile.TemporaryDirectory(prefix="benchcli-") as scratch:
        draft = Path(scratch) / "table"
        files.create(draft, json.dumps(asdict(table)))
        artifact_cache.forget(folder, key)
        artifact_cache.keep(folder, key, draft, table.measured_s)


def measure(
    recipes: Sequence[OperatorRecipe],
    target: Target,
    launcher: Launcher,
    announce: Callable[[str], None] = lambda doing: None,  # noqa: ARG005
) -> list[tuple[OperatorRecipe, OperatorTimed]]:
    """Return what each launch says of each recipe. One that ends its process is left out in the next one.

    Raises NothingMeasuredError if no worker can start.
    """
    found: list[tuple[OperatorRecipe, OperatorTimed]] = []
    for launch in range(LAUNCHES):
        rest = list(recipes)
        while rest:
            announce(f"timing operators: launch {launch + 1} of {LAUNCHES}, {len(rest)} left")
            task = Task(OPERATORS, target, (), {}, launch=launch, seed=launch, recipes=tuple(rest))
            reports = collect(launcher, task, Plan.silence_s, Failures())
            found += [(rest[each.number], each) for each in reports.timed if each.number < len(rest)]
            if reports.death is None:
                break
            if reports.running is None:
                raise NothingMeasuredError(f"no operator was timed: {reports.death.error}")
            ended = int(reports.running[1])
            found.append((rest[ended], OperatorTimed(ended, None, reports.death.error)))
            told = {ended, *(each.number for each in reports.timed)}
            rest = [recipe for number, recipe in enumerate(rest) if number not in told]
    return found


def _key(digest: str) -> str:
    return f"operators-{digest}"
