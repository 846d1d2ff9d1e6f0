"""Lay out the costs of networks: totals, or the costs of modules, operators and operator calls."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict

from benchcli import formatting
from benchcli.formatting import UNKNOWN
from benchcli.report.page import Page, Table
from benchcli.report.views.cells import flops
from benchcli.runs.observations import Cell
from benchcli.schema import CostDetail, Costs, Failure, Family, OperatorCall

NETWORK, MODULE, OPERATOR, CALL = ROWS = ("network", "module", "operator", "call")
SUMS = ("elementwise", "mac_elements", "mac_bytes", "mac_fused_bytes")
"""The counts of a call that are summed over modules and operators; multiply-adds may be unknown."""
TOTALS = (
    "flops",
    "params",
    *SUMS,
    "mac_compulsory_bytes",
    "peak_activation_bytes",
    "weight_bytes",
    "device_peak_bytes",
)
MOST_ROWS = 40
"""The most rows of a table for people; every format for programs has all of them."""


def page(
    family: Family,
    costs: Mapping[str, Costs],
    details: Mapping[str, CostDetail],
    failures: Mapping[str, Failure],
    by: str,
) -> Page:
    """Return the page with a row for each network, module, operator or call."""
    rows = _network_rows(family, costs, details) if by == NETWORK else _rows(details, by)
    title = {"network": "Costs of one call", "module": "Costs by module", "operator": "Costs by operator"}
    lines = [*_lines(costs, details, failures)]
    if by == NETWORK:
        table = _networks(rows, costs, title[by], lines)
    else:
        table = _parts(rows, by, title.get(by, "Costs by operator call"), lines)
    return Page(
        name="costs",
        heading=f"{family.dtype} · {family.layout} · batch {family.batch}",
        tables=(table,),
        footer=f"{formatting.counted(len(costs), 'network')}, counted and not timed",
        columns=tuple(dict.fromkeys(name for row in rows for name in row)),
        rows=tuple(rows),
        data={
            "networks": _network_rows(family, costs, details),
            "failures": {name: asdict(failure) for name, failure in failures.items()},
            **({} if by == NETWORK else {f"{by}s": rows}),
        },
    )


def call_rows(details: Mapping[str, CostDetail]) -> list[dict[str, Cell]]:
    """Return a row for each operator call of each network."""
    return [
        {
            "network": name,
            **{key: value for key, value in asdict(call).items() if key not in {"inputs", "outputs"}},
            "inputs": _shapes(call.inputs),
            "outputs": _shapes(call.outputs),
        }
        for name, detail in details.items()
        for call in detail.calls
    ]


def _network_rows(
    family: Family, costs: Mapping[str, Costs], details: Mapping[str, CostDetail]
) -> list[dict[str, Cell]]:
    shapes = {variant.name: variant.shape for variant in family.variants}
    return [
        {
            "network": name,
            "input": "x".join(map(str, (family.batch, *shapes[name]))),
            **{column: None if each.error else getattr(each, column) for column in TOTALS},
            "flops_complete": each.flops_complete,
            "error": each.error,
            **{f"flops_{tool}": details[name].others.get(tool) for tool in details[name].others},
        }
        for name, each in costs.items()
    ]


def _rows(details: Mapping[str, CostDetail], by: str) -> list[dict[str, Cell]]:
    if by == CALL:
        return call_rows(details)
    key: Callable[[OperatorCall], Iterable[str]] = (
        _within if by == MODULE else lambda call: (call.operator.rpartition(".")[0],)
    )
    return [row for name, detail in details.items() for row in _sums(name, detail.calls, by, key)]


def _within(call: OperatorCall) -> Iterable[str]:
    """Return the paths of the modules that a call was made in, the network itself ("") first."""
    parts = call.module.split(".") if call.module else []
    return (".".join(parts[:length]) for length in range(len(parts) + 1))


def _sums(
    network: str, calls: Sequence[OperatorCall], by: str, key: Callable[[OperatorCall], Iterable[str]]
) -> list[dict[str, Cell]]:
    groups: dict[str, list[OperatorCall]] = {}
    for call in calls:
        for name in key(call):
            groups.setdefault(name, []).append(call)
    rows: list[dict[str, Cell]] = [
        {
            "network": network,
            by: name,
            "calls": len(group),
            "flops": sum(call.flops or 0 for call in group),
            "flops_complete": all(call.flops is not None for call in group),
            **{column: sum(getattr(call, column) for call in group) for column in SUMS},
        }
        for name, group in groups.items()
    ]
    return (
        sorted(rows, key=lambda row: (-_number(row, "flops"), -_number(row, "mac_bytes"))) if by == OPERATOR else rows
    )


def _number(row: Mapping[str, Cell], column: str) -> int:
    return int(row[column] or 0)


def _networks(
    rows: Sequence[Mapping[str, Cell]], costs: Mapping[str, Costs], title: str, lines: Sequence[str]
) -> Table:
    device = any(row["device_peak_bytes"] for row in rows)
    return Table(
        title=title,
        words=2,
        columns=(
            "network", "input", "MFLOPs (mult-adds)", "params M", "element-wise M", "mem. access MB", "if fused",
            "compulsory", "peak act. MB", "weights MB", *(["device peak MB"] if device else []),
        ),
        rows=tuple(
            (
                str(row["network"]),
                str(row["input"]).replace("x", "×"),
                UNKNOWN if row["error"] else flops(costs[str(row["network"])]),
                *(
                    _millions(row[column])
                    for column in TOTALS
                    if column not in {"flops", "mac_elements"} and (device or column != "device_peak_bytes")
                ),
            )
            for row in rows
        ),
        lines=tuple(lines),
    )  # fmt: skip


def _parts(rows: Sequence[Mapping[str, Cell]], by: str, title: str, lines: Sequence[str]) -> Table:
    several = len({row["network"] for row in rows}) > 1
    words = {MODULE: [MODULE, "calls"], OPERATOR: [OPERATOR, "calls"], CALL: ["module", "operator", "outputs"]}[by]
    counted = ("flops", "elementwise", "mac_bytes", "mac_fused_bytes")
    hidden = [] if len(rows) <= MOST_ROWS else [f"{len(rows) - MOST_ROWS} more rows: --format csv has all of them"]
    return Table(
        title=title,
        words=len(words) + several - (by != CALL),
        columns=(
            *(["network"] if several else []), *words,
            "MFLOPs (mult-adds)", "element-wise M", "mem. access MB", "if fused",
        ),
        rows=tuple(
            (
                *([str(row["network"])] if several else []),
                *(str(row[name]) or "(the network)" for name in words),
                *(_lower(row, column) for column in counted),
            )
            for row in rows[:MOST_ROWS]
        ),
        lines=(*hidden, *lines),
    )  # fmt: skip


def _lower(row: Mapping[str, Cell], column: str) -> str:
    """Return a count in millions; an incomplete count of multiply-adds is marked."""
    if column == "flops" and row[column] is None:
        return UNKNOWN
    mark = "≥ " if column == "flops" and row.get("flops_complete") is False else ""
    return mark + _millions(row[column])


def _millions(count: Cell) -> str:
    return UNKNOWN if count is None else formatting.mega(int(count))


def _shapes(shapes: Sequence[Sequence[int]]) -> str:
    return " ".join("x".join(map(str, shape)) or "scalar" for shape in shapes)


def _lines(
    costs: Mapping[str, Costs], details: Mapping[str, CostDetail], failures: Mapping[str, Failure]
) -> Iterable[str]:
    for name, failure in failures.items():
        yield f"{failure.status}: {name}: {failure.error}"
    for name, each in costs.items():
        if each.error:
            yield f"{name} cannot be counted: {each.error}"
        for operator in each.unknown:
            yield f"{name}: lower bound (≥): no rule for the multiply-adds of {operator}"
        yield from _differences(name, each, details[name].others)


def _differences(name: str, costs: Costs, others: Mapping[str, int | str]) -> Iterable[str]:
    """Yield what other tools count, where it differs."""
    for tool, count in others.items():
        if isinstance(count, str):
            yield f"{name}: {tool} does not count it: {count}"
        elif count != costs.flops and not costs.error:
            share = f", {formatting.percent(count / costs.flops - 1, signed=True)}" if costs.flops else ""
            yield f"{name}: {tool} counts {count:,} multiply-adds, and benchcli {costs.flops:,}{share}"
