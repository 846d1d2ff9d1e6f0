"""The tables of a run: their columns, and their rows from values and back.

A cell that holds several values, such as warnings, is JSON.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from typing import Annotated, Any

from benchcli.schema import (
    CATEGORIES,
    INFERENCE,
    PARTS,
    Breakdown,
    Code,
    Conditions,
    Costs,
    Failure,
    Family,
    Interval,
    Layer,
    Layers,
    Mode,
    Percentiles,
    Preparation,
    Record,
    ReferenceSpeed,
    Sample,
    Status,
    Step,
    StepParts,
    Target,
    Timing,
    Variant,
)
from benchcli.schema.environment import SCHEMA
from benchcli.schema.observations import Count, Duration, Seconds
from benchcli.schema.structure import MOST, StructureError, Within, structure_cells
from benchcli.schema.warnings import RunWarning, Share, as_json

Cell = str | int | float | None
Ratio = Annotated[float, Within(1e-12, 1e12)]
Positive = Annotated[int, Within(1, MOST)]


@dataclass(frozen=True)
class MeasurementRow:
    """A row of `measurements.csv`. docs/files.md describes its columns."""

    schema: int
    run: str
    suite: str
    family: str
    guideline: str
    scale: int
    variant: str
    baseline: str
    device: str
    runtime: str
    dtype: str
    layout: str
    threads: int
    batch: int
    widths: str
    status: Status
    error: str | None
    flops: Count | None
    params: Count | None
    elementwise: Count | None
    mac_elements: Count | None
    mac_bytes: Count | None
    mac_fused_bytes: Count | None
    mac_compulsory_bytes: Count | None
    flops_deviation: float | None
    median_s: Seconds | None
    ci_low_s: Seconds | None
    ci_high_s: Seconds | None
    relative_speed: Ratio | None
    relative_low: Ratio | None
    relative_high: Ratio | None
    reference_speed: Ratio | None
    reference_low: Ratio | None
    reference_high: Ratio | None
    launches: Positive | None
    samples: Positive | None
    faults_per_call: float | None
    warnings: tuple[RunWarning, ...] = ()
    channels: str = ""
    size: int | None = None
    allocator: str = ""
    cache: str = ""
    excluded: Count | None = None
    reference: str | None = None
    flops_complete: bool | None = None
    unknown: tuple[str, ...] = ()
    peak_activation_bytes: Count | None = None
    weight_bytes: Count | None = None
    device_peak_bytes: Count | None = None
    inputs: str | None = None
    items: Count | None = None
    tokens: Count | None = None
    first_setting: str | None = None
    setting_speed: Ratio | None = None
    setting_low: Ratio | None = None
    setting_high: Ratio | None = None
    p50_s: Seconds | None = None
    p95_s: Seconds | None = None
    p99_s: Seconds | None = None
    code_file: str | None = None
    code_line: Count | None = None
    code_sha256: str | None = None
    code_commit: str | None = None
    code_dirty: bool | None = None
    step: Step = INFERENCE
    forward_s: Seconds | None = None
    backward_s: Seconds | None = None
    update_s: Seconds | None = None
    flush_denormal: bool | None = None
    slow: Count | None = None
    modes: tuple[Mode, ...] = ()
    export_s: Duration | None = None
    load_s: Duration | None = None
    artifact_bytes: Count | None = None
    output_error: Duration | None = None
    argmax_agreement: Share | None = None
    loaded_bytes: Count | None = None
    reorders: Count | None = None
    operators: Count | None = None


COLUMNS = tuple(each.name for each in fields(MeasurementRow))
COSTS = tuple(each.name for each in fields(Costs) if each.name in COLUMNS and each.name not in {"unknown", "error"})
"""The columns that are fields of `Costs`."""
CODE = tuple(each.name for each in fields(Code))
PREPARATION = tuple(each.name for each in fields(Preparation))
SAMPLE_COLUMNS = (
    *("family", "variant", "launch", "round", "calls", "seconds"),
    *("faults_per_call", "excluded", "host_seconds"),
    *(f"{name}_s" for name in PARTS),
    "pace_s",
)
CONDITION_COLUMNS = ("family", *(each.name for each in fields(Conditions)))
BREAKDOWN_PARTS = {f"{category}_s": category for category in CATEGORIES}
"""The columns of a breakdown's parts."""
BREAKDOWN_COLUMNS = ("family", "variant", "launch", "call_s", "traced_s", *BREAKDOWN_PARTS, "reorder_s")
LAYER_COLUMNS = ("family", "variant", "launch", "call_s", *(each.name for each in fields(Layer)))


