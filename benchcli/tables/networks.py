"""The table of networks: costs and times here, the published error beside them, and the frontier of the two."""

from collections.abc import Mapping, Sequence

from benchcli.frontier import Place, frontier
from benchcli.networks.published import top1_error
from benchcli.pages import Table
from benchcli.schema import FamilyResult, Record
from benchcli.tables import cells

MARKS: Mapping[Place, str] = {"on": "yes", "near": "?", "off": "no"}


def table(results: Sequence[FamilyResult]) -> Table:
    """Lay networks out, those of several groups one below the other."""
    extra = cells.differing(results)
    several = ["family"] if len(results) > 1 else []
    records = cells.records_of(results)
    places = frontier(records)
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
            "published top-1 error %",
            "frontier",
        ),
        rows=tuple(_row(record, several, extra, places) for record in records),
        lines=(*_frontier_lines(records, places), *cells.warning_lines(records)),
    )


def _row(record: Record, several: Sequence[str], extra: Sequence[str], places: Mapping[int, Place]) -> tuple[str, ...]:
    error = top1_error(record)
    return (
        *([record.family.name] if several else []),
        *cells.settings(record.family, extra),
        record.variant.name,
        "×".join(map(str, record.variant.shape[1:])),
        *cells.costs(record),
        f"{record.costs.params / 1e6:.2f}" if record.costs else cells.UNKNOWN,
        *cells.time(record),
        f"{error:.1f}" if error is not None else cells.UNKNOWN,
        MARKS[places[id(record)]] if id(record) in places else cells.UNKNOWN,
    )


def _frontier_lines(records: Sequence[Record], places: Mapping[int, Place]) -> list[str]:
    if not places:
        return []
    on = [record for record in records if places.get(id(record)) == "on"]
    near = [record.variant.name for record in records if places.get(id(record)) == "near"]
    ordered = sorted(on, key=lambda record: record.timing.seconds.estimate if record.timing else 0.0)
    lines = [f"frontier, fast to exact: {', '.join(dict.fromkeys(record.variant.name for record in ordered))}"]
    if near:
        lines.append(
            f"? {', '.join(near)}: another one has no larger error and seems faster, but the intervals overlap"
        )
    return lines
