"""The rules of the house, as tests: imports point down, readers start without torch, everything is documented."""

import ast
from pathlib import Path

import pytest

import benchcli
from tests.conftest import in_process

PACKAGE = Path(benchcli.__file__).parent

ORDER = (
    ("cli",),
    ("api",),
    ("report",),
    ("check", "analysis"),
    ("runs",),
    ("measure",),
    ("workloads", "backends"),
    ("costs", "system", "registry", "statistics", "formatting", "validation"),
    ("schema", "errors"),
)
"""From the top down. A package imports from the rows below its own, and never from its own row or from above."""

ROW = {name: number for number, names in enumerate(ORDER) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """Return the package, or the module beside the packages, that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> set[str]:
    """Return the packages that a file imports from, its own aside."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "benchcli":
            found |= {alias.name for alias in node.names if alias.name in ROW}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("benchcli."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("benchcli.")}
    return found - {room(path)}


AWAITED = {("runs", "analysis"), ("workloads", "backends"), ("check", "analysis"), ("analysis", "shares")}
AWAITED |= {("report", "shares"), ("shares", "schema")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = room(path)
    if own in ("__init__", "__main__"):  # the public names, and the program
        return
    for other in imports(path):
        assert (own, other) in AWAITED or ROW[own] < ROW[other], f"{own} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints(path: Path) -> None:
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "print" not in called


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_functions_are_short_enough_to_read_aloud(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= 40, f"{path.name}: {node.name}"


@pytest.mark.parametrize(
    "module",
    [
        "benchcli.cli.main",
        "benchcli.cli.list",
        "benchcli.cli.guideline",
        "benchcli.cli.block",
        "benchcli.cli.network",
        "benchcli.cli.claims",
        "benchcli.cli.check",
        "benchcli.cli.compare",
        "benchcli.measure.engine",
        "benchcli.report.formats.json",
        "benchcli.report.formats.terminal",
        "benchcli.runs.run_folder",
        "benchcli.analysis.verdicts",
    ],
)
def test_nothing_but_a_worker_loads_torch(module: str) -> None:
    program = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert in_process("-c", program).returncode == 0


def test_help_loads_nothing_but_click() -> None:
    program = (
        "import sys, benchcli.cli.main as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'numpy', 'rich', 'psutil', 'tomllib', 'benchcli.workloads'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    found = in_process("-c", program)
    assert found.returncode == 0, found.stderr