def cell(value: object) -> Cell:
    """Return a value as a cell has it: several values as JSON, and None for nothing."""
    if value is None or isinstance(value, str | int | float):
        return value
    several = value if isinstance(value, Mapping) else [_plain(each) for each in value]  # type: ignore[attr-defined]
    return json.dumps(several, ensure_ascii=False) if several else None


def _plain(value: object) -> object:
    if isinstance(value, RunWarning):
        return as_json(value)
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def row(record: Record) -> dict[str, Cell]:
    """Return the record's cells by column. A missing value is None."""
    family, target, timing, variant = record.family, record.target, record.timing, record.variant
    values: dict[str, object] = {
        "schema": SCHEMA,
        "run": record.run,
        "suite": record.suite,
        "family": family.name,
        "guideline": family.guideline,
        "scale": family.scale,
        "variant": variant.name,
        "baseline": family.baseline,
        "device": target.device,
        "runtime": target.runtime,
        "dtype": family.dtype,
        "layout": family.layout,
        "step": family.step,
        "threads": target.threads,
        "batch": family.batch,
        "widths": family.widths,
        "status": record.failure.status if record.failure else "ok",
        "error": record.failure.error if record.failure else None,
        "warnings": record.warnings,
        "channels": variant.channels,
        "size": ((record.costs.first_shape[1:] if record.costs else ()) or variant.shape or (None,))[-1],
        "allocator": target.allocator,
        "cache": target.cache,
        "flush_denormal": target.flush_denormal,
        "first_setting": family.first or None,
        "flops_deviation": record.flops_deviation if record.costs else None,
        **({f"code_{name}": getattr(record.code, name) for name in CODE} if record.code else {}),
        **vars(record.preparation),
        **(_of_costs(record.costs) if record.costs else {}),
        **(_of_timing(timing) if timing else {}),
    }
    return {name: cell(values.get(name)) for name in COLUMNS}


def _of_costs(costs: Costs) -> dict[str, object]:
    counted = {name: getattr(costs, name) for name in COSTS}
    return {**counted, "flops_complete": costs.flops_complete, "unknown": costs.unknown}


def _of_timing(timing: Timing) -> dict[str, object]:
    reference, singly = timing.reference, timing.percentiles
    return {
        **_ends("median_s", "ci_low_s", "ci_high_s", timing.seconds),
        **_ends("relative_speed", "relative_low", "relative_high", timing.relative),
        **_ends("reference_speed", "reference_low", "reference_high", reference.speed if reference else None),
        **_ends("setting_speed", "setting_low", "setting_high", timing.setting),
        "launches": timing.launches,
        "samples": timing.samples,
        "faults_per_call": timing.faults,
        "excluded": timing.excluded,
        "slow": timing.slow,
        "modes": [vars(each) for each in timing.modes] or None,
        "reference": reference.name if reference else None,
        **({f"{name}_s": getattr(timing.parts, name) for name in PARTS} if timing.parts else {}),
        **({"p50_s": singly.p50, "p95_s": singly.p95, "p99_s": singly.p99} if singly else {}),
    }


def _ends(estimate: str, low: str, high: str, interval: Interval | None) -> dict[str, object]:
    return {estimate: interval.estimate, low: interval.low, high: interval.high} if interval else {}


def record_of(cells: Mapping[str, str], family: Family, variant: Variant, target: Target) -> Record:
    """Return the record of `variant` in a row of text. Raises StructureError if the row is damaged."""
    read = structure_cells(cells, MeasurementRow)
    code = None
    if read.code_file:
        code = Code(read.code_file, read.code_line or 0, read.code_sha256 or "", read.code_commit, read.code_dirty)
    return Record(
        run=read.run,
        suite=read.suite,
        family=family,
        variant=variant,
        target=target,
        failure=None if read.status == "ok" else Failure(read.status, read.error or ""),
        costs=_costs_of(read),
        flops_deviation=read.flops_deviation,
        timing=_timing_of(read),
        warnings=read.warnings,
        code=code,
        preparation=Preparation(**{name: getattr(read, name) for name in PREPARATION}),
    )


