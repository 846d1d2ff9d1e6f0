"""Convert records to CSV rows and back."""

from collections.abc import Mapping
from typing import Any, cast, get_args

from benchcli.runs.rows import Cell
from benchcli.schema import (
    Code,
    Costs,
    Failure,
    Family,
    Interval,
    Percentiles,
    Record,
    ReferenceSpeed,
    Status,
    Target,
    Timing,
    Variant,
)
from benchcli.schema.structure import whole

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
SETTING = ("setting_speed", "setting_low", "setting_high")
"""Columns of the speed relative to the first of several settings."""
CODE = ("code_file", "code_line", "code_sha256", "code_commit", "code_dirty")
"""Columns that say where a user's own network comes from."""
PERCENTILES = ("p50_s", "p95_s", "p99_s")
"""Columns of calls that were timed singly."""
CALL = ("inputs", "items", "tokens")
"""Columns that say what a call takes."""
MEMORY = ("peak_activation_bytes", "weight_bytes", "device_peak_bytes")
"""Columns that runs of earlier versions lack."""
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
COLUMNS = (
    *IDENTITY,
    *OUTCOME,
    *COSTS,
    *TIME,
    "channels",
    "size",
    "allocator",
    "cache",
    "excluded",
    "reference",
    "flops_complete",
    *MEMORY,
    *CALL,
    "first_setting",
    *SETTING,
    *PERCENTILES,
    *CODE,
)
COUNTING = "costs:"
"""The prefix of warning codes about costs, which hold the entries of `Costs.unknown`."""


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
        "size": record.variant.shape[-1] if record.variant.shape else None,
        "allocator": target.allocator,
        "cache": target.cache,
        "excluded": record.timing.excluded if record.timing else None,
        "reference": record.timing.reference.name if record.timing and record.timing.reference else None,
        **_counted(record.costs),
        "first_setting": family.first or None,
        **_setting(record.timing),
        **_percentiles(record.timing),
        **{name: getattr(record.code, name.removeprefix("code_"), None) for name in CODE},
    }


def _percentiles(timing: Timing | None) -> dict[str, Cell]:
    found = timing.percentiles if timing else None
    return dict(zip(PERCENTILES, (found.p50, found.p95, found.p99) if found else (None,) * 3, strict=True))


def _setting(timing: Timing | None) -> dict[str, Cell]:
    speed = timing.setting if timing else None
    values = (speed.estimate, speed.low, speed.high) if speed else (None,) * 3
    return dict(zip(SETTING, values, strict=True))


def _costs(record: Record) -> dict[str, Cell]:
    if record.costs is None:
        return dict.fromkeys(COSTS)
    counted = {name: getattr(record.costs, name) for name in COSTS[:-1]}
    return {**counted, "flops_deviation": record.flops_deviation}


def _counted(costs: Costs | None) -> dict[str, Cell]:
    """Return the cells about costs that later versions added."""
    names = ("flops_complete", *MEMORY, *CALL)
    return {name: getattr(costs, name) if costs else None for name in names}


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
        code=_read_code(cells) if cells.get("code_file") else None,
    )


def _read_costs(cells: Mapping[str, str]) -> Costs | None:
    if not cells["flops"]:
        return None
    counts: dict[str, Any] = {name: whole(cells[name]) for name in COSTS[:-1]}
    counts |= {name: whole(cells[name]) if cells.get(name) else None for name in (*MEMORY, *CALL[1:])}
    counts["inputs"] = cells.get("inputs", "")
    codes = cells["warnings"].split(" | ")
    return Costs(**counts, unknown=tuple(code.removeprefix(COUNTING) for code in codes if code.startswith(COUNTING)))


def _read_code(cells: Mapping[str, str]) -> Code:
    dirty = {"True": True, "False": False}.get(cells["code_dirty"])
    return Code(
        cells["code_file"], whole(cells["code_line"]), cells["code_sha256"], cells["code_commit"] or None, dirty
    )


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
    setting = _interval(cells, "setting_speed", "setting") if cells.get("setting_speed") else None
    counts = whole(cells["launches"]), whole(cells["samples"])
    singles = Percentiles(*(float(cells[name]) for name in PERCENTILES)) if cells.get("p50_s") else None
    return Timing(seconds, relative, *counts, faults, excluded, reference, setting, singles)


def _interval(cells: Mapping[str, str], estimate: str, ends: str) -> Interval | None:
    unit = "_s" if ends == "ci" else ""
    middle = _number(cells[estimate])
    if middle is None:
        return None
    return Interval(middle, _number(cells[f"{ends}_low{unit}"]), _number(cells[f"{ends}_high{unit}"]))


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
