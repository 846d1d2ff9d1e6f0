"""Lay out the table that compares settings: each network with itself in the first of them."""

from collections.abc import Iterable, Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.setting_effects import Flip, SettingEffect, flips, setting_effects
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Table, numbers, words
from benchcli.reports.views import cells
from benchcli.schema import FamilyResult, Interval, Record

APART = {"threads": "numbers of threads", "runtime": "runtimes"}
"""The settings of which each has processes of its own."""
NAMES = ("batch", "dtype", "layout", "step", "threads", "runtime", "size")


def table(results: Sequence[FamilyResult]) -> Table:
    """Return the table, with the first setting's rows and those that are compared with them."""
    results = [result for result in results if result.family.first]
    records = cells.records_of(results)
    effects = {each.record.key: each for each in setting_effects(results)}
    by_network = groups(records, lambda record: (record.family.first, record.variant.name))
    records = [record for own in by_network.values() for record in own]
    differ = differing(records)
    bars = [_bar(record, effects.get(record.key)) for record in records]
    several = len({result.family.first for result in results}) > 1
    return Table(
        key="settings",
        title="Settings compared",
        columns=(
            *([words("family", (record.family.first for record in records))] if several else []),
            words("network", (record.variant.name for record in records)),
            *(words(name, [_value(record, name) for record in records]) for name in differ),
            numbers("time ms", map(cells.time, records)),
            cells.item_rate(records, 1),
            numbers("speed", [_speed(each, effects.get(each.key)) for each in records], bars=bars),
            numbers("compared with the first", (_outcome(effects.get(record.key)) for record in records)),
        ),
        lines=(
            f"speed is relative to the same network in its first row{', per item of a batch' * ('batch' in differ)}; "
            f"the settings were measured in turns{_apart(differ)}",
            *cells.inexact_lines(records),
            *_not_judged(effects.values(), differ),
            *(_flip(each, differ) for each in flips(results)),
        ),
        groups=tuple(map(len, by_network.values())),
    )


def _not_judged(effects: Iterable[SettingEffect], differ: Sequence[str]) -> Iterator[str]:
    """Yield why networks are not judged; those with the same reason share a line."""
    for why, of in groups((each for each in effects if each.why), lambda each: each.why).items():
        names = [_named(each.record, differ) for each in of]
        yield f"{formatting.named(names)}: {why}"


def _named(record: Record, differ: Sequence[str]) -> str:
    """Return a network's name, with the settings that differ if any do."""
    return f"{record.variant.name} ({setting(record, differ)})" if differ else record.variant.name


def _speed(record: Record, effect: SettingEffect | None) -> str:
    speed = record.timing.setting if record.timing else None
    return formatting.speed(speed) if speed else "1" if effect is None and record.timing else UNKNOWN


def _outcome(effect: SettingEffect | None) -> str:
    if effect is None:
        return "the first"
    return signed("no difference" if effect.outcome == "no effect" else effect.outcome)


def _bar(record: Record, effect: SettingEffect | None) -> Interval | None:
    if record.timing is None:
        return None
    return record.timing.setting or (Interval(1.0, 1.0, 1.0) if effect is None else None)


def _value(record: Record, name: str) -> str:
    if name in {"threads", "runtime"}:
        return str(getattr(record.target, name))
    if name == "size":
        return str(record.variant.shape[-1]) if record.variant.shape else ""
    return str(record.family.inputs[name])


def differing(records: Sequence[Record]) -> list[str]:
    """Return the names of the settings that differ between records."""
    return [name for name in NAMES if len({_value(record, name) for record in records}) > 1]


def setting(record: Record, names: Sequence[str]) -> str:
    """Return a record's values of some settings, as text: "batch 8, dtype float32"."""
    return ", ".join(f"{name} {_value(record, name)}" for name in names)


def _apart(differ: Sequence[str]) -> str:
    """Return what cannot share a process; empty if all settings were in one."""
    apart = [words for name, words in APART.items() if name in differ]
    return f"; {' and '.join(apart)} in processes that alternate" if apart else ""


def _flip(flip: Flip, differ: Sequence[str]) -> str:
    before, after = ("faster", "slower") if not flip.gets_faster else ("slower", "faster")
    return (
        f"the ranking changes: {flip.network} is {before} than {flip.baseline} at {setting(flip.before, differ)}, "
        f"and {after} at {setting(flip.after, differ)}"
    )
