"""Every command in the documents is one that the program takes; those that only read are run."""

import importlib.util
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from benchcli.api.results_store import Store
from benchcli.cli.main import COMMANDS, benchcli
from benchcli.errors import UserError
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.suites import families_of_suite, find_suite
from tests.conftest import Outcome
from tests.documents import BY_HAND, DOCS, READ, ROOT, blocks, commands, mentions, name_of

KEPT = ROOT / "results" / "reference"
READERS = {"claims", "compare", "costs", "device", "history", "list", "plot", "report", "show", "store"}
"""Commands that measure nothing; of `claims`, those that name a folder."""
NEEDS = {"history": "duckdb", "plot": "vl_convert", "store": "duckdb"}
"""What an extra of pip brings for a command."""


def wrong(arguments: list[str]) -> str | None:
    """Return what the program would say of these arguments before it does anything; None if it takes them."""
    program = click.Context(benchcli, info_name="benchcli", **benchcli.context_settings)
    try:
        name, command, rest = benchcli.resolve_command(program, list(arguments))
        assert command
        context = command.make_context(name, rest, parent=program)
        if isinstance(command, click.Group):
            name, command, rest = command.resolve_command(context, rest)
            assert command
            command.make_context(name, rest, parent=context)
    except click.exceptions.Exit:  # --help
        return None
    except (click.ClickException, UserError) as error:
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        return f"benchcli {' '.join(arguments)}: {text}"
    return None


@pytest.mark.parametrize("page", READ, ids=name_of)
def test_every_command_is_one_that_the_program_takes(page: Path) -> None:
    assert list(filter(None, map(wrong, commands(page)))) == []


@pytest.mark.parametrize("page", READ, ids=name_of)
def test_every_command_in_a_sentence_is_one_that_the_program_takes(page: Path) -> None:
    named = [arguments for arguments in mentions(page) if not arguments[0].startswith("-")]
    assert [verb for verb, *_ in named if verb not in COMMANDS] == []
    whole = [each for each in named if len(each) > 1 and "..." not in each]  # `benchcli check` alone names the command
    assert list(filter(None, map(wrong, whole))) == []


def test_the_kinds_of_charts_are_those_that_the_program_draws() -> None:
    kinds = re.findall(r"^\| `(\w+)` \|", (DOCS / "reports.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert kinds
    assert list(filter(None, (wrong(["plot", "run", "--kind", kind, "-o", "chart.svg"]) for kind in kinds))) == []


@pytest.mark.parametrize(
    "line",
    ["guideline", "guideline g9", "guideline g2 g3", "guideline g2 --batches 1", "guideline g2 --batch x", "chekc"],
)
def test_a_command_that_the_program_does_not_take_is_found(line: str) -> None:
    assert wrong(line.split())


def test_commands_are_found_in_each_form(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    fence = "```sh\n$ benchcli list  # all\nbenchcli run \\\n  x.toml\n```\n"
    page.write_text(f"{fence}\n    benchcli device\n\nand `benchcli\ncosts n`.\n")
    assert list(commands(page)) == [["list"], ["run", "x.toml"], ["device"]]
    assert list(mentions(page)) == [["costs", "n"]]


def readers() -> list[list[str]]:
    """Return the commands of all pages that measure nothing, each once."""
    found = {tuple(each) for page in READ for each in commands(page) if each[0] in READERS}
    return [list(each) for each in sorted(found) if each != ("claims",)]


@pytest.fixture
def shelf(cli: Callable[..., Outcome], tmp_path: Path) -> Callable[..., Outcome]:
    """Run the command line in a folder that has what the examples name."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "reference").symlink_to(KEPT)
    for name in ("monday", "tuesday", "20260101T000000Z-g2-host"):
        shutil.copytree(KEPT / "g2-epyc", tmp_path / "results" / name)
    if importlib.util.find_spec("duckdb"):
        Store("store").add(KEPT / "g2-epyc", KEPT / "networks-epyc")
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    shutil.copy(DOCS / "mynet.py", tmp_path / "docs")
    (example,) = (code.text for code in blocks(DOCS / "my-network.md") if "def build" in code.text)
    (tmp_path / "mynet.py").write_text(example, encoding="utf-8")
    return cli


@pytest.mark.parametrize("arguments", readers(), ids=" ".join)
@pytest.mark.keeps("open files", "threads")  # vl_convert has a runtime of its own
def test_commands_that_only_read_work(arguments: list[str], shelf: Callable[..., Outcome]) -> None:
    module = "duckdb" if any(each.startswith("store/") for each in arguments) else NEEDS.get(arguments[0])
    if module and importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    here = [*arguments]
    if "--device" in here:
        here[here.index("--device") + 1] = "fake"
    elif "--peaks" in here:
        here += ["--device", "fake"]  # those of this processor would take their time, and pin this process
    found = shelf(*here)
    assert found.code == 0, found.err
    written = here[here.index("-o") + 1] if "-o" in here else None
    assert Path(written).stat().st_size if written else found.out


@pytest.mark.parametrize("page", BY_HAND, ids=name_of)
def test_make_has_the_targets_that_pages_name(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"`[^`]*`", page.read_text(encoding="utf-8"))) + "".join(
        each.text for each in blocks(page)
    )
    for target in re.findall(r"\bmake ([a-z][a-z-]*)", code):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def suites() -> list[tuple[str, str]]:
    """Return the examples in TOML: where they are, and their text."""
    return [
        (f"{name_of(page)}-{number}", code.text)
        for page in BY_HAND
        for number, code in enumerate(code for code in blocks(page) if code.language == "toml")
    ]


@pytest.mark.parametrize(("place", "text"), suites(), ids=[place for place, _ in suites()])
def test_suites_in_pages_can_be_read(place: str, text: str, tmp_path: Path) -> None:
    if "[[family]]" not in text:
        assert tomllib.loads(text)
        return
    path = tmp_path / "example.toml"
    path.write_text(text, encoding="utf-8")
    try:
        assert families_of_suite(find_suite(str(path)), Overrides())
    except UserError as error:
        if "is not installed" not in str(error):  # a library whose networks it names
            raise
        pytest.skip(str(error))


def test_the_workflow_for_pull_requests_calls_what_the_program_takes() -> None:
    yaml = pytest.importorskip("yaml")  # fvcore brings it
    workflow = yaml.safe_load((DOCS / "benchcli-check.yml").read_text(encoding="utf-8"))
    runs = [step.get("run", "") for step in workflow["jobs"]["check"]["steps"]]
    lines = [re.sub(r"\$\{\{.*?\}\}", "main", run).split() for run in runs if run.startswith("benchcli ")]
    assert lines
    assert list(filter(None, (wrong(line[1:]) for line in lines))) == []
