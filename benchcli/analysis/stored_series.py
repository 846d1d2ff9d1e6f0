"""Follow each network of a store through its runs: when its speed changed, between which commits."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli.analysis.change_points import Drift, Shift, drift, steps
from benchcli.errors import UserError
from benchcli.grouping import groups
from benchcli.sampling.timings import relative_speed
from benchcli.schema import Interval, Sample
from benchcli.schema.records import MOST_EXCLUDED
from benchcli.schema.structure import structure
from benchcli.store.database import quoted, rows_of, shared_names, tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

IDENTITY = (
    *("digest", "suite", "family", "variant", "runtime", "dtype", "layout", "step", "threads", "batch"),
    *("channels", "inputs"),
)
"""The columns that the runs of a series have in common: a machine with its versions, and a network."""
OF_POINT = (
    *("id", "started", "host", "cpu", "card", "commit", "code_file", "code_commit", "code_dirty"),
    *("reference", "reference_speed", "reference_low", "reference_high"),
)
Row = Mapping[str, Any]
Place = tuple[str, str, str]
"""A run's name in the store, a family and a network."""
LEAST_SERIES = 6
"""The fewest runs with which a change can be seen."""


@dataclass(frozen=True)
class SpeedPoint:
    """A network in one run."""

    run: str
    """The run's name in the store."""
    started: str
    """In UTC, such as "2026-11-25T19:04:20Z"."""
    host: str
    """The machine's name; empty if it is not known."""
    commit: str
    """The commit of the repository of the user's own network, or else of benchcli's; empty if it is not known.

    A + follows if the repository had uncommitted changes.
    """
    speed: Interval
    """The time of the reference network over its time."""


@dataclass(frozen=True)
class Change:
    """A change in a series: a step between two runs, or a drift over several."""

    kind: str
    """step or drift."""
    before: SpeedPoint
    """The last run before a step, or the first of a drift."""
    after: SpeedPoint
    """The first run after a step, or the last of a drift."""
    factor: float
    """The speed after it over that before."""
    p_value: float
    """Of Student's t-test of equal levels, or of a line without a slope."""


@dataclass(frozen=True)
class Series:
    """A network on a machine with its versions, in the order of its runs."""

    identity: Mapping[str, Any]
    """The columns `IDENTITY`, and the reference network."""
    machine: str
    """The card's or the processor's name."""
    points: tuple[SpeedPoint, ...]
    """Its runs, in the order of time."""

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """The changes in the order of time: steps, and then a drift that goes on."""
        speeds = [math.log(point.speed.estimate) for point in self.points]
        slow = drift(speeds)
        found = [each for each in steps(speeds) if slow is None or each.place <= slow.first]
        return (*map(self._of_step, found), *([self._of_drift(slow)] if slow else []))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the machines that its runs come from: equal ones, as far as their digests say."""
        return tuple(dict.fromkeys(point.host for point in self.points))

    def _of_step(self, step: Shift) -> Change:
        before, after = self.points[step.place - 1], self.points[step.place]
        return Change("step", before, after, math.exp(step.change), step.p_value)

    def _of_drift(self, slow: Drift) -> Change:
        return Change("drift", self.points[slow.first], self.points[-1], math.exp(slow.change), slow.p_value)


@dataclass(frozen=True)
class StoreHistory:
    """All series of a store that are long enough, and what is not in them."""

    store: Path
    series: tuple[Series, ...]
    short: int
    """The number of networks with fewer runs than a change needs."""
    disturbed: int
    """The times that are left out, because over half of their samples were disturbed."""
    shared_names: Mapping[str, int]
    """The hosts' names that several different machines have, with the number of these."""


