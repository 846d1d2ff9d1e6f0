"""The rules of the house, as tests: imports point down, readers start without torch, code is short enough to read."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import benchcli
from benchcli.cli.main import COMMANDS
from benchcli.grouping import groups
from tests.conftest import in_process

PACKAGE = Path(benchcli.__file__).parent

ORDER = (
    ("cli",),
    ("api",),
    ("reports",),
    ("checks", "analysis"),
    ("store", "fleets"),
    ("runs",),
    ("workers",),
    ("sampling",),
    ("guards", "noise"),
    ("workloads", "backends"),
    ("settings",),
    ("validation",),
    ("cost", "system", "registry", "statistics", "formatting", "files", "grouping", "beginnings"),
    ("schema", "errors"),
    ("spelling",),
)
"""From the top down. A package imports from the rows below its own, and never from its own row or from above."""
ROW = {name: number for number, names in enumerate(ORDER) for name in names}
MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
WITH_TORCH = (
    "backends.dataflow",
    "backends.flat_call",
    "guards.",
    "sampling.artifact_key",
    "sampling.artifact_facts",
    "sampling.bench",
    "sampling.compiling",
    "sampling.conversion",
    "sampling.denormals",
    "sampling.error_origin",
    "sampling.example_inputs",
    "sampling.failures",
    "sampling.first_call",
    "sampling.launch",
    "sampling.kernel_names",
    "sampling.layer_times",
    "sampling.operator_recipes",
    "sampling.operator_times",
    "sampling.profile",
    "sampling.roof_rates",
    "sampling.rounds",
    "sampling.step_times",
    "sampling.survey",
    "sampling.tracing",
    "sampling.without_memory",
    "sampling.written_programs",
    "workloads.chain_network",
    "workloads.live_networks",
    "workloads.modules",
    "workloads.onnx_network",
    "cost.arguments",
    "cost.arithmetic",
    "cost.autograd",
    "cost.calls",
    "cost.complex_products",
    "cost.contractions",
    "cost.count",
    "cost.crosscheck",
    "cost.fast_path",
    "cost.formulas",
    "cost.gradients",
    "cost.higher_order",
    "cost.inputs",
    "cost.layer_arithmetic",
    "cost.layouts",
    "cost.memory",
    "cost.nested",
    "cost.onnx_graph",
    "cost.onnx_recipes",
    "cost.storages",
    "cost.training",
    "cost.use_of_rules",
    "cost.values_only",
    "cost.walk",
    "cost.watching",
)
"""What only a measured process imports."""
LONGEST_FUNCTION = 40
"""Lines."""


def dotted(path: Path) -> str:
    """Return a file's module below the package: "workers.worker", "schema"."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of this package that a file imports, wherever in it, without the package's name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "benchcli":
            yield from (alias.name for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("benchcli."):
            yield node.module.removeprefix("benchcli.")
        elif isinstance(node, ast.Import):
            yield from (a.name.removeprefix("benchcli.") for a in node.names if a.name.startswith("benchcli."))


def test_imports_point_down() -> None:
    wrong = [
        f"{dotted(path)} imports {other}"
        for path, tree in MODULES.items()
        for own in [dotted(path).partition(".")[0]]
        if own not in ("__init__", "__main__")  # the package itself, and the program
        for other in (name.partition(".")[0] for name in imported(tree))
        if other != own and ROW[own] >= ROW[other]
    ]
    assert wrong == []


def test_every_package_has_a_place_in_the_order() -> None:
    there = {dotted(path).partition(".")[0] for path in MODULES} - {"__init__", "__main__"}
    assert there <= set(ROW)


def test_a_format_knows_pages_and_nothing_of_what_is_on_them() -> None:
    for path, tree in MODULES.items():
        if dotted(path).startswith("reports.formats."):
            others = {name for name in imported(tree) if not name.startswith("reports.formats")}
            screens = {"reports.fitting", "reports.outcomes", "reports.terminal"}
            assert others <= {"reports.page", "registry", "beginnings", *screens}, dotted(path)


def test_the_command_line_measures_nothing_itself() -> None:
    for path, tree in MODULES.items():
        if dotted(path).startswith("cli."):
            below = {name.partition(".")[0] for name in imported(tree)}
            assert not below & {"workers", "sampling", "noise", "guards", "runs", "cost", "system"}, dotted(path)


def test_only_the_command_line_writes_to_the_screen() -> None:
    for path, tree in MODULES.items():
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {each.id for each in calls if isinstance(each, ast.Name)}
        echoes = [each for each in calls if isinstance(each, ast.Attribute) and each.attr == "echo"]
        assert "print" not in names, dotted(path)
        assert not echoes or dotted(path).startswith("cli."), dotted(path)


def test_files_of_different_kinds_and_classes_have_names_of_their_own() -> None:
    """Files share a name only where a block and a network are of one architecture, or as the base of plug-ins."""
    by_name = groups((path for path in MODULES if not path.name.startswith("__")), lambda path: path.name)
    shared = {name: {each.parent.name for each in of} for name, of in by_name.items() if len(of) > 1}
    assert {
        name for name, folders in shared.items() if name != "base.py" and folders != {"blocks", "networks"}
    } == set()
    classes = [node.name for tree in MODULES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert sorted({name for name in classes if classes.count(name) > 1}) == []


def test_the_guide_to_the_code_names_every_package() -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE))
    assert table == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_functions_are_short_enough_to_read_aloud() -> None:
    long = [
        f"{dotted(path)}:{node.name}"
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_nothing_but_a_measured_process_loads_torch() -> None:
    light = [f"benchcli.{name}" for path in MODULES if not (name := dotted(path)).startswith((*WITH_TORCH, "__"))]
    program = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, name"
    )
    found = in_process("-c", program, json.dumps(light))
    assert found.returncode == 0, found.stderr


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


