"""Convert records, samples, conditions and breakdowns to CSV rows and back."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, cast, get_args

from benchcli.schema import (
    CATEGORIES,
    Breakdown,
    Conditions,
    Costs,
    Failure,
    Family,
    Interval,
    Record,
    ReferenceSpeed,
    Sample,
    Status,
    Target,
    Timing,
    Variant,
)
from benchcli.schema.conform import whole

SCHEMA = 1
IDENTITY = (
    "schema",
    "run",
    "suite",
    "family",
    "guideline",
    "scale",
    "variant",
    "baseline",
    "device",
    "runtime",
    "dtype",
    "layout",
    "threads",
    "batch",
    "widths",
)
OUTCOME = ("status", "error")
COSTS = (
    "flops",
    "params",
    "elementwise",
    "mac_elements",
    "mac_bytes",
    "mac_fused_bytes",
    "mac_compulsory_bytes",
    "flops_deviation",
)
TIME = (
    "median_s",
    "ci_low_s",
    "ci_high_s",
    "relative_speed",
    "relative_low",
    "relative_high",
    "reference_speed",
    "reference_low",
    "reference_high",
    "launches",
    "samples",
    "faults_per_call",
    "warnings",
)
COLUMNS = (*IDENTITY, *OUTCOME, *COSTS, *TIME, "channels", "size", "allocator", "cache", "excluded", "reference")
SAMPLE_COLUMNS = (
    "family",
    "variant",
    "launch",
    "round",
    "calls",
    "seconds",
    "faults_per_call",
    "excluded",
    "host_seconds",
)
CONDITION_COLUMNS = ("family", *(field.name for field in fields(Conditions)))

BREAKDOWN_COLUMNS = (
    "family",
    "variant",
    "launch",
    "call_s",
    "traced_s",
    *(f"{category}_s" for category in CATEGORIES),
    "reorder_s",
    "framework_s",
)

COUNTING = "costs:"
"""The prefix of warning codes about costs, which hold the entries of `Costs.unknown`."""

Cell = str | int | float | None


def row(record: Record) -> dict[str, Cell]:
    """Return the record's cells by column. A missing value is None."""
    family, target = record.family, record.target
    return {
        "schema": SCHEMA,
        "run": record.run,
        "suite": record.suite,
        "family": family.name,
        "guideline": family.guideline,
        "scale": family.scale,
        "variant": record.variant.name,
        "baseline": family.baseline,
        "device": target.device,
        "runtime": target.runtime,
        "dtype": family.dtype,
        "layout": family.layout,
        "threads": target.threads,
        "batch": family.batch,
        "widths": family.widths,
        "status": record.failure.status if record.failure else "ok",
        "error": record.failure.error if record.failure else None,
        **_costs(record),
        **_time(record),
        "warnings": " | ".join(record.warnings) or None,
        "channels": record.variant.channels,
        "size": record.variant.shape[-1],
        "allocator": target.allocator,
        "cache": target.cache,
        "excluded": record.timing.excluded if record.timing else None,
        "reference": record.timing.reference.name if record.timing and record.timing.reference else None,
    }


def sample_row(family: str, sample: Sample) -> list[Cell]:
    """Return the cells of one sample."""
    return [
        family,
        sample.variant,
        sample.launch,
        sample.round,
        sample.calls,
        sample.seconds,
        sample.faults,
        sample.excluded,
        sample.host_seconds,
    ]


def condition_row(family: str, conditions: Conditions) -> list[Cell]:
    """Return the cells of one launch's conditions."""
    cells = asdict(conditions)
    return [family, *({**cells, "throttle_reasons": " | ".join(conditions.throttle_reasons) or None}.values())]


def breakdown_row(breakdown: Breakdown) -> list[Cell]:
    """Return the cells of one launch's breakdown."""
    parts = {f"{category}_s": breakdown.parts[category] for category in CATEGORIES}
    cells: dict[str, Cell] = {**{name: value for name, value in vars(breakdown).items() if name != "parts"}, **parts}
    return [cells[column] for column in BREAKDOWN_COLUMNS]


