"""Messages name settings as their reader gives them."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import benchcli
from benchcli.settings import CHECK, COSTS, MEASURE, NETWORK
from benchcli.spelling import given, messages_for
from tests.conftest import Outcome, in_process, simulated

PACKAGE = Path(benchcli.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z]")


def test_a_setting_is_an_option_or_a_keyword_argument() -> None:
    assert [given("launches", 6), given("time_limit"), given("inputs", "1x3", "1x4")] == [
        "--launches 6",
        "--time-limit",
        "--input 1x3 --input 1x4",
    ]
    with messages_for("Python"):
        assert [given("launches", 6), given("time_limit"), given("step", "inference"), given("resume", Path("a"))] == [
            "launches=6",
            "time_limit",
            'step="inference"',
            'resume="a"',
        ]
        assert given("inputs", "1x3", "1x4") == 'inputs=["1x3", "1x4"]'
    assert given("meta") == "--meta"
    with messages_for("suite"):
        assert [given("launches", 6), given("inputs", "1x3", "1x4"), given("inputs")] == [
            *("--launches 6", 'inputs = ["1x3", "1x4"]', "inputs in the suite")
        ]


def test_every_option_is_spelled_as_the_command_line_has_it() -> None:
    for setting in (*MEASURE, *NETWORK, *COSTS, *CHECK):
        assert setting.option == given(setting.name)


COMMAND = re.compile(r"benchcli [A-Za-z ]*$")


def test_no_message_outside_of_the_command_line_has_an_option_written_out() -> None:
    """What stands in a command, such as `benchcli show RUN --tree`, is the same for both readers."""
    names = {setting.option for setting in (*MEASURE, *NETWORK, *COSTS, *CHECK)}
    written = [
        f"{path.relative_to(PACKAGE)} {match[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "cli" and path.name != "spelling.py"
        for text in messages(ast.parse(path.read_text(encoding="utf-8")))
        for match in re.finditer(r"(?<![\w-])--[a-z][a-z-]+", text)
        if match[0] in names and not COMMAND.search(text[: match.start()])
    ]
    assert [each for each in written if not each.startswith("settings.py")] == []


def messages(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module that are no documentation."""
    documentation = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


MISTAKES: dict[str, Callable[[], object]] = {
    "group beside names": lambda: benchcli.network("resnet-50", group=140),
    "channels": lambda: benchcli.measure("g2", width=8, channels="paper"),
    "baseline": lambda: benchcli.check("quick", base="a", baseline="b"),
    "nothing to compare": lambda: benchcli.check("quick"),
    "graph": lambda: benchcli.network("resnet-50", runtime="graph"),
    "layers": lambda: benchcli.network("resnet-50", layers=True, cache="cold"),
    "depth": lambda: benchcli.costs("resnet-50", depth=1, by="call"),
    "input": lambda: benchcli.network("resnet-50", inputs="1xtwo"),
    "pairs": lambda: benchcli.compare("a", "b", pairwise=True),
    "one run": lambda: benchcli.compare("a"),
    "launches": lambda: benchcli.selftest(launches=2, device="fake"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_an_error_in_python_names_no_option(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with messages_for("Python"), pytest.raises(benchcli.UserError) as error:
        MISTAKES[name]()
    assert not OPTION.search(str(error.value))


def test_python_is_the_reader_of_a_program_that_imports_the_package() -> None:
    code = "import benchcli\ntry: benchcli.network('resnet-50', group=140)\nexcept benchcli.UserError as e: print(e)"
    found = in_process("-c", code)
    assert found.stdout == "give networks or a group of them, not both\n"


def test_a_worker_says_what_its_reader_can_give(cli: Callable[..., Outcome]) -> None:
    Path("nets.py").write_text("import torch\ndef tokens(): return torch.nn.Embedding(9, 4)\n")
    found = cli("network", "nets:tokens", "--device", "fake", "--launches", "1")
    assert "give --input 1x64:int64:0..8, its batch" in found.err
    with messages_for("Python"), pytest.raises(benchcli.NothingMeasuredError) as error:
        benchcli.network("nets:tokens", device="fake", launches=1, tools=simulated(), output="there")
    assert 'give inputs="1x64:int64:0..8", its batch' in str(error.value)