NOT_OF_A_GUIDELINE = ("checks", "reports.charts", "workloads.blocks", "workloads.networks", "workloads.suites")
"""What other commands load."""
OF_A_GUIDELINE = {
    "backends/runtimes": {"base", "eager"},
    "reports/formats": {"base", "table"},
    "workloads/guidelines": {"base", "g2", "guideline_request"},
}
"""Of plug-ins, those that it names."""


@pytest.mark.measured
def test_a_guideline_loads_nothing_of_the_check_and_no_pandas(tmp_path: Path) -> None:
    arguments = ["guideline", "g2", "--device", "fake", "--launches", "2", "--output", str(tmp_path / "run")]
    program = (
        "import json, sys, benchcli.cli.main as m\n"
        f"try: m.main({arguments!r})\n"
        "except SystemExit as end: code = end.code\n"
        "print(json.dumps([code, sorted(sys.modules)]))"
    )
    found = in_process("-c", program)
    code, modules = json.loads(found.stdout.splitlines()[-1])
    ours = [name for name in modules if name.startswith("benchcli")]
    assert code == 0, found.stderr
    assert not [name for name in ours if name.startswith("benchcli.checks")]
    assert "pandas" not in modules
    assert "benchcli.reports.views.guideline_table" in ours
    assert not [name for name in ours if name.startswith(tuple(f"benchcli.{each}" for each in NOT_OF_A_GUIDELINE))]
    assert not {f"benchcli.cli.{name}" for name in COMMANDS if name != "guideline"} & set(ours)
    for package, used in OF_A_GUIDELINE.items():
        files = {dotted(path) for path in MODULES if path.parent == PACKAGE / package and path.stem != "__init__"}
        loaded = {name.removeprefix("benchcli.") for name in ours} & files
        assert {name.rpartition(".")[2] for name in loaded} == used
    assert not (tmp_path / "run" / "breakdown.csv").exists()
