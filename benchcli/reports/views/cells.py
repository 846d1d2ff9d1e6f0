"""Make the cells of costs and time, and the lines of warnings, that several tables share."""

from collections.abc import Iterator, Sequence

from benchcli import formatting
from benchcli.analysis import equal_flops
from benchcli.formatting import UNKNOWN
from benchcli.reports.advice import grouped, sentence
from benchcli.reports.outcomes import signed
from benchcli.schema import Costs, Family, FamilyResult, Interval, Record, sizes

COUNTED = ("MFLOPs (mult-adds)", "Δ FLOPs", "mem. access MB")
TIMED = ("time ms", "relative speed")
CONVERTED = "at equal FLOPs"
LEAST = ("Δ FLOPs", "mem. access MB", "MFLOPs (mult-adds)")
"""The columns of costs that a narrow screen leaves out, in this order."""
LEAST_DEVIATION = 0.0005
"""The least FLOPs deviation that the tables show: they round to 0.1 %."""
MARKED = ("imprecise", "few-launches")
"""Warnings that put a mark beside the relative speed."""


def records_of(results: Sequence[FamilyResult]) -> list[Record]:
    """Return the records of families, one below the other."""
    return [record for result in results for record in result.records]


def differing(results: Sequence[FamilyResult]) -> list[str]:
    """Return the settings that differ between the families of a table."""
    return [name for name in ("batch", "dtype", "layout") if len({getattr(r.family, name) for r in results}) > 1]


def settings(family: Family, names: Sequence[str]) -> tuple[str, ...]:
    """Return the values of those settings, as text."""
    return tuple(str(getattr(family, name)) for name in names)


def are_alike(results: Sequence[FamilyResult], names: Sequence[str]) -> bool:
    """Return whether the scale and these settings are the same in two families of a table."""
    return len({(each.family.scale, *settings(each.family, names)) for each in results}) < len(results)


def sizes_of(results: Sequence[FamilyResult]) -> tuple[int, ...]:
    """Return the number of rows of each family, which stand together in a table."""
    return tuple(len(result.records) for result in results)


def bars(records: Sequence[Record]) -> tuple[Interval | None, ...]:
    """Return the intervals of the relative speeds; a baseline's is 1."""
    return tuple(_bar(record) if record.timing else None for record in records)


def _bar(record: Record) -> Interval | None:
    if is_baseline(record):
        return Interval(1.0, 1.0, 1.0)
    return record.timing.relative if record.timing else None


def is_baseline(record: Record) -> bool:
    """Return whether the variant is its family's baseline."""
    return record.variant.name == record.family.baseline


def costs(record: Record) -> tuple[str, str, str]:
    """Return the cells under `COUNTED`."""
    if record.costs is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    deviation = record.flops_deviation
    drift = UNKNOWN if is_baseline(record) or deviation is None else formatting.percent(deviation, signed=True)
    return flops(record.costs), drift, formatting.mega(record.costs.mac_bytes)


def params(record: Record) -> str:
    """Return the parameters in millions."""
    if record.costs is None:
        return UNKNOWN
    return f"{record.costs.params / 1e6:.2f}" if record.costs.params >= 1e6 else formatting.mega(record.costs.params)


def flops(counted: Costs) -> str:
    """Return the multiply-adds in millions; a lower bound is marked."""
    return ("" if counted.flops_complete else "≥ ") + formatting.mega(counted.flops)


def time(record: Record) -> tuple[str, str]:
    """Return the cells under `TIMED`."""
    timing = record.timing
    if timing is None:
        return signed(record.failure.status) if record.failure else UNKNOWN, UNKNOWN
    if is_baseline(record):
        return formatting.milliseconds(timing.seconds.estimate), "1"
    relative = formatting.speed(timing.relative) if timing.relative else UNKNOWN
    mark = " !" if any(each.kind in MARKED for each in record.warnings) else ""
    return formatting.milliseconds(timing.seconds.estimate), relative + mark


