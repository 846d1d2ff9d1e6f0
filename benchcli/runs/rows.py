"""Convert what was observed in launches, samples, conditions and breakdowns, to CSV rows and back."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, get_args

from benchcli.schema import CATEGORIES, Breakdown, Conditions, Exclusion, Layer, Layers, Sample
from benchcli.schema.structure import whole

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

LAYER_COLUMNS = (
    *("family", "variant", "launch", "call_s"),
    *("path", "kind", "calls", "seconds", "inputs", "outputs", "flops", "mac_bytes"),
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


def parse_sample(cells: Mapping[str, str]) -> Sample:
    """Return the sample in a row of text. Raises ValueError or KeyError if it is damaged."""
    excluded = cells["excluded"] or None
    seconds = float(cells["seconds"])
    if excluded not in {*get_args(Exclusion), None} or not 0 < seconds < math.inf:
        raise ValueError("a sample that no measurement gives")
    return Sample(
        variant=cells["variant"],
        launch=whole(cells["launch"]),
        round=whole(cells["round"]),
        calls=whole(cells["calls"]),
        seconds=seconds,
        faults=_optional(cells["faults_per_call"], float),
        excluded=excluded,  # type: ignore[arg-type]
        host_seconds=_optional(cells.get("host_seconds", ""), float),
    )


def parse_conditions(cells: Mapping[str, str]) -> Conditions:
    """Return the conditions in a row of text. Raises ValueError or KeyError if they are damaged."""
    values: dict[str, Any] = {}
    for field in fields(Conditions):
        text = cells.get(field.name, "")
        if field.name == "throttle_reasons":
            values[field.name] = tuple(text.split(" | ")) if text else ()
        elif field.name == "kernels":
            values[field.name] = dict(each.split(": ", 1) for each in text.split(" | ")) if text else {}
        else:
            values[field.name] = _optional(text, whole if str(field.type).startswith("int") else float)
    if None in (values["launch"], values["wall_s"], values["call_overhead_s"]):
        raise ValueError("a launch without its number or duration")
    return Conditions(**values)


def _optional(text: str, parse: Callable[[str], float]) -> float | None:
    number = parse(text) if text else None
    if number is not None and not math.isfinite(number):
        raise ValueError("a number that no measurement gives")
    return number


def breakdown_row(breakdown: Breakdown) -> list[Cell]:
    """Return the cells of one launch's breakdown."""
    parts = {f"{category}_s": breakdown.parts[category] for category in CATEGORIES}
    cells: dict[str, Cell] = {**{name: value for name, value in vars(breakdown).items() if name != "parts"}, **parts}
    return [cells[column] for column in BREAKDOWN_COLUMNS]


def layer_rows(layers: Layers) -> list[list[Cell]]:
    """Return the cells of one launch's layers, a row for each."""
    own: list[Cell] = [layers.family, layers.variant, layers.launch, layers.call_s]
    return [[*own, *(getattr(layer, name) for name in LAYER_COLUMNS[4:])] for layer in layers.layers]


def parse_layers(rows: Iterable[Mapping[str, str]]) -> list[Layers]:
    """Return the layers of all launches in rows of text. Raises ValueError or KeyError if one is damaged."""
    found: dict[tuple[str, str, int], Layers] = {}
    for cells in rows:
        key = cells["family"], cells["variant"], whole(cells["launch"])
        call_s, seconds = float(cells["call_s"]), float(cells["seconds"])
        counts = [whole(cells[name] or "0") for name in ("calls", "flops", "mac_bytes")]
        if not (math.isfinite(seconds) and 0 < call_s < math.inf) or min(counts) < 0:
            raise ValueError("a number that no timing gives")
        layer = Layer(
            path=cells["path"],
            kind=cells["kind"],
            calls=whole(cells["calls"]),
            seconds=seconds,
            inputs=cells["inputs"],
            outputs=cells["outputs"],
            flops=whole(cells["flops"]) if cells["flops"] else None,
            mac_bytes=whole(cells["mac_bytes"]),
        )
        earlier = found[key].layers if key in found else ()
        found[key] = Layers(*key, call_s, (*earlier, layer))
    return list(found.values())


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
