"""The documents: the reference is the commands' own help, and what the others name exists."""

import importlib.util
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
import torch

from benchcli.analysis.claims.base import KINDS
from benchcli.api import keywords
from benchcli.api.plotting import kinds
from benchcli.api.recorded import load
from benchcli.backends.devices.base import DEVICES
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.cli.main import COMMANDS, benchcli
from benchcli.cost.count import count, walk
from benchcli.registry import Registry
from benchcli.reports.charts.base import CHARTS
from benchcli.reports.formats.base import FORMATS
from benchcli.schema import Plan, Target
from benchcli.schema.protocol import Conversation, Task
from benchcli.workers.tools import Tools
from benchcli.workers.variables import worker_environment
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.guidelines.base import AUDITS, EXPERIMENTS, GUIDELINES
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.networks.base import NETWORKS, members
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.suite_keys import BLOCK_KEYS, CUSTOM_KEYS, GUIDELINE_KEYS, NETWORK_KEYS
from benchcli.workloads.suites import families_of_suite, find_suite
from tests.conftest import Outcome, inline
from tests.cost.networks import Apply
from tests.documents import BY_HAND, DOCS, READ, ROOT, blocks, name_of
from tests.small_calibration import calibrate_with_few

REGISTRIES: tuple[Registry[Any], ...] = (GUIDELINES, BLOCKS, NETWORKS, DEVICES, RUNTIMES, FORMATS, CHARTS)
PAGES = [ROOT / "CONTRIBUTING.md", *READ, *sorted(DOCS.glob("*.yml"))]


def generator(script: str) -> ModuleType:
    """Return a script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(script, ROOT / "docs" / f"{script}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", ["generate_cli", "generate_networks", "generate_api"])
def test_the_reference_is_what_make_docs_writes(script: str) -> None:
    module = generator(script)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run `make docs`"


def test_tables_of_kept_runs_are_what_the_runs_say() -> None:
    module = generator("generate_tables")
    text = "".join(page.read_text(encoding="utf-8") for page in module.PAGES)
    assert set(re.findall(r"<!-- table: (\w+) -->", text)) == set(module.TABLES)
    for page in module.PAGES:
        assert page.read_text(encoding="utf-8") == module.page(page), "run `make docs`"


@pytest.mark.keeps("open files", "threads")  # vl_convert has a runtime of its own
def test_pictures_are_what_make_docs_draws() -> None:
    pytest.importorskip("vl_convert", reason="pip install '.[plot]' draws pictures")
    module = generator("generate_pictures")
    assert {path.name for path in module.PICTURES.iterdir()} == set(module.DRAWN)
    for name in module.DRAWN:
        assert (module.PICTURES / name).read_text(encoding="utf-8") == module.picture(name), "run `make docs`"


FIGURE = re.compile(r"±|\d[\d.,]* ?(?:%|ms\b|ns\b|µs\b|MB\b|kB\b|s\b)|\b\d+ of \d+\b|\d times as")
"""A number that somebody may have measured."""
SOURCE = re.compile(r"(benchmarks/\w+\.py|results/reference/[\w-]+(?:\.csv)?|tests/[\w/]+\.py)")
"""A script, a kept run, or a test that asserts the figure."""
DEFINITIONS = {
    "Read it",  # what the columns mean
    "The table",
    "The interval",
    "The verdict",  # thresholds
    "Other results",
    "The networks",  # the paper's settings, and tolerances
    "Costs",  # formulas, and the papers' figures
    "Time",  # settings of the method
    "Noise monitoring",  # thresholds
    "On accelerators",  # thresholds
    "The roofs",  # settings of their measurement
    "The place of a network or a layer",  # definitions
    "How",  # the check's rules
    "In a check",  # thresholds
    "What fails",
    "What it cannot tell",  # limits of the method
    "How to read it",  # thresholds
    "What is looked for",
    "benchcli",  # how long a command takes is in the kept run below it
    "Results",  # commands
    "Measure them your way",
}
"""Headings of sections whose figures are settings, thresholds or the papers', and not measured here."""


