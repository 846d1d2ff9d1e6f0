"""Make the columns of costs and time, and the lines of warnings, that several tables share."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from benchcli import formatting
from benchcli.analysis import equal_flops
from benchcli.analysis.roofline import Placement
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.advice import grouped, sentence
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Column, numbers, words
from benchcli.schema import INFERENCE, PARTS, Costs, Family, FamilyResult, Input, Interval, Record
from benchcli.schema.warnings import RunWarning
from benchcli.spelling import given

FLOPS, ACCESS, EQUAL_FLOPS = "MFLOPs (mult-adds)", "mem. access MB", "at equal FLOPs"
LEAST_DEVIATION = 0.0005
"""The least FLOPs deviation that the tables show: they round to 0.1 %."""
MARKED = ("imprecise", "few-launches")
"""Warnings that put a mark beside the relative speed."""


def records_of(results: Sequence[FamilyResult]) -> list[Record]:
    """Return the records of families, one below the other."""
    return [record for result in results for record in result.records]


def differing(results: Sequence[FamilyResult]) -> list[str]:
    """Return the settings that differ between the families of a table."""
    names = ("batch", "dtype", "layout", "step", "runtime")
    return [name for name in names if len({_setting_of(each.family, each.records, name) for each in results}) > 1]


def are_alike(results: Sequence[FamilyResult], names: Sequence[str]) -> bool:
    """Return whether the scale and these settings are the same in two families of a table."""
    settings = {
        (each.family.scale, *(_setting_of(each.family, each.records, name) for name in names)) for each in results
    }
    return len(settings) < len(results)


def _setting_of(family: Family, records: Sequence[Record], name: str) -> str:
    """Return a family's value of a setting, as text."""
    if name == "runtime":
        return records[0].target.runtime if records else ""
    return str(family.inputs[name])


def sizes_of(results: Sequence[FamilyResult]) -> tuple[int, ...]:
    """Return the number of rows of each family, which stand together in a table."""
    return tuple(len(result.records) for result in results)


def is_baseline(record: Record) -> bool:
    """Return whether the variant is its family's baseline."""
    return record.variant.name == record.family.baseline


def families(records: Sequence[Record]) -> Column:
    """Return the column of the families' names."""
    return replace(words("family", (record.family.name for record in records)), is_grouping=True)


def settings(records: Sequence[Record], names: Sequence[str]) -> list[Column]:
    """Return a column for each of these settings."""
    return [words(name, (_setting_of(record.family, [record], name) for record in records)) for name in names]


def costs(records: Sequence[Record], flops: int, deviation: int, access: int) -> tuple[Column, ...]:
    """Return the columns of costs, with the priority of each on a narrow screen."""
    return (
        numbers(FLOPS, (_of_costs(record, flops_text) for record in records), flops),
        numbers("Δ FLOPs", map(_deviation, records), deviation),
        numbers(ACCESS, map(_access, records), access),
    )


def params(records: Sequence[Record], priority: int) -> Column:
    """Return the column of the parameters in millions."""
    return numbers("params M", (_of_costs(record, _params) for record in records), priority)


def _of_costs(record: Record, text: Callable[[Costs], str]) -> str:
    return text(record.costs) if record.costs else UNKNOWN


def flops_text(counted: Costs) -> str:
    """Return the multiply-adds in millions; a lower bound is marked."""
    return ("" if counted.flops_complete else "≥ ") + formatting.mega(counted.flops)


def _access(record: Record) -> str:
    """Return the memory access in MB; that of operators which are compiled or fused is an upper bound."""
    mark = "≤ " if moves_less(record.warnings) else ""
    return _of_costs(record, lambda counted: mark + formatting.mega(counted.mac_bytes))


def moves_less(warnings: Iterable[RunWarning]) -> bool:
    """Return whether a network moves less memory than its operators, as they are counted, access."""
    return any(each.kind in ("compiled", "fused") for each in warnings)


def _params(counted: Costs) -> str:
    if not counted.params_known:
        return "?"
    return f"{counted.params / 1e6:.2f}" if counted.params >= 1e6 else formatting.mega(counted.params)


def _deviation(record: Record) -> str:
    deviation = record.flops_deviation if record.costs and not is_baseline(record) else None
    return UNKNOWN if deviation is None else formatting.percent(deviation, signed=True)


DISTURBED = " !"
"""What marks a time, and a speed, of which over half of the samples were disturbed."""


