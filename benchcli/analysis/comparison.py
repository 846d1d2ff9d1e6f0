"""Compare recorded runs with the first of them."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from benchcli.runs.run_environment import mismatches
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Family, Interval, Key, OfVariant, Record
from benchcli.statistics import quotient
from benchcli.workloads.requests import bare_name, settings_of


@dataclass(frozen=True)
class Row(OfVariant):
    """One network in every run. A tuple has one value per run; None if a run lacks the network."""

    records: tuple[Record | None, ...]
    changes: tuple[Interval | None, ...]
    """Each run's time over the first run's; None if one of the two has no time."""
    others: tuple[str | None, ...]
    """Why a run's network is not the first run's network; then the two are not compared."""
    costs: tuple[str | None, ...]
    """How the costs differ from the first run's. Networks of other costs are still compared."""


@dataclass(frozen=True)
class Comparison:
    """Runs compared with the first one."""

    runs: tuple[SuiteRun, ...]
    rows: tuple[Row, ...]
    """The most certain changes come first."""
    means: tuple[float | None, ...]
    """Geometric mean of each run's changes."""
    differences: tuple[str, ...]
    """How each run's environment and settings differ from the first run's."""
    missing: tuple[str, ...]
    """The networks that each run lacks, and those that failed."""

    @property
    def compared(self) -> int:
        """The number of networks that some run has in common with the first one."""
        return sum(any(row.changes[1:]) for row in self.rows)


def compare(runs: Sequence[SuiteRun]) -> Comparison:
    """Compare runs with the first of them."""
    tables = [_by_shared_key(run, runs[0]) for run in runs]
    keys = list(dict.fromkeys(key for table in tables for key in table))
    rows = [_row(key, [table.get(key) for table in tables]) for key in keys]
    return Comparison(
        runs=tuple(runs),
        rows=tuple(sorted(rows, key=_sort_key, reverse=True)),
        means=tuple(_mean([row.changes[number] for row in rows]) for number in range(len(runs))),
        differences=tuple(
            f"{run.folder} differs from {runs[0].folder}: {text}"
            for run in runs[1:]
            if (text := _differences(runs[0], run))
        ),
        missing=tuple(_missing(runs, rows)),
    )


def _differences(first: SuiteRun, run: SuiteRun) -> str:
    reference, other = (settings_of(record.family for record in each.by_key().values()) for each in (first, run))
    both_known = [name for name in reference if reference[name] and other[name]]  # an unfinished run may have no record
    changed = [(name, reference[name], other[name]) for name in both_known if reference[name] != other[name]]
    facts = [*mismatches(first.environment, run.environment), *changed]
    return ", ".join(f"{name} {right}, not {left}" for name, left, right in facts)


def _by_shared_key(run: SuiteRun, like: SuiteRun) -> dict[Key, Record]:
    """Return the records by family and variant, with the names that the families of `like` have.

    A family's name loses its settings, so that runs of two dtypes share keys. It keeps them if another family
    of the run has the same name without them, and is then compared with the family of `like` that has the
    same name and settings: of several runtimes, "mine-eager" is "mine" of a run in eager.
    """
    names = _keys(like).values()
    known = {key for _, key in names}
    of_like = {(bare_name(each), _setting(each, like)): key for each, key in names}
    shared = {
        name: key if key in known else of_like.get((bare_name(family), _setting(family, run)), key)
        for name, (family, key) in _keys(run).items()
    }
    return {(shared[family], variant): record for (family, variant), record in run.by_key().items()}


def _keys(run: SuiteRun) -> dict[str, tuple[Family, str]]:
    """Return each family of a run, by its name, and its name without settings, if no other family has that."""
    families = {record.family.name: record.family for record in run.by_key().values()}
    occurrences = Counter(map(bare_name, families.values()))
    return {
        name: (family, bare_name(family) if occurrences[bare_name(family)] == 1 else name)
        for name, family in families.items()
    }


def _setting(family: Family, run: SuiteRun) -> tuple[object, ...]:
    target = family.on(run.environment.target)
    return (*family.inputs.values(), target.threads, target.runtime, family.variants[0].shape)


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
    """Return how two networks of one name differ in input or channels; None if they do not."""
    if first is None or record is None:
        return None
    identities = [
        {"batch": each.family.batch, "channels": each.variant.channels, "input": each.variant.takes}
        for each in (first, record)
    ]
    for name, value in identities[0].items():
        if value != identities[1][name] and "" not in (value, identities[1][name]):  # tokens have no channels
            return f"not the same network: {name} {value} and {identities[1][name]}"
    return None


def _costs(first: Record | None, record: Record | None) -> str | None:
    costs, others = (each.costs if each else None for each in (first, record))
    if costs is None or others is None or costs.flops == others.flops:
        return None
    return "flops " + " and ".join(
        f"{'' if each.flops_complete else 'at least '}{each.flops:,}" for each in (costs, others)
    )


def _sort_key(row: Row) -> tuple[float, float]:
    """Return the largest certain and estimated log changes.

    They are rounded to 1e-4, so that smaller differences do not affect the order.
    """
    changes = [change for change in row.changes if change]
    return (
        max((round(change.min_log_change, 4) for change in changes), default=-1.0),
        max((round(abs(math.log(change.estimate)), 4) for change in changes), default=-1.0),
    )


def _mean(changes: Sequence[Interval | None]) -> float | None:
    logs = [math.log(change.estimate) for change in changes if change]
    return math.exp(mean(logs)) if logs else None


def _missing(runs: Sequence[SuiteRun], rows: Sequence[Row]) -> list[str]:
    """Return messages about the networks that each run lacks or that failed in it."""
    messages = []
    for number, run in enumerate(runs):
        lacking = [f"{row.family}/{row.variant}" for row in rows if row.records[number] is None]
        failed: Mapping[str, str] = {
            f"{row.family}/{row.variant}": record.failure.error
            for row in rows
            if (record := row.records[number]) and record.failure
        }
        if lacking:
            messages.append(f"{run.folder} lacks {', '.join(lacking)}")
        messages += [f"{run.folder}: {where} failed: {error}" for where, error in failed.items()]
    return messages
