"""Judge the speeds of a new run by the series that a store has of its networks: their level, and slow drifts."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchcli import formatting
from benchcli.analysis.change_points import LEAST_RUNS, drift, steps, without_outliers
from benchcli.analysis.stored_series import IDENTITY, LEAST_SERIES, Series, SpeedPoint, history_of
from benchcli.errors import UserError
from benchcli.runs.rows import row
from benchcli.schema import Interval, Record
from benchcli.statistics import student_t_quantile

ERROR = 0.05
"""The probability with which the interval of a new run misses its level."""


@dataclass(frozen=True)
class Level:
    """Where a series was since its last change."""

    mean: float
    """Of the logarithms of the speeds."""
    spread: float
    """The standard deviation of a run, of all runs about the level of their time."""
    degrees: int
    """Of freedom, of the spread."""
    first: int
    """The number of the first run of the level."""
    runs: int

    def change(self, speed: float) -> Interval:
        """Return the time of a new run over that of the level, with the interval in which equal runs lie."""
        quantile = student_t_quantile(1 - ERROR / 2, self.degrees)
        half = quantile * self.spread * math.sqrt(1 + 1 / self.runs)
        change = math.exp(self.mean - math.log(speed))
        return Interval(change, change * math.exp(-half), change * math.exp(half))


def level_of(speeds: Sequence[float]) -> Level:
    """Return the last level of a series of speeds, of which there are at least six, outliers apart."""
    values = without_outliers(np.log(np.asarray(speeds)))
    places = [0, *(each.place for each in steps(values)), len(values)]
    parts = [values[first:last] for first, last in itertools.pairwise(places)]
    degrees = max(1, len(values) - len(parts))
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in parts)
    return Level(float(parts[-1].mean()), math.sqrt(squares / degrees), degrees, places[-2], len(parts[-1]))


@dataclass(frozen=True)
class BySeries:
    """What the series of a network says of a new run."""

    change: Interval
    """The new time over that of the level."""
    since: SpeedPoint
    """The run with which the level began, or the drift."""
    runs: int
    """The runs of the level, or of the drift."""
    drifted: float | None = None
    """The time now over that at the beginning of a slow drift that has gone on to this run; None if there is none."""

    @property
    def text(self) -> str:
        """Say what was compared."""
        when = f"since {self.since.started[:10]}"
        commit = f" ({self.since.commit[:10]})" if self.since.commit else ""
        runs = formatting.counted(self.runs, "run")
        if self.drifted is not None:
            return (
                f"time {formatting.percent(self.drifted - 1, signed=True)} in a slow drift over {runs} {when}{commit}"
            )
        return f"time {formatting.change(self.change)} beside the {runs} {when}{commit}"


@dataclass(frozen=True)
class SeriesJudge:
    """Judges by the series of a store."""

    store: Path

    @cached_property
    def _series(self) -> tuple[Series, ...]:
        try:
            return history_of(self.store).series
        except UserError:  # it has no speeds yet
            return ()

    def judge(self, record: Record, digest: str | None) -> BySeries | str:
        """Return what the series of a record's network says, or why it says nothing."""
        found = row(record)
        own = {**{name: _text(found.get(name)) for name in IDENTITY}, "digest": _text(digest)}
        alike = [each for each in self._series if {name: _text(each.identity[name]) for name in IDENTITY} == own]
        if not alike:
            return f"{self.store} has fewer than {LEAST_SERIES} runs of it on this machine with these versions"
        (series,) = alike
        reference = record.timing.reference if record.timing else None
        if reference is None or reference.name != series.identity["reference"]:
            return f"its reference network is not that of the series, {series.identity['reference']}"
        return by_series(series, reference.speed.estimate)


def by_series(series: Series, speed: float) -> BySeries:
    """Return what a series says of a new speed, relative to the same reference network."""
    speeds = [each.speed.estimate for each in series.points]
    level = level_of(speeds)
    slow = drift([*map(math.log, speeds), math.log(speed)])
    if slow and slow.change < 0 and slow.first < len(speeds) - LEAST_RUNS:
        drifted = math.exp(-slow.change)
        return BySeries(level.change(speed), series.points[slow.first], len(speeds) + 1 - slow.first, drifted)
    return BySeries(level.change(speed), series.points[level.first], level.runs)


def _text(value: object) -> str:
    return "" if value is None else str(value)