def sections(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the heading and the text of each section."""
    heading, lines = "", list[str]()
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            yield heading, "\n".join(lines)
            heading, lines = line.lstrip("# "), []
        lines.append(line)
    yield heading, "\n".join(lines)


EXAMPLES = {DOCS / "troubleshooting.md"}
"""Pages whose figures are made up, to show what messages look like."""


@pytest.mark.parametrize("page", [page for page in BY_HAND if page not in EXAMPLES], ids=name_of)
def test_every_measured_figure_names_its_script_or_kept_run(page: Path) -> None:
    bare = [
        f"{heading}: {FIGURE.findall(text)[:3]}"
        for heading, text in sections(page)
        if heading not in DEFINITIONS and FIGURE.search(text) and not SOURCE.search(text)
    ]
    assert bare == []
    for source in SOURCE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / source).exists(), f"{name_of(page)} names {source}"


def test_a_figure_without_a_source_is_found() -> None:
    assert FIGURE.search("one network is 1.3 times as fast, within 2 %, after 12 ms")
    assert not FIGURE.search("seven launches of 12 rounds")
    assert SOURCE.search("`python benchmarks/gate.py`")


def test_kept_runs_have_a_command_and_a_commit() -> None:
    kept = ROOT / "results" / "reference"
    commands = tomllib.loads((kept / "runs.toml").read_text(encoding="utf-8"))["runs"]
    assert set(commands) == {folder.name for folder in kept.iterdir() if folder.is_dir()}
    readme = (kept.parent / "README.md").read_text(encoding="utf-8")
    for name, command in commands.items():
        assert f"| `reference/{name}` |" in readme
        assert f"`benchcli {command}`" in readme
        recorded = json.loads((kept / name / "environment.json").read_text(encoding="utf-8"))
        assert re.fullmatch("[0-9a-f]{40}", recorded["commit"]), name
        assert recorded["harness"], name
        assert {"launches.csv", "samples.csv", "table.md"} <= {path.name for path in (kept / name).iterdir()}


OF_OTHERS = ("--update-golden", "--all")
"""Options of pytest and of git."""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_that_pages_name_exist(page: Path) -> None:
    known = {name for verb in COMMANDS for name in options(verb)} | {"--help", "--version", *OF_OTHERS}
    for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text(encoding="utf-8")):
        assert option in known, f"{page.name} names the option {option}"


def options(verb: str) -> list[str]:
    command = benchcli.get_command(None, verb)  # type: ignore[arg-type]
    assert command
    parts = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    return [name for part in parts for param in part.params for name in param.opts]


def test_the_suite_format_documents_every_key() -> None:
    text = (DOCS / "suites.md").read_text(encoding="utf-8")
    for key in {**GUIDELINE_KEYS, **BLOCK_KEYS, **NETWORK_KEYS, **CUSTOM_KEYS}:
        assert f"`{key}`" in text
    assert GuidelineRequest(guideline="g1").scales == (1,)


def test_make_names_its_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "lint", "docs", "site"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "@echo 'The site is in build/site: open $(CURDIR)/build/site/index.html'" in makefile


def examples() -> dict[str, str]:
    """Return the Python files of CONTRIBUTING's examples: name to text."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = {}
    for match in re.finditer(
        r"^    \$ cat (?:>> )?(benchcli/\S+\.py)\n((?:    .*\n|\n)*?)(?=    \$ |\S)", text, re.MULTILINE
    ):
        found[match[1]] = re.sub(r"^    ", "", match[2], flags=re.MULTILINE)
    return found


@pytest.fixture
def plugged(request: pytest.FixtureRequest, measured_anew: None) -> Iterator[ModuleType]:
    """Run one example as the module it would be, and take it back."""
    name = request.param.removesuffix(".py").replace("/", ".")
    module = ModuleType(name)
    sys.modules[name] = module
    before = {id(registry): dict(registry._search()) for registry in REGISTRIES}
    exec(compile(examples()[request.param], request.param, "exec"), module.__dict__)
    yield module
    del sys.modules[name]
    for registry in REGISTRIES:
        registry._plugins.clear()
        registry._plugins.update(before[id(registry)])


@pytest.mark.parametrize("plugged", ["benchcli/workloads/guidelines/g5.py"], indirect=True)
def test_the_guideline_example_works(plugged: ModuleType, cli: Callable[..., Outcome]) -> None:
    guideline = EXPERIMENTS["g5"]
    for value, width in guideline.aligned_widths.items():
        variant = guideline.variant(value, width, size=8)
        flops = count(guideline.build(**variant.params), torch.zeros(1, *variant.shape)).flops
        assert flops == guideline.multiply_adds(variant.params, 8)
    found = cli("guideline", "g5", "--device", "fake", "--launches", "2")
    assert found.code == 0
    assert "k=3" in found.out
    assert "g5 " in cli("list", "guidelines").out


@pytest.mark.parametrize("plugged", ["benchcli/backends/devices/xpu.py"], indirect=True)
def test_the_device_example_works(plugged: ModuleType, cli: Callable[..., Outcome]) -> None:
    assert "xpu" in cli("list", "devices").out
    assert "sees no xpu device" in cli("device", "--device", "xpu").err


@pytest.mark.parametrize("plugged", ["benchcli/workloads/guidelines/g6.py"], indirect=True)
def test_the_example_of_a_guideline_that_only_audits_works(plugged: ModuleType, cli: Callable[..., Outcome]) -> None:
    block = Apply(lambda s, x: torch.cat([s.a(x), s.b(x), s.c(x)], 1), **{n: torch.nn.Conv2d(3, 4, 1) for n in "abc"})
    (breach,) = AUDITS["g6"].breaches(walk(block, torch.ones(1, 3, 4, 4)).calls)
    assert breach.calls == (0, 1, 2, 3)
    chain = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.ReLU())
    assert list(AUDITS["g6"].breaches(walk(chain, torch.ones(1, 3, 4, 4)).calls)) == []
    assert "g6" not in cli("list", "guidelines").out
    assert "g6" not in [each.name for each in EXPERIMENTS]
    refused = cli("guideline", "g6", "--device", "fake")
    assert (refused.code, "g6" in refused.err) == (2, True)
    assert "g6" not in BLOCKS["shufflenet-v2"].follows


