"""The rules of the house, as tests: imports point down, readers start without torch, everything is documented."""

import ast
from pathlib import Path

import pytest

import benchcli
from tests.conftest import in_process

PACKAGE = Path(benchcli.__file__).parent

LAYERS = (
    ("benchcli", "errors", "toml_lines", "schema", "system_files"),
    ("plugins", "limits", "control_groups", "clock", "git", "interpreters"),
    ("statistics", "units", "paper", "layers", "arms"),
    ("guidelines", "gate", "parts", "plain"),
    ("blocks",),
    ("networks",),
    ("families", "block_families", "network_families", "machine", "own", "findings", "pairs"),
    ("yardsticks",),
    ("built_in",),
    ("suite_keys", "costs"),
    ("devices",),
    ("published",),
    ("suites",),
    ("runtimes", "frontier"),
    ("measure",),
    ("advice", "records", "judging"),
    ("folder", "verdicts"),
    ("results", "check_folder"),
    ("opening",),
    ("traces",),
    ("running", "selftest", "grading", "under_way", "shares", "explaining"),
    ("recorded", "claims"),
    ("timing",),
    ("checking",),
    ("comparison",),
    ("baseline", "pages"),
    ("tables",),
    ("run_page", "check_page", "comparison_page", "claims_page"),
    ("reporters",),
    ("cli",),
    ("__main__",),
)
"""From the bottom up. A module imports from its own layer's package or from layers below, never from above."""

LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("benchcli"):
            if node.module == "benchcli":
                found |= {f"benchcli.{alias.name}" if alias.name in LEVEL else "benchcli" for alias in node.names}
            else:
                found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("benchcli")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    own = "benchcli" if own == "__init__" else own
    for imported in imports(path):
        other = room(imported)
        assert other == own or LEVEL[other] < LEVEL[own] or (other == "benchcli"), f"{path.name} imports {imported}"


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
            assert (node.end_lineno or 0) - node.lineno < 48, f"{path.name}: {node.name}"


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
        "benchcli.reporters.json",
        "benchcli.reporters.table",
        "benchcli.results",
        "benchcli.verdicts",
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
        "heavy = {'torch', 'pandas', 'numpy', 'rich', 'psutil', 'tomllib', 'benchcli.guidelines'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    found = in_process("-c", program)
    assert found.returncode == 0, found.stderr
