"""Lay out the table that compares runtimes: each network's speed within each, and the verdicts side by side."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from benchcli import formatting
from benchcli.analysis.verdicts import Verdict
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.outcomes import sign_of
from benchcli.reports.page import Table, numbers, words
from benchcli.reports.views import cells
from benchcli.schema import FamilyResult, Record

Row = Mapping[str, Record]
"""One network's records by runtime."""

ALWAYS = 4
"""The runtimes whose relative speeds a narrow screen shows too."""


def table(results: Sequence[FamilyResult], verdicts: Sequence[Verdict]) -> Table:
    """Return the table: a row for each network in each setting besides the runtime, two columns for each runtime."""
    by_setting = _by_setting(results)
    several = len(by_setting) > 1
    rows = [(setting, row) for setting, of in by_setting.items() for row in _rows(of)]
    runtimes = list(dict.fromkeys(record.target.runtime for record in cells.records_of(results)))
    last = len(runtimes)
    return Table(
        key="runtimes",
        title="Runtimes: relative speed within each, and time",
        columns=(
            *([words("setting", (setting for setting, _ in rows))] if several else []),
            words("network", (_any(row).variant.name for _, row in rows)),
            numbers("channels", (_channels(_any(row)) for _, row in rows), 1),
            *(
                numbers(_heading(name), (_speed(row.get(name)) for _, row in rows), _of_speeds(place, last))
                for place, name in enumerate(runtimes)
            ),
            *(
                numbers(f"{_heading(name)} ms", (_time(row.get(name)) for _, row in rows), 2 + last - place)
                for place, name in enumerate(runtimes)
            ),
        ),
        lines=(*_verdict_lines(by_setting, verdicts, several), *prepared(results, runtimes)),
        groups=tuple(len(of[0].records) for of in by_setting.values()),
    )


def _of_speeds(place: int, last: int) -> int | None:
    """Return the priority of a runtime's speeds: those of the first ones stay, and times go before all others."""
    return None if place < ALWAYS else 3 + 2 * last - place


def _heading(runtime: str) -> str:
    """Return the name of a runtime, with a place to break the line before its option."""
    return runtime.replace(":", ": ")


def _by_setting(results: Sequence[FamilyResult]) -> dict[str, list[FamilyResult]]:
    """Return the families by their settings apart from the runtime; those of other networks by their names too."""
    found = groups(results, lambda result: (result.family.first, _setting(result)))
    texts = [text for _, text in found]
    return {text if texts.count(text) == 1 else f"{first}, {text}": of for (first, text), of in found.items()}


def _setting(result: FamilyResult) -> str:
    """Return a family's settings apart from its runtime, as text."""
    family = result.family
    variant = result.records[0].variant
    size = variant.shape[1:] if variant.is_built_in else variant.shape  # of which only ours are known to be images
    inputs = ", ".join(f"{name} {value}" for name, value in family.inputs.items() if (name, value) not in USUAL)
    parts = [
        f"{family.guideline.upper()} ×{family.scale} {family.widths}" if family.guideline else "",
        "" if family.guideline else "×".join(map(str, size)),
        f"{family.threads} threads" if family.threads else "",
        inputs,
    ]
    return ", ".join(filter(None, parts))


USUAL = {("batch", 1), ("dtype", "float32"), ("layout", "nchw"), ("step", "inference")}
"""The settings that need no mention."""


def _rows(of: Sequence[FamilyResult]) -> Iterator[Row]:
    """Yield the records of each network of families that differ in their runtimes."""
    records = groups(cells.records_of(of), lambda record: record.variant.name)
    yield from ({record.target.runtime: record for record in several} for several in records.values())


def _any(row: Row) -> Record:
    return next(iter(row.values()))


def _channels(record: Record) -> str:
    """Return the channels that tell variants apart: of a guideline or of blocks, and not an input's."""
    has_own = record.family.guideline or record.family.catalogue == "blocks"
    return record.variant.channels if has_own else UNKNOWN


def _speed(record: Record | None) -> str:
    """Return the speed relative to the baseline in the same runtime, or the failure."""
    if record is None or record.timing is None:
        return cells.time(record) if record else UNKNOWN
    return cells.relative(record)


def _time(record: Record | None) -> str:
    return cells.time(record) if record and record.timing else UNKNOWN


def _verdict_lines(
    by_setting: Mapping[str, Sequence[FamilyResult]], verdicts: Sequence[Verdict], several: bool
) -> Iterator[str]:
    """Yield a line for each setting of a guideline: what each runtime says, those that say the same together."""
    by_family = {verdict.family: verdict for verdict in verdicts}
    for setting, of in by_setting.items():
        runtimes = {result.family.name: result.records[0].target.runtime for result in of}
        judged = [by_family[name] for name in runtimes if name in by_family]
        if judged:
            said = [
                f"{sign_of(outcome)} {outcome} in {', '.join(runtimes[each.family] for each in same)}"
                for outcome, same in groups(judged, lambda each: each.outcome).items()
            ]
            where = f"{setting}: " if several else ""
            yield f"{where}{judged[0].variant} against {judged[0].baseline}: {'; '.join(said)}"
        yield from _reordered(of, f"{setting}: " if several else "")


def _reordered(of: Sequence[FamilyResult], where: str) -> Iterator[str]:
    """Yield, for each runtime that converts layouts in some networks more often than in others, how often in each."""
    for result in of:
        counts = {each.variant.name: each.preparation.reorders for each in result.records}
        known = {name: count for name, count in counts.items() if count is not None}
        if len(set(known.values())) > 1:
            alike = groups(known, known.__getitem__)
            said = "; of ".join(
                f"{formatting.named(same)} {formatting.often(count)}" for count, same in sorted(alike.items())
            )
            yield f"{where}{result.records[0].target.runtime} converts layouts in a call of {said}"


def _exactness(records: Sequence[Record]) -> str:
    """Return how far outputs are from eager float32, for each dtype if there are several."""
    by_dtype = groups(records, lambda record: record.family.dtype)
    said = {dtype: cells.exactness(of) for dtype, of in by_dtype.items()}
    return "; ".join(f"{dtype}: {text}" for dtype, text in said.items()) if len(said) > 1 else "".join(said.values())


def prepared(results: Sequence[FamilyResult], runtimes: Sequence[str]) -> Iterator[str]:
    """Yield what preparing the networks took in each runtime that prepares a file."""
    records = cells.records_of(results)
    for name in runtimes:
        of_runtime = [each for each in records if each.target.runtime == name]
        own = [each.preparation for each in of_runtime]
        export_s = [each.export_s for each in own if each.export_s is not None]
        load_s = [each.load_s for each in own if each.load_s is not None]
        grown = [each.loaded_bytes for each in own if each.loaded_bytes is not None]
        sizes = [each.artifact_bytes for each in own if each.artifact_bytes is not None]
        if export_s and load_s and sizes and any(each.output_error is not None for each in own):
            memory = f" and {formatting.prefixed(median(grown), 'B')} of memory" if grown else ""
            yield (
                f"{name}: prepared in {median(export_s):.1f} s, {formatting.prefixed(median(sizes), 'B')}, and loaded "
                f"in {formatting.milliseconds(median(load_s))} ms{memory} a network (medians); "
                f"{_exactness(of_runtime)}"
            )