@pytest.mark.parametrize("plugged", ["benchcli/backends/runtimes/script.py"], indirect=True)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_runtime_example_works(plugged: ModuleType, cli: Callable[..., Outcome]) -> None:
    assert "script" in cli("list", "runtimes").out
    files: list[dict[str, str]] = []

    def noting(task: Task, silence_s: float) -> Conversation:
        files.append({variant: path for by_name in task.artifacts.values() for variant, path in by_name.items()})
        assert all(Path(path).exists() for path in files[-1].values()) is (task.kind != "export")
        assert silence_s == (600.0 if task.kind == "export" else Plan().silence_s)
        return (yield from inline(task, silence_s))

    options = ("--device", "fake", "--runtime", "script", "--launches", "2", "--output", "run")
    found = cli("network", "shufflenet-v2-0.5x", "--size", "32", *options, "--breakdown", launcher=noting)
    assert found.code == 0, found.err
    survey, export, *launches = files
    assert not survey
    assert len(export) == 3  # with both references
    assert [len(each) for each in launches] == [3, 3, 1, 1, 1]  # a breakdown has none
    environment = json.loads(Path("run/environment.json").read_text(encoding="utf-8"))
    assert environment["software"]["torchscript"] == torch.__version__
    assert not Path(export["shufflenet-v2-0.5x"]).exists()
    layers = cli("network", "shufflenet-v2-0.5x", *options, "--layers")
    assert (layers.code, "leave --runtime script out" in layers.err) == (2, True)
    assert worker_environment(Target(runtime="script", threads=2), {})["PYTORCH_JIT_THREADS"] == "2"


