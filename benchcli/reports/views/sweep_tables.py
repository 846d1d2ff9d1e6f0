"""Lay out a sweep: the speed of a multiply-add at each width, and which widths to choose and to avoid."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchcli import formatting
from benchcli.analysis.sweep_findings import SweptPoint, alignment, alone, cliffs, points_of
from benchcli.formatting import UNKNOWN
from benchcli.reports.page import Column, Table, numbers, words
from benchcli.reports.views.cells import inputs, noise_lines, warning_lines
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import FamilyResult, Record, sizes
from benchcli.system.machine import cache_bytes

SIGNS = {"choose": "+", "avoid": "−", "": ""}
MOST_INSTEAD = 12
"""The most widths that the second table names, those first that lose most."""


def tables(axis: str, results: Sequence[FamilyResult], report: SuiteRun) -> Iterator[Table]:
    """Yield the table of all lines along an axis, and that of the widths to take instead."""
    lines = {each.family.name: points_of(each.family.name, axis, each.records) for each in results}
    values = sorted({point.value for points in lines.values() for point in points})
    columns: list[Column] = [numbers(axis, map(str, values))]
    for name, points in lines.items():
        by_value = {point.value: point for point in points}
        of_line = [by_value.get(value) for value in values]
        columns += [
            numbers(f"{name} ms", map(_time, of_line), priority=1),
            numbers("speed", map(_rate, of_line)),
            words("", (SIGNS[each.advice] if each else "" for each in of_line)),
        ]
    records = [record for each in results for record in each.records]
    details, brief = noise_lines(records)
    yield Table(
        "Times by width",
        tuple(columns),
        (
            "speed: of a multiply-add, relative to the fastest of the line; + to choose, − to avoid: a width within a "
            "quarter of it is certainly faster, and takes no longer",
            *_swept(results),
            *_alone(lines),
            *_failures(lines.values()),
            *_findings(lines, report),
            *warning_lines(records),
        ),
        key="sweep",
        details=details,
        brief=brief,
    )
    avoided = [point for points in lines.values() for point in points if point.instead is not None]
    if avoided:
        yield _instead(axis, sorted(avoided, key=_gain, reverse=True))


def sentences(report: SuiteRun) -> Iterator[str]:
    """Yield what each line says, in a sentence."""
    swept = {each.family.name: each for each in report.results if each.family.swept_axis}
    lines = {name: points_of(name, each.family.swept_axis, each.records) for name, each in swept.items()}
    for name, points in lines.items():
        worst = max((point for point in points if point.instead is not None), key=_gain, default=None)
        if worst and worst.gain:
            yield (
                f"{name}: instead of {worst.value} take {worst.instead}: {formatting.times(worst.gain)} times "
                "as fast a multiply-add"
            )
    yield from _findings(lines, report)


def _findings(lines: Mapping[str, Sequence[SweptPoint]], report: SuiteRun) -> Iterator[str]:
    """Yield the steps of alignment, and the cliffs, of each line."""
    here = report.environment.machine
    known = here.caches.items() if here else ()
    caches = {level: size for level, text in known if not level.endswith("i") and (size := cache_bytes(text))}
    for name, points in lines.items():
        if step := alignment(name, points):
            yield (
                f"{name}: multiples of {step.multiple} are {step.factor:.2f} times as fast a multiply-add as the "
                f"widths between them (median of {step.widths})"
            )
        for cliff in cliffs(name, points, caches):
            leaves = f", which leaves {cliff.level}" if cliff.level else ""
            yield (
                f"{name}: from {cliff.value} on a multiply-add takes {cliff.factor:.2f} times as long "
                f"({formatting.prefixed(cliff.working_set, 'B')} a call{leaves})"
            )


def _instead(axis: str, points: Sequence[SweptPoint]) -> Table:
    shown = points[:MOST_INSTEAD]
    rest = len(points) - len(shown)
    return Table(
        "Take instead",
        (
            words("line", (each.line for each in shown)),
            numbers(axis, (str(each.value) for each in shown)),
            numbers("instead", (str(each.instead) for each in shown)),
            numbers("times as fast a multiply-add", (_times(each) for each in shown)),
        ),
        (f"{rest} more widths are marked − above",) if rest else (),
        key="instead",
    )


def _gain(point: SweptPoint) -> float:
    return point.gain.estimate if point.gain else 0.0


def _times(point: SweptPoint) -> str:
    return formatting.times(point.gain) if point.gain else UNKNOWN


def _time(point: SweptPoint | None) -> str:
    return formatting.time(point.seconds) if point and point.seconds else UNKNOWN


def _rate(point: SweptPoint | None) -> str:
    return f"{point.rate.estimate:.2f}" if point and point.rate else UNKNOWN


def _swept(results: Sequence[FamilyResult]) -> Iterator[str]:
    """Yield what the first and the last network of a line are, which the table's numbers do not say."""
    for result in results:
        ends = {record.variant.name: _network(record) for record in (result.records[0], result.records[-1])}
        if len(set(ends.values())) == 1:
            yield f"{result.family.name}: all {next(iter(ends.values()))}"
        else:
            yield f"{result.family.name}: from {' to '.join(f'{name} ({network})' for name, network in ends.items())}"


def _network(record: Record) -> str:
    variant = record.variant
    layers = variant.params.get("layers")
    image = formatting.shaped(sizes(variant.shape)) if variant.is_built_in else inputs(record)
    return f"{layers} on {image}" if layers else f"on {image}"


def _alone(lines: Mapping[str, Sequence[SweptPoint]]) -> Iterator[str]:
    for name, points in lines.items():
        if values := [str(each.value) for each in alone(points)]:
            yield f"{name}: nothing else within a quarter of {', '.join(values)} was measured, so that no sign is there"


def _failures(lines: Iterable[Sequence[SweptPoint]]) -> Iterator[str]:
    for points in lines:
        yield from (f"{point.line} {point.value}: {point.failure}" for point in points if point.failure)
