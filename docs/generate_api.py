"""Write docs/api.md from the docstrings of the Python API; a test holds the two together."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import benchcli
from benchcli import settings, validation
from benchcli.analysis.audit_findings import AuditFinding
from benchcli.analysis.stored_series import Change, Series, SpeedPoint
from benchcli.analysis.time_model import NetworkPrediction
from benchcli.analysis.unequal_machines import Unequal
from benchcli.api import (
    audit_result,
    check_result,
    compared_runs,
    explanation,
    live_modules,
    network_costs,
    result,
    results_store,
    run_result,
    this_machine,
    time_prediction,
    traced_rows,
)
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.schema import CallKernels, Costs, HardwareCounts, KernelUse, OperatorCall
from benchcli.schema.progress import Progress
from benchcli.schema.recipes import OperatorList
from benchcli.schema.roofs import CacheLevel, Peak, Roofs
from benchcli.settings import Setting
from benchcli.store.adding import Added
from benchcli.validation import Choice, Fraction, Integer

PAGE = Path(__file__).parent / "api.md"
INTRODUCTION = """# Python API

Written by `make docs` from docstrings. Everything that the command line does is a function of
`benchcli`; the commands call these functions and print their results.

```python
import benchcli

run = benchcli.measure("g2", launches=6)
print(run)  # the table of `benchcli guideline g2`
print(run.verdicts[0].outcome)  # holds, reversed, no effect, inconclusive
frame = run.to_frame()  # a row for each variant, indexed by family and variant, in SI units
print(frame[["flops", "median_s", "relative_speed"]])
print(run.wide()["machine_cpu"])  # all columns: those of the CSV, and the machine's
```

Your own networks are compared like this. A module travels by value to a measured process of its
own; a function is imported there by name. Names are those of the command line, such as
`"mobilenet-v2-1.0"`, `"torchvision:resnet18"` or `"mynet:build"`.

```python
import torch
from torch import nn

import benchcli

networks = {"narrow": nn.Conv2d(16, 16, 3), "wide": nn.Conv2d(16, 32, 3)}
run = benchcli.measure(networks, inputs=torch.randn(1, 16, 28, 28), launches=6)
print(run.records[1].timing.relative)  # speed relative to the first network, with its interval
print(run.with_baseline("wide"))  # the same samples, beside another network
run = benchcli.measure(nn.Conv2d(16, 16, 3), inputs=(1, 16, 28, 28), launches=6, breakdown=True, layers=True)
print(run.breakdown.to_frame())  # the shares of its time
print(run.layers.to_frame()[["seconds", "share", "flops"]])
print(benchcli.costs("shufflenet-v2-1x", by="module").to_frame())
```

Recorded runs are read again, alone or several at once, and compared:

```python
import benchcli

benchcli.measure("g2", launches=6, output="monday")
benchcli.measure("g2", launches=6, output="tuesday")
print(benchcli.load("monday").verdicts)
print(benchcli.load("*day").to_frame()["median_s"])  # indexed by run, family and variant
print(benchcli.compare("monday", "tuesday"))
```
"""
FUNCTIONS: Mapping[str, Sequence[Setting]] = {
    "measure": settings.MEASURE,
    "block": settings.BLOCK,
    "network": settings.NETWORK,
    "costs": [each for each in settings.COSTS if each is not settings.OWN_INPUTS],
    "claims": (*settings.CLAIMS, *settings.TRACING, *settings.IN_PYTHON),
    "audit": [each for each in settings.AUDIT if each is not settings.OWN_INPUTS],
    "sweep": settings.SWEEP,
    "predict": [each for each in settings.PREDICT if each is not settings.OWN_INPUTS],
    "check": settings.CHECK,
    "cost_rule": (),
    **dict.fromkeys(("compare", "load", "report", "plot"), ()),
    "explain": settings.IN_PYTHON,
    "selftest": (*settings.SELFTEST[1:], *settings.IN_PYTHON),
    "device": (*settings.TARGET, settings.TOOLS),
    "peaks": (*settings.OF_ROOFS, settings.FRESH, settings.TOOLS),
}
"""The public functions with their keyword arguments."""
VALUES: Mapping[type, str] = {
    validation.Seconds: "seconds, from 1 to a week",
    validation.NetworkErrors: "a mapping from names to per cent",
    validation.Plugin: "a name",
    validation.DeviceName: "a name",
    validation.RuntimeName: "a name",
    validation.Text: "a text",
    validation.FolderPath: "a path",
    validation.FilePath: "a path",
    validation.ParameterValues: "a mapping from names to whole numbers",
    validation.Flag: "`True` or `False`",
    validation.Anything: "an object",
}
"""What is valid as a value, by kind."""
RESULTS = (
    result.Result,
    run_result.Run,
    check_result.Check,
    traced_rows.LayerRows,
    traced_rows.BreakdownRows,
    compared_runs.Compared,
    run_result.Pairwise,
    network_costs.Counts,
    Costs,
    OperatorCall,
    results_store.Store,
    results_store.StoreRows,
    results_store.SpeedHistory,
    Series,
    SpeedPoint,
    Change,
    results_store.UnequalMachines,
    Unequal,
    Added,
    this_machine.SelfTest,
    this_machine.DeviceFacts,
    this_machine.Peaks,
    audit_result.NetworkAudit,
    AuditFinding,
    time_prediction.Predictions,
    time_prediction.TimePredictor,
    NetworkPrediction,
    OperatorList,
    explanation.Explanation,
    CallKernels,
    KernelUse,
    HardwareCounts,
    Roofs,
    Peak,
    CacheLevel,
    Progress,
)
ERRORS = (UserError, NothingMeasuredError, result.UnfinishedError)


def page() -> str:
    """Return the page's text."""
    sections = [
        INTRODUCTION,
        "## Functions\n",
        *(_function(getattr(benchcli, name), known) for name, known in FUNCTIONS.items()),
        "## Results\n",
        *map(_class, RESULTS),
        "## Errors\n",
        *(f"### `benchcli.{error.__name__}`\n\n{_doc(error)}\n" for error in ERRORS),
        f"## Networks of your own\n\n{_doc(live_modules)}\n",
    ]
    return "\n".join(sections)