def times(records: Sequence[Record]) -> tuple[Column, ...]:
    """Return the columns of time and of relative speed, with its bars."""
    return (
        numbers("time ms", map(time, records)),
        numbers("relative speed", map(relative, records), bars=map(bar, records)),
    )


def time(record: Record) -> str:
    """Return the time in milliseconds with its interval, or the failure."""
    if record.timing is None:
        return signed(record.failure.status) if record.failure else UNKNOWN
    return formatting.time(record.timing.seconds) + (DISTURBED if record.is_disturbed else "")


def relative(record: Record) -> str:
    """Return the speed relative to the baseline with its interval, and a mark where it was disturbed."""
    if record.timing is None or is_baseline(record):
        return "1" if record.timing else UNKNOWN
    mark = DISTURBED if record.is_disturbed or any(each.kind in MARKED for each in record.warnings) else ""
    return (formatting.speed(record.timing.relative) if record.timing.relative else UNKNOWN) + mark


def bar(record: Record) -> Interval | None:
    """Return the interval of the relative speed; a baseline's is 1."""
    if record.timing and is_baseline(record):
        return Interval(1.0, 1.0, 1.0)
    return record.timing.relative if record.timing else None


def places(found: Sequence[Placement | None], of_roof: int = 0, bound: int = 0) -> list[Column]:
    """Return the columns of places on the roofline; none if no roofs are known.

    They are the first to be left out, unless two of them have other priorities.
    """
    if not any(found):
        return []
    return [
        numbers("mult-adds/B", (formatting.significant(each.intensity) if each else UNKNOWN for each in found), 0),
        numbers("model ms", (formatting.milliseconds(each.model_s) if each else UNKNOWN for each in found), 0),
        numbers("of roof", (formatting.percent(each.achieved) if each else UNKNOWN for each in found), of_roof),
        words("bound by", (each.bound if each else UNKNOWN for each in found), bound),
    ]


def converted(records: Sequence[Record], priority: int) -> list[Column]:
    """Return the column of relative speeds at equal FLOPs; none if all FLOPs are equal."""
    if all(abs(each.flops_deviation or 0.0) < LEAST_DEVIATION for each in records):
        return []
    speeds = (equal_flops.at_equal_flops(record) for record in records)
    return [beside_baseline(EQUAL_FLOPS, records, (speed.estimate if speed else None for speed in speeds), priority)]


def beside_baseline(heading: str, records: Sequence[Record], speeds: Iterable[float | None], priority: int) -> Column:
    """Return a column of speeds without intervals; a baseline's is 1."""
    texts = (
        UNKNOWN if speed is None else "1" if is_baseline(record) else f"{speed:.3f}"
        for record, speed in zip(records, speeds, strict=True)
    )
    return numbers(heading, texts, priority)


OF_INTERVALS = (*MARKED, "unpaired")
"""Kinds about the intervals, which go with those about the noise."""
BELOW = "every warning: benchcli show RUN --verbose"


def warning_lines(records: Sequence[Record]) -> Iterator[str]:
    """Yield a line for each failure, each warning that is not about noise, and how far off another dtype is."""
    for record in records:
        if record.failure:
            name = " ".join(filter(None, (_label(record, records), record.variant.name)))
            yield f"{signed(record.failure.status)}: {name}: {record.failure.error}"
    for warning, about in grouped(records).items():
        if not _is_of_noise(warning):
            yield f"{_names(about, records)}: {sentence(warning)}"
    yield from inexact_lines([record for record in records if not record.family.first])  # the settings' table says it


def of_little_meaning(records: Sequence[Record]) -> Iterator[str]:
    """Yield, once for each network, that its outputs say little where they are compared."""
    found = {each.variant.name: of for each in records for of in each.warnings if of.kind == INSENSITIVE}
    yield from (f"{name}: {sentence(warning)}" for name, warning in found.items())


def noise_lines(records: Sequence[Record]) -> tuple[tuple[str, ...], str]:
    """Return the lines about noise and wide intervals, and one line for them if there are several."""
    found = {warning: about for warning, about in grouped(records).items() if _is_of_noise(warning)}
    details = tuple(
        f"{'! ' if warning.kind in MARKED else ''}{_names(about, records)}: {sentence(warning)}"
        for warning, about in found.items()
    )
    return details, _in_brief(found, records) if len(details) > 1 else ""


