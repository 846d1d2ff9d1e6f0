"""Several values of a setting on the command line are compared with the first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import benchcli
from benchcli.api.run_result import Run
from benchcli.cli.options import Parameter
from benchcli.schema.protocol import LAUNCH, Conversation, Task
from benchcli.settings import Setting
from benchcli.validation import Integer
from tests.conftest import Outcome, inline

Cli = Callable[..., Outcome]
Golden = Callable[[str, str], None]
NUMBERS = Setting("number", Integer(1, 1000), "", "a number", several=True)
NETWORKS = ("network", "shufflenet-v2-0.5x", "mobilenet-v1-0.25", "--device", "fake", "--runtime", "graph")


def test_settings_are_compared_and_stored(cli: Cli, golden: Golden) -> None:
    words = (*NETWORKS, "--dtype", "float32,float64", "--batch", "1..4:x4", "--size", "32", "--launches", "6")
    found = cli(*words, "--output", "run")
    assert found.code == 0
    golden("settings.table.txt", found.out)
    run = benchcli.load("run")
    assert isinstance(run, Run)
    assert (
        run.show().partition("Settings compared")[2].splitlines()[:11]
        == (found.out.partition("Settings compared")[2].splitlines()[:11])
    )


def test_speeds_are_per_image(cli: Cli) -> None:
    found = cli(*NETWORKS, "--batch", "8,16", "--size", "32", "--launches", "6", "--output", "run")
    assert found.code == 0
    run = benchcli.load("run")
    assert isinstance(run, Run)
    one, other = (record for record in run.records if record.variant.name == "shufflenet-v2-0.5x")
    assert one.timing
    assert other.timing
    assert other.timing.setting
    assert other.timing.setting.estimate == pytest.approx(
        16 / other.timing.seconds.estimate / (8 / one.timing.seconds.estimate), rel=1e-6
    )


def test_settings_share_a_process_and_threads_have_one_each(cli: Cli) -> None:
    tasks: list[Task] = []

    def noting(task: Task, silence_s: float) -> Conversation:
        tasks.append(task)
        return (yield from inline(task, silence_s))

    words = (*NETWORKS, "--dtype", "float32,float64", "--threads", "1,2", "--size", "32", "--launches", "2")
    assert cli(*words, "--output", "run", launcher=noting).code == 0
    launched = [(task.launch, task.target.threads, len(task.families)) for task in tasks if task.kind == LAUNCH]
    assert launched == [(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 2)]
    run = benchcli.load("run")
    assert isinstance(run, Run)
    assert [record.target.threads for record in run.records] == [1, 1, 2, 2, 1, 1, 2, 2]


def test_python_compares_settings_too(tools: Callable[..., Any]) -> None:
    run = benchcli.measure("g2", dtype=("float32", "float64"), threads=(1, 2), device="fake", launches=1, tools=tools())
    assert len(run.records) == 16
    assert len({record.family.first for record in run.records}) == 1


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1", (1,)),
        ("1,8", (1, 8)),
        ("1..4", (1, 2, 3, 4)),
        ("128..224:32", (128, 160, 192, 224)),
        ("1..32:x2", (1, 2, 4, 8, 16, 32)),
        ("1..20:x3,64", (1, 3, 9, 64)),
        ("4..4", (4,)),
    ],
)
def test_ranges_are_spelled_out(text: str, numbers: tuple[int, ...]) -> None:
    assert Parameter(NUMBERS).convert(text, None, None) == numbers


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("8..1", "write the smaller end first"),
        ("1..8:0", "goes nowhere"),
        ("1..8:x1", "goes nowhere"),
        ("0..8:x2", "goes nowhere"),
        ("1..", "write 128..224:32"),
        ("1...8", "write 128..224:32"),
        ("1..8:y2", "write 128..224:32"),
        ("1..999", "stands for more than 100 numbers"),
        ("1..2,2", "twice"),
    ],
)
def test_ranges_that_go_nowhere_are_answered(text: str, way_out: str) -> None:
    with pytest.raises(click.UsageError, match=way_out):
        Parameter(NUMBERS).convert(text, None, None)


@pytest.mark.parametrize("command", [("check", "quick"), ("device",), ("selftest",)])
def test_threads_are_compared_only_by_what_measures(cli: Cli, command: tuple[str, ...]) -> None:
    found = cli(*command, "--threads", "1,2")
    assert found.code == 2
    assert "the number of threads" in found.err


def test_a_resumed_comparison_measures_all_its_settings_again(cli: Cli) -> None:
    words = (*NETWORKS, "--batch", "8,16", "--size", "32", "--launches", "2")
    assert cli(*words, "--output", "run").code == 0
    path = Path("run/measurements.csv")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))  # the second setting was not reached
    resumed = cli(*words, "--resume", "run")
    assert resumed.code == 0
    run = benchcli.load("run")
    assert isinstance(run, Run)
    assert [bool(each.timing and each.timing.setting) for each in run.records] == [False, False, True, True]
