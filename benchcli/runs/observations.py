"""Convert what was observed in launches, samples, conditions and breakdowns, to CSV rows and back."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields

from benchcli.schema import CATEGORIES, Breakdown, Conditions, Sample
from benchcli.schema.conform import whole

Cell = str | int | float | None

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
)

LATER = {"product_s", "pooling_s"}
"""Columns that breakdowns of earlier versions lack."""


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
    texts = {
        "throttle_reasons": " | ".join(conditions.throttle_reasons) or None,
        "kernels": " | ".join(f"{name}: {names}" for name, names in conditions.kernels.items()) or None,
    }
    return [family, *({**asdict(conditions), **texts}.values())]


def breakdown_row(breakdown: Breakdown) -> list[Cell]:
    """Return the cells of one launch's breakdown."""
    parts = {f"{category}_s": breakdown.parts[category] for category in CATEGORIES}
    cells: dict[str, Cell] = {**{name: value for name, value in vars(breakdown).items() if name != "parts"}, **parts}
    return [cells[column] for column in BREAKDOWN_COLUMNS]


def parse_breakdown(cells: Mapping[str, str]) -> Breakdown:
    """Return the breakdown in a row of text. Raises ValueError or KeyError if it is damaged."""
    if LATER - cells.keys():  # of an earlier version, which had framework_s inside other_s
        rest_s = max(0.0, float(cells["other_s"]) - float(cells["framework_s"]))
        cells = {**cells, **dict.fromkeys(LATER, "0"), "other_s": str(rest_s)}
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
    )