def _is_of_noise(warning: RunWarning) -> bool:
    return warning.is_disturbance or warning.kind in OF_INTERVALS


def _in_brief(found: Mapping[RunWarning, Sequence[Record]], records: Sequence[Record]) -> str:
    """Return one line for several warnings about noise."""
    few = [sentence(warning) for warning in found if warning.kind == "few-launches"]
    imprecise = {record.key for warning, about in found.items() if warning.kind == "imprecise" for record in about}
    disturbances = dict.fromkeys(warning.kind for warning in found if warning.is_disturbance)
    are = "is" if len(imprecise) == 1 else "are"
    wide = f"! {len(imprecise)} of {len(records)} intervals {are} wider than {given('precision')}" if imprecise else ""
    disturbed = f"disturbed: {', '.join(disturbances)}" if disturbances else ""
    return "; ".join(filter(None, (f"! {few[0]}" if few else "", wide, disturbed, BELOW)))


def _names(about: Sequence[Record], records: Sequence[Record]) -> str:
    """Return the names of the rows that a warning is about, grouped by family."""
    if len(about) == len([record for record in records if record.timing]) and len(about) > 1:
        return "every network"
    families = groups(about[: formatting.MOST_NAMES], lambda each: each.family.name)
    names = "; ".join(_of_family(of, records) for of in families.values())
    rest = len(about) - formatting.MOST_NAMES
    return f"{names} and {rest} more of {len(records)} networks" if rest > 0 else names


def _of_family(of: Sequence[Record], records: Sequence[Record]) -> str:
    """Return the names of one family's rows, with what tells it from others: "×2 g=4, g=8", "thin (family tower)"."""
    label, names = _label(of[0], records), ", ".join(each.variant.name for each in of)
    if _differ_by_scale(of[0], records):
        return f"{label} {names}"
    return f"{names} (family {label})" if label else names


def _label(record: Record, records: Sequence[Record]) -> str:
    """Return a label that distinguishes the row's family within its table."""
    if _differ_by_scale(record, records):
        return f"×{record.family.scale}"
    return record.family.name if len({each.family.name for each in records}) > 1 else ""


def _differ_by_scale(record: Record, records: Sequence[Record]) -> bool:
    """Return whether the scale tells a guideline's family from the others of its table."""
    scales = {each.family.name: each.family.scale for each in records}
    return bool(record.family.guideline) and len(set(scales.values())) == len(scales)


def inputs(record: Record) -> str:
    """Return what a network is called with, as `--input` takes it: all shapes, the batch first."""
    variant, batch = record.variant, record.family.batch
    if record.costs and record.costs.inputs:
        return formatting.shaped(record.costs.inputs)
    if not variant.is_built_in and not variant.inputs:
        return UNKNOWN  # its callable may have inputs of its own
    described = variant.inputs or (Input(variant.shape),)
    return formatting.shaped(", ".join(str(replace(each, shape=(batch, *each.shape))) for each in described))


def percentiles(records: Sequence[Record], p50: int, p95: int, p99: int) -> list[Column]:
    """Return the columns of percentiles of calls that were timed singly, with their priorities."""
    return [
        numbers(f"{name} ms", (_percentile(record, name) for record in records), priority)
        for name, priority in {"p50": p50, "p95": p95, "p99": p99}.items()
    ]


def step_parts(records: Sequence[Record], priority: int) -> list[Column]:
    """Return the columns of the times of a training step's parts; none if all is inference."""
    if all(record.family.step == INFERENCE for record in records):
        return []
    return [numbers(f"{name} ms", (_part(record, name) for record in records), priority) for name in PARTS]


def _part(record: Record, name: str) -> str:
    parts = record.timing.parts if record.timing else None
    seconds = getattr(parts, name) if parts else None
    return formatting.milliseconds(seconds) if seconds else UNKNOWN


def _percentile(record: Record, name: str) -> str:
    singly = record.timing.percentiles if record.timing else None
    return formatting.milliseconds(getattr(singly, name)) if singly else UNKNOWN


def item_rate(records: Sequence[Record], priority: int) -> Column:
    """Return the column of images, tokens or other items per second."""
    kinds = {_kind_of_item(record.costs) for record in records if record.timing and record.costs} or {"images"}
    what = " or ".join(each for each in ("images", "tokens", "items") if each in kinds)
    return numbers(f"{what}/s", (_rate(record, _items) for record in records), priority)


