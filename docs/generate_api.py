"""Write docs/api.md from the docstrings of the Python API; a test holds the two together."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import benchcli
from benchcli.api import (
    checking,
    counting,
    recorded,
    reporting,
    results,
    running,
    several,
)
from benchcli.api import (
    keywords as settings,
)
from benchcli.api import (
    live_modules as live,
)
from benchcli.api import (
    paper_claims as claims,
)
from benchcli.api import (
    this_machine as machine,
)
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.schema import Costs, OperatorCall
from benchcli.schema.progress import Progress

PAGE = Path(__file__).parent / "api.md"
INTRODUCTION = """# Python API

Written by `make docs` from docstrings. Everything that the command line does is a function of
`benchcli`; the commands call these functions and print their results.

```python
import benchcli

run = benchcli.measure("g2", launches=6)
print(run)  # the table of `benchcli guideline g2`
print(run.verdicts[0].outcome)  # holds, reversed, no effect, inconclusive
frame = run.to_frame()  # a row for each variant, in SI units
print(frame[["variant", "flops", "median_s", "relative_speed"]])
```

Your own networks are compared like this. A module travels by value to a measured process of its
own; a function is imported there by name.

```python
import torch
from torch import nn

import benchcli

networks = {"narrow": nn.Conv2d(16, 16, 3), "wide": nn.Conv2d(16, 32, 3)}
run = benchcli.measure(networks, inputs=torch.randn(1, 16, 28, 28), launches=6)
print(run.records[1].timing.relative)  # speed relative to the first network, with its interval
```

Recorded runs are read again, alone or several at once, and compared:

```python
import benchcli

benchcli.measure("g2", launches=6, output="monday")
benchcli.measure("g2", launches=6, output="tuesday")
print(benchcli.load("monday").verdicts)
print(benchcli.load("*day").to_frame()[["run", "variant", "median_s"]])
print(benchcli.compare("monday", "tuesday"))
```
"""
FUNCTIONS = (
    *("measure", "block", "network", "costs", "claims", "check"),
    *("compare", "load", "report", "plot", "selftest", "device"),
)
SETTINGS = (settings.TargetSettings, settings.PlanSettings, running.Settings, checking.CheckSettings)
RESULTS = (
    results.Shown,
    results.Run,
    several.Runs,
    reporting.Series,
    reporting.Checks,
    counting.Counts,
    Costs,
    OperatorCall,
    claims.Claims,
    checking.Check,
    recorded.Compared,
    machine.SelfTest,
    machine.Device,
    Progress,
)
ERRORS = (UserError, NothingMeasuredError, results.UnfinishedError)


def page() -> str:
    """Return the page's text."""
    sections = [
        INTRODUCTION,
        "## Functions\n",
        *(_function(getattr(benchcli, name)) for name in FUNCTIONS),
        "## Settings\n\nKeyword arguments of the functions that measure. All are optional.\n",
        *map(_settings, SETTINGS),
        "## Results\n",
        *map(_class, RESULTS),
        "## Errors\n",
        *(f"### `benchcli.{error.__name__}`\n\n{_doc(error)}\n" for error in ERRORS),
        f"## Networks of your own\n\n{_doc(live)}\n",
    ]
    return "\n".join(sections)


def _function(function: Any) -> str:
    parameters = [_parameter(each) for each in inspect.signature(function).parameters.values()]
    names = ", ".join(each for each in parameters if each)
    signature = textwrap.fill(f"benchcli.{function.__name__}({names})", 96, subsequent_indent="    ")
    return f"### `{function.__name__}`\n\n```\n{signature}\n```\n\n{_doc(function)}\n"


def _parameter(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return "**settings"
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
    return f"{parameter.name}{default}"


def _settings(kind: type) -> str:
    rows = "".join(f"| `{name}` | {text} |\n" for name, text in _fields(kind))
    return f"### {kind.__name__}\n\n{_doc(kind)}\n\n| setting | meaning |\n|---|---|\n{rows}"


def _fields(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the names and the texts below them in a class's body."""
    nodes = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
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
