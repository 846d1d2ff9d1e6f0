"""The table of blocks: which guidelines each follows and breaks, what it costs, and how fast it is."""

from collections.abc import Iterable, Iterator, Sequence

from benchcli.block_families import REFERENCE
from benchcli.blocks.base import BLOCKS, UNITS
from benchcli.devices.base import DEVICES, split_name
from benchcli.pages import Table
from benchcli.schema import FamilyResult, Record
from benchcli.tables import cells

UNEQUAL = 0.1
"""From this deviation on FLOPs are no longer equal."""


def table(results: Sequence[FamilyResult]) -> Table:
    """Lay blocks out."""
    extra = cells.differing(results)
    several = ["family"] if len({result.family.widths for result in results}) > 1 else []
    records = cells.records_of(results)
    return Table(
        title=_title(results),
        words=len(several) + len(extra) + 1,
        columns=(
            *several,
            *extra,
            "block",
            "channels",
            *cells.COUNTED,
            *cells.TIMED,
            "paper",
            "follows",
            "breaks",
        ),
        rows=tuple(
            (
                *([record.family.name] if several else []),
                *cells.settings(record.family, extra),
                record.variant.name,
                record.variant.channels,
                *cells.costs(record),
                *cells.time(record),
                cells.paper_speed(_published(record), record),
                _letters(BLOCKS[record.variant.name].follows),
                _letters(BLOCKS[record.variant.name].breaks),
            )
            for record in records
        ),
        lines=(*_reasons(records), *_unequal(records), *cells.warning_lines(records)),
    )


def _title(results: Sequence[FamilyResult]) -> str:
    records = [result.records[0] for result in results]
    widths = " and ".join(dict.fromkeys(record.family.widths for record in records))
    sizes = " and ".join(dict.fromkeys(f"{record.variant.shape[-1]}×{record.variant.shape[-1]}" for record in records))
    stride = ", stride 2" if any(record.variant.params["stride"] == 2 for record in records) else ""
    return f"Blocks at the FLOPs of ShuffleNet V2's with {widths} channels, on {sizes}{stride}"


def _letters(guidelines: Iterable[str]) -> str:
    return " ".join(name.upper() for name in guidelines) or cells.UNKNOWN


def _published(record: Record) -> float | None:
    """Return the published relative speed for a chain of the paper's on its kind of device."""
    family, params = record.family, record.variant.params
    as_printed = family.batch == 1 and params["units"] == UNITS and params["stride"] == 1
    if not as_printed or family.baseline != REFERENCE or DEVICES[split_name(record.target.device)[0]].column != "arm":
        return None
    return BLOCKS[record.variant.name].paper_relative_speed(int(family.widths), record.variant.shape[-1], REFERENCE)


def _unequal(records: Sequence[Record]) -> Iterator[str]:
    """Name the blocks whose channels cannot have the reference's FLOPs."""
    unequal = [record for record in records if abs(record.flops_deviation or 0.0) > UNEQUAL]
    for name in dict.fromkeys(record.variant.name for record in unequal):
        yield (
            f"! {name}: not of equal FLOPs, for its channels are multiples of {BLOCKS[name].multiple}: "
            "compare it with care, or give another --width"
        )


def _reasons(records: Sequence[Record]) -> Iterator[str]:
    """Yield what breaks which guideline, blocks of one reason together."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(record.variant.name for record in records):
        reasons = [f"{letter.upper()} ({why})" for letter, why in BLOCKS[name].breaks.items()]
        found.setdefault(", ".join(reasons), []).append(name)
    for broken, names in found.items():
        yield f"{', '.join(names)} break{'s' if len(names) == 1 else ''} {broken or 'none'}"
