"""Hold recorded runs side by side: the change of every network's time, and what the runs have not in common."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from benchcli.runs.read import Recorded, mismatches, settings
from benchcli.schema import Interval, Key, Record
from benchcli.statistics import quotient


@dataclass(frozen=True)
class Row:
    """One network in every run; None where a run has it not."""

    family: str
    variant: str
    records: tuple[Record | None, ...]
    changes: tuple[Interval | None, ...]
    """Each run's time over the first one's; None where one of the two has no time."""
    others: tuple[str | None, ...]
    """Why a run's network of this name is not the first one's, so that it is not compared."""
    costs: tuple[str | None, ...]
    """How its costs differ, which does not hinder a comparison."""


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, the first one the reference."""

    runs: tuple[Recorded, ...]
    rows: tuple[Row, ...]
    """What changed most surely comes first."""
    means: tuple[float | None, ...]
    """Geometric mean of each run's changes."""
    differences: tuple[str, ...]
    """What is not the same about each run and the first."""
    missing: tuple[str, ...]


def compare(runs: Sequence[Recorded]) -> Comparison:
    """Compare runs with the first of them."""
    tables = [_by_shared_key(run) for run in runs]
    keys = list(dict.fromkeys(key for table in tables for key in table))
    rows = [_row(key, [table.get(key) for table in tables]) for key in keys]
    return Comparison(
        runs=tuple(runs),
        rows=tuple(sorted(rows, key=_matters, reverse=True)),
        means=tuple(_mean([row.changes[number] for row in rows]) for number in range(len(runs))),
        differences=tuple(f"{run.path}: {text}" for run in runs[1:] if (text := _differences(runs[0], run))),
        missing=tuple(_missing(runs, rows)),
    )


def _differences(first: Recorded, run: Recorded) -> str:
    was, is_ = settings(first), settings(run)
    given = [f"{name} {was[name]} and {is_[name]}" for name in was if was[name] != is_[name]]
    return ", ".join([*mismatches(first.environment, run.environment), *given])


def _by_shared_key(run: Recorded) -> dict[Key, Record]:
    """Return the records by family and variant, the family without its dtype where it is told apart by nothing else."""
    short = {record.family.name: record.family.name.removesuffix(f"-{record.family.dtype}") for record in run.records}
    often = Counter(short.values())
    return {
        (short[family] if often[short[family]] == 1 else family, variant): record
        for (family, variant), record in run.by_key().items()
    }


def _row(key: Key, records: Sequence[Record | None]) -> Row:
    first = records[0]
    others = tuple(_other(first, record) for record in records)
    changes = tuple(None if other else _change(first, record) for record, other in zip(records, others, strict=True))
    return Row(*key, tuple(records), changes, others, tuple(_costs(first, record) for record in records))


def _change(first: Record | None, record: Record | None) -> Interval | None:
    if first is None or record is None or first.timing is None or record.timing is None:
        return None
    if first is record:
        return Interval(1.0, 1.0, 1.0)
    return quotient(record.timing.seconds, first.timing.seconds)


def _other(first: Record | None, record: Record | None) -> str | None:
    """Say what makes two networks of one name different ones."""
    if first is None or record is None:
        return None
    identities = [
        {"batch": each.family.batch, "channels": each.variant.channels, "input": each.variant.shape}
        for each in (first, record)
    ]
    for name, was in identities[0].items():
        if was != identities[1][name]:
            return f"not the same network: {name} {was} and {identities[1][name]}"
    return None


def _costs(first: Record | None, record: Record | None) -> str | None:
    was, is_ = (each.costs if each else None for each in (first, record))
    return f"flops {was.flops:,} and {is_.flops:,}" if was and is_ and was.flops != is_.flops else None


def _matters(row: Row) -> tuple[float, float]:
    """Return how surely and how much it changed, to a hundredth of a per cent: what is smaller makes no order."""
    changes = [change for change in row.changes if change]
    return (
        max((round(change.min_log_change, 4) for change in changes), default=-1.0),
        max((round(abs(math.log(change.estimate)), 4) for change in changes), default=-1.0),
    )


def _mean(changes: Sequence[Interval | None]) -> float | None:
    known = [math.log(change.estimate) for change in changes if change]
    return math.exp(mean(known)) if known else None


def _missing(runs: Sequence[Recorded], rows: Sequence[Row]) -> list[str]:
    """Say what each run lacks, and why where that is known."""
    told = []
    for number, run in enumerate(runs):
        lacking = [f"{row.family}/{row.variant}" for row in rows if row.records[number] is None]
        failed: Mapping[str, str] = {
            f"{row.family}/{row.variant}": record.failure.error
            for row in rows
            if (record := row.records[number]) and record.failure
        }
        if lacking:
            told.append(f"{run.path} lacks {', '.join(lacking)}")
        told += [f"{run.path}: {where} failed: {error}" for where, error in failed.items()]
    return told
