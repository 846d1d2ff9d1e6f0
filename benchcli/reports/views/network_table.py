"""Lay out the table of networks, those that ship or the user's own: costs, time, error and the Pareto front."""

from collections.abc import Iterator, Mapping, Sequence

from benchcli.analysis.front import Place, pareto_front
from benchcli.analysis.published import batch_hint, relative_speed, top1_error
from benchcli.formatting import UNKNOWN, named
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Table, numbers, words
from benchcli.reports.views import cells
from benchcli.schema import FamilyResult, Key, Record
from benchcli.spelling import given, is_command_line

MARKS: Mapping[Place | None, str] = {
    "on": signed("yes"),
    "near": signed("undecided"),
    "off": signed("no"),
    "not judged": signed("not judged"),
    None: UNKNOWN,
}


def table(results: Sequence[FamilyResult]) -> Table:
    """Return the table of families of networks, one below the other."""
    is_own = not results[0].family.catalogue
    extra = cells.differing(results)
    records = cells.records_of(results)
    published = (relative_speed(record, result.records[0]) for result in results for record in result.records)
    places = pareto_front(records)
    hint = batch_hint(records)
    details, brief = cells.noise_lines(records)
    return Table(
        key="custom" if is_own else "networks",
        title="Your networks" if is_own else "Networks",
        columns=(
            *([cells.families(records)] if is_own or len(results) > 1 else []),
            *cells.settings(records, extra),
            words("network", (record.variant.name for record in records)),
            numbers("input", map(cells.inputs, records), 4),
            *cells.costs(records, flops=7, deviation=3, access=5),
            cells.params(records, 2),
            *cells.times(records),
            *cells.step_parts(records, 8),
            *cells.percentiles(records, p50=8, p95=9, p99=12),
            cells.item_rate(records, 6),
            cells.flop_rate(records, 1),
            *([] if is_own else [cells.beside_baseline("paper", records, published, 10)]),
            numbers("top-1 error %", map(_error, records), 11),
            numbers("Pareto front", (MARKS[places.get(record.key)] for record in records)),
        ),
        lines=(
            *front_lines(records, places),
            *cells.not_judged(records),
            *cells.sentences(records),
            *([hint] if hint else []),
            *_of_single_calls(records),
            *cells.warning_lines(records),
        ),
        details=details,
        brief=brief,
        groups=cells.sizes_of(results),
    )


def _of_single_calls(records: Sequence[Record]) -> Iterator[str]:
    """Yield why networks have no percentiles, if others have, and why the median of single calls is another time."""
    timed = [each for each in records if each.timing]
    lacking = [each.variant.name for each in timed if each.timing and not each.timing.percentiles]
    if lacking and len(lacking) < len(timed):
        yield (
            f"no p50 to p99 of {named(list(dict.fromkeys(lacking)))}: fewer than a thousand calls were timed singly: "
            f"give a larger {given('budget')}"
        )
    times = [each.timing for each in records if each.timing]
    if any(each.percentiles and not cells.agree(each.percentiles.p50, each.seconds.estimate) for each in times):
        yield (
            "p50 to p99 are of calls that were timed singly, none of them left out; time ms is of samples that were "
            "not disturbed"
        )


def _error(record: Record) -> str:
    error = top1_error(record)
    return UNKNOWN if error is None else f"{error:.1f}"


def front_lines(records: Sequence[Record], places: Mapping[Key, Place]) -> Iterator[str]:
    """Yield the front in words, what is undecided, and which networks have no error; nothing if there is no front."""
    if not places:
        return
    on = [record for record in records if places.get(record.key) == "on"]
    near = [record.variant.name for record in records if places.get(record.key) == "near"]
    ordered = sorted(on, key=lambda record: record.timing.seconds.estimate if record.timing else 0.0)
    names = dict.fromkeys(record.variant.name for record in ordered)
    if names:
        yield f"Pareto front, from fastest to most accurate: {', '.join(names)}"
    if near:
        yield f"? {', '.join(near)}: undecided: another network is at least as accurate and may be faster"
    unknown = dict.fromkeys(each.variant.name for each in records if each.timing and each.key not in places)
    if unknown:
        example = f"{given('errors')} NAME=PERCENT" if is_command_line() else "errors={NAME: PERCENT}"
        yield f"not on the front, because no error is known: {', '.join(unknown)}: give {example}"