def _kind_of_item(costs: Costs) -> str:
    if costs.tokens is not None:
        return "tokens"
    return "images" if not costs.first_shape or len(costs.first_shape) == len("nchw") else "items"


def flop_rate(records: Sequence[Record], priority: int) -> Column:
    """Return the column of billions of multiply-adds per second; a lower bound is marked."""
    return numbers("GFLOP/s (mult-adds)", (_rate(record, _gflops) for record in records), priority)


def _rate(record: Record, text: Callable[[Record, Costs, float], str]) -> str:
    done = record.done
    if record.timing is None or done is None:
        return UNKNOWN
    return text(record, done, record.timing.seconds.estimate)


def _items(record: Record, costs: Costs, seconds: float) -> str:
    if any(each.kind == "batchless" for each in record.warnings):
        return UNKNOWN  # the number of items is not known
    return formatting.significant((costs.tokens or costs.items or record.family.batch) / seconds)


def _gflops(_record: Record, costs: Costs, seconds: float) -> str:
    return ("" if costs.flops_complete else "≥ ") + formatting.significant(costs.flops / seconds / 1e9)


AGREED = 0.05
"""The largest relative difference, without a line, of two times of a network that should agree."""


def agree(one: float, other: float) -> bool:
    """Return whether two times of a network agree."""
    return abs(one / other - 1) <= AGREED


INSENSITIVE = "insensitive"
"""The kind of warning of an output that hardly depends on its input."""
EXACT = 1e-3
"""The largest relative difference of outputs from eager float32 of which nothing is said."""


def exactness(records: Sequence[Record]) -> str:
    """Return how far outputs are from eager float32, and how often scores have another largest value, as a clause."""
    found = [each.preparation for each in records if each.preparation.output_error is not None]
    error = max((each.output_error or 0.0 for each in found), default=0.0)
    agreements = [each.argmax_agreement for each in found if each.argmax_agreement is not None]
    says_little = list(
        dict.fromkeys(each.variant.name for each in records for of in each.warnings if of.kind == INSENSITIVE)
    )
    little = f" (of {formatting.named(says_little)} that says little: see the warning)" if says_little else ""
    if not error:
        return f"outputs are those of eager float32{little}"
    differ = f"outputs differ by up to {error:.0g} from eager float32{little}"
    if not agreements or error <= EXACT:
        return differ
    least = min(agreements)
    share = "all items" if least == 1.0 else f"{math.floor(100 * least)} % of items or more"
    return f"{differ}, with the same largest score in {share}"


def inexact_lines(records: Sequence[Record]) -> Iterator[str]:
    """Yield how far outputs are from eager float32 in each other dtype; of runtimes their own table says it."""
    for dtype, of in groups(records, lambda record: record.family.dtype).items():
        if any((each.preparation.output_error or 0.0) > EXACT for each in of) and not any(
            each.preparation.export_s for each in of
        ):
            yield f"{dtype}: {exactness(of)}"


MOST_SENTENCES = 6
"""The most networks besides the baseline that get a sentence each."""


def not_judged(records: Sequence[Record]) -> Iterator[str]:
    """Yield which of several networks are not compared with others, and why."""
    why = why_not_judged(records)
    if why and len({each.key for each in records}) > 1:
        yield f"! {signed('not judged')}: {why}: stop other work, or measure later"


def why_not_judged(records: Sequence[Record]) -> str:
    """Return which of several networks are not judged, as a clause; empty if all are."""
    names = list(dict.fromkeys(each.variant.name for each in records if each.is_disturbed))
    return f"over half of the samples of {formatting.named(names)} were disturbed" if names else ""


def sentences(records: Sequence[Record]) -> Iterator[str]:
    """Yield a sentence that can be quoted for each network beside its baseline; none where there are many.

    None too of what is not judged.
    """
    disturbed = {each.family.name for each in records if is_baseline(each) and each.is_disturbed}
    judged = (each for each in records if not (each.is_disturbed or each.family.name in disturbed))
    speeds = [(each, each.timing.relative) for each in judged if each.timing and not is_baseline(each)]
    speeds = [(record, speed) for record, speed in speeds if speed]
    for record, speed in speeds if len(speeds) <= MOST_SENTENCES else ():
        if speed and speed.low is not None:
            label = _label(record, records)
            text = f"{formatting.speed(speed)} times as fast as {record.family.baseline}"
            yield f"{record.variant.name} is {text}{f' ({label})' if label else ''}"