def _function(function: Any, known: Iterable[Setting]) -> str:
    parameters = [_parameter(each) for each in inspect.signature(function).parameters.values()]
    names = ", ".join(each for each in parameters if each)
    signature = textwrap.fill(f"benchcli.{function.__name__}({names})", 96, subsequent_indent="    ")
    return f"### `{function.__name__}`\n\n```\n{signature}\n```\n\n{_doc(function)}\n{_settings(known)}"


def _parameter(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return "**settings"
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
    return f"{parameter.name}{default}"


def _settings(known: Iterable[Setting]) -> str:
    """Return the table of a function's settings; nothing if it has none."""
    rows = [
        f"| `{each.name}` | {_values(each)} | {_meaning(each)} |\n" for each in known if each.only != "command line"
    ]
    return "".join(["\n| setting | values | meaning |\n|---|---|---|\n", *rows]) if rows else ""


def _values(setting: Setting) -> str:
    """Return what a setting's values are in Python."""
    kind = setting.kind
    match kind:
        case Integer():
            values = f"a whole number from {kind.least} to {kind.most}"
        case Fraction():
            values = f"a fraction from {kind.least:g} to {kind.most:g}"
        case Choice():
            values = ", ".join(f"`{name}`" for name in kind.known())
        case _:
            values = VALUES[type(kind)]
    several = (setting.several or setting.repeated) and not kind.gathers
    return f"{values}; one or several" if several else values


def _meaning(setting: Setting) -> str:
    """Return the help of a setting, without what is said of the command line only."""
    return replace(setting, such="").explained.replace("  [", " [").replace("|", "\\|")


def _fields(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the names and the texts below them in the bodies of a class and of the dataclasses that it extends."""
    for each in reversed([each for each in kind.__mro__ if each is kind or is_dataclass(each)]):
        nodes = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0].body  # type: ignore[attr-defined]
        for node, after in zip(nodes, [*nodes[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                yield node.target.id, " ".join(str(after.value.value).split()) if is_text else ""


def _class(kind: type) -> str:
    rows = "".join(f"| `{name}` | {text} |\n" for name, text in [*_fields(kind), *_members(kind)])
    return f"### {kind.__name__}\n\n{_doc(kind)}\n\n| | |\n|---|---|\n{rows}"


def _members(kind: type) -> Iterator[tuple[str, str]]:
    for name, member in vars(kind).items():
        if name.startswith("_"):
            continue
        if callable(member):
            parameters = list(inspect.signature(member).parameters.values())[1:]
            yield f"{name}({', '.join(map(_parameter, parameters))})", _first(member)
        elif isinstance(member, property) or hasattr(member, "func"):
            yield name, _first(member)


def _first(thing: Any) -> str:
    return re.split(r"\n\n", _doc(thing))[0].replace("\n", " ")


def _doc(thing: Any) -> str:
    text = inspect.getdoc(thing)
    if not text:
        raise ValueError(f"{thing} has no docstring")
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
