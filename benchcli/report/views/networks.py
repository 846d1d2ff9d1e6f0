"""Lay out the table of networks: costs, time, published error and the Pareto front."""

from collections.abc import Mapping, Sequence

from benchcli.analysis.pareto import Place, pareto_front
from benchcli.analysis.published import batch_hint, relative_speed, top1_error
from benchcli.formatting import UNKNOWN
from benchcli.report.page import Table
from benchcli.report.views import cells
from benchcli.schema import FamilyResult, Key, Record

MARKS: Mapping[Place, str] = {"on": "yes", "near": "?", "off": "no"}


def table(results: Sequence[FamilyResult]) -> Table:
    """Return the table of networks, several groups one below the other."""
    extra = cells.differing(results)
    several = ["family"] if len(results) > 1 else []
    records = cells.records_of(results)
    places = pareto_front(records)
    speeds = {
        record.key: speed
        for result in results
        for record in result.records
        if (speed := relative_speed(record, result.records[0])) is not None
    }
    return Table(
        title="Networks",
        words=len(several) + len(extra) + 1,
        columns=(
            *several,
            *extra,
            "network",
            "input",
            *cells.COUNTED,
            "params M",
            *cells.TIMED,
            *cells.rate_headings(records),
            *(["paper"] if speeds else []),
            "published top-1 error %",
            "Pareto front",
        ),
        rows=tuple(_row(record, several, extra, places, speeds) for record in records),
        lines=(*_pareto_lines(records, places), *filter(None, [batch_hint(records)]), *cells.warning_lines(records)),
    )


def _row(
    record: Record,
    several: Sequence[str],
    extra: Sequence[str],
    places: Mapping[Key, Place],
    speeds: Mapping[Key, float],
) -> tuple[str, ...]:
    error = top1_error(record)
    return (
        *([record.family.name] if several else []),
        *cells.settings(record.family, extra),
        record.variant.name,
        cells.inputs(record),
        *cells.costs(record),
        cells.params(record),
        *cells.time(record),
        *cells.rates(record),
        *([cells.paper_speed(speeds.get(record.key), record)] if speeds else []),
        f"{error:.1f}" if error is not None else UNKNOWN,
        MARKS[places[record.key]] if record.key in places else UNKNOWN,
    )


def _pareto_lines(records: Sequence[Record], places: Mapping[Key, Place]) -> list[str]:
    if not places:
        return []
    on = [record for record in records if places.get(record.key) == "on"]
    near = [record.variant.name for record in records if places.get(record.key) == "near"]
    ordered = sorted(on, key=lambda record: record.timing.seconds.estimate if record.timing else 0.0)
    lines = [
        "Pareto front, from fastest to most accurate: "
        + ", ".join(dict.fromkeys(record.variant.name for record in ordered))
    ]
    if near:
        lines.append(f"? {', '.join(near)}: undecided: another network is at least as accurate and may be faster")
    return lines
