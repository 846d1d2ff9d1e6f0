"""Sweeps: what is measured, what is said, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import benchcli
from benchcli.api import width_sweep
from benchcli.api.run_result import Run
from benchcli.schema import Key
from benchcli.schema.protocol import Conversation, Task
from benchcli.workers.tools import Tools
from tests.conftest import Outcome, interrupting, slowed

Cli = Callable[..., Outcome]
Golden = Callable[[str, str], None]
FAKE = ("--device", "fake", "--launches", "1", "--output", "run")
ALIGNED = ("conv", "--in", "512..640:8", "--groups", "1,2", "--device", "fake", "--launches", "6", "--output", "run")


def _slowdown(key: Key) -> float:
    return 1.5 if key[1].isdigit() and int(key[1]) % 16 else 1.0


def misaligned(task: Task, silence_s: float) -> Conversation:
    """Run a task as on a machine where widths that are no multiples of 16 take 1.5 times as long."""
    return (yield from slowed(task, silence_s, _slowdown))


def test_a_sweep_says_which_widths_to_choose_and_to_avoid(cli: Cli, golden: Golden) -> None:
    found = cli("sweep", *ALIGNED, launcher=misaligned)
    assert found.code == 0, found.err
    golden("sweep.table.txt", found.out)


def test_a_kept_sweep_is_shown_reported_and_drawn(cli: Cli, golden: Golden) -> None:
    measured = cli("sweep", *ALIGNED, launcher=misaligned)
    assert cli("show", "run").out.splitlines()[:-1] == measured.out.splitlines()[:-1]
    assert cli("report", "run", "--output", "a.html").code == 0
    page = Path("a.html").read_text()
    assert "multiples of 16 are" in page
    run = benchcli.load("run")
    assert isinstance(run, Run)
    kinds = [each.kind for each in run.drawn.figures]
    assert kinds.count("sweep") == 2
    rows = json.loads(cli("show", "run", "--format", "json").out)["records"]
    assert len(rows) == 34


def test_a_first_look_leaves_out_what_lies_between_equal_widths(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(width_sweep, "MANY", 6)
    monkeypatch.setattr(width_sweep, "CHANGE", 0.3)
    assert cli("sweep", "conv", "--in", "512..640:8", *FAKE).code == 0
    records = json.loads(cli("show", "run", "--format", "json").out)["records"]
    assert [int(each["variant"]) for each in records] == [512, 536, 560, 584, 608, 632, 640]


def test_an_interrupted_sweep_goes_on_with_the_widths_it_began_with(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(width_sweep, "MANY", 6)
    monkeypatch.setattr(width_sweep, "CHANGE", 0.3)
    words = ("sweep", "conv", "--in", "512..640:8", "--device", "fake", "--launches", "2")
    assert cli(*words, "--output", "run", launcher=interrupting(2)).code == 130  # the first one looks
    other = cli(*words[:3], "8..24:8", *words[4:], "--resume", "run")
    assert other.code == 2
    assert "run was started with another suite" in other.err
    resumed = cli(*words, "--resume", "run")
    assert resumed.code == 0, resumed.err
    records = json.loads(cli("show", "run", "--format", "json").out)["records"]
    assert [int(each["variant"]) for each in records] == [512, 536, 560, 584, 608, 632, 640]


def test_groups_that_do_not_divide_leave_widths_out(cli: Cli) -> None:
    assert cli("sweep", "conv", "--in", "30..42:2", "--groups", "1,4", *FAKE).code == 0
    rows = json.loads(cli("show", "run", "--format", "json").out)["records"]
    assert [each["variant"] for each in rows if each["family"] == "conv-g4"] == ["32", "36", "40"]


@pytest.mark.parametrize(
    ("words", "family", "names"),
    [
        (("depthwise", "--in", "32..64:16", "--size", "14"), "depthwise", ["32", "48", "64"]),
        (("linear", "--in", "64", "--out", "32..64:16"), "linear", ["32", "48", "64"]),
        (("block", "shufflenet-v2", "--in", "31..64:11", "--size", "14", "--in", "32..64:16"), "", []),
        (("block", "shufflenet-v2", "--in", "32..64:16", "--size", "14"), "shufflenet-v2", ["32", "48", "64"]),
        (("shufflenet-v2", "--in", "32..64:16", "--size", "14"), "shufflenet-v2", ["32", "48", "64"]),
        (("conv", "--in", "32", "--out", "32..64:16", "--kernel", "3", "--stride", "2"), "conv", ["32", "48", "64"]),
        (("conv", "--in", "32", "--size", "7..21:7"), "conv", ["7", "14", "21"]),
    ],
)
def test_layers_and_blocks_are_swept_over_their_axes(
    cli: Cli, words: tuple[str, ...], family: str, names: list[str]
) -> None:
    found = cli("sweep", *words, *FAKE)
    if not family:
        assert found.code == 2  # an option twice
        return
    assert found.code == 0, found.err
    rows = json.loads(cli("show", "run", "--format", "json").out)["records"]
    assert [(each["family"], each["variant"]) for each in rows] == [(family, name) for name in names]


def test_a_callable_is_swept_over_its_parameters(cli: Cli) -> None:
    Path("sweptnet.py").write_text(
        "from torch import nn\n\ndef block(width, depth=1):\n"
        "    return nn.Sequential(*(nn.Conv2d(width, width, 1) for _ in range(depth)))\n"
    )
    options = ("--param", "width=8..24:8", "--param", "depth=1,2", "--input", "2x{width}x14x14")
    assert cli("sweep", "sweptnet:block", *options, *FAKE).code == 0
    rows = json.loads(cli("show", "run", "--format", "json").out)["records"]
    assert {each["batch"] for each in rows} == {2}  # that of the input
    assert [(each["family"], each["variant"]) for each in rows] == [
        (family, name) for family in ("block-d1", "block-d2") for name in ("8", "16", "24")
    ]


def test_an_input_that_no_width_takes_is_told_with_the_parameter_in_it(cli: Cli) -> None:
    Path("untold.py").write_text("from torch import nn\n\ndef block(width):\n    return nn.Conv2d(width, width, 1)\n")
    found = cli("sweep", "untold:block", "--param", "width=8..24:8", *FAKE)
    assert found.code == 4
    assert "takes its name: give --input 1x{width}x28x28, with sizes of your own" in found.err
    given = cli("sweep", "untold:block", "--param", "width=8..24:8", "--input", "1x4x14x14", *FAKE)
    assert given.code == 4
    assert "takes its name" not in given.err


def test_a_parameter_that_a_callable_does_not_have_is_said_once_with_the_nearest(cli: Cli) -> None:
    Path("typed.py").write_text("from torch import nn\n\ndef block(width):\n    return nn.Linear(width, width)\n")
    found = cli("sweep", "typed:block", "--param", "widht=8..64:8", "--input", "2x{widht}", *FAKE)
    assert found.code == 4
    assert "nothing was measured: 8, 16, 24, 32 and 4 more: " in found.err
    few = cli("sweep", "typed:block", "--param", "width=8,16", *FAKE)
    assert "has 2 valid values of width: give at least 3, such as width=32..256:8" in few.err
    assert "groups" not in few.err
    assert found.err.count("unknown parameter 'widht': did you mean width?") == 1


def test_the_input_of_a_callable_is_the_one_that_was_measured(cli: Cli) -> None:
    Path("exemplary.py").write_text(
        "import torch\nfrom torch import nn\n\ndef block(width):\n    return nn.Conv2d(3, width, 1)\n\n"
        "block.example_inputs = lambda batch: torch.randn(batch, 3, 12, 10)\n"
    )
    found = cli("sweep", "exemplary:block", "--param", "width=8..24:8", *FAKE)
    assert "block: all on 1×3×12×10" in found.out
    rows = json.loads(cli("show", "run", "--format", "json").out)["records"]
    assert {each["size"] for each in rows} == {10}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("conv",), "there is nothing to sweep over: give --in 32..256:8"),
        (("conv", "--in", "32,64"), "conv has 2 valid values of --in: give at least 3"),
        (("conv", "--in", "31..39:2", "--groups", "2"), "conv has 0 valid values of --in"),
        (("conf", "--in", "32..64:8"), "unknown thing to sweep 'conf': did you mean conv?"),
        (("block", "--in", "32..64:8"), "'block' is nothing to sweep: give conv, linear, depthwise, block NAME"),
        (("linear", "--in", "32..64:8", "--groups", "2"), "linear has no groups: leave --groups out"),
        (("mynet:block", "--in", "32..64:8"), "mynet:block has no parameters to sweep: give them"),
        (("resnet-50", "--param", "width=1..9"), "resnet-50 has no parameters: sweep package.module:callable"),
        (("mynet:block", "--param", "width"), "a parameter is NAME=NUMBERS, such as width=32..256:8, not 'width'"),
        (
            ("mynet:block", "--param", "width=1..9", "--input", "1x{depth}x3"),
            "names what --param does not sweep: it",
        ),
        (("conv", "--in", "1..10000:1"), "stands for more than"),
        (("conv", "--in", "1..64", "--out", "1..64"), "the sweep has more than 2000 points: give larger steps"),
        (("shufflenet-v2", "--in", "32..64:16", "--stride", "3"), "3"),
    ],
)
def test_what_cannot_be_swept_is_said_in_a_line(cli: Cli, words: tuple[str, ...], says: str) -> None:
    found = cli("sweep", *words, *FAKE)
    assert found.code == 2
    assert says in found.err
    assert found.err.count("\n") == 1
    assert not Path("run").exists()


def test_the_python_function_takes_ranges(tools: Callable[[], Tools], tmp_path: Path) -> None:
    run = benchcli.sweep(
        "conv", in_=range(32, 65, 16), groups=[1, 2], device="fake", launches=6, output=tmp_path / "run", tools=tools()
    )
    assert [each.variant.name for each in run.records] == ["32", "48", "64"] * 2
    with pytest.raises(benchcli.UserError, match=r"params are a mapping"):
        benchcli.sweep("conv", params=[1], tools=tools())  # type: ignore[arg-type]
