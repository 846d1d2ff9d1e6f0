"""Lay out the costs of networks: totals, or the costs of modules, operators and operator calls."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import get_args

from benchcli import formatting
from benchcli.analysis.left_out import left_out
from benchcli.formatting import UNKNOWN
from benchcli.reports.advice import advised, sentence
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Column, Page, Table, numbers, words
from benchcli.reports.views.cells import moves_less
from benchcli.runs.rows import Cell
from benchcli.schema import INFERENCE, PARTS, SHAPES, Basis, CostDetail, Costs, Failure, Family, OperatorCall
from benchcli.schema.warnings import RunWarning
from benchcli.spelling import given

NETWORK, MODULE, OPERATOR, CALL = ("network", "module", "operator", "call")
TITLES = {
    NETWORK: "Costs of one call",
    MODULE: "Costs by module",
    OPERATOR: "Costs by operator",
    CALL: "Costs by operator call",
}
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
UPPER_BOUNDS = ("mac_bytes", "mac_fused_bytes", "peak_activation_bytes")
"""What a fused or compiled network has less of than its operators, as they are counted."""
LEADING = (
    *("flops", "flops_complete", "params", "elementwise", "mac_bytes", "mac_fused_bytes", "mac_compulsory_bytes"),
    *("peak_activation_bytes", "weight_bytes", "error"),
)
LEADING_OF_PARTS = ("calls", "flops", "flops_complete", "elementwise", "mac_bytes", "mac_fused_bytes")
"""The columns that a frame has, of networks and of their modules or operators."""
WHOLE_RNN = ("aten.mkldnn_rnn_layer", "aten._cudnn_rnn", "aten.miopen_rnn")
"""How the names of operators begin that run all steps of a recurrent layer."""
MOST_ROWS = 40
"""The most rows of a table for people, unless it ends at a depth; every format for programs has all of them."""


def page(
    family: Family,
    costs: Mapping[str, Costs],
    details: Mapping[str, CostDetail],
    failures: Mapping[str, Failure],
    noticed: Mapping[str, Sequence[RunWarning]],
    by: str,
    depth: int | None = None,
) -> Page:
    """Return the page with a row for each network, module down to a depth, operator or call."""
    networks = _network_rows(costs, details)
    rows = networks if by == NETWORK else _rows(details, by, depth)
    every = (*rows, *_failed_rows(failures))
    notes = (f"{name}: {sentence(each)}" for name, several in noticed.items() for each in several)
    uncalled = _uncalled(details) if by in (MODULE, CALL) else ()
    lines = (*_lines(costs, details, failures), *uncalled, *notes)
    less = {name for name, several in noticed.items() if moves_less(several)}
    table = _networks(rows, TITLES[by], lines, less) if by == NETWORK else _parts(rows, by, depth, lines, less)
    return Page(
        name="costs",
        heading=" · ".join([family.dtype, family.layout, f"batch {family.batch}", *_training(family)]),
        tables=(table,),
        footer=f"{formatting.counted(len(costs), 'network')}, counted and not timed",
        columns=tuple(dict.fromkeys(name for row in every for name in row)),
        rows=every,
        identity=_identity(by, details),
        leading=() if by == CALL else LEADING if by == NETWORK else LEADING_OF_PARTS,
        data={
            "networks": networks,
            "warnings": {name: [advised(each) for each in several] for name, several in noticed.items() if several},
            "failures": {name: asdict(failure) for name, failure in failures.items()},
            **({} if by == NETWORK else {f"{by}s": rows}),
        },
    )


def _identity(by: str, details: Mapping[str, CostDetail]) -> tuple[str, ...]:
    """Return the columns that identify a row; none of calls, which their order tells apart."""
    part = ("part",) if by in (MODULE, OPERATOR) and _has_parts(details) else ()
    return {NETWORK: (NETWORK,), CALL: ()}.get(by, (NETWORK, by, *part))


def _training(family: Family) -> list[str]:
    return [] if family.step == INFERENCE else [family.step]


def call_rows(details: Mapping[str, CostDetail]) -> list[dict[str, Cell]]:
    """Return a row for each operator call of each network; those of training steps say of which part."""
    hidden = {
        "inputs",
        "outputs",
        "producers",
        "window",
        "geometry",
        "reordered",
        *([] if _has_parts(details) else ["part"]),
    }
    return [
        {
            "network": name,
            **{key: value for key, value in asdict(call).items() if key not in hidden},
            "flops_complete": call.flops is not None,
            "inputs": _shapes(call.inputs),
            "outputs": _shapes(call.outputs),
        }
        for name, detail in details.items()
        for call in detail.calls
    ]


def _has_parts(details: Mapping[str, CostDetail]) -> bool:
    """Return whether there are parts to tell apart, as in training steps."""
    return any(call.part != PARTS[0] for detail in details.values() for call in detail.calls)


def _network_rows(costs: Mapping[str, Costs], details: Mapping[str, CostDetail]) -> list[dict[str, Cell]]:
    return [
        {
            "network": name,
            "input": each.inputs,
            **{column: None if each.error else getattr(each, column) for column in TOTALS},
            "flops_complete": None if each.error else each.flops_complete,
            "unknown": " | ".join(each.unknown) or None,
            "basis": _basis(details[name].calls),
            "error": each.error,
            **_by_others(details[name].others),
        }
        for name, each in costs.items()
    ]


def _by_others(counts: Mapping[str, int | str]) -> dict[str, Cell]:
    """Return the multiply-adds that other tools count, and why one counts none."""
    cells: dict[str, Cell] = {}
    for tool, count in counts.items():
        cells[f"flops_{tool}"] = count if isinstance(count, int) else None
        if isinstance(count, str):
            cells[f"{tool}_error"] = count
    return cells


def _failed_rows(failures: Mapping[str, Failure]) -> list[dict[str, Cell]]:
    return [{"network": name, "error": f"{each.status}: {each.error}"} for name, each in failures.items()]


def _rows(details: Mapping[str, CostDetail], by: str, depth: int | None) -> list[dict[str, Cell]]:
    if by == CALL:
        return call_rows(details)
    key: Callable[[OperatorCall], Iterable[str]] = (
        partial(_within, depth=depth) if by == MODULE else lambda call: (call.name,)
    )
    has_parts = _has_parts(details)
    return [row for name, detail in details.items() for row in _sums(name, detail.calls, by, key, has_parts)]


def _within(call: OperatorCall, depth: int | None) -> Iterable[str]:
    """Return the paths of the modules that a call was made in, down to a depth, the network itself ("") first."""
    parts = call.module.split(".")[:depth] if call.module else []
    return (".".join(parts[:length]) for length in range(len(parts) + 1))


def _sums(
    network: str,
    calls: Sequence[OperatorCall],
    by: str,
    key: Callable[[OperatorCall], Iterable[str]],
    has_parts: bool,
) -> list[dict[str, Cell]]:
    """Return a row for each name by `key`, in the order of the calls; for each of its parts, where there are parts."""
    groups: dict[str, dict[str, list[OperatorCall]]] = {}
    for call in calls:
        for name in key(call):
            groups.setdefault(name, {}).setdefault(call.part, []).append(call)
    rows: list[dict[str, Cell]] = [
        {
            "network": network,
            by: name,
            **({"part": part} if has_parts else {}),
            "calls": len(group),
            "flops": sum(call.flops or 0 for call in group),
            "flops_complete": all(call.flops is not None for call in group),
            "basis": _basis(group),
            **{column: sum(getattr(call, column) for call in group) for column in SUMS},
        }
        for name, parts in groups.items()
        for part, group in parts.items()
    ]
    return (
        sorted(rows, key=lambda row: (-_number(row, "flops"), -_number(row, "mac_bytes"))) if by == OPERATOR else rows
    )


def _basis(calls: Iterable[OperatorCall]) -> str:
    """Return what the multiply-adds of some calls are: counts from shapes, formulas, the user's own rules."""
    found = {call.basis for call in calls if call.flops}
    return ", ".join(each for each in get_args(Basis) if each in found) or SHAPES