def parse_breakdown(cells: Mapping[str, str]) -> Breakdown:
    """Return the breakdown in a row of text. Raises ValueError or KeyError if it is damaged."""
    numbers = {name: float(cells[name]) for name in BREAKDOWN_COLUMNS[3:]}
    if not all(math.isfinite(number) and number >= 0 for number in numbers.values()) or numbers["call_s"] == 0:
        raise ValueError("a number that no tracing gives")
    return Breakdown(
        family=cells["family"],
        variant=cells["variant"],
        launch=whole(cells["launch"]),
        call_s=numbers["call_s"],
        traced_s=numbers["traced_s"],
        parts={category: numbers[f"{category}_s"] for category in CATEGORIES},
        reorder_s=numbers["reorder_s"],
        framework_s=numbers["framework_s"],
    )


def _costs(record: Record) -> dict[str, Cell]:
    if record.costs is None:
        return dict.fromkeys(COSTS)
    counted = {name: getattr(record.costs, name) for name in COSTS[:-1]}
    return {**counted, "flops_deviation": record.flops_deviation}


def _time(record: Record) -> dict[str, Cell]:
    timing = record.timing
    if timing is None:
        return dict.fromkeys(TIME)
    relative, reference = timing.relative, timing.reference.speed if timing.reference else None
    return {
        "median_s": timing.seconds.estimate,
        "ci_low_s": timing.seconds.low,
        "ci_high_s": timing.seconds.high,
        "relative_speed": relative.estimate if relative else None,
        "relative_low": relative.low if relative else None,
        "relative_high": relative.high if relative else None,
        "reference_speed": reference.estimate if reference else None,
        "reference_low": reference.low if reference else None,
        "reference_high": reference.high if reference else None,
        "launches": timing.launches,
        "samples": timing.samples,
        "faults_per_call": timing.faults,
    }


def parse(cells: Mapping[str, str], family: Family, variant: Variant, target: Target) -> Record:
    """Return the record of `variant` in a row of text.

    Raises ValueError or KeyError if the row is damaged.
    """
    if cells["status"] not in get_args(Status):
        raise ValueError(f"the status {cells['status']!r}")
    status = cast("Status", cells["status"])
    return Record(
        run=cells["run"],
        suite=cells["suite"],
        family=family,
        variant=variant,
        target=target,
        failure=None if status == "ok" else Failure(status, cells["error"]),
        costs=_read_costs(cells),
        flops_deviation=_number(cells["flops_deviation"]),
        timing=_read_timing(cells),
        warnings=tuple(filter(None, cells["warnings"].split(" | "))),
    )


def _read_costs(cells: Mapping[str, str]) -> Costs | None:
    if not cells["flops"]:
        return None
    counts: dict[str, Any] = {name: whole(cells[name]) for name in COSTS[:-1]}
    codes = cells["warnings"].split(" | ")
    return Costs(**counts, unknown=tuple(code.removeprefix(COUNTING) for code in codes if code.startswith(COUNTING)))


def _read_timing(cells: Mapping[str, str]) -> Timing | None:
    seconds, relative = _interval(cells, "median_s", "ci"), _interval(cells, "relative_speed", "relative")
    if seconds is None:
        return None
    if min(whole(cells["launches"]), whole(cells["samples"])) < 1:
        raise ValueError("a time without a sample")
    faults = _number(cells["faults_per_call"])
    excluded = whole(cells.get("excluded") or "0")
    speed = _interval(cells, "reference_speed", "reference")
    reference = ReferenceSpeed(cells["reference"], speed) if speed else None
    return Timing(seconds, relative, whole(cells["launches"]), whole(cells["samples"]), faults, excluded, reference)


def _interval(cells: Mapping[str, str], estimate: str, ends: str) -> Interval | None:
    unit = "_s" if ends == "ci" else ""
    middle = _number(cells[estimate])
    if middle is None:
        return None
    return Interval(middle, _number(cells[f"{ends}_low{unit}"]), _number(cells[f"{ends}_high{unit}"]))


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