def _costs_of(read: MeasurementRow) -> Costs | None:
    if read.flops is None:
        return None
    counts: dict[str, Any] = {name: getattr(read, name) for name in COSTS}
    lacking = next((each.name for each in fields(Costs) if each.default is MISSING and counts[each.name] is None), None)
    if lacking:
        raise StructureError("it is empty beside other counts", (lacking,))
    return Costs(**{**counts, "inputs": read.inputs or ""}, unknown=read.unknown)


def _timing_of(read: MeasurementRow) -> Timing | None:
    seconds = _interval("median_s", read.median_s, read.ci_low_s, read.ci_high_s)
    if seconds is None:
        return None
    if read.launches is None or read.samples is None:
        raise StructureError("a time without a sample", ("launches",))
    speed = _interval("reference_speed", read.reference_speed, read.reference_low, read.reference_high)
    singly = read.p50_s, read.p95_s, read.p99_s
    return Timing(
        seconds=seconds,
        relative=_interval("relative_speed", read.relative_speed, read.relative_low, read.relative_high),
        launches=read.launches,
        samples=read.samples,
        faults=read.faults_per_call,
        excluded=read.excluded or 0,
        slow=read.slow or 0,
        modes=read.modes,
        reference=ReferenceSpeed(read.reference or "", speed) if speed else None,
        setting=_interval("setting_speed", read.setting_speed, read.setting_low, read.setting_high),
        parts=StepParts(read.forward_s, read.backward_s, read.update_s) if read.forward_s and read.backward_s else None,
        percentiles=Percentiles(*singly) if None not in singly else None,  # type: ignore[arg-type]
    )


def _interval(name: str, estimate: float | None, low: float | None, high: float | None) -> Interval | None:
    if estimate is None:
        return None
    if (low is not None and low > estimate) or (high is not None and high < estimate):
        raise StructureError("it is outside of its interval", (name,))
    return Interval(estimate, low, high)


def sample_row(family: str, sample: Sample) -> list[Cell]:
    """Return the cells of one sample."""
    cells = {"family": family, "faults_per_call": sample.faults, **vars(sample)}
    return [cells[column] for column in SAMPLE_COLUMNS]


def sample_of(cells: Mapping[str, str]) -> Sample:
    """Return the sample in a row of text. Raises StructureError if it is damaged."""
    return structure_cells({**cells, "faults": cells.get("faults_per_call", "")}, Sample)


def condition_row(family: str, conditions: Conditions) -> list[Cell]:
    """Return the cells of one launch's conditions."""
    return [family, *map(cell, vars(conditions).values())]


def conditions_of(cells: Mapping[str, str]) -> Conditions:
    """Return the conditions in a row of text. Raises StructureError if they are damaged."""
    return structure_cells(cells, Conditions)


def breakdown_row(breakdown: Breakdown) -> list[Cell]:
    """Return the cells of one launch's breakdown."""
    parts = {column: breakdown.parts[category] for column, category in BREAKDOWN_PARTS.items()}
    cells = {**vars(breakdown), **parts}
    return [cells[column] for column in BREAKDOWN_COLUMNS]


def breakdown_of(cells: Mapping[str, str]) -> Breakdown:
    """Return the breakdown in a row of text. Raises StructureError or KeyError if it is damaged."""
    parts = {category: cells[column] for column, category in BREAKDOWN_PARTS.items()}
    return structure_cells({**cells, "parts": parts}, Breakdown)  # type: ignore[dict-item]


def layer_rows(layers: Layers) -> list[list[Cell]]:
    """Return the cells of one launch's layers, a row for each."""
    own: list[Cell] = [layers.family, layers.variant, layers.launch, layers.call_s]
    return [[*own, *vars(layer).values()] for layer in layers.layers]


def layers_of(rows: Iterable[Mapping[str, str]]) -> list[Layers]:
    """Return the layers of all launches in rows of text. Raises StructureError if one is damaged."""
    launches: dict[tuple[str, str, str, str], list[Layer]] = {}
    for cells in rows:
        own = (cells.get("family", ""), cells.get("variant", ""), cells.get("launch", ""), cells.get("call_s", ""))
        launches.setdefault(own, []).append(structure_cells(cells, Layer))
    return [_layers(*own, layers) for own, layers in launches.items()]


def _layers(family: str, variant: str, launch: str, call_s: str, layers: Sequence[Layer]) -> Layers:
    cells: dict[str, Any] = {"family": family, "variant": variant, "launch": launch, "call_s": call_s, "layers": layers}
    return structure_cells(cells, Layers)