def history_of(store: Path, network: str | None = None, host: str | None = None) -> StoreHistory:
    """Return the series of the networks of a store.

    `network` is a network or FAMILY/NETWORK, or a pattern of them; `host` keeps the runs of one machine.
    Raises UserError if the store cannot be read, or has nothing of this kind.
    """
    asked = {"network": network or "*", "host": host or "*"}
    with tables(store, "runs", "networks", "samples") as connection:
        counted = f"{_ASKED} SELECT count(DISTINCT ({_IDENTITY})), count(*) FILTER (is_disturbed) FROM asked"
        ((several, disturbed),) = connection.execute(counted, asked).fetchall()
        if not several:
            what = f"{network or 'any network'}{f' on {host}' if host else ''}"
            raise UserError(f"{store} has no speed of {what}: `benchcli store ls --store {store}` lists its runs")
        long = f"{_ASKED} SELECT * FROM asked WHERE runs >= {LEAST_SERIES} AND NOT is_disturbed"
        rows = rows_of(connection.execute(long, asked))
        by_network = groups(rows, lambda row: tuple(row[name] for name in IDENTITY)).values()
        others = _speeds(connection, [row for of in by_network for row in _with_other_reference(of)])
        names = shared_names(connection)
    series = tuple(_series(of, others) for of in by_network)
    return StoreHistory(store, series, several - len(by_network), disturbed, names)


_IDENTITY = ", ".join(map(quoted, IDENTITY))
_ASKED = f"""
WITH asked AS (
    SELECT {_IDENTITY}, {", ".join(map(quoted, OF_POINT))}, coalesce(excluded > {MOST_EXCLUDED} * samples, false)
        AS is_disturbed, count(*) FILTER (NOT is_disturbed) OVER (PARTITION BY {_IDENTITY}) AS runs
    FROM networks
    WHERE reference_speed IS NOT NULL AND coalesce(host, '') GLOB $host
        AND (variant GLOB $network OR family || '/' || variant GLOB $network)
    ORDER BY started, id
)
"""
_SAMPLES = """
SELECT id, family, asked.variant AS network, samples.variant, launch, round, calls, seconds,
    faults_per_call AS faults, excluded
FROM samples JOIN asked USING (id, family) WHERE samples.variant IN (asked.variant, asked.reference)
"""


def _reference(rows: Sequence[Row]) -> str:
    """Return the reference network that most rows have; a run takes the one nearest to each network."""
    return Counter(str(row["reference"]) for row in rows).most_common(1)[0][0]


def _with_other_reference(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows that do not have the reference network of most."""
    reference = _reference(rows)
    yield from ({**row, "reference": reference} for row in rows if row["reference"] != reference)


def _speeds(connection: "DuckDBPyConnection", rows: Sequence[Row]) -> Mapping[Place, Interval]:
    """Return the speeds of rows relative to their reference networks, from the samples that the store has."""
    if not rows:
        return {}
    connection.execute("CREATE TABLE asked (id VARCHAR, family VARCHAR, variant VARCHAR, reference VARCHAR)")
    names = [(*_place(row), row["reference"]) for row in rows]
    connection.executemany("INSERT INTO asked VALUES (?, ?, ?, ?)", names)
    by_place = groups(rows_of(connection.execute(_SAMPLES)), lambda row: (row["id"], row["family"], row["network"]))
    speeds = {}
    for place, samples in by_place.items():
        both = groups((structure(sample, Sample) for sample in samples), lambda sample: sample.variant)
        own = both.pop(place[2], [])
        speed = relative_speed(next(iter(both.values()), ()), own)
        if speed:
            speeds[place] = speed
    return speeds


def _place(row: Row) -> Place:
    return row["id"], row["family"], row["variant"]


def _series(rows: Sequence[Row], others: Mapping[Place, Interval]) -> Series:
    """Return the series of some rows, without those that have no speed relative to the reference of most."""
    reference = _reference(rows)
    points = []
    for row in rows:
        own = Interval(row["reference_speed"], row["reference_low"], row["reference_high"])
        speed = own if row["reference"] == reference else others.get(_place(row))
        if speed:
            points.append(_point(row, speed))
    identity = {**{name: rows[0][name] for name in IDENTITY}, "reference": reference}
    return Series(identity, rows[-1]["card"] or rows[-1]["cpu"] or "", tuple(points))


def _point(row: Row, speed: Interval) -> SpeedPoint:
    commit = row["code_commit" if row["code_file"] else "commit"] or ""
    is_changed = row["code_commit"] and row["code_dirty"]
    return SpeedPoint(row["id"], row["started"], row["host"] or "", f"{commit}+" if is_changed else commit, speed)
