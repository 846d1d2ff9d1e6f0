"""What a stream can show, by its kind, its encoding and the variables."""

import io
import os
from collections.abc import Mapping

import pytest

from benchcli.reports.terminal import NARROWEST, USUAL, Screen, is_terminal, screen_of


class Stream(io.TextIOWrapper):
    """A stream that may call itself a terminal."""

    def __init__(self, terminal: bool = True, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, Screen(USUAL, colours=True, bars=True)),
        ({}, False, Screen()),
        ({"COLUMNS": "120"}, True, Screen(120, colours=True, bars=True)),
        ({"COLUMNS": "120"}, False, Screen()),
        ({"COLUMNS": "many"}, True, Screen(USUAL, colours=True, bars=True)),
        ({"COLUMNS": str(NARROWEST - 1)}, True, Screen(USUAL, colours=True, bars=True)),
        ({"NO_COLOR": "1"}, True, Screen(USUAL, bars=True)),
        ({"NO_COLOR": ""}, True, Screen(USUAL, colours=True, bars=True)),
        ({"FORCE_COLOR": "1"}, False, Screen(colours=True)),
        ({"FORCE_COLOR": "0"}, False, Screen()),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, Screen()),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, Screen(USUAL, bars=True)),
        ({"TERM": "dumb"}, True, Screen(USUAL, signs=False)),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, Screen(signs=False)),
        ({"TERM": "xterm"}, False, Screen()),
    ],
)
def test_variables_and_the_kind_of_stream_decide(
    environment: Mapping[str, str], terminal: bool, expected: Screen
) -> None:
    assert screen_of(Stream(terminal), environment) == expected


@pytest.mark.parametrize(
    ("encoding", "signs", "bars"),
    [("utf-8", True, True), ("ascii", False, False), ("cp1252", False, False), ("cp437", False, True)],
)
def test_an_encoding_without_signs_or_blocks_has_none(encoding: str, signs: bool, bars: bool) -> None:
    screen = screen_of(Stream(encoding=encoding), {})
    assert (screen.signs, screen.bars) == (signs, bars)


def test_a_terminal_tells_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream()
    monkeypatch.setattr(stream, "fileno", lambda: 1)
    monkeypatch.setattr(os, "get_terminal_size", lambda _descriptor: os.terminal_size((132, 40)))
    assert screen_of(stream, {}).width == 132
    assert screen_of(stream, {"COLUMNS": "90"}).width == 90


def test_a_closed_or_missing_stream_is_no_terminal() -> None:
    stream = Stream()
    stream.close()
    assert not is_terminal(None)
    assert screen_of(None, {}) == Screen()
    assert screen_of(Stream(False), {}) == Screen()