def converted(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the heading of the relative speeds at equal FLOPs; nothing if all FLOPs are equal."""
    deviating = [each for each in records if abs(each.flops_deviation or 0.0) >= LEAST_DEVIATION]
    return (CONVERTED,) if deviating else ()


def at_equal_flops(record: Record) -> str:
    """Return the cell under `CONVERTED`."""
    speed = equal_flops.at_equal_flops(record)
    if speed is None:
        return UNKNOWN
    return "1" if is_baseline(record) else f"{speed.estimate:.3f}"


def paper_speed(value: float | None, record: Record) -> str:
    """Return the cell of a published relative speed."""
    if value is None:
        return UNKNOWN
    return "1" if is_baseline(record) else f"{value:.3f}"


def warning_lines(records: Sequence[Record]) -> Iterator[str]:
    """Yield a line for each failure and each warning."""
    for record in records:
        if record.failure:
            name = " ".join(filter(None, (_label(record, records), record.variant.name)))
            yield f"{signed(record.failure.status)}: {name}: {record.failure.error}"
    for warning, about in grouped(records).items():
        mark = "! " if warning.kind in MARKED else ""
        yield f"{mark}{_names(about, records)}: {sentence(warning)}"


def _names(about: Sequence[Record], records: Sequence[Record]) -> str:
    """Return the names of the rows that a warning is about, grouped by family."""
    if len(about) == len([record for record in records if record.timing]) and len(about) > 1:
        return "every network"
    groups: dict[str, list[str]] = {}
    for record in about[: formatting.MOST_NAMES]:
        groups.setdefault(_label(record, records), []).append(record.variant.name)
    names = "; ".join(_of_family(label, names) for label, names in groups.items())
    rest = len(about) - formatting.MOST_NAMES
    return f"{names} and {rest} more of {len(records)} networks" if rest > 0 else names


def _of_family(label: str, names: Sequence[str]) -> str:
    """Return the names with the label of their family: "×2 g=4, g=8", "thin, wide (family tower)"."""
    joined = ", ".join(names)
    return f"{label} {joined}" if label.startswith("×") else f"{joined} (family {label})" if label else joined


def _label(record: Record, records: Sequence[Record]) -> str:
    """Return a label that distinguishes the row's family within its table."""
    family = record.family
    scales = {each.family.name: each.family.scale for each in records}
    if family.guideline and len(set(scales.values())) == len(scales):
        return f"×{family.scale}"
    return family.name if len(scales) > 1 else ""


def inputs(record: Record) -> str:
    """Return what a network is called with: the size of an image, or all shapes and dtypes."""
    variant = record.variant
    if record.costs and record.costs.inputs and not _is_image(record):
        return record.costs.inputs.replace("x", "×")
    if record.costs is None and not variant.is_built_in and not variant.inputs:
        return UNKNOWN  # its callable may have inputs of its own
    return ", ".join(map(str, variant.inputs)).replace("x", "×") or "×".join(map(str, variant.shape[1:]))


def _is_image(record: Record) -> bool:
    image = sizes((record.family.batch, *record.variant.shape))
    return record.costs is not None and record.costs.inputs == image and len(record.variant.shape) == 3


PERCENTILES = ("p50 ms", "p95 ms", "p99 ms")


def percentiles(record: Record) -> tuple[str, str, str]:
    """Return the cells under `PERCENTILES`, of calls that were timed singly."""
    found = record.timing.percentiles if record.timing else None
    if found is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    return formatting.milliseconds(found.p50), formatting.milliseconds(found.p95), formatting.milliseconds(found.p99)


def rate_headings(records: Sequence[Record]) -> tuple[str, str]:
    """Return the headings of the cells of `rates`: what is counted per second, and the achieved rate."""
    has_tokens = {record.costs is not None and record.costs.tokens is not None for record in records if record.timing}
    what = "tokens" if has_tokens == {True} else "images" if has_tokens <= {False} else "images or tokens"
    return f"{what}/s", "GFLOP/s (mult-adds)"


def rates(record: Record) -> tuple[str, str]:
    """Return images or tokens per second, and billions of multiply-adds per second."""
    if record.timing is None or record.costs is None:
        return UNKNOWN, UNKNOWN
    seconds = record.timing.seconds.estimate
    items = record.costs.tokens or record.costs.items or record.family.batch
    bound = "" if record.costs.flops_complete else "≥ "
    return formatting.significant(items / seconds), bound + formatting.significant(record.costs.flops / seconds / 1e9)


MOST_SENTENCES = 6
"""The most networks beside their baseline of which a sentence tells."""


def sentences(records: Sequence[Record]) -> Iterator[str]:
    """Yield a sentence that can be quoted for each network beside its baseline; none where there are many."""
    told = [record for record in records if record.timing and record.timing.relative and not is_baseline(record)]
    if len(told) > MOST_SENTENCES:
        return
    for record in told:
        relative = record.timing.relative if record.timing else None
        if relative and relative.low is not None:
            label = _label(record, records)
            speed = f"{formatting.speed(relative)} times as fast as {record.family.baseline}"
            yield f"{record.variant.name} is {speed}{f' ({label})' if label else ''}"
