"""What is missing, or stands elsewhere, is said with the way out."""

from collections.abc import Callable
from pathlib import Path

import pytest

import benchcli
from benchcli.backends.devices.base import DEVICES
from tests.conftest import Outcome

Cli = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("show", "a", "--pairwise"), "No such option '--pairwise': benchcli compare has it"),
        (
            ("predict", "resnet-50", "--runtime", "eager"),
            "No such option '--runtime': benchcli guideline, block, network",
        ),
        (("costs", "resnet-50", "-o", "a"), "No such option '-o'"),
        (("show", "a", "--tre"), "--tree"),
        (("check", "ci", "--budget", "5s"), "No such option '--budget': here it is --time-limit"),
        (("run", "--resume", "there"), "give the same command again, with its suite or its names, and --resume"),
        (("show",), "Give the folder of a run or check, such as results/<time>-<suite>-<host>"),
        (("report", "-o", "a.html"), "Give the folder of a run or check"),
    ],
)
def test_a_mistake_leads_to_what_was_meant(cli: Cli, arguments: tuple[str, ...], hint: str) -> None:
    found = cli(*arguments)
    assert found.code == 2
    assert hint in found.err
    assert found.err.count("\n") == 1


def test_an_option_that_no_command_has_is_just_unknown(cli: Cli) -> None:
    assert cli("show", "a", "--moon").err.endswith("No such option '--moon'.\n")


def test_a_pairwise_comparison_has_no_baseline(cli: Cli) -> None:
    assert cli("guideline", "g2", "--width", "16", "--device", "fake", "--launches", "6", "--output", "a").code == 0
    run = benchcli.load("a")
    assert isinstance(run, benchcli.api.run_result.Run)
    with pytest.raises(benchcli.UserError, match=r"use with_baseline\('g=4'\) for speeds relative to one"):
        run.pairwise(baseline="g=4")


def test_a_list_says_which_devices_and_runtimes_are_not_here(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = type(DEVICES["cuda"])
    monkeypatch.setattr(cuda, "is_seen", lambda _: False)
    out = cli("list", "runtimes").out
    (graph,) = (line for line in out.splitlines() if line.strip().startswith("graph"))
    assert graph.endswith("captured as a CUDA graph (cuda only), none seen on this machine")
    assert "none seen" not in next(line for line in out.splitlines() if line.strip().startswith("eager"))
    assert "CUDA GPU, none seen on this machine" in cli("list", "devices").out
    monkeypatch.setattr(cuda, "is_seen", lambda _: None)  # only torch can tell
    assert "CUDA GPU, none" not in cli("list", "devices").out


def test_a_run_over_its_budget_says_what_took_the_time(cli: Cli) -> None:
    words = ("network", "mobilenet-v1-0.25", "--size", "32", "--device", "fake", "--layers", "--budget", "1s")
    out = " ".join(cli(*words, "--output", "a").out.split())
    assert "3 s for a budget of 1 s: 6 launches 2 s; six launches are made in any case" in out
    assert "for a budget of" not in cli(*words[:-1], "1h", "--output", "b").out
    assert "for a budget of" not in cli(*words, "--launches", "1", "--output", "c").out
    assert Path("a").is_dir()
