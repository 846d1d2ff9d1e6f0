"""Lay out the table of blocks: costs, time, and the guidelines that each follows and violates."""

from collections.abc import Iterable, Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.equal_flops import EQUAL_FLOPS
from benchcli.analysis.published import relative_speed
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.page import Table, numbers, words
from benchcli.reports.views import cells
from benchcli.schema import FamilyResult, Record
from benchcli.spelling import given
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.blocks.block_request import REFERENCE


def table(results: Sequence[FamilyResult]) -> Table:
    """Return the table of families of blocks."""
    extra = cells.differing(results)
    several = len({_chain(each.records[0]) for each in results}) > 1 or cells.are_alike(results, extra)
    records = cells.records_of(results)
    published = (relative_speed(record, result.records[0]) for result in results for record in result.records)
    details, brief = cells.noise_lines(records)
    return Table(
        key="blocks",
        title=_title(results),
        columns=(
            *([cells.families(records)] if several else []),
            *cells.settings(records, extra),
            words("block", (record.variant.name for record in records)),
            numbers("channels", (record.variant.channels for record in records), 1),
            *cells.costs(records, flops=4, deviation=2, access=3),
            *cells.times(records),
            *cells.step_parts(records, 3),
            *cells.converted(records, 7),
            cells.beside_baseline("paper", records, published, 6),
            numbers("follows", (_letters(BLOCKS[record.variant.name].follows) for record in records), 5),
            numbers("violates", (_letters(BLOCKS[record.variant.name].breaks) for record in records), 8),
        ),
        lines=(*_reasons(records), *_unequal(records), *cells.warning_lines(records)),
        details=details,
        brief=brief,
        groups=cells.sizes_of(results),
    )


def _title(results: Sequence[FamilyResult]) -> str:
    records = [result.records[0] for result in results]
    widths = " and ".join(dict.fromkeys(record.family.widths for record in records))
    sizes = " and ".join(dict.fromkeys(f"{record.variant.shape[-1]}×{record.variant.shape[-1]}" for record in records))
    stride = ", stride 2" if any(record.variant.params["stride"] == 2 for record in records) else ""
    unit = f"ShuffleNet V2's unit of {widths} channels, input {sizes}{stride}"
    return f"Blocks, as near as they come to the FLOPs of {unit}"


def _letters(guidelines: Iterable[str]) -> str:
    return " ".join(name.upper() for name in guidelines) or UNKNOWN


def _chain(record: Record) -> tuple[object, ...]:
    """Return the settings that all blocks of a family share."""
    params = record.variant.params
    return record.family.widths, record.variant.shape[-1], params["units"], params["stride"]


def _unequal(records: Sequence[Record]) -> Iterable[str]:
    """Return a line for each block whose channels cannot give the reference's FLOPs.

    The line names a width at which they can.
    """
    lines = {}
    for record in records:
        reference, block = BLOCKS[REFERENCE], BLOCKS[record.variant.name]
        size, stride = record.variant.shape[-1], int(str(record.variant.params["stride"]))
        wanted = reference.multiply_adds(int(record.family.widths), size, stride)
        flops = block.multiply_adds(record.variant.shape[0], size, stride)
        if abs(flops / wanted - 1) > EQUAL_FLOPS:
            lines[block.name] = (
                f"! {block.name}: its channels must be multiples of {block.multiple}, so its FLOPs differ from the "
                f"others' by {formatting.percent(flops / wanted - 1, signed=True)}: do not compare it in this table, "
                f"or give {given('width', reference.solve(flops, size, stride))}"
            )
    return lines.values()


def _reasons(records: Sequence[Record]) -> Iterator[str]:
    """Yield the violated guidelines with the reason; blocks with the same reason share a line."""
    names = dict.fromkeys(record.variant.name for record in records)
    for broken, blocks in groups(names, _broken).items():
        yield f"{', '.join(blocks)} violate{'s' if len(blocks) == 1 else ''} {broken or 'no guideline'}"


def _broken(block: str) -> str:
    return ", ".join(f"{letter.upper()} ({why})" for letter, why in BLOCKS[block].breaks.items())
