"""What stdout and stderr get: colours, bars of progress, and the time that is left."""

import io
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from benchcli.api.keywords import Progress, Tools
from benchcli.cli.output import reporting, time_left
from benchcli.reports.formats import table
from benchcli.reports.terminal import Screen
from tests.conftest import Outcome, in_process

KEPT = Path(__file__).parents[2] / "results" / "reference" / "blocks-epyc"
COMMAND = ("-m", "benchcli", "show", str(KEPT))
MEASURING = ("-m", "benchcli", "costs", "shufflenet-v2-0.5x", "--device", "fake")


FAKE = ("--device", "fake", "--launches", "6", "--output", "run")
SHOWN = {
    "guideline": (("guideline", "g3", "--width", "16", "--batch", "1,2", *FAKE), ("scale", "fragments", "speed")),
    "block": (
        ("block", "shufflenet-v2", "mobilenet-v2", "--width", "64", "--size", "28", *FAKE),
        ("block", "violates"),
    ),
    "network": (
        ("network", "mobilenet-v1-0.25", "mobilenet-v1-0.5", "--size", "32", "--breakdown", "--layers", *FAKE),
        ("network", "layer", "share"),
    ),
}
"""Commands, and words of their tables that no width takes away."""


@pytest.mark.parametrize("name", SHOWN)
def test_a_command_fits_the_terminal(cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    command, words = SHOWN[name]
    assert cli(*command).code == 0
    for width in (80, 100, 120):
        monkeypatch.setattr(table, "screen_of", lambda _stream, width=width: Screen(width, colours=True, bars=True))
        shown = re.sub(r"\x1b\[\d+m", "", cli("show", "run").out)
        assert max(map(cell_len, shown.splitlines())) <= width
        assert all(re.search(rf"\b{word}\b", shown) for word in (*words, "time", "relative"))
        if name == "guideline":
            assert ("left out" in shown) == (width < 120)


class Terminal(io.StringIO):
    """A stderr that calls itself a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.measured
def test_force_color_colours_a_pipe_and_draws_no_bar_and_no_color_wins() -> None:
    plain = in_process(*COMMAND, FORCE_COLOR="", NO_COLOR="", TERM="xterm")
    forced = in_process(*COMMAND, FORCE_COLOR="1", NO_COLOR="", TERM="xterm")
    both = in_process(*COMMAND, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm")
    dumb = in_process(*COMMAND, FORCE_COLOR="1", NO_COLOR="", TERM="dumb")
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout == both.stdout == dumb.stdout
    assert "\x1b[1m" in forced.stdout
    assert re.sub(r"\x1b\[\d+m", "", forced.stdout) == plain.stdout
    assert {each.stderr for each in (plain, forced, both, dumb)} == {""}
    worked = in_process(*MEASURING, FORCE_COLOR="1", NO_COLOR="", TERM="xterm")
    assert (worked.returncode, worked.stderr) == (0, "")
    assert "\x1b[1m" in worked.stdout


def progress_on(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, *steps: Progress) -> str:
    """Return what a stream gets of some steps of a run."""
    monkeypatch.setattr(sys, "stderr", stream)
    with reporting(Tools()) as told:
        for step in steps:
            told.observe(step)
    return stream.getvalue()


STEP = Progress("g2: launch 3 of at least 6", 14.0, 56.0)


def test_a_terminal_sees_the_step_and_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    shown = progress_on(Terminal(), monkeypatch, STEP)
    assert "g2: launch 3 of at least 6" in shown
    assert "at most 42 s left" in shown


def test_markup_and_control_characters_in_a_step_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    shown = progress_on(Terminal(), monkeypatch, Progress("[bold]x[/] \x1b[2J", 1.0, 2.0))
    assert "[bold]x[/] \\x1b[2J" in shown


def test_a_pipe_and_a_dumb_terminal_see_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert progress_on(io.StringIO(), monkeypatch, STEP) == ""
    monkeypatch.setenv("TERM", "dumb")
    assert progress_on(Terminal(), monkeypatch, STEP) == ""


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Progress("x", 1.0, 43.0), "at most 42 s left"),
        (Progress("x", 0.0, 125.0, is_estimate=True), "about 2 min 5 s left"),
        (Progress("x", 9.0, 7.0), "at most 0 s left"),
        (Progress("x", 9.0, math.inf), ""),
    ],
)
def test_the_time_that_is_left(step: Progress, text: str) -> None:
    assert time_left(step) == text
