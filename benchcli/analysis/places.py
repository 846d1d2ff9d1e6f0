"""Place the networks of a run, and their layers, on the roofline of the machine that it ran on."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from benchcli.analysis.layer_rows import LayerRow, layer_rows, rolled_up
from benchcli.analysis.roofline import Placement, place
from benchcli.backends.runtimes.base import runtime_named
from benchcli.errors import UserError
from benchcli.runs.audit_file import AuditedCalls
from benchcli.runs.rows import Cell
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Family, Key, Layers, Record, Target
from benchcli.schema.roofs import Roofs

PLACE_COLUMNS = ("intensity", "roof_share", "bound", "model_s")
"""The columns of a place in rows of networks and of layers."""


def place_cells(place: Placement | None) -> Mapping[str, Cell]:
    """Return the cells of a place by column; without one they are empty."""
    values = (place.intensity, place.achieved, place.bound, place.model_s) if place else (None,) * len(PLACE_COLUMNS)
    return dict(zip(PLACE_COLUMNS, values, strict=True))


def places_of(run: SuiteRun) -> dict[Key, Placement]:
    """Return the places of the networks that have a time and complete costs; empty if no roofs are known."""
    placed = {record.key: _place_of_network(record, run) for record in run.records}
    return {key: each for key, each in placed.items() if each}


def with_places(rows: Iterable[LayerRow], run: SuiteRun) -> list[LayerRow]:
    """Return layers of a run with their places; as they are if no roofs are known."""
    families = {result.family.name: result.family for result in run.results}
    return [
        replace(row, place=_place_of_layer(row, families[row.family], run)) if row.family in families else row
        for row in rows
    ]


def launches_of(run: SuiteRun) -> list[Layers]:
    """Return the layers of an audited network, which is its run's first, in several launches."""
    family = run.results[0].family
    return [each for each in run.layers if each.key == (family.name, family.baseline)]


def placed_layers(run: SuiteRun, audited: AuditedCalls, depth: int | None = None) -> list[LayerRow]:
    """Return the layers of an audited network with their places, by the roofs and dtypes that the audit knows."""
    family = run.results[0].family
    dtypes = {rolled_up(call.module, depth): call.dtype for call in reversed(audited.calls)}
    of_audit = replace(run, environment=replace(run.environment, roofs=(audited.roofs,) if audited.roofs else ()))
    return [
        replace(row, place=_place_of_layer(row, replace(family, dtype=dtypes.get(row.path, family.dtype)), of_audit))
        for row in layer_rows(launches_of(run), depth)
    ]


def _place_of_network(record: Record, run: SuiteRun) -> Placement | None:
    costs, timing = record.done, record.timing
    if costs is None or timing is None or not costs.flops_complete or record.is_disturbed:
        return None
    seconds = timing.seconds.estimate
    return _place(costs.flops, costs.mac_bytes, costs.operators, seconds, record.family, run)


def _place_of_layer(row: LayerRow, family: Family, run: SuiteRun) -> Placement | None:
    if row.flops is None:
        return None
    return _place(row.flops, row.mac_bytes, row.operators, row.seconds.estimate, family, run)


def _place(
    flops: int, mac_bytes: int, operators: int | None, seconds: float, family: Family, run: SuiteRun
) -> Placement | None:
    """Return the place of work of a family; None without roofs. Only eager mode pays for dispatching operators.

    A runtime that computes in another dtype has none: its bytes are not those that are counted.
    """
    target = family.on(run.environment.target)
    roofs = _roofs_on(target, run)
    if roofs is None or not _computes_in(family.dtype, target.runtime):
        return None
    working_set = math.inf if target.cache == "cold" else mac_bytes / max(1, operators or 1)
    dispatched = operators if target.runtime == Target.runtime else None
    return place(flops, mac_bytes, dispatched, seconds, roofs, family.dtype, working_set)


def _computes_in(dtype: str, runtime: str) -> bool:
    """Return whether a runtime of a recorded run computes networks of a dtype in it, as far as it is known here."""
    try:
        return runtime_named(runtime).computes_in(dtype) == dtype
    except UserError:
        return False


def _roofs_on(target: Target, run: SuiteRun) -> Roofs | None:
    known = run.environment.roofs
    return next((each for each in known if (each.device, each.threads) == (target.device, target.threads)), None)