def _number(row: Mapping[str, Cell], column: str) -> int:
    return int(row[column] or 0)


def _networks(
    rows: Sequence[Mapping[str, Cell]], title: str, lines: tuple[str, ...], less: Collection[str] = ()
) -> Table:
    """Return the table of totals; the networks `less` move less memory than their operators access."""
    counts = (
        ("FLOPs (mult-adds)", "flops", None),
        ("params", "params", 8),
        ("element-wise", "elementwise", 7),
        ("mem. access", "mac_bytes", 9),
        ("if fused", "mac_fused_bytes", 2),
        ("compulsory", "mac_compulsory_bytes", 3),
        ("peak act.", "peak_activation_bytes", 4),
        ("weights", "weight_bytes", 1),
        *([("device peak", "device_peak_bytes", 6)] if any(row["device_peak_bytes"] for row in rows) else []),
    )
    columns = (
        words("network", (str(row["network"]) for row in rows)),
        words("input", (formatting.shaped(str(row["input"])) for row in rows), 5),
        *(_counts(rows, *each, less) for each in counts),
        *_bases(rows),
    )
    return Table(title, columns, lines)


def _parts(
    rows: Sequence[Mapping[str, Cell]], by: str, depth: int | None, lines: tuple[str, ...], less: Collection[str] = ()
) -> Table:
    most = MOST_ROWS if depth is None else len(rows)
    hidden = [] if len(rows) <= most else [f"{len(rows) - most} more rows: {given('format_', 'csv')} has all of them"]
    several = len({row["network"] for row in rows}) > 1
    rows = rows[:most]
    part = [words("part", (str(row["part"]) for row in rows))] if "part" in rows[0] else []
    parts = (
        (_names(rows, "module"), _names(rows, "operator"), *part, _names(rows, "outputs", 2))
        if by == CALL
        else (_names(rows, by), *part, numbers("calls", (str(row["calls"]) for row in rows), 4))
    )
    columns = (
        *([words("network", (str(row["network"]) for row in rows))] if several else []),
        *parts,
        _counts(rows, "FLOPs (mult-adds)", "flops", None),
        _counts(rows, "element-wise", "elementwise", 3),
        _counts(rows, "mem. access", "mac_bytes", 5, less),
        _counts(rows, "if fused", "mac_fused_bytes", 1, less),
        *_bases(rows),
    )
    title = TITLES[by] if depth is None else f"{TITLES[by]}, down to depth {depth}"
    return Table(title, columns, (*hidden, *lines))