@pytest.mark.parametrize("plugged", ["benchcli/reports/formats/lines.py"], indirect=True)
def test_the_format_example_works(
    plugged: ModuleType, cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("benchcli.cli.guideline", "benchcli.cli.options"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    found = cli("guideline", "g2", "--device", "fake", "--launches", "2", "--format", "lines")
    assert found.out.startswith("g=1 1.000\n")
    assert found.code == 0


@pytest.mark.parametrize("plugged", ["benchcli/reports/charts/params.py"], indirect=True)
def test_the_chart_example_works(plugged: ModuleType, cli: Callable[..., Outcome]) -> None:
    kept = str(ROOT / "results" / "reference" / "g2-epyc")
    found = cli("plot", kept, "--kind", "params", "-o", "params.json")
    assert (found.code, found.err) == (0, "benchcli: wrote params.json\n")
    assert len(json.loads(Path("params.json").read_text())["data"]["values"]) == 4
    assert "<h2>Parameters and time</h2>" in load(kept).written("html")
    names = list(kinds())
    assert names[names.index("costs") + 1] == "params"
    assert "params (number of parameters against time)" in " ".join(cli("plot", "--help").out.split())


@pytest.mark.parametrize("plugged", ["benchcli/workloads/blocks/vgg.py"], indirect=True)
def test_the_block_example_works(plugged: ModuleType, cli: Callable[..., Outcome]) -> None:
    unit = BLOCKS["vgg"].build(channels=4, units=1, stride=2)
    assert count(unit.eval(), torch.zeros(1, 4, 8, 8)).flops == BLOCKS["vgg"].multiply_adds(4, 8, 2)
    found = cli("block", "shufflenet-v2", "vgg", "--width", "16", "--size", "8", "--device", "fake", "--launches", "2")
    assert found.code == 0
    assert "shufflenet-v2, vgg violate no guideline" in found.out
    assert "vgg " in cli("list", "blocks").out


@pytest.mark.parametrize("plugged", ["benchcli/workloads/networks/tower.py"], indirect=True)
def test_the_network_example_works(plugged: ModuleType, cli: Callable[..., Outcome]) -> None:
    assert "tower-13" in [network.name for network in members(40)]
    families = families_of_suite(find_suite("claims"), Overrides())
    (group,) = [family for family in families if family.name == "networks-40"]
    assert "tower-13" in [variant.name for variant in group.variants]
    found = cli("network", "tower-13", "--size", "32", "--device", "fake", "--launches", "2")
    assert found.code == 0
    assert "tower-13 " in cli("list", "networks").out


def test_the_claim_example_is_of_a_kind_and_of_families_that_are_measured() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    example = re.search(r"^    \[\[claim\]\]\n((?:    .+\n)+)", text, re.MULTILINE)
    assert example
    table = tomllib.loads(re.sub(r"^    ", "", example[1], flags=re.MULTILINE))
    known = ("name", "says", "source", "kind", "families")
    assert set(table) == {*known, *KINDS[table["kind"]].terms}


def test_every_plug_in_point_has_an_example() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for kind in ("guideline", "block", "network", "claim", "device", "runtime", "suite", "format", "chart"):
        assert re.search(rf"^## Add a {kind}$", text, re.MULTILINE)


def python_blocks() -> list[tuple[str, str]]:
    """Return the examples in Python: where they are, and their text."""
    return [
        (f"{name_of(page)}-{number}", code.text)
        for page in READ
        for number, code in enumerate(code for code in blocks(page) if code.language == "python")
    ]


@pytest.mark.keeps("torch: operators")  # an example defines one
@pytest.mark.parametrize(("place", "text"), python_blocks(), ids=[place for place, _ in python_blocks()])
def test_examples_in_python_run(
    place: str, text: str, tools: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keywords, "Tools", tools)
    calibrate_with_few(monkeypatch)
    on_fake = text.replace("launches=", 'device="fake", launches=').replace("peaks(", 'peaks(device="fake", ')
    on_fake = re.sub(r"benchcli\.audit\(([^)]*)\)", r'benchcli.audit(\1, device="fake")', on_fake)
    on_fake = on_fake.replace("TimePredictor()", 'TimePredictor(device="fake")')
    exec(compile(on_fake, place, "exec"), {"__name__": place})


OLD_WORDS = (
    r"\bverbs?\b",
    r"\bnurser(y|ies)\b",
    r"\byardsticks?\b",
    r"\bfrontier\b",
    r"\bMAC MB\b",
    r"\bMAC bytes\b",
    r"\bset aside\b",
    r"\bset_aside\b",
    r"--theta\b",
    r"a change counts from",
    r"\blaunch-bound\b",
    r"not counted for certain",
    r"wider than asked",
    r"cries? wolf",
    r"--widths\b",
    r"\bservants?\b",
    r"\bcasualt(y|ies)\b",
    r"again, .* alone",
)
"""Words that a reader who knows PyTorch and statistics does not know."""


def test_no_private_word_is_left() -> None:
    sources = [*(ROOT / "benchcli").rglob("*.py"), *(ROOT / "tests" / "golden").iterdir(), *PAGES]
    sources += [ROOT / "benchcli" / "data" / "claims.toml", *(ROOT / "suites").glob("*.toml")]
    left = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sources
        for word in OLD_WORDS
        for match in re.finditer(word, path.read_text(encoding="utf-8"))
    ]
    assert left == []
