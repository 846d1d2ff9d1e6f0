"""Follow the time of each network through runs of one suite."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Interval, Key, Record
from benchcli.statistics import quotient

CHANGE = 0.05
"""The least change in time between two runs that counts.

It is that of a check against a recorded run: between two runs the machine changes too.
"""


@dataclass(frozen=True)
class TimeInRun:
    """The time of one network in one run of a series."""

    run: int
    """The number of the run in the series, from 0."""
    record: Record
    since_first: Interval | None
    """Its time over that in the first run that has one; None without a time."""
    since_last: Interval | None
    """Its time over that in the run before that has one; None for the first."""

    @property
    def has_changed(self) -> bool:
        """Whether its time certainly changed since the run before."""
        change = self.since_last
        return change is not None and change.compare(CHANGE) in {"faster", "slower"}


def started(run: SuiteRun) -> tuple[str, str]:
    """Return what runs are sorted by for the order in which they were started."""
    return run.environment.started, str(run.folder)


def history(runs: Sequence[SuiteRun]) -> dict[Key, list[TimeInRun]]:
    """Return the times of each network, in the order of the runs."""
    by_network: dict[Key, list[Record | None]] = {}
    for number, run in enumerate(runs):
        for record in run.records:
            by_network.setdefault(record.key, [None] * len(runs))[number] = record
    return {key: list(_times(records)) for key, records in by_network.items()}


def _times(records: Sequence[Record | None]) -> Iterator[TimeInRun]:
    first: Interval | None = None
    last: Interval | None = None
    for number, record in enumerate(records):
        if record is None:
            continue
        now = record.timing.seconds if record.timing else None
        since_first, since_last = (quotient(now, each) if now and each else None for each in (first, last))
        yield TimeInRun(number, record, since_first, since_last)
        first, last = first or now, now or last