def _bases(rows: Sequence[Mapping[str, Cell]]) -> Iterable[Column]:
    """Yield a column where not all multiply-adds are counted from shapes."""
    bases = [str(row["basis"] or UNKNOWN) for row in rows]
    if set(bases) - {SHAPES, UNKNOWN}:
        yield words("basis", bases)


def _names(rows: Sequence[Mapping[str, Cell]], name: str, priority: int | None = None) -> Column:
    return words(name, (str(row[name]) or "(the network)" for row in rows), priority)


def _counts(
    rows: Sequence[Mapping[str, Cell]], heading: str, name: str, priority: int | None, less: Collection[str] = ()
) -> Column:
    return numbers(heading, (_amount(row, name, row["network"] in less) for row in rows), priority)


def _amount(row: Mapping[str, Cell], column: str, moves_less: bool = False) -> str:
    """Return a count with a prefix, so that small networks show digits too; a bound is marked."""
    if row[column] is None:
        return UNKNOWN
    is_bound = column == "flops" and row["flops_complete"] is False
    if column == "params" and not row[column] and row["flops_complete"] is False:
        return "?"
    amount = formatting.prefixed(int(row[column] or 0), "B" if column.endswith("_bytes") else "")
    mark = "≥ " if is_bound else "≤ " if moves_less and column in UPPER_BOUNDS else ""
    return mark + amount


def _shapes(shapes: Sequence[Sequence[int]]) -> str:
    return " ".join("x".join(map(str, shape)) or "scalar" for shape in shapes)


def _lines(
    costs: Mapping[str, Costs], details: Mapping[str, CostDetail], failures: Mapping[str, Failure]
) -> Iterable[str]:
    for name, failure in failures.items():
        yield f"{signed(failure.status)}: {name}: {failure.error}"
    for name, each in costs.items():
        if each.error:
            yield f"{name} cannot be counted: {each.error}"
        for operator in each.unknown:
            yield f"{name}: lower bound (≥): no rule for the multiply-adds of {operator}"
        if each.formulas:
            yield f"{name}: {formatting.named(each.formulas)}: a textbook's formula, not a count of what ran"
    yield from _of_recurrent_layers(details)
    counted = {name: each for name, each in costs.items() if not each.error}
    for tool in dict.fromkeys(tool for name in counted for tool in details[name].others):
        yield from _differences(tool, counted, {name: details[name] for name in counted})


def _of_recurrent_layers(details: Mapping[str, CostDetail]) -> Iterable[str]:
    """Yield which of several networks have recurrent layers that read their weights once, and not at each step."""
    whole = [name for name, each in details.items() if any(call.operator.startswith(WHOLE_RNN) for call in each.calls)]
    if whole and len(details) > 1:
        yield (
            f"{formatting.named(whole)}: torch runs a recurrent layer as one operator, whose weights count once in "
            "mem. access; in layers that it runs step by step, such as a GRU on a CPU, they count at each step"
        )


def _uncalled(details: Mapping[str, CostDetail]) -> Iterable[str]:
    """Yield which modules have no row, or one that lacks what they do themselves."""
    for name, detail in details.items():
        if detail.uncalled:
            several = len(detail.uncalled) > 1
            it, its = ("the modules", "their") if several else ("the module", "its")
            directly = f"{formatting.named(detail.uncalled)}: forward is called directly, and not {it}"
            yield f"{name}: {directly}: {its} own work has no row and counts for the caller"


def _differences(tool: str, costs: Mapping[str, Costs], details: Mapping[str, CostDetail]) -> Iterable[str]:
    """Yield what another tool counts, where it differs, and what it leaves out, where that explains the difference.

    JSON and CSV say too why it cannot count a network.
    """
    for name, detail in details.items():
        count = detail.others[tool]
        if isinstance(count, int) and count != costs[name].flops:
            own = costs[name].flops
            share = f", {formatting.percent(count / own - 1, signed=True)}" if own else ""
            names = left_out(detail.calls, own - count)
            why = f": {tool} counts nothing of {formatting.named(names)}" if names else ""
            yield f"{name}: {tool} counts {count:,} multiply-adds, and benchcli {own:,}{share}{why}"
