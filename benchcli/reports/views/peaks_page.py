"""Lay out the roofs of a machine: its peaks, its bandwidths, and the cost of dispatching an operator."""

from collections.abc import Iterator
from dataclasses import asdict

from benchcli import formatting
from benchcli.formatting import UNKNOWN
from benchcli.reports.advice import advised, sentence
from benchcli.reports.page import Cell, Page, Table, numbers, words
from benchcli.schema.roofs import ACCESSES, CacheLevel, Roofs
from benchcli.schema.warnings import RunWarning

COLUMNS = ("figure", "of", "per_second", "size_bytes")


def page(roofs: Roofs) -> Page:
    """Return the page: a table of peaks, one of bandwidths, and an object with the ridges for JSON."""
    return Page(
        name="peaks",
        heading=f"{roofs.device} · {formatting.counted(roofs.threads, 'thread')} · torch {roofs.torch}",
        tables=(_peaks(roofs), _bandwidths(roofs)),
        footer=f"measured {roofs.measured} · spread {formatting.percent(roofs.spread)} · digest {roofs.digest}",
        columns=COLUMNS,
        rows=tuple(_rows(roofs)),
        identity=COLUMNS[:2],
        data={
            **asdict(roofs),
            "ridges": {dtype: roofs.ridge(dtype) for dtype in roofs.peaks},
            "warnings": [advised(each) for each in warnings(roofs)],
        },
    )


def warnings(roofs: Roofs) -> list[RunWarning]:
    """Return what to mind of the roofs."""
    return [RunWarning("noisy-roofs", round(roofs.spread, 2))] if roofs.is_noisy else []


def _rows(roofs: Roofs) -> Iterator[dict[str, Cell]]:
    for dtype, peak in roofs.peaks.items():
        yield {"figure": "product", "of": dtype, "per_second": peak.product, "size_bytes": None}
        yield {"figure": "convolution", "of": dtype, "per_second": peak.convolution, "size_bytes": None}
    for level in roofs.levels:
        for access, rate in level.rates.items():
            yield {"figure": access, "of": level.name, "per_second": rate, "size_bytes": level.size}
    yield {
        "figure": "dispatch",
        "of": "",
        "per_second": 1 / roofs.dispatch_s if roofs.dispatch_s else None,
        "size_bytes": None,
    }


def _peaks(roofs: Roofs) -> Table:
    return Table(
        "Peak GFLOP/s (mult-adds)",
        (
            words("dtype", roofs.peaks),
            numbers("matrix product", (_giga(each.product) for each in roofs.peaks.values())),
            numbers("convolution", (_giga(each.convolution) for each in roofs.peaks.values())),
            numbers("ridge, mult-adds/B", (_ridge(roofs, dtype) for dtype in roofs.peaks)),
        ),
        ("the most that torch's operators reach; a ridge is the peak over the largest bandwidth of the memory",),
        key="peaks",
    )


def _bandwidths(roofs: Roofs) -> Table:
    return Table(
        "Bandwidth GB/s",
        (
            words("level", (each.name for each in roofs.levels)),
            numbers("size", (_size(each) for each in roofs.levels)),
            *(numbers(access, (_giga(each.rates.get(access)) for each in roofs.levels)) for access in ACCESSES),
        ),
        (
            f"torch dispatches an operator in {formatting.short(roofs.dispatch_s)}",
            *map(sentence, warnings(roofs)),
        ),
        key="bandwidths",
    )


def _size(level: CacheLevel) -> str:
    return UNKNOWN if level.size is None else formatting.prefixed(level.size, "B")


def _ridge(roofs: Roofs, dtype: str) -> str:
    ridge = roofs.ridge(dtype)
    return UNKNOWN if ridge is None else formatting.significant(ridge)


def _giga(rate: float | None) -> str:
    return UNKNOWN if rate is None else formatting.significant(float(f"{rate / 1e9:.4g}"))
