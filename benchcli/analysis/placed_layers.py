"""The layers of an audited network with their places on the roofline."""

from benchcli.analysis.layer_rows import LayerRow, layer_rows, rolled_up
from benchcli.analysis.roofline import Placement, place
from benchcli.grouping import groups
from benchcli.runs.audit_file import AuditedCalls
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Layers, OperatorCall


def launches_of(run: SuiteRun) -> list[Layers]:
    """Return the layers of the audited network, which is the run's first, in several launches."""
    family = run.results[0].family
    return [each for each in run.layers if (each.family, each.variant) == (family.name, family.baseline)]


def placed_layers(
    run: SuiteRun, audited: AuditedCalls, depth: int | None = None
) -> list[tuple[LayerRow, Placement | None]]:
    """Return each layer with its place on the roofline; None of it for what cannot be counted, or without roofs."""
    of_layer = groups(audited.calls, lambda call: rolled_up(call.module, depth))
    return [(row, _place(row, of_layer.get(row.path, []), audited)) for row in layer_rows(launches_of(run), depth)]


def _place(row: LayerRow, calls: list[OperatorCall], audited: AuditedCalls) -> Placement | None:
    if audited.roofs is None or row.flops is None or not calls:
        return None
    return place(row.flops, row.mac_bytes, len(calls), row.seconds.estimate, audited.roofs, calls[0].dtype)
